//! The audit as others read it, and as two processes write it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{ENV, Stack, answer};

fn path(stack: &Stack) -> PathBuf {
    stack.root().join("governance/dev/rds_request_audit.csv")
}

fn by_the_crate(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
    let records = reader.records().map(|record| record.expect("as many cells as the header"));
    records.map(|record| record.iter().map(str::to_owned).collect()).collect()
}

/// Python's csv, which reads as spreadsheets do.
fn by_python(path: &Path) -> Vec<Vec<String>> {
    let script = "import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))))";
    let output = Command::new("python3").args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn whatever_is_in_a_cell_survives_and_no_cell_is_a_formula() {
    let stack = Stack::with_app().await;
    let build = "a \"quoted\" word, a comma,\nand a line";
    let apply = ["apply", "--env", ENV, "--auto-approve", "--build-id", build];
    for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
        // A value that begins with a hyphen would be a flag of its own.
        let run_id = format!("--run-id={formula}");
        stack.run(&[&apply[..], &[&run_id]].concat()).expect(0);
    }
    let rows = by_the_crate(&path(&stack));
    assert_eq!(rows, by_python(&path(&stack)));
    assert!(rows.len() > 6);
    for row in &rows[1..] {
        assert_eq!((row.len(), row[2].as_str()), (10, build));
        assert!(row[3].starts_with('\''), "{row:?}");
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
    }
}

#[tokio::test]
async fn a_torn_row_is_mended_with_a_warning_and_nothing_else_is_lost() {
    let stack = Stack::with_app().await;
    stack.converge();
    let before = by_the_crate(&path(&stack));
    for torn in
        ["2026-11-22T00:00:00Z,dev,,,app,app_user,apply,sta", "2026,\"two\nlines", "2026,\"a\n"]
    {
        let mut file = OpenOptions::new().append(true).open(path(&stack)).unwrap();
        file.write_all(torn.as_bytes()).unwrap();
        stack.run(&["rotate", "--env", ENV, "app", "--auto-approve"]).expect(0);
        let rows = by_the_crate(&path(&stack));
        assert_eq!(rows, by_python(&path(&stack)));
        assert_eq!(rows[..before.len()], before[..]);
        let warning = rows.iter().rev().find(|row| row[6] == "audit").unwrap();
        assert_eq!(warning[7], "warning");
        assert!(warning[9].ends_with(torn), "{warning:?}");
    }
}

/// Runs on two servers do not wait for each other, and here they write to one file.
#[tokio::test]
async fn two_processes_that_write_at_once_write_whole_rows() {
    let stacks = [Stack::with_apps().await, Stack::with_apps().await];
    let root = stacks[0].root().display().to_string();
    let arguments = |verb: &'static str| {
        let all: &[&str] = if verb == "rotate" { &["--all"] } else { &[] };
        [&[verb, "--env", ENV, "--auto-approve", "--root", &root], all].concat()
    };
    for verb in ["apply", "rotate", "rotate"] {
        let runs = stacks.each_ref().map(|stack| {
            let mut command = stack.command(&arguments(verb));
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        });
        for run in runs {
            answer(run.wait_with_output().unwrap()).expect(0);
        }
    }
    let rows = by_the_crate(&path(&stacks[0]));
    assert_eq!(rows, by_python(&path(&stacks[0])));
    assert_eq!(rows.iter().filter(|row| row[0] == "timestamp_utc").count(), 1);
    let count = |action: &str, status: &str| {
        rows.iter().filter(|row| row[6] == action && row[7] == status).count()
    };
    // Three entries on each of two servers, and two rotations of each.
    assert_eq!((count("create_role", "success"), count("set_password", "success")), (6, 12));
    assert_eq!(count("audit", "warning"), 0);
}
