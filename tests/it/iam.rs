//! The policies in `docs/iam` allow what each command asks for, and nothing else.

mod policy;

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::json;

use crate::harness::{Answer, CATALOG, ENV, Recorder, Request, Stack, answer, package};
use policy::Policy;

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

/// Each request is allowed, on the secret that it is about; and each action that is allowed was asked for.
#[track_caller]
fn assert_least(command: &str, recorder: &Recorder) {
    let (policy, requests) = (Policy::of(command), recorder.seen());
    for request in &requests {
        assert!(policy.allows(request), "`{command}` may not: {request:?}");
    }
    let asked: BTreeSet<_> = requests.iter().map(|one| one.operation.as_str()).collect();
    assert_eq!(asked, policy.actions(), "what `{command}` asks for, and what its policy allows");
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
async fn a_live_check_of_the_catalog_asks_for_no_more_than_a_plan() {
    let (stack, recorder) = (Stack::with_app().await, Recorder::start());
    stack.converge();
    for path in [CATALOG, "schemas/metadata/enums.yaml"] {
        stack.write(path, &std::fs::read_to_string(package().join(path)).unwrap());
    }
    run(&stack, &recorder, &["catalog", "check", "--live"]).expect(2);
    let requests = recorder.seen();
    assert!(requests.len() > 1, "{requests:?}");
    assert!(requests.iter().all(|request| Policy::of("plan").allows(request)), "{requests:?}");
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

/// A request as the relay would have seen it.
fn request(operation: &str, body: serde_json::Value) -> Request {
    let now = Instant::now();
    Request { operation: operation.to_owned(), body, began: now, ended: now, carried_out: false }
}

#[test]
fn no_policy_reaches_another_environment_or_makes_secrets_that_are_not_ours() {
    let tags = |environment: &str| json!([{"Key": "ManagedBy", "Value": "goldenpath-rds"}, {"Key": "Environment", "Value": environment}]);
    for command in ["apply", "rotate"] {
        let policy = Policy::of(command);
        let create =
            |name: &str, tags| request("CreateSecret", json!({"Name": name, "Tags": tags}));
        assert!(policy.allows(&create(SECRET, tags(ENV))));
        assert!(!policy.allows(&create(SECRET, tags("prod"))));
        assert!(!policy.allows(&create(SECRET, json!([]))));
        assert!(!policy.allows(&create("goldenpath/prod/app/postgres", tags(ENV))));
        let put = |secret: &str| request("PutSecretValue", json!({"SecretId": secret}));
        assert!(policy.allows(&put(SECRET)));
        assert!(!policy.allows(&put("goldenpath/prod/app/postgres")));
        assert!(!policy.allows(&put("goldenpath/development/app/postgres")));
    }
    for command in ["plan", "verify", "rotation-status", "apply", "rotate"] {
        let policy = Policy::of(command);
        for action in policy.actions().into_iter().filter(|action| *action != "ListSecrets") {
            let body = json!({"SecretId": "goldenpath/prod/app/postgres", "Tags": tags(ENV)});
            assert!(!policy.allows(&request(action, body)), "{command}: {action}");
        }
    }
}
