//! The workflows, run block by block: real git, the real executable, real servers; `gh` is a stub.

mod approvals;
mod expression;
mod github;
mod requests;
mod rotation;
mod runner;
mod scripts;
mod servers;
mod shape;

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

const CATALOG: &str = "docs/20-contracts/resource-catalogs/rds-catalog.yaml";

#[tokio::test]
async fn every_run_block_of_every_workflow_does_what_it_is_for() {
    let mut covered = BTreeSet::new();
    let mut wanted = blocks(ACTION);
    for file in workflows() {
        let runs = match file.as_str() {
            "ci.yml" => continuous_integration().await,
            "create-rds-database.yml" => requests::request().await,
            "pr-secret-rotation-warning.yml" => rotation::warning().await,
            "secret-rotation-check.yml" => rotation::check().await,
            "rds-database-apply.yml" => {
                [servers::apply().await, servers::meanwhile().await].concat()
            }
            "rds-plan.yml" => servers::plan().await,
            "rds-size-approval-guard.yml" => approvals::guard().await,
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
