//! Requests that stand in the variable files.

use super::history::{RULES, TEAMS, approvals, commit, git, labelled, opened, record};
use crate::harness::{CATALOG, Repository, VARIABLES};

const KEYCLOAK: &str = "  keycloak:
    metadata: {owner: platform-team, environment: dev, risk: access, status: active}
    configuration: {username: keycloak_user, size_tier: small}
";

const OWNER: &str = r#"  keycloak = { database_name = "keycloak", username = "keycloak_user" }
"#;

const READER: &str = r#"  bi = { database_name = "keycloak", username = "bi", access_level = "reader" }
"#;

fn map(entries: &[&str]) -> String {
    format!("application_databases = {{\n{}}}\n", entries.concat())
}

/// A repository whose `main` has keycloak, with these entries.
fn begun(entries: &[&str], records: &[&str]) -> Repository {
    let repository = Repository::with_variables(&map(entries));
    repository.write(RULES, TEAMS);
    repository.write(CATALOG, &format!("databases:\n{}", records.concat()));
    git(&repository, &["init", "--quiet", "--initial-branch=main"]);
    commit(&repository);
    git(&repository, &["checkout", "--quiet", "-b", "request"]);
    repository
}

/// What it says of a branch that changes the entries of `dev`, and nothing else.
#[track_caller]
fn changed(before: &[&str], after: &[&str]) -> String {
    let repository = begun(before, &[KEYCLOAK]);
    repository.write(VARIABLES, &map(after));
    commit(&repository);
    labelled(&repository, &["platform-approval"], &[]).expect(0);
    approvals(&repository, &opened(&[]), &[]).expect(3).stdout
}

#[track_caller]
fn says(text: &str, part: &str) {
    assert!(text.contains(part), "`{part}` is not in:\n{text}");
}

#[test]
fn access_to_the_database_of_another_team_is_a_request() {
    let text = changed(&[OWNER], &[OWNER, READER]);
    says(
        &text,
        "bi: reader on keycloak (owner platform-team) in dev (new, size small, risk access): tier platform-approval\n  \
         envs/dev-rds/terraform.tfvars:3:3\n  ! platform-team: has not approved\n\nThe request is not approved yet.\n",
    );
    let raised = READER.replace("reader", "editor");
    says(
        &changed(&[OWNER, READER], &[OWNER, &raised]),
        "bi: editor on keycloak (owner platform-team) in dev (changed: access_level, size small, risk access)",
    );
    says(
        &changed(&[OWNER, READER], &[OWNER]),
        "bi: reader on keycloak (owner platform-team) in dev (removed, size small, risk access)",
    );
}

#[test]
fn what_an_entry_asks_for_is_a_request_as_a_whole() {
    for (more, field) in [
        ("createdb = true", "createdb"),
        ("extensions = [\"postgis\"]", "extensions"),
        ("connection_limit = 5", "connection_limit"),
    ] {
        let entry = OWNER.replace(" }", &format!(", {more} }}"));
        says(
            &changed(&[OWNER], &[&entry]),
            &format!("keycloak in dev (changed: {field}, size small, risk access)"),
        );
    }
    let renamed = OWNER.replace("keycloak_user", "other_user");
    says(&changed(&[OWNER], &[&renamed]), "keycloak in dev (changed: username, size small");
    let other_key = OWNER.replacen("keycloak", "kc", 1);
    says(&changed(&[OWNER], &[&other_key]), "keycloak in dev (changed: entry's key, size small");
    says(&changed(&[OWNER], &[]), "keycloak in dev (changed: entry removed, size small");
    says(&changed(&[], &[OWNER]), "keycloak in dev (changed: entry added, size small");
}

/// One role takes the place of the other: both entries are looked at.
#[test]
fn a_level_raised_to_owner_is_seen_on_both_sides() {
    let owner = OWNER.replacen("keycloak", "kc", 1);
    let down = owner.replace(" }", ", access_level = \"reader\" }");
    let text = changed(&[&owner, READER], &[&down, &READER.replace("reader", "owner")]);
    says(&text, "keycloak in dev (changed: entry's key, username, size small");
    says(&text, "bi: reader on keycloak (owner platform-team) in dev (removed");
    says(&text, "kc: reader on keycloak (owner platform-team) in dev (new");
    says(&text, "3 of 3 requests are not approved yet.");
}

