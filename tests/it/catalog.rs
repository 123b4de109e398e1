//! `goldenpath-rds catalog check` and `apply --update-catalog`.

use serde_json::{Value, json};

use crate::harness::{CATALOG, Repository, Stack, VARIABLES, package};

const TWO: &str = r#"application_databases = {
  app   = { database_name = "app", username = "app_user" }
  other = { database_name = "other", username = "other_user" }
}
"#;

fn record(name: &str, status: &str) -> String {
    format!(
        "  {name}: # of {name}
    metadata:
      id: DATABASE_{name}
      owner: app-team
      requested_by: daniel-deans
      domain: catalog
      risk: medium
      environment: dev
      status: {status} # set by apply
      created_date: \"2026-01-15\"
    configuration:
      username: {name}_user
      size_tier: small
      instance_class: db.t3.micro
      secret_path: goldenpath/dev/{name}/postgres
"
    )
}

fn catalog(records: &[String]) -> String {
    format!("# Kept.\nlast_updated: \"2026-01-15\"\ndatabases:\n{}# The end.\n", records.concat())
}

fn repository(records: &[String]) -> Repository {
    let repository = Repository::with_variables(TWO);
    repository.write(CATALOG, &catalog(records));
    repository
}

#[test]
fn files_that_agree_are_complete() {
    let repository = repository(&[record("app", "active"), record("other", "pending")]);
    repository
        .run(&["catalog", "check"])
        .expect(0)
        .shows("All sides agree; 2 of 2 databases (100 %) have an owner, a domain and a risk.");
}

#[test]
fn what_one_file_lacks_and_what_they_differ_in_is_listed() {
    let app = record("app", "active")
        .replace("app_user", "old_user")
        .replace("db.t3.micro", "db.r6g.large");
    let repository = repository(&[
        app,
        record("gone", "active"),
        record("app-prod", "active").replace(": dev", ": prod").replace("app-prod_", "app_"),
    ]);
    repository
        .run(&["catalog", "check"])
        .expect(2)
        .shows(&format!("database app: username is `old_user` in the catalog, `app_user` in the variable files ({CATALOG}:15:17)"))
        .shows("database app: instance_class is `db.r6g.large` in the catalog, `db.t3.micro` in the table of sizes")
        .shows(&format!("database gone: missing in the variable files, is in the catalog ({CATALOG}:19:3)"))
        .shows("database other: missing in the catalog, is in the variable files")
        .shows("database other: no owner, no domain, no risk is said")
        .shows("environment `prod`\n  ! database app: missing in the variable files, is in the catalog")
        .shows("5 disagreements; 1 of 2 databases (50 %) have an owner, a domain and a risk.");
    let dev = repository.run(&["catalog", "check", "--env", "dev"]).expect(2);
    assert!(!dev.stdout.contains("prod"), "{}", dev.stdout);
}

/// What this repository itself says.
#[test]
fn the_catalog_of_this_repository_is_complete() {
    let root = package().to_str().expect("a path");
    repository(&[]).run(&["catalog", "check", "--root", root]).expect(0).shows("(100 %)");
}

#[test]
fn a_database_without_an_owner_is_no_100_percent() {
    let repository = repository(&[
        record("app", "active").replace("      owner: app-team\n", "").replace("medium", ""),
        record("other", "active"),
    ]);
    repository
        .run(&["catalog", "check"])
        .expect(2)
        .shows("  ! database app: no owner, no risk is said\n")
        .shows("All sides agree; 1 of 2 databases (50 %)");
}

#[test]
fn an_owner_that_is_no_team_is_listed() {
    let app = record("app", "active").replace("app-team", "nobody");
    repository(&[app, record("other", "active")])
        .run(&["catalog", "check"])
        .expect(2)
        .shows(&format!(
            "database app: owner `nobody` is not in schemas/metadata/enums.yaml ({CATALOG}:7:14)"
        ))
        .shows("1 disagreement; 2 of 2 databases (100 %)");
}

