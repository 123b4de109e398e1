//! `goldenpath-rds tfvars`, as run in a shell.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

const FILE: &str = r#"environment = "dev"
application_databases = {
  keycloak = { database_name = "keycloak", username = "keycloak_user", connection_limit = 20 }
}
"#;

fn run(root: &Path, args: &[&str]) -> Output {
    let folder = root.join("envs/dev-rds");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("terraform.tfvars"), FILE).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_goldenpath-rds"));
    command.args(["tfvars", "--env", "dev", "--root"]).arg(root).args(args);
    command.env("NO_COLOR", "1").output().expect("the program")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Of the values on the two sides of the verb clap keeps those after it.
#[test]
fn a_flag_on_both_sides_of_the_verb_is_refused() {
    let root = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_goldenpath-rds"));
    command.args(["--var-file", "a.tfvars", "tfvars", "--env", "dev", "--var-file=b.tfvars"]);
    let refused = command.output().expect("the program");
    assert_eq!(refused.status.code(), Some(64));
    let told = text(&refused.stderr);
    assert!(told.contains("--var-file stands before and after the verb"), "{told}");
    let twice = run(root.path(), &["--var", "a=1", "--var", "b=2"]);
    assert_eq!(twice.status.code(), Some(0), "{}", text(&twice.stderr));
}

#[test]
fn shows_each_entry_with_its_place() {
    let root = tempfile::tempdir().expect("a folder");
    let shown = run(root.path(), &[]);
    assert_eq!(
        text(&shown.stdout),
        r#"keycloak  envs/dev-rds/terraform.tfvars:3:3
  connection_limit = 20
  database_name = "keycloak"
  username = "keycloak_user"
"#,
        "{}",
        text(&shown.stderr)
    );
}

#[test]
fn shows_what_wins_as_json() {
    let root = tempfile::tempdir().expect("a folder");
    let databases = r#"application_databases={ b = { database_name = "b", username = "b" } }"#;
    let shown = run(root.path(), &["--json", "--var", databases]);
    let document: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let value = json!({
        "access_level": null, "connection_limit": null, "createdb": null,
        "database_name": "b", "extensions": null, "username": "b",
    });
    assert_eq!(document["application_databases"]["b"]["value"], value);
    assert_eq!(document["application_databases"]["b"]["file"], "--var application_databases");
    assert_eq!(document["variables"]["environment"], "envs/dev-rds/terraform.tfvars");
    assert_eq!(shown.status.code(), Some(0));
}

#[test]
fn says_what_is_wrong_and_fails() {
    let root = tempfile::tempdir().expect("a folder");
    let databases = "application_databases={ b = { user = 1 } }";
    let shown = run(root.path(), &["--var", databases, "--var", "environment=prod"]);
    assert_eq!(shown.status.code(), Some(1));
    assert_eq!(text(&shown.stdout), "");
    for part in [
        "attribute `database_name` is missing",
        "unknown attribute `user`",
        "--env is `dev`",
        "4 problems",
    ] {
        assert!(text(&shown.stderr).contains(part), "{part}: {}", text(&shown.stderr));
    }
}
