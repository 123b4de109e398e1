//! What the scripts do beyond the ways that the workflows take.

use std::process::Command;

use super::github::project;

/// Runs `shown` with a command, and gives the exit code, the log, and what the file has then.
fn shown(command: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "before\n").unwrap();
    let mut run = Command::new(project().join(".github/scripts/shown"));
    let output = run.arg(&file).args(["sh", "-c", command]).output().unwrap();
    assert!(output.stderr.is_empty(), "all goes out on one stream");
    let text = std::fs::read_to_string(file).unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), text)
}

#[test]
fn what_a_command_prints_is_no_command_to_the_runner() {
    let (code, log, text) = shown("echo ::error::a; printf ::warning::b >&2; exit 3");
    assert_eq!((code, text.as_str()), (3, "before\n::error::a\n"));
    let lines: Vec<_> = log.lines().collect();
    let token = lines[0].strip_prefix("::stop-commands::").unwrap();
    assert!(token.len() == 32 && !shown("true").1.contains(token), "it cannot be guessed");
    assert_eq!(lines.last(), Some(&format!("::{token}::").as_str()));
    assert!(log.contains("::warning::b") && log.contains("::error::a"), "{log}");
}

#[test]
fn a_failure_without_a_result_is_told_where_the_result_would_be() {
    let (code, _, text) = shown("echo error: no server >&2; exit 1");
    assert_eq!((code, text.as_str()), (1, "before\n\n~~~~text\nerror: no server\n~~~~\n"));
    let refused = "before\n\n~~~~text\nerror: it is stale\n~~~~\n";
    assert_eq!(shown("echo error: it is stale >&2; exit 3").2, refused);
    assert_eq!(shown("exit 1").2, "before\n");
    assert_eq!(shown("echo note >&2; echo result").2, "before\nresult\n");
}