/// What each record has to say, and may say, with its place.
#[test]
fn rules_that_a_record_breaks_are_told() {
    let app = record("app", "").replace("      requested_by: daniel-deans\n", "");
    let other = record("other", "active").replace("DATABASE_other", "DATABASE_app");
    let prod = record("other-prod", "active").replace(": dev", ": prod").replace("small", "large");
    let prod = prod.replace("DATABASE_other-prod", "DATABASE_app").replace("-prod_user", "_user");
    let repository = repository(&[
        app.replace("small", "large"),
        other.replace("small", "~"),
        prod.replace("      created_date: \"2026-01-15\"\n", ""),
    ]);
    let answer = repository.run(&["catalog", "check"]).expect(2);
    for (what, line, column) in [
        ("database app: no requested_by is said", 4, 3),
        ("database app: no status is said", 11, 13),
        ("database app: size_tier is `large`, its environment takes small only", 15, 18),
        ("database other: no size_tier is said", 30, 18),
        ("database other: no created_date is said", 33, 3),
    ] {
        let told = format!("  ! {what} ({CATALOG}:{line}:{column})\n");
        assert!(answer.stdout.contains(&told), "{told}{}", answer.stdout);
    }
    let told = format!("database other: id `DATABASE_app` is that of `app` at {CATALOG}:6:11, too");
    let answer = answer.shows(&format!("{told} ({CATALOG}:20:11)\n"));
    answer.shows(&format!("{told} ({CATALOG}:35:11)\n"));
    // Where only one of two environments is looked at, it is told there.
    let told =
        format!("database app: id `DATABASE_app` is that of `other-prod` at {CATALOG}:35:11");
    repository.run(&["catalog", "check", "--env", "dev"]).expect(2).shows(&told);
}

/// Other commands go by the status, so that they would go wrong.
#[test]
fn a_status_that_nobody_knows_is_an_error_with_its_place() {
    repository(&[record("app", "done"), record("other", "active")])
        .run(&["catalog", "check"])
        .expect(1)
        .says(&format!("{CATALOG}:12:15: `done` is no status"))
        .says("hint: known are pending, active, failed, deprecated");
}

#[test]
fn each_format_tells_the_same() {
    let repository = repository(&[record("app", "active")]);
    let answer = repository.run(&["catalog", "check", "--format", "json"]).expect(2);
    let told: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(
        told,
        json!({"format_version": "1.0", "governance": {"managed": 2, "governed": 1}, "environments": [{
            "environment": "dev",
            "findings": [{"subject": "database other", "kind": "missing", "from": "catalog", "is_in": "variables"}],
            "databases": {"app": [], "other": ["owner", "domain", "risk"]},
        }]})
    );
    repository
        .run(&["catalog", "check", "--format", "markdown"])
        .expect(2)
        .shows("**1 disagreement; 1 of 2 databases (50 %)")
        .shows("- database other: missing in the catalog, is in the variable files");
    repository
        .run(&["catalog", "check", "--format", "github"])
        .expect(2)
        .shows("::warning title=RDS catalog::database other: missing in the catalog");
}

#[test]
fn live_needs_an_environment_and_a_broken_file_is_an_error() {
    let repository = repository(&[]);
    repository.run(&["catalog", "check", "--live"]).expect(64).says("--live needs --env");
    repository.write(VARIABLES, "application_databases = {\n");
    repository
        .run(&["catalog", "check"])
        .expect(1)
        .says("envs/dev-rds/terraform.tfvars:2:1: `{` is never closed");
}

async fn stack() -> Stack {
    let stack = Stack::new("").await;
    let enums = "schemas/metadata/enums.yaml";
    let text = std::fs::read_to_string(package().join(enums)).expect("the package has it");
    stack.write(enums, &text);
    stack.write(VARIABLES, TWO);
    stack.write(CATALOG, &catalog(&[record("app", "pending"), record("other", "pending")]));
    stack
}

fn read(stack: &Stack) -> String {
    std::fs::read_to_string(stack.root().join(CATALOG)).expect("the catalog")
}

const CHECK: [&str; 5] = ["catalog", "check", "--live", "--env", "dev"];
const APPLY: [&str; 5] = ["apply", "--env", "dev", "--auto-approve", "--update-catalog"];

#[tokio::test]
async fn apply_makes_pending_records_active_and_keeps_every_comment() {
    let stack = stack().await;
    stack.run(&CHECK).expect(0).shows("All sides agree; 2 of 2 databases (100 %)");
    stack.run(&APPLY).expect(0).says("catalog: app is active\n").says("catalog: other is active\n");
    let expected = catalog(&[record("app", "active"), record("other", "active")]);
    assert_eq!(read(&stack), expected);
    stack.run(&CHECK).expect(0).shows("All sides agree; 2 of 2 databases (100 %)");
    stack.run(&APPLY).expect(0).shows("No changes");
    assert_eq!(read(&stack), expected);
}

