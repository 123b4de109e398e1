//! Rows in a file of their own.

use std::time::Duration;

use super::*;

fn audit(root: &Path) -> Audit {
    Audit::open(root, &Environment::parse("dev").unwrap(), "b1", "=r1").unwrap()
}

fn row<'a>(action: &'a str, status: Status, message: &'a str) -> Row<'a> {
    let duration = Some(Duration::from_millis(7));
    Row { database: "app", username: "app_user", action, status, duration, message }
}

fn records(audit: &Audit) -> Vec<csv::StringRecord> {
    csv::Reader::from_path(&audit.path).unwrap().records().map(Result::unwrap).collect()
}

#[test]
fn cells_survive_and_formulas_are_defused() {
    let root = tempfile::tempdir().unwrap();
    let audit = audit(root.path());
    assert!(!audit.path.exists());
    let message = "a \"quoted\", word\nand a line";
    audit.append(&row("create_role", Status::Success, message)).unwrap();
    let records = records(&audit);
    assert_eq!(records.len(), 1);
    assert_eq!(&records[0][9], message);
    assert_eq!(&records[0][3], "'=r1");
    assert_eq!((&records[0][7], &records[0][8]), ("success", "7"));
}

#[test]
fn what_was_begun_and_not_ended_is_closed_once() {
    let root = tempfile::tempdir().unwrap();
    let (dead, next) = (audit(root.path()), audit(root.path()));
    dead.append(&row(Verb::Apply.word(), Status::Started, "")).unwrap();
    dead.append(&row("create_role", Status::Success, "")).unwrap();
    drop(dead);
    assert_eq!(next.close_unfinished().unwrap(), 1);
    assert_eq!(next.close_unfinished().unwrap(), 0);
    assert_eq!(&records(&next)[2][7], "interrupted");
}

#[test]
fn what_a_live_run_began_is_left_to_it() {
    let root = tempfile::tempdir().unwrap();
    let (live, next) = (audit(root.path()), audit(root.path()));
    live.append(&row(Verb::Apply.word(), Status::Started, "")).unwrap();
    next.append(&row(Verb::Apply.word(), Status::Started, "")).unwrap();
    next.append(&row(Verb::Apply.word(), Status::Success, "")).unwrap();
    assert_eq!(next.close_unfinished().unwrap(), 0);
    drop(live);
    assert_eq!(next.close_unfinished().unwrap(), 1);
    assert_eq!(&records(&next)[3][7], "interrupted");
}

fn tear(audit: &Audit, torn: &[u8]) {
    OpenOptions::new().append(true).open(&audit.path).unwrap().write_all(torn).unwrap();
}

#[test]
fn a_row_that_was_cut_off_keeps_its_text_and_gets_an_end() {
    let torn: [&[u8]; 9] = [
        b"2026-11-22T00:00:00Z,dev,\"half",
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"two\nlines",
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"a line\n",
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"a \"\"word\"",
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,",
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,a word",
        "2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"caf\u{e9}".as_bytes(),
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,caf\xc3",
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\xf0\x9f\x98",
    ];
    for torn in torn {
        let root = tempfile::tempdir().unwrap();
        let audit = audit(root.path());
        audit.append(&row("create_role", Status::Success, "a \"cell\"\nof two lines")).unwrap();
        let before = std::fs::read(&audit.path).unwrap();
        tear(&audit, torn);
        assert_eq!(audit.close_unfinished().unwrap(), 0);
        audit.append(&row(Verb::Apply.word(), Status::Success, "")).unwrap();
        let records = records(&audit);
        assert_eq!(records.len(), 4, "{records:?}");
        assert_eq!((&records[2][6], &records[2][7]), ("audit", "warning"));
        assert_eq!(&records[3][7], "success");
        let kept = &torn[..torn.len() - half_letter(torn)];
        assert!(std::fs::read(&audit.path).unwrap().starts_with(&[&before[..], kept].concat()));
    }
}

/// By another run, while this one is at it; and a header.
#[test]
fn a_row_is_mended_whenever_it_is_cut_off() {
    let root = tempfile::tempdir().unwrap();
    let audit = audit(root.path());
    audit.append(&row("create_role", Status::Success, "")).unwrap();
    tear(&audit, b"2026,\"two\nlines");
    audit.append(&row("create_role", Status::Success, "")).unwrap();
    assert_eq!(records(&audit).len(), 4);
    std::fs::write(&audit.path, "timestamp_utc,envi").unwrap();
    audit.append(&row("create_role", Status::Success, "")).unwrap();
    assert_eq!(records(&audit).len(), 1);
}
