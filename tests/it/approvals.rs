//! `goldenpath-rds approvals`, in a repository with a history.

mod entries;
mod history;
mod people;

use serde_json::{Value, json};

use crate::harness::{CATALOG, Repository};
use history::{
    RULES, TEAMS, approvals, catalog, commit, git, history, labeled, labelled, record, review,
    reviewed, with_events,
};

fn large() -> Repository {
    history(&[record("billing", "prod", "large"), record("orders", "prod", "xlarge")])
}

#[test]
fn a_change_without_requests_needs_nobody() {
    let repository = history(&[record("billing", "prod", "large").replace("pending", "active")]);
    labelled(&repository, &[], &[]).expect(0).shows("No database is requested");
}

#[test]
fn a_small_request_needs_the_standard_reviewers() {
    let repository =
        history(&[record("billing", "prod", "large"), record("orders", "dev", "small")]);
    labelled(&repository, &["dev"], &[])
        .expect(3)
        .shows("orders in dev (new, size small, risk medium): tier platform-approval\n")
        .shows("  ! platform-team: has not approved")
        .shows("The request is not approved yet.");
    labelled(&repository, &["platform-approval"], &[])
        .expect(0)
        .shows("  + platform-team: label `platform-approval` set by `paula`")
        .shows("The request is approved.");
}

#[test]
fn a_large_request_needs_platform_security_and_database_teams() {
    let repository = large();
    labelled(&repository, &["platform-approval"], &[])
        .expect(3)
        .shows("orders in prod (new, size xlarge, risk medium): tier platform-and-security")
        .shows("! database-team: has not approved")
        .shows("+ platform-team: label `platform-approval`")
        .shows("! security-team: has not approved");
    let all = ["platform-approval", "security-approval", "database-approval"];
    labelled(&repository, &all, &[]).expect(0);
}

#[test]
fn a_database_that_grows_is_a_request_too() {
    let medium = record("billing", "prod", "medium");
    let repository = history(&[record("billing", "prod", "xlarge")]);
    labelled(&repository, &[], &[])
        .expect(3)
        .shows("billing in prod (changed: size_tier, size xlarge, risk medium): tier platform-and-security");
    let smaller = history(&[medium]);
    labelled(&smaller, &[], &[])
        .expect(3)
        .shows("(changed: size_tier, size medium, risk medium): tier platform-and-security, since it was large before\n");
    let gone = history(&[]);
    labelled(&gone, &[], &[]).expect(3).shows("billing in prod (removed, size large");
    let unsaid = history(&[
        record("billing", "prod", "large"),
        record("x", "prod", "small").replace("size_tier: small", ""),
    ]);
    labelled(&unsaid, &[], &[]).expect(3).shows("(new, size not said, risk medium): tier platform-and-security, since the catalog does not say its size\n").shows("security-team");
}

#[test]
fn approving_reviews_of_members_count() {
    let repository = large();
    let head = git(&repository, &["rev-parse", "HEAD"]);
    let approve = |login: &str| review(login, "APPROVED", &head);
    let all = [approve("paula"), approve("sam"), approve("dora")];
    reviewed(&repository, &all, 0).shows("+ platform-team: review of `paula`");
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
    let mut of_a_lost_commit = review("pete", "APPROVED", "");
    of_a_lost_commit["commit_id"] = Value::Null;
    reviewed(&repository, &with(&[of_a_lost_commit]), 3)
        .shows("it is of a commit that is there no more");
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
    labelled(&repository, &["lax-approval"], &[])
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
    let answer = labelled(&repository, &[], &[]).expect(3).shows("orders in dev (new");
    assert!(!answer.stdout.contains("other"), "{}", answer.stdout);
}

#[test]
fn each_format_tells_the_same() {
    let repository = large();
    let events = [labeled("security-approval", "sam"), labeled("platform-approval", "lea")];
    let answer = with_events(&repository, &[], &events, &["--format", "json"]).expect(3);
    let told: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(
        told,
        json!({"format_version": "1.0", "approved": false, "requests": [{
            "key": "orders", "database": "orders", "environment": "prod", "owner": "app-team", "change": "added",
            "at": [format!("{CATALOG}:5:3")], "size": "xlarge", "risk": "medium", "tier": "platform-and-security",
            "approvals": {
                "database-team": {"by": null},
                "platform-team": {"by": null, "not_counted":
                    ["label `platform-approval` set by `lea`: platform-team has no such member"]},
                "security-team": {"by": "label `security-approval` set by `sam`"},
            },
        }]})
    );
    with_events(&repository, &[], &events, &["--format", "markdown"])
        .expect(3)
        .shows("| platform-team | missing; does not count: label")
        .shows("| orders in prod (new, size xlarge, risk medium) | platform-and-security | database-team | missing |");
    labelled(&repository, &[], &["--format", "github"])
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