/// A run that was killed before it could write the catalog is made good by the next one.
#[tokio::test]
async fn a_status_that_fell_behind_is_seen_and_brought_up_to_date() {
    let stack = stack().await;
    stack.converge();
    stack
        .run(&CHECK)
        .expect(2)
        .shows("database app: status is `pending` in the catalog, `active` on the server");
    stack.run(&APPLY).expect(0).says("catalog: app is active");
    stack.run(&CHECK).expect(0);
}

#[tokio::test]
async fn a_database_without_a_record_is_named() {
    let stack = stack().await;
    stack.write(CATALOG, &catalog(&[record("app", "pending")]));
    let told = "catalog: docs/20-contracts/resource-catalogs/rds-catalog.yaml has no entry for database \"other\"\n";
    stack.run(&APPLY).expect(0).says("catalog: app is active\n").says(told);
    stack.run(&CHECK).expect(2).shows("database other: missing in the catalog");
}

#[tokio::test]
async fn a_failure_is_written_too_and_an_obstacle_leaves_the_record_as_it_is() {
    let stack = stack().await;
    // The first database is someone else's, the second one cannot be created.
    stack.sql("postgres", "CREATE DATABASE app").await;
    stack.sql("postgres", "ALTER ROLE platform_admin NOCREATEDB").await;
    stack.run(&APPLY).expect(1).says("catalog: other is failed\n");
    let statuses = |app: &str, other: &str| {
        let text = read(&stack);
        let lines: Vec<_> = text.lines().filter(|line| line.contains("status:")).collect();
        assert_eq!(
            lines,
            [app, other].map(|status| format!("      status: {status} # set by apply"))
        );
    };
    statuses("pending", "failed");
    stack.sql("postgres", "ALTER ROLE platform_admin CREATEDB").await;
    stack.run(&APPLY).expect(3).says("catalog: other is active\n");
    statuses("pending", "active");
    stack.sql("postgres", "DROP DATABASE app").await;
    stack.run(&APPLY).expect(0).says("catalog: app is active\n");
    statuses("active", "active");
}

/// It is counted as not governed, and tags that a catalog once asked for are no contradiction.
#[tokio::test]
async fn what_the_catalog_no_longer_says_is_no_disagreement() {
    let stack = stack().await;
    stack.run(&APPLY).expect(0);
    let app = record("app", "active").replace("      owner: app-team\n", "");
    stack.write(CATALOG, &catalog(&[app, record("other", "active")]));
    stack.converge();
    stack
        .run(&CHECK)
        .expect(2)
        .shows("database app: no owner is said")
        .shows("All sides agree; 1 of 2 databases (50 %)");
}

#[tokio::test]
async fn what_server_and_secrets_lack_or_have_besides_is_listed() {
    let stack = stack().await;
    stack.run(&APPLY).expect(0);
    stack.sql("postgres", "DROP DATABASE other").await;
    let secret = "goldenpath/dev/app/postgres";
    stack
        .secrets
        .delete_secret()
        .secret_id(secret)
        .force_delete_without_recovery(true)
        .send()
        .await
        .expect("deleted");
    stack
        .run(&CHECK)
        .expect(2)
        .shows("database other: missing on the server, is in the variable files")
        .shows("secret goldenpath/dev/app/postgres: missing in Secrets Manager, is in the variable files");
    stack.run(&APPLY).expect(0);
    let tag = aws_sdk_secretsmanager::types::Tag::builder().key("Owner").value("nobody").build();
    stack.secrets.tag_resource().secret_id(secret).tags(tag).send().await.expect("tagged");
    stack.write(VARIABLES, &TWO.replace("  other", "  # other"));
    stack.write(CATALOG, &catalog(&[record("app", "active")]));
    stack
        .run(&CHECK)
        .expect(2)
        .shows("secret goldenpath/dev/app/postgres: Owner is `app-team` in the catalog, `nobody` in Secrets Manager")
        .shows("database other: missing in the variable files, is on the server")
        .shows("role other_user: missing in the variable files, is on the server")
        .shows("secret goldenpath/dev/other/postgres: missing in the variable files, is in Secrets Manager")
        .shows("database other: no owner, no domain, no risk is said")
        .shows("1 of 2 databases (50 %)");
}
