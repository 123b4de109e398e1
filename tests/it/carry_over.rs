//! `audit carry-over` and `catalog carry-over`: from the checkout of an apply into a newer one.

use std::path::Path;
use std::process::Command;

use crate::harness::{Answer, CATALOG, Repository};

const AUDIT: &str = "governance/dev/rds_request_audit.csv";

const HEADER: &str = "timestamp_utc,environment,build_id,run_id,database,username,action,status,duration_ms,message\n";

fn row(action: &str, message: &str) -> String {
    format!("2026-11-27T00:00:00Z,dev,b,r,app,app_user,{action},success,1,{message}\n")
}

fn catalog(statuses: [&str; 2]) -> String {
    let record = |name: &str, status: &str| {
        format!(
            "  {name}:\n    metadata: {{owner: app-team, environment: dev, status: {status}}}\n"
        )
    };
    format!("databases:\n{}{}", record("app", statuses[0]), record("other", statuses[1]))
}

/// The checkout of an apply: committed as the first files have it, and changed by it to the second.
fn applied(path: &str, before: &str, after: &str) -> Repository {
    let repository = Repository::with_variables("");
    repository.write(path, before);
    let script = "git init --quiet && git add --all &&
        git -c user.name=t -c user.email=t@example.com commit --quiet --message=x";
    let begin = Command::new("sh").args(["-c", script]).current_dir(repository.path("")).status();
    assert!(begin.unwrap().success());
    repository.write(path, after);
    repository
}

fn carry_over(what: &str, from: &Repository, to: &Repository) -> Answer {
    let from = from.path("").display().to_string();
    to.run(&[what, "carry-over", "--env", "dev", "--from", &from])
}

/// What the newer checkout has after it, the second time too.
fn becomes(what: &str, path: &str, [before, after, newest]: [&str; 3]) -> String {
    let (from, to) = (applied(path, before, after), Repository::with_variables(""));
    if !newest.is_empty() {
        to.write(path, newest);
    }
    carry_over(what, &from, &to).expect(0);
    let once = to.read(path);
    carry_over(what, &from, &to).expect(0);
    assert_eq!(to.read(path), once, "the second time changes nothing");
    once
}

#[test]
fn rows_of_two_runs_are_both_kept_whole() {
    let before = HEADER.to_owned() + &row("apply", "");
    let mine = row("create_role", "\"of\nsame line\"") + &row("create_role", "\"of\nsame line\"");
    let theirs = row("verify", "\"other\nsame line\"");
    let (after, newest) = (before.clone() + &mine, before.clone() + &theirs);
    let merged = becomes("audit", AUDIT, [&before, &after, &newest]);
    assert_eq!(merged, before + &theirs + &mine);
}

#[test]
fn a_new_audit_begins_with_its_header_and_one_without_rows_does_not_begin() {
    let after = HEADER.to_owned() + &row("apply", "");
    assert_eq!(becomes("audit", AUDIT, ["", &after, ""]), after);
    assert_eq!(becomes("audit", AUDIT, ["", &after, HEADER]), after);
    assert_eq!(becomes("audit", "README.md", ["a", "b", ""]), "");
}

/// Somebody has put the old rows elsewhere; another program has saved them with other quotes.
#[test]
fn rows_from_before_the_apply_are_not_carried_over() {
    let (old, new) = (row("apply", "old"), row("apply", "new"));
    let after = format!("{HEADER}{old}{new}");
    let merged = becomes("audit", AUDIT, [&(HEADER.to_owned() + &old), &after, HEADER]);
    assert_eq!(merged, format!("{HEADER}{new}"));
    let quoted = HEADER.to_owned()
        + &old.replace("old", "\"old\"")
        + &new.replace(',', "\",\"").replace("2026", "\"2026").replace("new\n", "new\"\r\n");
    assert_eq!(becomes("audit", AUDIT, [HEADER, &after, &quoted]), quoted);
}

#[test]
fn what_a_killed_run_left_of_a_row_is_kept_as_a_warning() {
    let after = format!("{HEADER}{}2026-11-27T00:00:00Z,dev,\"half", row("apply", ""));
    let (from, to) = (applied(AUDIT, HEADER, &after), Repository::with_variables(""));
    carry_over("audit", &from, &to).expect(0).says("audit: 3 rows carried over");
    let text = to.read(AUDIT);
    assert!(text.contains("\n2026-11-27T00:00:00Z,dev,half,,,,,,,\n"), "{text}");
    assert!(text.ends_with("the row before this one was cut off while it was written\n"), "{text}");
}

#[test]
fn a_status_is_set_where_nobody_changed_the_record_meanwhile() {
    let (before, after) = (catalog(["pending", "pending"]), catalog(["active", "failed"]));
    let files = [before.as_str(), &after, &before.replace("app-team", "sre-team")];
    assert_eq!(becomes("catalog", CATALOG, files), after.replace("app-team", "sre-team"));

    let (from, to) = (applied(CATALOG, &before, &after), Repository::with_variables(""));
    to.write(CATALOG, &catalog(["deprecated", "failed"]));
    let told = "catalog: app is left alone: its status was changed to deprecated meanwhile\n";
    assert_eq!(carry_over("catalog", &from, &to).expect(0).stderr, told);
    assert_eq!(to.read(CATALOG), catalog(["deprecated", "failed"]));
    to.write(CATALOG, "databases: {}\n");
    carry_over("catalog", &from, &to).expect(0).says("app is left alone: its record was removed");
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let (before, after) = (catalog(["pending", "pending"]), catalog(["active", "active"]));
    let (from, to) = (applied(CATALOG, &before, &after), Repository::with_variables(""));
    to.write(CATALOG, "databases: [");
    carry_over("catalog", &from, &to).expect(1).says("1 problem; nothing was done");
    let nowhere = Repository::with_variables("");
    assert!(!Path::new(&nowhere.path(".git")).exists());
    carry_over("audit", &nowhere, &to).expect(1).says("--from: there is no commit `HEAD`");
}
