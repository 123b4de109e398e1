//! `goldenpath-rds request`, as a workflow runs it.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Instant;

use crate::harness::{Answer, CATALOG, Repository, VARIABLES, package};

const FILE: &str = r#"environment = "dev"
identifier_prefix = "shared-db"

application_databases = {
  # Single sign-on.
  keycloak = { database_name = "keycloak", username = "keycloak_user" }
}
"#;

const KEYCLOAK: &str = r#"# Who owns what.
version: "1.0"
last_updated: "2026-01-01" # by whom, nobody knows
databases:
  keycloak: # single sign-on
    metadata:
      id: DATABASE_KEYCLOAK
      owner: platform-team
      requested_by: daniel-deans
      domain: identity
      risk: access
      environment: dev
      status: active
      created_date: "2026-01-01"
    configuration:
      username: keycloak_user
      size_tier: small
      instance_class: db.t3.micro
      secret_path: goldenpath/dev/keycloak/postgres
# The end.
"#;

const INVENTORY: &str = r#"  inventory_service:
    metadata:
      id: DATABASE_INVENTORY_SERVICE
      owner: app-team
      requested_by: daniel-deans
      domain: catalog
      risk: medium
      environment: dev
      status: pending
      created_date: "TODAY"
    configuration:
      username: inventory_user
      size_tier: small
      instance_class: db.t3.micro
      secret_path: goldenpath/dev/inventory_service/postgres
"#;

const ENTRY: &str = r#"  inventory_service = {
    database_name = "inventory_service"
    username      = "inventory_user"
  }
"#;

fn repository() -> Repository {
    let repository = Repository::with_variables(FILE);
    repository.write(CATALOG, KEYCLOAK);
    repository
}

/// The request of the documentation, with some flags changed.
fn request(repository: &Repository, changed: &[(&str, &str)]) -> Answer {
    let mut flags = vec![
        ("--env", "dev"),
        ("--database-name", "inventory_service"),
        ("--username", "inventory_user"),
        ("--owner", "app-team"),
        ("--requester", "daniel-deans"),
        ("--domain", "catalog"),
        ("--risk", "medium"),
        ("--size", "small"),
    ];
    for (flag, value) in changed {
        flags.retain(|(known, _)| known != flag);
        flags.push((flag, value));
    }
    let flags = flags.into_iter().flat_map(|(flag, value)| [flag, value]);
    repository.run(&["request"].into_iter().chain(flags).collect::<Vec<_>>())
}

/// The text with every date of this run replaced.
fn dateless(text: &str) -> String {
    let now = jiff::Timestamp::now();
    let a_moment_ago = now - jiff::SignedDuration::from_secs(60);
    let day = |time: jiff::Timestamp| time.strftime("%Y-%m-%d").to_string();
    text.replace(&day(now), "TODAY").replace(&day(a_moment_ago), "TODAY")
}

#[test]
fn a_request_is_added_to_both_files_and_every_other_byte_stays() {
    let repository = repository();
    request(&repository, &[]).expect(0).shows("Requested `inventory_service` in `dev`");
    let (before, after) = KEYCLOAK.split_once("# The end").expect("a catalog");
    let catalog = format!("{before}{INVENTORY}# The end{after}");
    assert_eq!(dateless(&repository.read(CATALOG)), catalog);
    let (before, _) = FILE.rsplit_once("}\n").expect("a map");
    assert_eq!(repository.read(VARIABLES), format!("{before}{ENTRY}}}\n"));
    repository.run(&["tfvars", "--env", "dev"]).expect(0).shows("inventory_service");
}

