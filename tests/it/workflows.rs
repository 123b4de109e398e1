//! The workflows, run block by block: real git, the real executable, real servers; `gh` is a stub.

mod expression;
mod github;
mod runner;

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::Stack;
use github::{GitHub, project};
use runner::{Event, Run, document, steps};

const ACTION: &str = ".github/actions/setup/action.yml";

const APP: &str = r#"application_databases = {
  app = { database_name = "app", username = "app_user" }
}
"#;

/// An environment without databases yet.
const NONE: &str = "application_databases = {\n}\n";

#[tokio::test]
async fn every_run_block_of_every_workflow_does_what_it_is_for() {
    let mut covered = BTreeSet::new();
    let mut wanted = blocks(ACTION);
    for file in workflows() {
        let runs = match file.as_str() {
            "ci.yml" => continuous_integration().await,
            "create-rds-database.yml" => request().await,
            "rds-database-apply.yml" => apply().await,
            "rds-plan.yml" => plan().await,
            "rds-size-approval-guard.yml" => approvals().await,
            other => panic!("nothing runs the workflow {other}"),
        };
        wanted.extend(blocks(&format!(".github/workflows/{file}")));
        covered.extend(runs.into_iter().flat_map(|run| run.covered));
    }
    let missing: Vec<&String> = wanted.difference(&covered).collect();
    assert!(missing.is_empty(), "these run in no test: {missing:#?}");
}

fn workflows() -> BTreeSet<String> {
    let files = std::fs::read_dir(project().join(".github/workflows")).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

/// The `run:` blocks of a workflow or an action.
fn blocks(path: &str) -> BTreeSet<String> {
    let document = document(path);
    let runs = |steps: Vec<(String, serde_json::Value)>| {
        steps.into_iter().filter(|(_, step)| step.get("run").is_some()).map(|(name, _)| name)
    };
    match document.get("jobs").and_then(|jobs| jobs.as_object()) {
        Some(jobs) => {
            let file = path.rsplit('/').next().unwrap();
            jobs.iter().flat_map(|(name, job)| runs(steps(file, name, &job["steps"]))).collect()
        }
        None => runs(steps(path, "action", &document["runs"]["steps"])).collect(),
    }
}

fn succeeded(run: Run) -> Run {
    assert!(run.failed.is_empty(), "{:?} failed:\n{}", run.failed, run.log);
    run
}

fn says(run: &Run, text: &str) {
    assert!(run.log.contains(text), "`{text}` is not in:\n{}", run.log);
}

async fn continuous_integration() -> Vec<Run> {
    let (stack, github) = (Stack::new("").await, GitHub::new(&[]));
    let event = Event {
        name: "push",
        payload: json!({}),
        branch: "main",
        sha: github.git(&["rev-parse", "HEAD"]),
    };
    let run = succeeded(runner::run("ci.yml", &github, &stack, &event));
    says(&run, "all tests pass");
    vec![run]
}

/// A pull request that brings `app` to an environment that had nothing.
fn pull_request(github: &GitHub, files: &[(&str, &str)]) -> Event<'static> {
    let base = github.git(&["rev-parse", "HEAD"]);
    for (path, text) in files {
        github.write(path, text);
    }
    let head = github.push("refs/pull/7/head", "Propose");
    let payload = json!({ "pull_request": {
        "number": 7, "base": { "sha": base },
        "head": { "sha": head, "repo": { "full_name": "acme/platform" } },
    }});
    Event { name: "pull_request", payload, branch: "7/merge", sha: head }
}

async fn plan() -> Vec<Run> {
    let stack = Stack::new("").await;
    let github = GitHub::new(&[
        ("envs/dev-rds/terraform.tfvars", NONE),
        ("envs/test-rds/terraform.tfvars", NONE),
    ]);
    // What the pull request makes of the scripts is not run with credentials.
    let script = (".github/scripts/shown", "#!/bin/sh\nexit 9\n");
    let event = pull_request(&github, &[("envs/dev-rds/terraform.tfvars", APP), script]);
    let first = succeeded(runner::run("rds-plan.yml", &github, &stack, &event));
    assert_eq!(first.roles, BTreeSet::from(["dev-plan".to_owned()]), "only what is changed");
    let comments = github.list("comments");
    let body = comments[0]["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- rds-plan dev -->\n### goldenpath-rds plan: `dev`\n"), "{body}");
    assert!(body.contains("Plan: 3 to create"), "{body}");

    // What is wrong is said in the same place, and the check fails.
    github.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    let event =
        pull_request(&github, &[("envs/dev-rds/terraform.tfvars", "application_databases = {")]);
    let second = runner::run("rds-plan.yml", &github, &stack, &event);
    assert_eq!(second.failed, BTreeSet::from(["plan dev".to_owned()]), "{}", second.log);
    let comments = github.list("comments");
    assert_eq!(comments.as_array().unwrap().len(), 1, "{comments}");
    let body = comments[0]["body"].as_str().unwrap();
    assert!(body.contains("envs/dev-rds: 1 problem; nothing was done"), "{body}");

    // A fork gets no credentials.
    let mut event = event;
    event.payload["pull_request"]["head"]["repo"]["full_name"] = json!("someone/platform");
    let fork = succeeded(runner::run("rds-plan.yml", &github, &stack, &event));
    assert!(fork.covered.is_empty() && fork.roles.is_empty());
    vec![first, second]
}

