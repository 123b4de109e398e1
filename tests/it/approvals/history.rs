//! A repository with a history, and what GitHub says of a pull request.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Answer, CATALOG, Repository};

pub const RULES: &str = "schemas/routing/service_class_approvals.yaml";

pub const TEAMS: &str = "
rules:
  databases-rds:
    tier: platform-approval
    required_reviewers: [platform-team]
teams:
  platform-team: [Paula, pete]
  security-team: [sam]
  database-team: [dora]
";

pub fn record(key: &str, environment: &str, size: &str) -> String {
    format!(
        "  {key}:\n    metadata: {{owner: app-team, environment: {environment}, risk: medium, status: pending}}\n    configuration: {{size_tier: {size}}}\n"
    )
}

pub fn catalog(records: &[String]) -> String {
    format!("databases:\n{}", records.concat())
}

/// A repository whose `main` has one database, and a branch `request` that changes the catalog.
pub fn history(records: &[String]) -> Repository {
    let repository = Repository::with_variables("");
    repository.write(RULES, TEAMS);
    repository.write(CATALOG, &catalog(&[record("billing", "prod", "large")]));
    git(&repository, &["init", "--quiet", "--initial-branch=main"]);
    commit(&repository);
    git(&repository, &["checkout", "--quiet", "-b", "request"]);
    repository.write(CATALOG, &catalog(records));
    commit(&repository);
    repository
}

pub fn commit(repository: &Repository) {
    git(repository, &["add", "--all"]);
    git(repository, &["commit", "--quiet", "--message=x", "--allow-empty"]);
}

pub fn git(repository: &Repository, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args([
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "commit.gpgsign=false",
    ]);
    let output =
        command.args(arguments).current_dir(repository.path("")).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// Runs it as the workflow does: with the event of the pull request.
pub fn approvals(repository: &Repository, event: &Value, more: &[&str]) -> Answer {
    repository.write("event.json", &event.to_string());
    let arguments = ["approvals", "--base", "main", "--head", "request"];
    let arguments: Vec<_> = arguments.iter().chain(more).copied().collect();
    repository.run_with(&arguments, &[("GITHUB_EVENT_PATH", "event.json")])
}

/// The pull request that `author` opened.
pub fn opened(labels: &[&str]) -> Value {
    let labels: Vec<_> = labels.iter().map(|name| json!({ "name": name })).collect();
    json!({ "pull_request": { "labels": labels, "user": { "login": "author" } } })
}

/// Runs it with labels that members of their teams have set.
#[track_caller]
pub fn labelled(repository: &Repository, labels: &[&str], more: &[&str]) -> Answer {
    let set_by = |label: &str| match label {
        "platform-approval" => "paula",
        "security-approval" => "sam",
        "database-approval" => "dora",
        _ => "lea",
    };
    let events: Vec<_> = labels.iter().map(|label| labeled(label, set_by(label))).collect();
    with_events(repository, labels, &events, more)
}

/// Runs it with what happened to the labels.
#[track_caller]
pub fn with_events(
    repository: &Repository,
    labels: &[&str],
    events: &[Value],
    more: &[&str],
) -> Answer {
    // Two pages, as `gh api --paginate` writes them.
    let (first, second) = events.split_at(events.len() / 2);
    repository.write("events.json", &format!("{}{}", json!(first), json!(second)));
    let arguments = [&["--label-events", "events.json"], more].concat();
    approvals(repository, &opened(labels), &arguments)
}

/// An issue event as GitHub's API gives it.
pub fn labeled(label: &str, login: &str) -> Value {
    let actor = json!({ "login": login, "type": "User" });
    json!({ "event": "labeled", "actor": actor, "label": { "name": label, "color": "fff" } })
}

pub fn unlabeled(label: &str, login: &str) -> Value {
    let mut event = labeled(label, login);
    event["event"] = json!("unlabeled");
    event
}

pub fn review(login: &str, state: &str, commit: &str) -> Value {
    json!({"user": {"login": login}, "state": state, "commit_id": commit})
}

/// The last line of the answer's result for some reviews.
#[track_caller]
pub fn reviewed(repository: &Repository, reviews: &[Value], code: i32) -> Answer {
    // Two pages, as `gh api --paginate` writes them.
    let (first, second) = reviews.split_at(reviews.len() / 2);
    repository.write("reviews.json", &format!("{}{}", json!(first), json!(second)));
    approvals(repository, &opened(&[]), &["--reviews", "reviews.json"]).expect(code)
}
