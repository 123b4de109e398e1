//! `goldenpath-rds approvals`, in a repository with a history.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Answer, CATALOG, Repository};

const RULES: &str = "schemas/routing/service_class_approvals.yaml";

const TEAMS: &str = "
rules:
  databases-rds:
    tier: platform-approval
    required_reviewers: [platform-team]
teams:
  platform-team: [Paula, pete]
  security-team: [sam]
  database-team: [dora]
";

fn record(key: &str, environment: &str, size: &str) -> String {
    format!(
        "  {key}:\n    metadata: {{owner: app-team, environment: {environment}, risk: medium, status: pending}}\n    configuration: {{size_tier: {size}}}\n"
    )
}

fn catalog(records: &[String]) -> String {
    format!("databases:\n{}", records.concat())
}

/// A repository whose `main` has one database, and a branch `request` that changes the catalog.
fn history(records: &[String]) -> Repository {
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

fn commit(repository: &Repository) {
    git(repository, &["add", "--all"]);
    git(repository, &["commit", "--quiet", "--message=x", "--allow-empty"]);
}

fn git(repository: &Repository, arguments: &[&str]) -> String {
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
fn approvals(repository: &Repository, event: &Value, more: &[&str]) -> Answer {
    repository.write("event.json", &event.to_string());
    let arguments = ["approvals", "--base", "main", "--head", "request"];
    let arguments: Vec<_> = arguments.iter().chain(more).copied().collect();
    repository.run_with(&arguments, &[("GITHUB_EVENT_PATH", "event.json")])
}

fn labels(labels: &[&str]) -> Value {
    let labels: Vec<_> = labels.iter().map(|name| json!({"name": name})).collect();
    json!({"pull_request": {"labels": labels, "user": {"login": "author"}}})
}

fn large() -> Repository {
    history(&[record("billing", "prod", "large"), record("orders", "prod", "xlarge")])
}

#[test]
fn a_change_without_requests_needs_nobody() {
    let repository = history(&[record("billing", "prod", "large").replace("pending", "active")]);
    approvals(&repository, &labels(&[]), &[]).expect(0).shows("No database is requested");
}

#[test]
fn a_small_request_needs_the_standard_reviewers() {
    let repository =
        history(&[record("billing", "prod", "large"), record("orders", "dev", "small")]);
    approvals(&repository, &labels(&["dev"]), &[])
        .expect(3)
        .shows("orders in dev (new, size small, risk medium): tier platform-approval\n  ! platform-team: has not approved")
        .shows("The request is not approved yet.");
    approvals(&repository, &labels(&["platform-approval"]), &[])
        .expect(0)
        .shows("  + platform-team: label `platform-approval`")
        .shows("The request is approved.");
}

#[test]
fn a_large_request_needs_platform_security_and_database_teams() {
    let repository = large();
    approvals(&repository, &labels(&["platform-approval"]), &[])
        .expect(3)
        .shows("orders in prod (new, size xlarge, risk medium): tier platform-and-security")
        .shows("! database-team: has not approved")
        .shows("+ platform-team: label `platform-approval`")
        .shows("! security-team: has not approved");
    let all = labels(&["platform-approval", "security-approval", "database-approval"]);
    approvals(&repository, &all, &[]).expect(0);
}

#[test]
fn a_database_that_grows_is_a_request_too() {
    let medium = record("billing", "prod", "medium");
    let repository = history(&[record("billing", "prod", "xlarge")]);
    approvals(&repository, &labels(&[]), &[])
        .expect(3)
        .shows("billing in prod (changed: size_tier, size xlarge, risk medium): tier platform-and-security");
    let smaller = history(&[medium]);
    approvals(&smaller, &labels(&[]), &[])
        .expect(3)
        .shows("size medium, risk medium): tier platform-approval");
    let gone = history(&[]);
    approvals(&gone, &labels(&[]), &[]).expect(3).shows("billing in prod (removed, size large");
    let unsaid = history(&[
        record("billing", "prod", "large"),
        record("x", "prod", "small").replace("size_tier: small", ""),
    ]);
    approvals(&unsaid, &labels(&[]), &[]).expect(3).shows("size not said").shows("security-team");
}

fn review(login: &str, state: &str, commit: &str) -> Value {
    json!({"user": {"login": login}, "state": state, "commit_id": commit})
}

/// The last line of the answer's result for some reviews.
#[track_caller]
fn reviewed(repository: &Repository, reviews: &[Value], code: i32) -> Answer {
    // Two pages, as `gh api --paginate` writes them.
    let (first, second) = reviews.split_at(reviews.len() / 2);
    repository.write("reviews.json", &format!("{}{}", json!(first), json!(second)));
    approvals(repository, &labels(&[]), &["--reviews", "reviews.json"]).expect(code)
}

#[test]
fn approving_reviews_of_members_count() {
    let repository = large();
    let head = git(&repository, &["rev-parse", "HEAD"]);
    let approve = |login: &str| review(login, "APPROVED", &head);
    let all = [approve("paula"), approve("sam"), approve("dora")];
    reviewed(&repository, &all, 0).shows("+ platform-team: review of `Paula`");
    reviewed(&repository, &all[..2], 3).shows("! database-team: has not approved");
    reviewed(&repository, &[approve("paula"), approve("sam"), approve("stranger")], 3);
}

#[test]
fn a_review_that_was_taken_back_does_not_count() {
    let repository = large();
    let head = git(&repository, &["rev-parse", "HEAD"]);
    let by = |login: &str, state: &str| review(login, state, &head);
    let others = [by("sam", "APPROVED"), by("dora", "APPROVED")];
    let with = |more: &[Value]| [&others, more].concat();
    for (states, code) in [
        (&["APPROVED", "COMMENTED"][..], 0),
        (&["APPROVED", "CHANGES_REQUESTED"], 3),
        (&["CHANGES_REQUESTED", "APPROVED"], 0),
        (&["DISMISSED"], 3),
        (&["COMMENTED"], 3),
        (&["SOMETHING_NEW"], 3),
    ] {
        let states: Vec<_> = states.iter().map(|state| by("pete", state)).collect();
        reviewed(&repository, &with(&states), code);
    }
    let of_an_older_commit = review("pete", "APPROVED", "0123456789012345678901234567890123456789");
    reviewed(&repository, &with(&[of_an_older_commit]), 3)
        .shows("! platform-team: has not approved");
}

#[test]
fn nobody_approves_what_is_their_own() {
    let repository =
        history(&[record("billing", "prod", "large"), record("orders", "dev", "small")]);
    let head = git(&repository, &["rev-parse", "HEAD"]);
    let event = |author: &str| json!({"pull_request": {"labels": [], "user": {"login": author}}, "review": review("paula", "approved", &head)});
    approvals(&repository, &event("daniel-deans"), &[]).expect(0);
    approvals(&repository, &event("PAULA"), &[]).expect(3);
}

/// Neither by its rules nor by its members.
#[test]
fn a_change_does_not_approve_itself() {
    let small = [record("billing", "prod", "large"), record("orders", "dev", "small")];
    let repository = history(&small);
    repository.write(RULES, &TEAMS.replace("[platform-team]", "[lax-team]"));
    commit(&repository);
    approvals(&repository, &labels(&["lax-approval"]), &[])
        .expect(3)
        .shows("! platform-team: has not approved");
    repository.write(RULES, &TEAMS.replace("[Paula, pete]", "[friend]"));
    commit(&repository);
    let head = git(&repository, &["rev-parse", "HEAD"]);
    reviewed(&repository, &[review("friend", "APPROVED", &head)], 3);
    reviewed(&repository, &[review("pete", "APPROVED", &head)], 0);
}

#[test]
fn what_the_base_got_meanwhile_is_not_the_changes_doing() {
    let repository =
        history(&[record("billing", "prod", "large"), record("orders", "dev", "small")]);
    git(&repository, &["checkout", "--quiet", "main"]);
    repository.write(
        CATALOG,
        &catalog(&[record("billing", "prod", "large"), record("other", "prod", "xlarge")]),
    );
    commit(&repository);
    let answer = approvals(&repository, &labels(&[]), &[]).expect(3).shows("orders in dev (new");
    assert!(!answer.stdout.contains("other"), "{}", answer.stdout);
}

#[test]
fn each_format_tells_the_same() {
    let repository = large();
    let answer =
        approvals(&repository, &labels(&["security-approval"]), &["--format", "json"]).expect(3);
    let told: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(
        told,
        json!({"format_version": "1.0", "approved": false, "requests": [{
            "key": "orders", "database": "orders", "environment": "prod", "change": "added", "size": "xlarge",
            "risk": "medium", "tier": "platform-and-security",
            "approvals": {"database-team": null, "platform-team": null, "security-team": "label `security-approval`"},
        }]})
    );
    approvals(&repository, &labels(&[]), &["--format", "markdown"])
        .expect(3)
        .shows("| orders in prod (new, size xlarge, risk medium) | platform-and-security | database-team | missing |");
    approvals(&repository, &labels(&[]), &["--format", "github"])
        .expect(3)
        .shows("::error title=Approval is missing::orders in prod (new, size xlarge, risk medium) lacks database-team, platform-team, security-team\n")
        .shows("**The request is not approved yet.**");
}

#[test]
fn two_catalog_files_are_compared_as_well() {
    let repository = large();
    repository.write("old.yaml", "databases: {}\n");
    let arguments = ["approvals", "--base", "old.yaml", "--head", CATALOG];
    repository.run(&arguments).expect(3).shows("2 of 2 requests are not approved yet.");
    repository
        .run(&["approvals", "--base", "main", "--head", CATALOG])
        .expect(64)
        .says(&format!("error: `{CATALOG}` is a file, and `main` is none"))
        .says("hint: --base and --head are two commits or two catalog files");
}

#[test]
fn a_commit_that_is_not_there_is_an_error_not_an_approval() {
    let repository = large();
    for base in ["nothing", "--all", "HEAD:x", ""] {
        let base = format!("--base={base}");
        repository
            .run(&["approvals", &base, "--head", "request"])
            .expect(1)
            .says("there is no commit");
    }
    git(&repository, &["checkout", "--quiet", "--orphan", "unrelated"]);
    commit(&repository);
    repository
        .run(&["approvals", "--base", "main", "--head", "unrelated"])
        .expect(1)
        .says("have nothing in common");
}
