//! No password is anywhere but in Secrets Manager.

use std::path::Path;

use crate::harness::{ENV, Stack};

#[tokio::test]
async fn no_password_is_in_a_log_a_plan_an_audit_or_any_file() {
    let settings = ["log_statement=all", "log_min_messages=debug1", "log_connections=on"];
    let stack = Stack::with_settings(
        r#"app = { database_name = "app", username = "app_user" }"#,
        &settings,
    )
    .await;
    let plan = stack.run(&["plan", "--env", ENV, "--out", "plan.json", "-v"]).expect(0);
    let first = stack.run(&["apply", "plan.json", "-v"]).expect(0);
    let password = secret_password(&stack).await;
    let delete = stack.secrets.delete_secret().secret_id("goldenpath/dev/app/postgres");
    delete.force_delete_without_recovery(true).send().await.unwrap();
    let second =
        stack.run(&["apply", "--env", ENV, "--auto-approve", "--format", "json", "-v"]).expect(0);
    let other = secret_password(&stack).await;
    let rotation = stack.run(&["rotate", "--env", ENV, "--auto-approve", "app", "--master", "-v"]);
    let rotation = rotation.expect(0);
    let status = stack.run(&["rotation-status", "--env", ENV, "-v"]).expect(0);
    let (third, master) = (secret_password(&stack).await, master_password(&stack).await);
    assert!(third != other && master != "Master-0123456789");

    let log = stack.server_log().await;
    assert!(
        log.contains("CREATE ROLE \"app_user\"") && log.contains("SCRAM-SHA-256$"),
        "the log is on"
    );
    let mut texts = vec![("the server's log".to_owned(), log)];
    for (name, answer) in [
        ("plan", plan),
        ("first apply", first),
        ("second apply", second),
        ("rotation", rotation),
        ("status", status),
    ] {
        texts.push((format!("{name}: stdout"), answer.stdout));
        texts.push((format!("{name}: stderr"), answer.stderr));
    }
    collect_files(stack.root(), &mut texts);
    assert!(texts.iter().any(|(name, _)| name.ends_with("plan.json")));
    assert!(texts.iter().any(|(name, _)| name.ends_with("rds_request_audit.csv")));
    for (name, text) in &texts {
        for secret in [&password, &other, &third, &master, "Master-0123456789"] {
            assert!(!text.contains(secret), "a password is in {name}");
        }
    }
}

async fn master_password(stack: &Stack) -> String {
    let secret = stack.secret("goldenpath/dev/rds/master").await;
    secret["password"].as_str().unwrap().to_owned()
}

async fn secret_password(stack: &Stack) -> String {
    let secret = stack.secret("goldenpath/dev/app/postgres").await;
    secret["password"].as_str().unwrap().to_owned()
}

fn collect_files(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_files(&path, texts);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            texts.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}
