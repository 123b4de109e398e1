//! Passwords that are due: an issue every morning, a word on pull requests.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::github::GitHub;
use super::runner::{self, Event, Run};
use super::{APP, NONE, pull_request, succeeded};
use crate::harness::Stack;

const APP_SECRET: &str = "goldenpath/dev/app/postgres";
const VARIABLES: &str = "envs/dev-rds/terraform.tfvars";

/// Gives a secret a version that is so many days old: its id says so.
async fn put(stack: &Stack, secret: &str, days: i64, value: &Value) {
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days);
    let millis = u64::try_from(at.as_millisecond()).unwrap();
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid().to_string();
    let put = stack.secrets.put_secret_value().secret_id(secret).client_request_token(&id);
    let put = put.secret_string(value.to_string()).version_stages("AWSCURRENT");
    if put.send().await.is_err() {
        let create = stack.secrets.create_secret().name(secret).client_request_token(&id);
        create.secret_string(value.to_string()).send().await.unwrap();
    }
}

/// A master whose password is fresh, and an application's, so many days old.
async fn aged(days: i64) -> Stack {
    let stack = Stack::new("").await;
    put(&stack, "goldenpath/dev/rds/master", 1, &stack.master_secret()).await;
    put(&stack, APP_SECRET, days, &json!({ "username": "app_user", "password": "x" })).await;
    stack
}

fn morning(github: &GitHub) -> Event<'static> {
    let sha = github.git(&["rev-parse", "HEAD"]);
    Event { name: "schedule", payload: json!({}), branch: "main", sha }
}

pub async fn check() -> Vec<Run> {
    let stack = aged(40).await;
    let github = GitHub::new(&[(VARIABLES, APP), ("envs/local-rds/terraform.tfvars", APP)]);
    let file = "secret-rotation-check.yml";
    let due = succeeded(runner::run(file, &github, &stack, &morning(&github)));
    let again = succeeded(runner::run(file, &github, &stack, &morning(&github)));
    let issues = github.list("issues");
    assert_eq!(issues.as_array().unwrap().len(), 1, "one issue, kept up to date: {issues}");
    assert_eq!(issues[0]["title"], "Secret rotation is due in dev");
    let body = issues[0]["body"].as_str().unwrap();
    assert!(body.contains("app") && body.contains("overdue"), "{body}");

    // What cannot be read is not compliance: the check fails, and the issue says so.
    let delete = stack.secrets.delete_secret().secret_id(APP_SECRET);
    delete.force_delete_without_recovery(true).send().await.unwrap();
    let unknown = runner::run(file, &github, &stack, &morning(&github));
    assert!(unknown.failed.contains("check dev"), "{}", unknown.log);
    let issues = github.list("issues");
    assert_eq!(issues.as_array().unwrap().len(), 1, "{issues}");
    assert!(issues[0]["body"].as_str().unwrap().contains("1 unknown"), "{issues}");

    // Where there is no report at all, what the last one said stays.
    github.write(VARIABLES, "application_databases = {");
    github.push("main", "Break it");
    let broken = runner::run(file, &github, &stack, &morning(&github));
    assert!(broken.failed.contains("check dev"), "{}", broken.log);
    assert_eq!(github.list("issues"), issues);
    github.write(VARIABLES, APP);
    github.push("main", "Mend it");

    put(&stack, APP_SECRET, 1, &json!({ "username": "app_user", "password": "y" })).await;
    let clean = succeeded(runner::run(file, &github, &stack, &morning(&github)));
    assert_eq!(github.list("issues"), json!([]));
    vec![due, again, unknown, clean]
}

pub async fn warning() -> Vec<Run> {
    let stack = aged(40).await;
    let github = GitHub::new(&[(VARIABLES, APP)]);
    let event = pull_request(&github, &[(VARIABLES, NONE)]);
    let file = "pr-secret-rotation-warning.yml";
    let warned = succeeded(runner::run(file, &github, &stack, &event));
    let comments = github.list("comments");
    let body = comments[0]["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- rotation-status dev -->") && body.contains("overdue"), "{body}");

    // An environment that is only proposed has no passwords yet.
    github.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    let proposed = pull_request(&github, &[("envs/test-rds/terraform.tfvars", NONE)]);
    let none = succeeded(runner::run(file, &github, &stack, &proposed));
    assert!(none.roles.is_empty(), "{}", none.log);
    github.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    let event = pull_request(&github, &[(VARIABLES, NONE)]);

    // Nothing that goes wrong here holds up a pull request, and nothing goes wrong in silence.
    let delete = stack.secrets.delete_secret().secret_id(APP_SECRET);
    delete.force_delete_without_recovery(true).send().await.unwrap();
    let broken = succeeded(runner::run(file, &github, &stack, &event));
    let body = |comments: Value| comments[0]["body"].as_str().unwrap().to_owned();
    let unknown = body(github.list("comments"));
    assert!(unknown.contains("app") && !unknown.contains("overdue"), "{unknown}");

    // Where there is no status at all, as of variable files that cannot be read, the error is there.
    github.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    github.write(VARIABLES, "application_databases = {");
    github.push("main", "Break it");
    let event = pull_request(&github, &[(VARIABLES, APP)]);
    succeeded(runner::run(file, &github, &stack, &event));
    let error = body(github.list("comments"));
    assert!(error.contains("error: envs/dev-rds: 1 problem"), "{error}");

    // Once all is clean the comment says that; where there is none, nothing needs to be said.
    put(&stack, APP_SECRET, 1, &json!({ "username": "app_user", "password": "y" })).await;
    github.git(&["push", "--quiet", "origin", "HEAD:main"]);
    let event = pull_request(&github, &[(VARIABLES, NONE)]);
    let clean = succeeded(runner::run(file, &github, &stack, &event));
    let body = body(github.list("comments"));
    assert!(body.contains("2 of 2 passwords within the policy"), "{body}");
    github.has("comments", &json!([]));
    succeeded(runner::run(file, &github, &stack, &event));
    assert_eq!(github.list("comments"), json!([]));
    vec![warned, broken, clean]
}