#[test]
fn the_same_request_again_changes_nothing() {
    let repository = repository();
    request(&repository, &[]).expect(0);
    // As if it had been made long ago.
    let catalog = repository.read(CATALOG).replace(&today(), "2026-01-02");
    repository.write(CATALOG, &catalog);
    let variables = repository.read(VARIABLES);
    request(&repository, &[]).expect(0).shows("No changes");
    assert_eq!((repository.read(CATALOG), repository.read(VARIABLES)), (catalog, variables));
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// What a run leaves that is killed between the two renames, in either order.
#[test]
fn a_half_written_request_is_completed_by_the_same_request() {
    let repository = repository();
    request(&repository, &[]).expect(0);
    let both = (repository.read(CATALOG), repository.read(VARIABLES));
    for (path, old) in [(VARIABLES, FILE), (CATALOG, KEYCLOAK)] {
        repository.write(path, old);
        request(&repository, &[]).expect(0).shows(path);
        assert_eq!((repository.read(CATALOG), repository.read(VARIABLES)), both, "{path}");
    }
}

/// Killed at any moment, a request leaves both files, neither, or the catalog alone; never half a file.
#[test]
fn a_killed_request_leaves_whole_files_and_is_completed_by_the_same_request() {
    let complete = repository();
    let since = Instant::now();
    request(&complete, &[]).expect(0);
    let whole = since.elapsed();
    let (catalog, variables) = (complete.read(CATALOG), complete.read(VARIABLES));
    let mut outcomes = std::collections::BTreeMap::new();
    for round in 0..80 {
        let repository = repository();
        repository.write("request.json", DOCUMENT);
        let mut command = repository.command(&["request", "--input", "request.json"]);
        let mut run = command.stdout(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(whole * round / 80);
        run.kill().expect("it can be killed");
        run.wait().expect("it ends");
        let has = (repository.read(CATALOG) == catalog, repository.read(VARIABLES) == variables);
        assert!(has.0 || repository.read(CATALOG) == KEYCLOAK, "half a catalog");
        assert!(has.1 || repository.read(VARIABLES) == FILE, "half a variable file");
        assert!(has != (false, true), "an entry without a record");
        *outcomes.entry(has).or_insert(0) += 1;
        request(&repository, &[]).expect(0);
        assert_eq!(
            (repository.read(CATALOG), repository.read(VARIABLES)),
            (catalog.clone(), variables.clone())
        );
    }
    println!("(catalog, variables) written: {outcomes:?}");
}

#[test]
fn a_request_that_contradicts_what_is_there_is_refused_with_both_sides() {
    let repository = repository();
    request(&repository, &[]).expect(0);
    let files = || (repository.read(CATALOG), repository.read(VARIABLES));
    let before = files();
    for (flag, value, says) in [
        ("--owner", "sre-team", "owner `app-team`, the request says `sre-team`"),
        (
            "--username",
            "other_user",
            "with username `inventory_user`, the request says `other_user`",
        ),
        (
            "--requester",
            "somebody-else",
            "requested_by `daniel-deans`, the request says `somebody-else`",
        ),
        ("--domain", "cost", "domain `catalog`, the request says `cost`"),
        ("--risk", "high", "risk `medium`, the request says `high`"),
        ("--username", "keycloak_user", "username `keycloak_user` is taken by entry `keycloak`"),
        (
            "--database-name",
            "stock",
            "username `inventory_user` is taken by entry `inventory_service`",
        ),
    ] {
        request(&repository, &[(flag, value)]).expect(3).says(says).says("nothing was written");
        assert_eq!(files(), before, "{flag} {value}");
    }
    request(&repository, &[("--owner", "sre-team")]).says(&format!("{CATALOG}:"));
}

/// `dev` has one size only.
#[test]
fn another_size_of_the_same_database_is_refused_with_both_sides() {
    let repository = repository();
    repository.write("envs/test-rds/terraform.tfvars", "application_databases = {}\n");
    request(&repository, &[("--env", "test"), ("--size", "medium")]).expect(0);
    let before = repository.read(CATALOG);
    request(&repository, &[("--env", "test"), ("--size", "large")])
        .expect(3)
        .says(&format!("{CATALOG}:32:18: `inventory_service` is in the catalog of `test` with size_tier `medium`, the request says `large`"));
    assert_eq!(repository.read(CATALOG), before);
}

#[test]
fn what_only_the_variable_file_has_counts_too() {
    let repository = Repository::with_variables(&FILE.replace("keycloak_user", "sso_user"));
    let keycloak = ("--database-name", "keycloak");
    request(&repository, &[keycloak]).expect(3).says(
        "envs/dev-rds/terraform.tfvars:6:55: database `keycloak` is there with username `sso_user`",
    );
    let under_another_key = FILE.replace("keycloak = {", "inventory_service = {");
    repository.write(VARIABLES, &under_another_key);
    request(&repository, &[])
        .expect(3)
        .says("key `inventory_service` is taken by database `keycloak`");
    assert_eq!(repository.read(CATALOG), "");
}

/// `cloak` is a part of `keycloak`, and `keycloak` stands in a comment here.
#[test]
fn a_name_that_is_part_of_another_is_not_taken_for_it() {
    let commented = FILE.replace("# Single", "# cloak = { } Single");
    let repository = Repository::with_variables(&commented);
    let (name, user) = (("--database-name", "cloak"), ("--username", "cloak_user"));
    request(&repository, &[name, user]).expect(0);
    repository.run(&["tfvars", "--env", "dev"]).expect(0).shows("database_name = \"cloak\"");
}

#[test]
fn all_problems_are_told_at_once_and_nothing_is_written() {
    let repository = repository();
    let answer = repository.run(&[
        "request",
        "--env",
        "qa",
        "--database-name",
        "Inventory-Service",
        "--username",
        "_user",
        "--owner",
        "nobody",
        "--requester",
        "Daniel Deans",
        "--risk",
        "highest",
        "--size",
        "huge",
    ]);
    let mut answer = answer.expect(1);
    for part in [
        "`environment` cannot be `qa`: schemas/metadata/enums.yaml has dev, prod, staging, test",
        "`database_name` cannot be `Inventory-Service`: allowed are lower-case letters",
        "`username` cannot be `_user`: a lower-case letter must come first",
        "`owner` cannot be `nobody`",
        "`requester` cannot be `Daniel Deans`: allowed are lower-case letters, digits and dashes",
        "`domain` is missing",
        "`risk` cannot be `highest`: known are none, low, medium, high, access",
        "`size` cannot be `huge`: known are small, medium, large, xlarge",
        "8 problems; nothing was done",
    ] {
        answer = answer.says(part);
    }
    assert_eq!(
        (repository.read(CATALOG).as_str(), repository.read(VARIABLES).as_str()),
        (KEYCLOAK, FILE)
    );
}

#[test]
fn names_of_the_server_and_too_long_ones_are_refused() {
    let repository = repository();
    let long = "a".repeat(64);
    for name in ["postgres", "rdsadmin", "pg_app", "template1", "public", &long] {
        request(&repository, &[("--database-name", name)])
            .expect(1)
            .says("`database_name` cannot be");
    }
    let longest = "a".repeat(63);
    request(&repository, &[("--database-name", &longest)]).expect(0);
}

#[test]
fn dev_takes_small_databases_only() {
    let repository = repository();
    request(&repository, &[("--size", "medium")])
        .expect(1)
        .says("`size` cannot be `medium`: environment `dev` takes small only");
}

#[test]
fn another_environment_gets_a_record_and_a_file_of_its_own() {
    let repository = repository();
    repository.write("envs/test-rds/terraform.tfvars", "application_databases = {}\n");
    request(&repository, &[]).expect(0);
    let dev = repository.read(CATALOG);
    let test = [("--env", "test"), ("--size", "large"), ("--owner", "sre-team")];
    request(&repository, &test).expect(0).shows("`inventory_service` in `test`");
    request(&repository, &test).expect(0).shows("No changes");
    let catalog = repository.read(CATALOG);
    let record = catalog.replace(&dev.replace("# The end.\n", ""), "");
    let expected = INVENTORY
        .replace("  inventory_service:", "  inventory_service-test:")
        .replace("INVENTORY_SERVICE", "INVENTORY_SERVICE-TEST")
        .replace("app-team", "sre-team")
        .replace("environment: dev", "environment: test")
        .replace("size_tier: small", "size_tier: large")
        .replace("db.t3.micro", "db.t3.medium")
        .replace("/dev/", "/test/");
    assert_eq!(dateless(&record), format!("{expected}# The end.\n"));
    assert_eq!(
        repository.read("envs/test-rds/terraform.tfvars"),
        format!("application_databases = {{\n{ENTRY}}}\n")
    );
    request(&repository, &[]).expect(0).shows("No changes");
}

#[test]
fn an_environment_without_a_folder_is_refused() {
    request(&repository(), &[("--env", "prod")])
        .expect(1)
        .says("there is no folder")
        .says("hint: there are: dev");
}

const DOCUMENT: &str = r#"{"environment": "dev", "database_name": "inventory_service", "username": "inventory_user",
"owner": "app-team", "requester": "daniel-deans", "domain": "catalog", "risk": "medium", "size": "small"}"#;

#[test]
fn a_request_comes_from_flags_a_document_or_a_workflow() {
    let by_flags = repository();
    request(&by_flags, &[]).expect(0);
    let by_document = repository();
    by_document.write("request.json", DOCUMENT);
    by_document.run(&["request", "--input", "request.json"]).expect(0);
    let by_event = repository();
    let inputs = DOCUMENT.replacen('{', r#"{"base_branch": "main", "#, 1);
    by_event.write("event.json", &format!(r#"{{"ref": "refs/heads/main", "inputs": {inputs}}}"#));
    by_event.run_with(&["request"], &[("GITHUB_EVENT_PATH", "event.json")]).expect(0);
    for other in [&by_document, &by_event] {
        assert_eq!(other.read(CATALOG), by_flags.read(CATALOG));
        assert_eq!(other.read(VARIABLES), by_flags.read(VARIABLES));
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_wrong_usage() {
    let repository = repository();
    repository.write("request.json", DOCUMENT);
    repository.write("event.json", "{\"action\": \"opened\"}");
    repository.run(&["request"]).expect(64).says("no request is given");
    repository.run(&["request", "--input", "request.json", "--owner", "app-team"]).expect(64);
    repository
        .run(&["request", "--input", "request.json", "--env", "prod"])
        .expect(64)
        .says("the request is for `dev`, --env is `prod`");
    repository
        .run_with(&["request"], &[("GITHUB_EVENT_PATH", "event.json")])
        .expect(64)
        .says("the event in event.json has no inputs");
}

#[test]
fn the_form_of_a_document_is_checked_with_the_rest() {
    let repository = repository();
    let document = DOCUMENT.replace("\"small\"", "1").replace("\"owner\"", "\"team\"");
    repository.write("request.json", &document);
    repository
        .run(&["request", "--input", "request.json"])
        .expect(1)
        .says("unknown field `team`")
        .says("`size` must be a text, found 1")
        .says("`owner` is missing")
        .says("3 problems");
}

#[test]
fn the_result_is_told_as_json_too() {
    let repository = repository();
    let answer = request(&repository, &[("--format", "json")]).expect(0);
    let told: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(told["changed_files"], serde_json::json!([CATALOG, VARIABLES]));
    assert_eq!(told["secret"], "goldenpath/dev/inventory_service/postgres");
}

#[test]
fn the_body_of_the_pull_request_tells_all_a_reviewer_needs() {
    let repository = repository();
    let risk = ("--risk", "access");
    request(&repository, &[risk, ("--pr-body", "body.md")]).expect(0);
    assert_eq!(repository.read("body.md"), include_str!("request/body.md"));
    for link in repository.read("body.md").split("](").skip(1) {
        let (path, _) = link.split_once(')').expect("a link ends");
        assert!(package().join(path).exists(), "{path} is linked, but not there");
    }
    // The same request again has the same body, so that a pull request can be opened anew.
    request(&repository, &[risk, ("--pr-body", "again.md")]).expect(0);
    assert_eq!(repository.read("again.md"), repository.read("body.md"));
}

#[test]
fn links_in_the_body_lead_to_the_repository_on_github() {
    let repository = repository();
    repository.write("request.json", DOCUMENT);
    let github =
        [("GITHUB_SERVER_URL", "https://github.com"), ("GITHUB_REPOSITORY", "acme/platform")];
    let arguments = ["request", "--input", "request.json", "--pr-body", "body.md"];
    repository.run_with(&arguments, &github).expect(0);
    assert!(
        repository
            .read("body.md")
            .contains("(https://github.com/acme/platform/blob/HEAD/docs/rds-request-flow.md)")
    );
}

#[test]
fn an_entry_that_would_not_count_is_refused() {
    let repository = repository();
    repository.write("envs/dev-rds/x.auto.tfvars", "application_databases = {}\n");
    request(&repository, &[])
        .expect(1)
        .says("`application_databases` is set in envs/dev-rds/x.auto.tfvars")
        .says("hint: move the map to envs/dev-rds/terraform.tfvars");
    assert_eq!(repository.read(CATALOG), KEYCLOAK);
}

#[test]
fn a_broken_file_is_refused_with_the_place() {
    let repository = repository();
    repository.write(CATALOG, &KEYCLOAK.replace("risk: access", "risk: acces"));
    request(&repository, &[]).expect(1).says("rds-catalog.yaml:11:13: `acces` is no risk");
    repository.write(CATALOG, &KEYCLOAK.replace("  keycloak: #", "\tkeycloak: #"));
    request(&repository, &[]).expect(1).says("rds-catalog.yaml:5:2: YAML: ");
    repository.write(CATALOG, KEYCLOAK);
    repository.write(VARIABLES, &FILE.replace("}\n}", "}\n"));
    request(&repository, &[]).expect(1).says("envs/dev-rds/terraform.tfvars:4:");
    assert_eq!(repository.read(CATALOG), KEYCLOAK);
}

/// Names that YAML would take for something else than a text.
#[test]
fn words_of_yaml_are_names_like_any_other() {
    let repository = repository();
    for (name, requester) in [("null", "1e3"), ("yes", "-"), ("true", "0x1f"), ("on", "null")] {
        let user = format!("{name}_user");
        let flags = [("--database-name", name), ("--requester", requester), ("--username", &user)];
        request(&repository, &flags).expect(0).shows("Requested");
        request(&repository, &flags).expect(0).shows("No changes");
    }
}

#[test]
fn a_missing_catalog_and_an_empty_map_come_into_being() {
    let repository = Repository::with_variables("# nothing yet");
    request(&repository, &[]).expect(0);
    assert_eq!(dateless(&repository.read(CATALOG)), include_str!("request/new-catalog.yaml"));
    assert_eq!(
        repository.read(VARIABLES),
        format!("# nothing yet\napplication_databases = {{\n{ENTRY}}}\n")
    );
}

#[test]
fn permissions_and_links_stay() {
    let repository = repository();
    let real = repository.path("envs/dev-rds/real");
    std::fs::rename(repository.path(VARIABLES), &real).expect("renamed");
    std::os::unix::fs::symlink("real", repository.path(VARIABLES)).expect("a link");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).expect("permissions");
    request(&repository, &[]).expect(0);
    assert!(repository.path(VARIABLES).is_symlink());
    let mode = std::fs::metadata(&real).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert!(repository.read("envs/dev-rds/real").contains("inventory_service"));
    assert_eq!(std::fs::read_dir(repository.path("envs/dev-rds")).expect("a folder").count(), 2);
}
