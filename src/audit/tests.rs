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
    let audit = audit(root.path());
    audit.append(&row(Verb::Apply.word(), Status::Started, "")).unwrap();
    audit.append(&row("create_role", Status::Success, "")).unwrap();
    assert_eq!(audit.close_unfinished().unwrap(), 1);
    assert_eq!(audit.close_unfinished().unwrap(), 0);
    assert_eq!(&records(&audit)[2][7], "interrupted");
}

#[test]
fn a_torn_line_becomes_a_warning_that_keeps_its_text() {
    let root = tempfile::tempdir().unwrap();
    let audit = audit(root.path());
    audit.append(&row(Verb::Apply.word(), Status::Success, "")).unwrap();
    let mut file = OpenOptions::new().append(true).open(&audit.path).unwrap();
    file.write_all(b"2026-11-22T00:00:00Z,dev,\"half").unwrap();
    audit.append(&row(Verb::Apply.word(), Status::Success, "")).unwrap();
    let records = records(&audit);
    assert_eq!(records.len(), 3);
    assert!(records[1][9].ends_with("2026-11-22T00:00:00Z,dev,\"half"));
    assert_eq!(&records[1][7], "warning");
}

#[test]
fn a_row_torn_inside_a_cell_or_a_letter_is_mended_before_the_next_run() {
    let torn: [&[u8]; 4] = [
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"two\nlines",
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"a line\n",
        "2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"caf\u{e9}".as_bytes(),
        b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,caf\xc3",
    ];
    for torn in torn {
        let root = tempfile::tempdir().unwrap();
        let audit = audit(root.path());
        audit.append(&row("create_role", Status::Success, "a \"cell\"\nof two lines")).unwrap();
        OpenOptions::new().append(true).open(&audit.path).unwrap().write_all(torn).unwrap();
        assert_eq!(audit.close_unfinished().unwrap(), 0);
        audit.append(&row(Verb::Apply.word(), Status::Success, "")).unwrap();
        let records = records(&audit);
        assert_eq!(records.len(), 3, "{records:?}");
        assert_eq!((&records[1][6], &records[1][7]), ("audit", "warning"));
        assert!(records[1][9].contains("2026-11-22T00:00:00Z,dev"), "{records:?}");
        assert_eq!(&records[2][7], "success");
    }
}
