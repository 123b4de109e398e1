//! The policies in `docs/iam` allow what each command asks for, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Answer, ENV, Recorder, Stack, answer};

const SECRET: &str = "goldenpath/dev/app/postgres";
const APPLY: [&str; 2] = ["apply", "--auto-approve"];

/// Runs a command through the relay; the exit code does not matter, only what it asked for.
fn run(stack: &Stack, recorder: &Recorder, arguments: &[&str]) -> Answer {
    let port = stack.port().to_string();
    let mut command = stack.command(&[arguments, &["--env", ENV, "--port", &port]].concat());
    command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
    answer(command.output().expect("the executable runs"))
}

/// A secret made by hand: it has no tags, and its version's id tells no time.
async fn make_by_hand(stack: &Stack) {
    let value = json!({
        "username": "app_user", "password": "made-by-hand", "host": "localhost",
        "port": stack.port().to_string(), "dbname": "app", "engine": "postgres",
    });
    stack.put_secret(SECRET, &value).await;
}

async fn delete(stack: &Stack) {
    let request = stack.secrets.delete_secret().secret_id(SECRET).recovery_window_in_days(7);
    request.send().await.unwrap();
}

async fn move_the_server(stack: &Stack) {
    let mut value = stack.master_secret();
    value["port"] = json!((stack.port() + 1).to_string());
    let put = stack.secrets.put_secret_value().secret_id("goldenpath/dev/rds/master");
    put.secret_string(value.to_string()).send().await.unwrap();
}

/// What a policy allows.
fn allowed(command: &str) -> BTreeSet<String> {
    let path = format!("{}/docs/iam/{command}.json", env!("CARGO_MANIFEST_DIR"));
    let policy: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let mut actions = BTreeSet::new();
    for statement in statements {
        assert_eq!(statement["Effect"], "Allow");
        for action in statement["Action"].as_array().unwrap() {
            let action = action.as_str().unwrap().strip_prefix("secretsmanager:").unwrap();
            // The one action that knows no resource.
            assert_eq!(action == "ListSecrets", statement["Resource"] == "*", "{statement}");
            actions.insert(action.to_owned());
        }
    }
    actions
}

#[track_caller]
fn assert_least(command: &str, recorder: &Recorder) {
    let asked: BTreeSet<_> = recorder.seen().into_iter().map(|one| one.operation).collect();
    assert_eq!(asked, allowed(command), "what `{command}` asks for, and what its policy allows");
}

#[tokio::test]
async fn reading_commands_ask_for_what_their_policies_allow() {
    for command in ["plan", "verify", "rotation-status"] {
        let stack = Stack::with_app().await;
        let recorder = Recorder::start();
        run(&stack, &recorder, &[command]);
        make_by_hand(&stack).await;
        run(&stack, &recorder, &[command]);
        stack.converge();
        run(&stack, &recorder, &[command]).expect(0);
        delete(&stack).await;
        run(&stack, &recorder, &[command]);
        assert_least(command, &recorder);
    }
}

#[tokio::test]
async fn apply_asks_for_what_its_policy_allows() {
    let (stack, recorder) = (Stack::with_app().await, Recorder::start());
    run(&stack, &recorder, &APPLY).expect(0);
    delete(&stack).await;
    run(&stack, &recorder, &APPLY).expect(0);
    move_the_server(&stack).await;
    run(&stack, &recorder, &APPLY).expect(0);
    let stack = Stack::with_app().await;
    make_by_hand(&stack).await;
    run(&stack, &recorder, &APPLY).expect(0);
    assert_least("apply", &recorder);
}

#[tokio::test]
async fn rotate_asks_for_what_its_policy_allows() {
    const ROTATE: [&str; 4] = ["rotate", "--all", "--master", "--auto-approve"];
    let (stack, recorder) = (Stack::with_app().await, Recorder::start());
    make_by_hand(&stack).await;
    stack.converge();
    run(&stack, &recorder, &ROTATE).expect(0);
    // A secret that is on its way out, and one that is lost.
    delete(&stack).await;
    run(&stack, &recorder, &ROTATE).expect(0);
    let lost = stack.secrets.delete_secret().secret_id(SECRET).force_delete_without_recovery(true);
    lost.send().await.unwrap();
    run(&stack, &recorder, &ROTATE).expect(0);
    assert_least("rotate", &recorder);
}

/// CreateSecret is allowed for secrets that carry the tags that we give them.
#[tokio::test]
async fn a_secret_is_created_with_the_tags_that_the_policy_asks_for() {
    let stack = Stack::with_app().await;
    stack.converge();
    let secret = stack.secrets.describe_secret().secret_id(SECRET).send().await.unwrap();
    let path = format!("{}/docs/iam/apply.json", env!("CARGO_MANIFEST_DIR"));
    let policy: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let create =
        statements.iter().find(|one| one["Action"] == json!(["secretsmanager:CreateSecret"]));
    let asked = create.unwrap()["Condition"]["StringEquals"].as_object().unwrap();
    assert_eq!(asked.len(), 2);
    for (key, wanted) in asked {
        let key = key.strip_prefix("aws:RequestTag/").unwrap();
        let tag = secret.tags().iter().find(|tag| tag.key() == Some(key)).unwrap();
        assert_eq!(
            tag.value(),
            Some(wanted.as_str().unwrap().replace("ENV", ENV).as_str()),
            "{key}"
        );
    }
}
