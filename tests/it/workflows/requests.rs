//! From the form to a pull request.

use std::collections::BTreeSet;

use serde_json::json;

use super::github::GitHub;
use super::runner::{self, Event, Run};
use super::{CATALOG, NONE, says, succeeded};
use crate::harness::Stack;

/// The form of the platform's documentation.
fn dispatch(github: &GitHub, username: &str) -> Event<'static> {
    let payload = json!({ "inputs": {
        "database_name": "billing_service", "username": username, "owner": "app-team",
        "requester": "ada-lovelace", "environment": "dev", "domain": "catalog", "risk": "medium",
        "size": "small",
    }});
    let sha = github.git(&["rev-parse", "origin/main"]);
    Event { name: "workflow_dispatch", payload, branch: "main", sha }
}

const OTHER: &str = "  other = { database_name = \"other\", username = \"other_user\" }\n";

pub async fn request() -> Vec<Run> {
    let stack = Stack::new("").await;
    let github = GitHub::new(&[("envs/dev-rds/terraform.tfvars", NONE)]);
    let file = "create-rds-database.yml";
    let first = succeeded(runner::run(file, &github, &stack, &dispatch(&github, "billing_user")));
    says(&first, "https://github.example/pull/7");
    let pulls = github.list("pulls");
    assert_eq!(pulls[0]["title"], "Request database billing_service in dev");
    assert_eq!(pulls[0]["base"], "main");
    let body = pulls[0]["body"].as_str().unwrap();
    assert!(body.starts_with("## Database `billing_service` in `dev`"), "{body}");
    let branch = "rds-request/dev-billing_service-4711";
    assert_eq!(pulls[0]["head"], branch);
    let variables = github.file(branch, "envs/dev-rds/terraform.tfvars");
    assert!(variables.contains("username      = \"billing_user\""), "{variables}");
    let catalog = github.file(branch, CATALOG);
    assert!(catalog.contains("requested_by: ada-lovelace"), "{catalog}");
    assert_eq!(
        github.git(&["log", "--format=%an", "-1", &format!("origin/{branch}")]),
        "github-actions[bot]"
    );

    // Run again, with the commit that it began with: the same pull request, and it goes with what main has
    // become.
    let event = dispatch(&github, "billing_user");
    github.write("envs/dev-rds/terraform.tfvars", &NONE.replace('}', &format!("{OTHER}}}")));
    github.push("main", "Another request");
    let again = succeeded(runner::run(file, &github, &stack, &event));
    assert_eq!(github.list("pulls").as_array().unwrap().len(), 1, "{}", again.log);
    github.git(&["fetch", "--quiet", "origin"]);
    let tip = format!("origin/{branch}");
    github.git(&["merge-base", "--is-ancestor", "origin/main", &tip]);

    // Closed, it is opened anew.
    let mut pulls = github.list("pulls");
    pulls[0]["state"] = json!("CLOSED");
    github.has("pulls", &pulls);
    let reopened = succeeded(runner::run(file, &github, &stack, &event));
    says(&reopened, "https://github.example/pull/8");
    assert_eq!(github.list("pulls")[1]["state"], "OPEN");

    // After the merge: none.
    github.git(&["push", "--quiet", "origin", &format!("origin/{branch}:main")]);
    github.git(&["fetch", "--quiet", "origin"]);
    let merged = succeeded(runner::run(file, &github, &stack, &dispatch(&github, "billing_user")));
    says(&merged, "No pull request is needed");

    // What is no name, or a command, is refused, and nothing else happens.
    let hostile = "x\"; touch \"$GITHUB_WORKSPACE/../hostile\"; $(false)";
    let refused = runner::run(file, &github, &stack, &dispatch(&github, hostile));
    assert_eq!(refused.failed, BTreeSet::from(["request".to_owned()]), "{}", refused.log);
    says(&refused, "the request: 1 problem; nothing was done");
    says(&refused, "::stop-commands::");
    assert_eq!(github.list("pulls").as_array().unwrap().len(), 2);
    vec![first, again, merged]
}
