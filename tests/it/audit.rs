//! The audit as others read it, and as two processes write it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::{ENV, Fault, Hit, Recorder, Stack, answer};

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
async fn a_torn_row_stays_and_is_made_whole_with_a_warning() {
    let stack = Stack::with_app().await;
    stack.converge();
    for torn in [
        "2026-11-22T00:00:00Z,dev,,,app,app_user,apply,sta",
        "2026,\"two\nlines",
        "2026,\"a\n",
        "2026-11-22T00:00:00Z,dev,,,app,app_user,set_password,success,7,\"a \"\"word\"",
        "2026-11-22T00:00:00Z,dev,,,app,app_user,set_password,success,7,no line break",
    ] {
        let mut file = OpenOptions::new().append(true).open(path(&stack)).unwrap();
        file.write_all(torn.as_bytes()).unwrap();
        let before = std::fs::read(path(&stack)).unwrap();
        stack.run(&["rotate", "--env", ENV, "app", "--auto-approve"]).expect(0);
        assert!(std::fs::read(path(&stack)).unwrap().starts_with(&before), "{torn:?} is gone");
        let rows = by_the_crate(&path(&stack));
        assert_eq!(rows, by_python(&path(&stack)));
        let warning = rows.iter().rposition(|row| row[6] == "audit").unwrap();
        assert_eq!(rows[warning][7], "warning");
        let mended = rows[warning - 1].join(",").replace('"', "");
        assert!(mended.starts_with(&torn.replace("\"\"", "").replace('"', "")), "{mended:?}");
    }
}

/// A run on another server waits for no lock of ours. It writes into the same file, and what it has begun
/// is its own to end; until it is killed.
#[tokio::test]
async fn only_what_dead_runs_began_is_closed() {
    let stacks = [Stack::with_app().await, Stack::with_app().await];
    let root = stacks[0].root().display().to_string();
    let apply = ["apply", "--env", ENV, "--auto-approve", "--root", &root];
    let recorder = Recorder::start();
    recorder.trouble(Some((Fault::Stuck, Hit::From(3))));
    let mut command = stacks[0].command(&apply);
    command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut live = command.spawn().unwrap();
    let rows = || by_the_crate(&path(&stacks[0]));
    while !path(&stacks[0]).exists() || rows().len() < 2 {
        assert!(live.try_wait().unwrap().is_none(), "it has ended");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = rows()[1].clone();
    assert_eq!(begun[7], "started");
    let other = stacks[1].run(&apply).expect(0);
    assert!(!other.stderr.contains("did not end"), "{}", other.stderr);
    assert!(rows().iter().all(|row| row[7] != "interrupted"), "{:#?}", rows());
    live.kill().unwrap();
    live.wait().unwrap();
    let next = stacks[1].run(&apply).expect(0);
    next.says("warning: an earlier run did not end; 1 entries were closed as `interrupted`");
    let rows = rows();
    let closed: Vec<_> = rows.iter().filter(|row| row[7] == "interrupted").collect();
    assert_eq!(closed.len(), 1);
    assert!(closed[0][9].contains(&begun[0]), "{closed:?}");
    let files = std::fs::read_dir(path(&stacks[0]).parent().unwrap()).unwrap();
    assert_eq!(files.count(), 1, "files of runs are left");
}

/// Rows of versions that did not name their run, and of a machine that is gone, as git brings them.
#[tokio::test]
async fn what_came_with_the_repository_is_closed() {
    let stack = Stack::with_app().await;
    stack.converge();
    let mut file = OpenOptions::new().append(true).open(path(&stack)).unwrap();
    let run = "run 01a2067e-0662-7489-a28e-aeab51118dde";
    let rows = format!(
        "2026-11-22T00:00:00Z,dev,,7,app,app_user,apply,started,,\n2026-11-22T00:00:00Z,dev,,8,app,app_user,apply,started,,{run}\n"
    );
    file.write_all(rows.as_bytes()).unwrap();
    stack.apply().expect(0).says("2 entries were closed as `interrupted`");
    let rows = by_the_crate(&path(&stack));
    let closed: Vec<_> = rows.iter().filter(|row| row[7] == "interrupted").collect();
    assert_eq!([&closed[0][3], &closed[1][3]], ["7", "8"]);
    assert!(closed[1][9].starts_with(run), "{closed:?}");
    let again = stack.apply().expect(0);
    assert!(!again.stderr.contains("interrupted"), "{}", again.stderr);
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
