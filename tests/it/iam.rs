//! The policies of `docs/iam` allow what the commands call, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{ENV, Recorder, Stack, answer};

const SCOPED: &str = "arn:aws:secretsmanager:REGION:ACCOUNT:secret:goldenpath/ENV/*";

const NEW: &str = r#"app = { database_name = "app", username = "app_user" }"#;

const OLD: &str = r#"
  old   = { database_name = "old", username = "old_user" }
  taken = { database_name = "taken", username = "taken_user" }"#;

fn policy(command: &str) -> Value {
    let path = format!("{}/docs/iam/{command}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn words(value: &Value) -> Vec<String> {
    let one = value.as_str().map(|text| vec![text.to_owned()]);
    one.unwrap_or_else(|| serde_json::from_value(value.clone()).unwrap())
}

/// The actions that a policy allows on the secrets of the environment.
fn allowed(command: &str) -> BTreeSet<String> {
    let policy = policy(command);
    let mut actions = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        let everywhere = statement["Resource"] == "*";
        assert!(everywhere || statement["Resource"] == SCOPED, "{command}: {statement}");
        for action in words(&statement["Action"]) {
            let action = action.strip_prefix("secretsmanager:").unwrap().to_owned();
            assert_eq!(everywhere, action == "ListSecrets", "{command}: {statement}");
            assert!(actions.insert(action), "{command}: {statement}");
        }
    }
    actions
}

/// The calls of some runs of a command.
fn called(stack: &Stack, runs: &[&[&str]]) -> BTreeSet<String> {
    let recorder = Recorder::start();
    for arguments in runs {
        let mut command = stack.command(&[*arguments, &["--env", ENV]].concat());
        command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
        let answer = answer(command.output().unwrap());
        assert!([0, 2].contains(&answer.code), "{arguments:?}: {}{}", answer.stdout, answer.stderr);
    }
    recorder.requests().into_iter().map(|request| request.operation).collect()
}

/// A secret as other programs make it: its version's id carries no time, and it has no tags of ours.
async fn put_by_others(stack: &Stack, entry: &str) {
    let mut value = stack.master_secret();
    value["username"] = json!(format!("{entry}_user"));
    value["password"] = json!("made-by-others");
    value["dbname"] = json!(entry);
    stack.put_secret(&format!("goldenpath/dev/{entry}/postgres"), &value).await;
}

async fn delete(stack: &Stack, entry: &str, at_once: bool) {
    let secret = format!("goldenpath/dev/{entry}/postgres");
    let delete = stack.secrets.delete_secret().secret_id(secret);
    let delete = if at_once { delete.force_delete_without_recovery(true) } else { delete };
    delete.send().await.unwrap();
}

async fn move_host(stack: &Stack, host: &str) {
    let mut master = stack.master_secret();
    master["host"] = json!(host);
    let put = stack.secrets.put_secret_value().secret_id("goldenpath/dev/rds/master");
    put.secret_string(master.to_string()).send().await.unwrap();
}

#[tokio::test]
async fn each_command_calls_what_its_policy_allows_and_all_of_it() {
    let stack = Stack::new(OLD).await;
    put_by_others(&stack, "old").await;
    put_by_others(&stack, "taken").await;
    let status = called(&stack, &[&["rotation-status"]]);
    stack.entries(&format!("{OLD}\n  {NEW}"));
    let plan = called(&stack, &[&["plan"]]);

    let mut apply = called(&stack, &[&["apply", "--auto-approve"]]);
    move_host(&stack, "LOCALHOST").await;
    apply.extend(called(&stack, &[&["apply", "--auto-approve"]]));
    delete(&stack, "app", false).await;
    apply.extend(called(&stack, &[&["apply", "--auto-approve"]]));

    // The secret of an entry came back without tags, another is on its way out, a third is lost.
    delete(&stack, "old", true).await;
    put_by_others(&stack, "old").await;
    let verify = called(&stack, &[&["verify"]]);
    stack.sql("postgres", "ALTER ROLE old_user PASSWORD 'made-by-others'").await;
    stack.sql("postgres", "COMMENT ON ROLE old_user IS NULL").await;
    delete(&stack, "app", false).await;
    delete(&stack, "taken", true).await;
    let rotate = called(&stack, &[&["rotate", "--auto-approve", "--all", "--master"]]);
    for (command, calls) in [
        ("plan", plan),
        ("apply", apply),
        ("rotate", rotate),
        ("rotation-status", status),
        ("verify", verify),
    ] {
        assert_eq!(calls, allowed(command), "{command}: the calls, and what is allowed");
    }
}

/// CreateSecret is allowed for secrets that carry the tags that we give them.
#[tokio::test]
async fn a_secret_is_created_with_the_tags_that_the_policy_asks_for() {
    let stack = Stack::new(NEW).await;
    stack.converge();
    let policy = policy("apply");
    let statements = policy["Statement"].as_array().unwrap();
    let create = statements.iter().find(|s| s["Action"] == "secretsmanager:CreateSecret").unwrap();
    let asked = create["Condition"]["StringEquals"].as_object().unwrap();
    let secret = stack.secrets.describe_secret().secret_id("goldenpath/dev/app/postgres");
    let secret = secret.send().await.unwrap();
    for (key, wanted) in asked {
        let key = key.strip_prefix("aws:RequestTag/").unwrap();
        let tag = secret.tags().iter().find(|tag| tag.key() == Some(key)).unwrap();
        let wanted = wanted.as_str().unwrap().replace("ENV", ENV);
        assert_eq!(tag.value(), Some(wanted.as_str()), "{key}");
    }
}