#[test]
fn a_database_that_the_catalog_does_not_have_needs_all_teams() {
    let repository = begun(&[OWNER], &[KEYCLOAK]);
    let shop = r#"  shop = { database_name = "shop", username = "shop_user", createdb = true }
"#;
    repository.write(VARIABLES, &map(&[OWNER, shop]));
    commit(&repository);
    labelled(&repository, &["platform-approval"], &[])
        .expect(3)
        .shows("shop in dev (new with createdb, size not said, risk not said): tier platform-and-security, since the catalog does not have the database\n")
        .shows("! security-team: has not approved");

    // Taking the record away makes nothing of what else is changed.
    repository.write(VARIABLES, &map(&[OWNER, READER]));
    repository.write(CATALOG, "databases: {}\n");
    commit(&repository);
    labelled(&repository, &["platform-approval"], &[])
        .expect(3)
        .shows("bi: reader on keycloak (owner not said) in dev (new, size not said")
        .shows("keycloak in dev (changed: record removed, size not said")
        .shows("! database-team: has not approved");
}

#[test]
fn a_size_is_judged_as_the_change_leaves_it_and_a_lowered_one_as_it_was_too() {
    let repository = begun(&[OWNER], &[KEYCLOAK]);
    let raised = KEYCLOAK.replace("small", "large");
    repository.write(CATALOG, &format!("databases:\n{raised}"));
    commit(&repository);
    labelled(&repository, &["platform-approval"], &[])
        .expect(3)
        .shows("keycloak in dev (changed: size_tier, size large, risk access): tier platform-and-security\n")
        .shows("! security-team: has not approved");
    // Who makes it smaller first is not rid of the teams that answer for it as it is.
    git(&repository, &["branch", "--quiet", "--force", "main", "request"]);
    repository.write(CATALOG, &format!("databases:\n{KEYCLOAK}"));
    repository.write(VARIABLES, &map(&[OWNER, READER]));
    commit(&repository);
    let why = "risk access): tier platform-and-security, since it was large before\n";
    labelled(&repository, &["platform-approval"], &[])
        .expect(3)
        .shows(&format!("keycloak in dev (changed: size_tier, size small, {why}"))
        .shows(&format!(
            "bi: reader on keycloak (owner platform-team) in dev (new, size small, {why}"
        ));
}

/// What `apply` writes is nobody's request; what stops it from writing is.
#[test]
fn a_status_set_by_hand_is_a_request() {
    for (before, after, code) in [
        ("pending", "active", 0),
        ("pending", "failed", 0),
        ("failed", "active", 0),
        ("active", "deprecated", 3),
        ("pending", "deprecated", 3),
        ("active", "pending", 3),
    ] {
        let with = |status: &str| KEYCLOAK.replace("active", status);
        let repository = begun(&[OWNER], &[&with(before)]);
        repository.write(CATALOG, &format!("databases:\n{}", with(after)));
        commit(&repository);
        let answer = approvals(&repository, &opened(&[]), &[]).expect(code);
        assert_eq!(answer.stdout.contains("(changed: status,"), code == 3, "{}", answer.stdout);
    }
}

#[test]
fn record_and_entry_of_a_database_are_one_request() {
    let repository = begun(&[OWNER], &[KEYCLOAK]);
    let record =
        record("shop", "dev", "small").replace("{size_tier", "{username: shop_user, size_tier");
    let entry = r#"  shop = { database_name = "shop", username = "shop_user" }
"#;
    let write = |record: &str, entry: &str| {
        repository.write(CATALOG, &format!("databases:\n{KEYCLOAK}{record}"));
        repository.write(VARIABLES, &map(&[OWNER, entry]));
        commit(&repository);
    };
    write(&record, entry);
    approvals(&repository, &opened(&[]), &[])
        .expect(3)
        .shows("shop in dev (new, size small, risk medium): tier platform-approval\n")
        .shows(&format!("  {CATALOG}:5:3\n  {VARIABLES}:3:3\n"))
        .shows("\n\nThe request is not approved yet.\n");
    git(&repository, &["branch", "--quiet", "--force", "main", "request"]);
    write(&record.replace("shop_user", "other"), &entry.replace("shop_user", "other"));
    approvals(&repository, &opened(&[]), &[])
        .expect(3)
        .shows("shop in dev (changed: username, size small")
        .shows("The request is not approved yet.");
}