async fn apply() -> Vec<Run> {
    let stack = Stack::new("").await;
    let test = r#"application_databases = { other = { database_name = "other", username = "other_user" } }"#;
    stack.put_secret("goldenpath/test/rds/master", &stack.master_secret()).await;
    let github = GitHub::new(&[
        ("envs/dev-rds/terraform.tfvars", NONE),
        ("envs/local-rds/terraform.tfvars", NONE),
    ]);
    let before = github.git(&["rev-parse", "HEAD"]);
    for (path, text) in [("dev", APP), ("test", test), ("local", APP)] {
        github.write(&format!("envs/{path}-rds/terraform.tfvars"), text);
    }
    let sha = github.push("main", "Two databases");
    let payload = json!({ "before": before });
    let event = Event { name: "push", payload, branch: "main", sha };
    let merged = succeeded(runner::run("rds-database-apply.yml", &github, &stack, &event));
    assert_eq!(merged.roles, BTreeSet::from(["dev".to_owned(), "test".to_owned()]));
    stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
    stack.login_with_secret("goldenpath/test/other/postgres").await.unwrap();
    let audit = github.file("main", "governance/test/rds_request_audit.csv");
    assert!(
        audit.contains(",test,") && audit.contains(",4711,other,other_user,apply,success,"),
        "{audit}"
    );
    assert_eq!(merged.artifacts["audit-test"].trim(), audit);

    // An obstacle fails the run, and is on record all the same.
    stack.make_foreign_role("late_user", "LOGIN").await;
    github.git(&["pull", "--quiet", "--rebase", "origin", "main"]);
    let late =
        r#"application_databases = { late = { database_name = "late", username = "late_user" } }"#;
    github.write("envs/test-rds/terraform.tfvars", late);
    let sha = github.push("main", "One more");
    let payload = json!({ "inputs": { "environment": "test" } });
    let event = Event { name: "workflow_dispatch", payload, branch: "main", sha };
    let blocked = runner::run("rds-database-apply.yml", &github, &stack, &event);
    assert_eq!(blocked.failed, BTreeSet::from(["apply test".to_owned()]), "{}", blocked.log);
    let audit = github.file("main", "governance/test/rds_request_audit.csv");
    assert!(audit.contains(",late,late_user,blocked,warning,"), "{audit}");
    vec![merged, blocked]
}

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

async fn request() -> Vec<Run> {
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
    let catalog = github.file(branch, "docs/20-contracts/resource-catalogs/rds-catalog.yaml");
    assert!(catalog.contains("requested_by: ada-lovelace"), "{catalog}");
    assert_eq!(
        github.git(&["log", "--format=%an", "-1", &format!("origin/{branch}")]),
        "github-actions[bot]"
    );

    // Run again: the same pull request. After the merge: none.
    let again = succeeded(runner::run(file, &github, &stack, &dispatch(&github, "billing_user")));
    assert_eq!(github.list("pulls").as_array().unwrap().len(), 1, "{}", again.log);
    github.git(&["push", "--quiet", "origin", &format!("origin/{branch}:main")]);
    github.git(&["fetch", "--quiet", "origin"]);
    let merged = succeeded(runner::run(file, &github, &stack, &dispatch(&github, "billing_user")));
    says(&merged, "No pull request is needed");

    // What is no name, or a command, is refused, and nothing else happens.
    let hostile = "x\"; touch \"$GITHUB_WORKSPACE/../hostile\"; $(false)";
    let refused = runner::run(file, &github, &stack, &dispatch(&github, hostile));
    assert_eq!(refused.failed, BTreeSet::from(["request".to_owned()]), "{}", refused.log);
    says(&refused, "the request: 1 problem; nothing was done");
    assert_eq!(github.list("pulls").as_array().unwrap().len(), 1);
    vec![first, again, merged]
}

const TEAMS: &str = "
rules:
  databases-rds: { tier: platform-approval, required_reviewers: [platform-team] }
teams:
  database-team: [dora]
";

async fn approvals() -> Vec<Run> {
    let stack = Stack::new("").await;
    let catalog = "docs/20-contracts/resource-catalogs/rds-catalog.yaml";
    let rules = "schemas/routing/service_class_approvals.yaml";
    let github = GitHub::new(&[(rules, TEAMS), (catalog, "databases: {}\n")]);
    let large = "databases:\n  big:\n    metadata: {owner: app-team, environment: prod, risk: low, status: pending}\n    configuration: {size_tier: large}\n";
    // A change of the rules counts from its merge on.
    let easy = TEAMS.replace("[platform-team]", "[nobody]");
    let mut event = pull_request(&github, &[(catalog, large), (rules, &easy)]);
    let file = "rds-size-approval-guard.yml";
    let open = runner::run(file, &github, &stack, &event);
    assert_eq!(open.failed, BTreeSet::from(["approvals".to_owned()]), "{}", open.log);
    says(&open, "lacks database-team, platform-team, security-team");

    let labels = json!([{ "name": "platform-approval" }, { "name": "security-approval" }]);
    event.payload["pull_request"]["labels"] = labels;
    let head = event.payload["pull_request"]["head"]["sha"].clone();
    let review = json!([{ "user": { "login": "dora" }, "state": "APPROVED", "commit_id": head }]);
    github.has("reviews", &review);
    event.name = "pull_request_review";
    let approved = succeeded(runner::run(file, &github, &stack, &event));
    says(&approved, "The request is approved.");
    vec![open, approved]
}
