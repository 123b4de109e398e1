//! Who has to agree to a pull request, said by a commit status.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::github::GitHub;
use super::runner::{self, Event, Run};
use super::{CATALOG, pull_request, says, succeeded};
use crate::harness::Stack;

const FILE: &str = "rds-size-approval-guard.yml";
const RULES: &str = "schemas/routing/service_class_approvals.yaml";

const TEAMS: &str = "
rules:
  databases-rds: { tier: platform-approval, required_reviewers: [platform-team] }
teams:
  platform-team: [paula, daniel-deans]
  database-team: [dora]
";

const LARGE: &str = "databases:
  big:
    metadata: {owner: app-team, requested_by: daniel-deans, environment: prod, risk: low, status: pending}
    configuration: {size_tier: large}
";

pub async fn guard() -> Vec<Run> {
    let stack = Stack::new("").await;
    let github = GitHub::new(&[(RULES, TEAMS), (CATALOG, "databases: {}\n")]);
    // A change of the rules counts from its merge on.
    let easy = TEAMS.replace("[platform-team]", "[nobody]");
    let mut event = opened(pull_request(&github, &[(CATALOG, LARGE), (RULES, &easy)]));
    let run = |event: &Event<'_>| succeeded(runner::run(FILE, &github, &stack, event));
    let open = run(&event);
    says(&open, "lacks database-team, platform-team, security-team");
    assert_eq!(
        status(&github, &event),
        json!([
            "pending",
            "The request is not approved yet. Missing: database-team, platform-team, security-team"
        ])
    );

    // The author is the app that opens pull requests, so it is the catalog that says who asked.
    event.payload["action"] = json!("labeled");
    label(&github, "platform-approval", "daniel-deans");
    label(&github, "security-approval", "sam");
    says(&run(&event), "who requested the database does not approve it");
    label(&github, "platform-approval", "paula");
    let review = |commit: &str| json!([{ "user": { "login": "dora" }, "state": "APPROVED", "commit_id": commit }]);
    github.has("reviews", &review(&event.sha));
    event.name = "pull_request_review";
    event.payload["action"] = json!("submitted");
    let approved = run(&event);
    assert_eq!(status(&github, &event), json!(["success", "The request is approved."]));
    let target = &github.list("statuses")[0]["target_url"];
    assert_eq!(*target, "https://github.example/acme/platform/actions/runs/4711");

    let pushed = push(&github, &event, "synchronize");
    github.has("reviews", &review(&pushed.sha));
    let fresh = run(&pushed);
    assert_eq!(github.list("labels"), json!([{ "name": "dev" }]), "{}", fresh.log);
    assert_eq!(status(&github, &pushed)[0], "pending", "{}", fresh.log);

    // The run of the push may have been cancelled: the next one does its work.
    label(&github, "platform-approval", "paula");
    let mut unseen = push(&github, &pushed, "submitted");
    unseen.name = "pull_request_review";
    run(&unseen);
    assert_eq!(github.list("labels"), json!([{ "name": "dev" }]));
    label(&github, "platform-approval", "paula");
    run(&unseen);
    assert_eq!(github.list("labels"), json!([{ "name": "dev" }, { "name": "platform-approval" }]));

    vec![open, approved, fresh, elsewhere(&github, &stack, &pushed), unreadable(&github, &stack)]
}

/// Turned to another branch, whose rules may be anybody's.
fn elsewhere(github: &GitHub, stack: &Stack, event: &Event<'static>) -> Run {
    let mut event = Event { payload: event.payload.clone(), sha: event.sha.clone(), ..*event };
    event.payload["action"] = json!("edited");
    event.payload["pull_request"]["base"]["ref"] = json!("easy");
    let turned = succeeded(runner::run(FILE, github, stack, &event));
    let words = "Databases are requested on main; the pull request goes to another branch.";
    assert_eq!(status(github, &event), json!(["failure", words]));
    turned
}

fn unreadable(github: &GitHub, stack: &Stack) -> Run {
    github.git(&["reset", "--quiet", "--hard", "origin/main"]);
    let broken = [("envs/dev-rds/terraform.tfvars", "application_databases = {")];
    let event = opened(pull_request(github, &broken));
    let run = succeeded(runner::run(FILE, github, stack, &event));
    says(&run, "envs/dev-rds/terraform.tfvars:1:");
    let words = "The requests cannot be judged; the run says why.";
    assert_eq!(status(github, &event), json!(["failure", words]));
    run
}

fn opened(mut event: Event<'static>) -> Event<'static> {
    event.payload["action"] = json!("opened");
    event.payload["repository"] = json!({ "default_branch": "main" });
    event.payload["pull_request"]["base"]["ref"] = json!("main");
    event.payload["pull_request"]["user"] = json!({ "login": "rds-requests[bot]" });
    event
}

/// One more commit.
fn push(github: &GitHub, event: &Event<'static>, action: &str) -> Event<'static> {
    github.write("envs/README.md", &format!("after {}\n", event.sha));
    let sha = github.push("refs/pull/7/head", "Go on");
    let mut payload = event.payload.clone();
    payload["action"] = json!(action);
    payload["pull_request"]["head"]["sha"] = json!(sha);
    Event { name: "pull_request", payload, branch: event.branch, sha }
}

/// Somebody sets a label, as GitHub keeps it.
fn label(github: &GitHub, name: &str, login: &str) {
    let mut events = github.list("events");
    let event =
        json!({ "event": "labeled", "actor": { "login": login }, "label": { "name": name } });
    events.as_array_mut().unwrap().push(event);
    github.has("events", &events);
    let labels = github.list("labels");
    let labels = labels.as_array().unwrap().iter().filter_map(|label| label["name"].as_str());
    let labels: BTreeSet<_> = labels.chain(["dev", name]).collect();
    let labels: Vec<Value> = labels.into_iter().map(|name| json!({ "name": name })).collect();
    github.has("labels", &json!(labels));
}

/// State and description of the newest status of the event's commit.
fn status(github: &GitHub, event: &Event<'_>) -> Value {
    let statuses = github.list("statuses");
    let mut statuses = statuses.as_array().unwrap().iter();
    let newest = statuses.find(|status| status["commit"] == event.sha).expect("a status");
    assert_eq!(newest["context"], "rds-approvals");
    json!([newest["state"], newest["description"]])
}