/// Every file that an apply reads, and every environment.
#[test]
fn every_variable_file_of_every_environment_is_read() {
    for (path, text) in [
        ("envs/dev-rds/x.auto.tfvars", map(&[OWNER, READER])),
        (
            "envs/dev-rds/terraform.tfvars.json",
            r#"{"application_databases": {"bi": {"database_name": "keycloak", "username": "bi"}}}"#
                .to_owned(),
        ),
        ("envs/prod-rds/terraform.tfvars", map(&[OWNER])),
    ] {
        let repository = begun(&[OWNER], &[KEYCLOAK]);
        repository.write(path, &text);
        commit(&repository);
        approvals(&repository, &opened(&[]), &[]).expect(3).shows(path);
    }
    // The local stack is thrown away, and other files say nothing.
    let repository = begun(&[OWNER], &[KEYCLOAK]);
    repository.write("envs/local-rds/terraform.tfvars", &map(&[OWNER]));
    repository.write("envs/dev-rds/main.tf", "# x\n");
    repository.write("envs/test-rds/main.tf", "# x\n");
    repository.write("envs/dev/terraform.tfvars", "cluster = 1\n");
    repository.write(VARIABLES, &map(&[OWNER, "  # a remark\n"]));
    commit(&repository);
    approvals(&repository, &opened(&[]), &[]).expect(0).shows("No database is requested");
}

/// What attributes leave out of an archive is applied all the same.
#[test]
fn attributes_hide_nothing() {
    let repository = begun(&[OWNER], &[KEYCLOAK]);
    repository.write(".gitattributes", "envs/** export-ignore\n");
    repository.write(VARIABLES, &map(&[OWNER, READER]));
    commit(&repository);
    approvals(&repository, &opened(&[]), &[]).expect(3).shows("bi: reader on keycloak");
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_place() {
    let error = |path: &str, text: &str| {
        let repository = begun(&[OWNER], &[KEYCLOAK]);
        repository.write(path, text);
        commit(&repository);
        approvals(&repository, &opened(&[]), &[]).expect(1)
    };
    error(VARIABLES, "application_databases = {\n  bi = {\n")
        .says("envs/dev-rds/terraform.tfvars:");
    error(VARIABLES, &map(&[OWNER, &READER.replace("reader", "king")]))
        .says("envs/dev-rds/terraform.tfvars:3:")
        .says("`access_level` cannot be \"king\"")
        .says(": envs/dev-rds: 1 problem; nothing was done\n");
    error(CATALOG, "databases: [").says("rds-catalog.yaml:");
    error("envs/prod-rds/terraform.tfvars", "environment = \"dev\"\napplication_databases = {}\n")
        .says("envs/prod-rds/terraform.tfvars:1:15");
}

#[test]
fn links_are_followed_inside_the_commit_only() {
    let link = |path: &str, target: &str| {
        let repository = begun(&[OWNER], &[KEYCLOAK]);
        std::fs::create_dir_all(repository.path("envs/common")).expect("a folder");
        repository.write("envs/common/x", &map(&[OWNER, READER]));
        let path = repository.path(path);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(target, path).expect("a link");
        commit(&repository);
        approvals(&repository, &opened(&[]), &[])
    };
    link(VARIABLES, "../common/x").expect(3).shows("bi: reader on keycloak");
    let out = "is a link that leads out of the repository\n";
    link("envs/dev-rds/x.auto.tfvars", "../../../elsewhere").expect(1).says(out);
    link(VARIABLES, "/proc/self/environ").expect(1).says(out);
    link(VARIABLES, "../common/none")
        .expect(1)
        .says("is a link to envs/common/none, which is no file");
    link(VARIABLES, "terraform.tfvars").expect(1).says("is a link to a link, again and again");
    link("envs/prod-rds", "dev-rds").expect(1).says("envs/prod-rds of commit ").says("no folder");
}
