//! Whose approval counts.

use serde_json::json;

use super::history::{
    RULES, TEAMS, approvals, commit, git, history, labeled, labelled, opened, record, review,
    reviewed, unlabeled, with_events,
};
use crate::harness::{CATALOG, Repository};

/// A small database that `daniel-deans` asked for.
fn asked() -> Repository {
    let orders = record("orders", "dev", "small")
        .replace("owner: app-team", "owner: app-team, requested_by: daniel-deans");
    history(&[record("billing", "prod", "large"), orders])
}

/// With other members in the platform team of the rules that count.
fn with_members(repository: &Repository, members: &str) {
    git(repository, &["checkout", "--quiet", "main"]);
    repository.write(RULES, &TEAMS.replace("[Paula, pete]", members));
    commit(repository);
}

const LABEL: &str = "platform-approval";

#[test]
fn a_label_counts_only_when_it_is_known_who_set_it() {
    let repository = asked();
    approvals(&repository, &opened(&[LABEL]), &[])
        .expect(3)
        .shows("! platform-team: has not approved\n    does not count: label `platform-approval`: who set it is not known\n");
    let mut nobody = labeled(LABEL, "x");
    nobody["actor"] = json!(null);
    with_events(&repository, &[LABEL], &[nobody], &[]).expect(3).shows("who set it is not known");
    labelled(&repository, &[LABEL], &[])
        .expect(0)
        .shows("+ platform-team: label `platform-approval` set by `paula`\n");
}

#[test]
fn who_opened_asked_or_is_no_member_sets_no_label_that_counts() {
    let repository = asked();
    let set_by = |login: &str| with_events(&repository, &[LABEL], &[labeled(LABEL, login)], &[]);
    set_by("stranger")
        .expect(3)
        .shows("does not count: label `platform-approval` set by `stranger`: platform-team has no such member\n");
    with_members(&repository, "[Author, DANIEL-deans, pete]");
    set_by("author").expect(3).shows("`author`: who opened the pull request does not approve it\n");
    set_by("Daniel-Deans")
        .expect(3)
        .shows("`Daniel-Deans`: who requested the database does not approve it\n");
    set_by("PETE").expect(0);
}

#[test]
fn where_a_team_lists_nobody_any_other_person_may_set_its_label() {
    let repository = asked();
    with_members(&repository, "[]");
    let set_by = |login: &str| with_events(&repository, &[LABEL], &[labeled(LABEL, login)], &[]);
    set_by("somebody").expect(0);
    set_by("author").expect(3);
    set_by("daniel-deans").expect(3);
    set_by("labeler[bot]").expect(3).shows("a program's account is nobody's agreement");
    // By hand, without the event of a run, nobody is known to be another than the author.
    let arguments =
        ["approvals", "--base", "main", "--head", "request", "--label-events", "events.json"];
    repository.run(&arguments).expect(3).shows("who opened the pull request is not known");
}

#[test]
fn a_label_that_was_taken_off_does_not_count() {
    let repository = asked();
    let events = |list: &[_]| with_events(&repository, &[LABEL], list, &[]);
    let (on, off) = (labeled(LABEL, "pete"), unlabeled(LABEL, "github-actions[bot]"));
    let other = json!({ "event": "assigned", "actor": { "login": "pete" } });
    events(&[on.clone(), other, off.clone()]).expect(3);
    events(&[on.clone(), off, labeled(LABEL, "author")]).expect(3).shows("set by `author`");
    events(&[labeled(LABEL, "author"), unlabeled(LABEL, "author"), on]).expect(0);
}

#[test]
fn who_asked_for_a_database_approves_it_by_no_review_either() {
    let repository = asked();
    with_members(&repository, "[daniel-deans, pete]");
    let head = git(&repository, &["rev-parse", "request"]);
    reviewed(&repository, &[review("Daniel-Deans", "APPROVED", &head)], 3)
        .shows("does not count: review of `Daniel-Deans`: who requested the database does not approve it\n");
    reviewed(&repository, &[review("pete", "APPROVED", &head)], 0);

    // Nor by putting down somebody else.
    git(&repository, &["merge", "--quiet", "--message=x", "request"]);
    git(&repository, &["checkout", "--quiet", "-B", "request"]);
    let text = repository.read(CATALOG).replace("requested_by: daniel-deans", "requested_by: pete");
    repository.write(CATALOG, &text.replace("size_tier: small", "size_tier: medium"));
    commit(&repository);
    let head = git(&repository, &["rev-parse", "request"]);
    for login in ["daniel-deans", "pete"] {
        reviewed(&repository, &[review(login, "APPROVED", &head)], 3);
    }
}

#[test]
fn what_is_no_list_is_no_evidence() {
    let repository = asked();
    repository.write("events.json", r#"[] {"message": "Not Found"}"#);
    for flag in ["--label-events", "--reviews"] {
        approvals(&repository, &opened(&[]), &[flag, "events.json"])
            .expect(1)
            .says("error: events.json is no list\n");
    }
}

#[test]
fn the_answer_is_written_as_a_commit_status() {
    let repository = asked();
    let status = |labels: &[&str], code: i32| {
        labelled(&repository, labels, &["--commit-status", "status.json"]).expect(code);
        serde_json::from_str::<serde_json::Value>(&repository.read("status.json")).expect("JSON")
    };
    let expected = |state: &str, description: &str| json!({ "state": state, "context": "rds-approvals", "description": description });
    let open = "The request is not approved yet. Missing: platform-team";
    assert_eq!(status(&[], 3), expected("pending", open));
    assert_eq!(status(&[LABEL], 0), expected("success", "The request is approved."));
    // GitHub refuses more than 140 characters.
    git(&repository, &["checkout", "--quiet", "main"]);
    repository
        .write(RULES, &TEAMS.replace("[platform-team]", &format!("[{}-team]", "x".repeat(200))));
    commit(&repository);
    let long = status(&[], 3);
    let description = long["description"].as_str().expect("text");
    assert_eq!((description.chars().count(), description.ends_with('…')), (140, true));
}
