//! Whether the audit tells everything that was done.

use std::collections::BTreeSet;

use crate::harness::{Recorder, Stack};

/// Writes to Secrets Manager and what they are called in the audit.
const CALLS: [(&str, &[&str]); 5] = [
    ("CreateSecret", &["create_secret"]),
    ("PutSecretValue", &["stage_version"]),
    ("UpdateSecretVersionStage", &["publish_version", "clear_pending"]),
    ("TagResource", &["tag_secret"]),
    ("RestoreSecret", &["restore_secret"]),
];

/// Beginnings and contents of statements, and what they are called in the audit.
const STATEMENTS: [(&str, &str, &str); 15] = [
    ("CREATE ROLE", "", "create_role"),
    ("ALTER ROLE", " PASSWORD ", "set_password"),
    ("ALTER ROLE", "", "alter_role"),
    ("COMMENT ON ROLE", "", "write_marker"),
    ("CREATE DATABASE", "", "create_database"),
    ("ALTER DATABASE", "ALLOW_CONNECTIONS true", "allow_connections"),
    ("COMMENT ON DATABASE", "", "comment_on_database"),
    ("ALTER SCHEMA public OWNER TO", "", "own_public_schema"),
    ("REVOKE CREATE ON SCHEMA public", "FROM PUBLIC", "close_public_schema"),
    ("REVOKE", "FROM PUBLIC", "revoke_from_public"),
    ("GRANT CONNECT ON DATABASE", "", "grant_connect"),
    ("ALTER DEFAULT PRIVILEGES", " GRANT ", "grant_default_privileges"),
    ("GRANT", "TO CURRENT_USER", "grant_membership"),
    ("GRANT", "", "grant_privileges"),
    ("REVOKE", "", "revoke_privileges"),
];

/// What was done since the beginning of a scenario.
#[derive(Default)]
pub struct Trail {
    rows: usize,
    log: usize,
    calls: Vec<String>,
}

impl Trail {
    pub async fn begin(&mut self, stack: &Stack) {
        self.rows = stack.audit().len();
        self.log = stack.server_log().await.len();
        self.calls.clear();
    }

    /// Takes over what the relay has let through.
    pub fn note(&mut self, recorder: &Recorder) {
        let requests = recorder.requests().into_iter().filter(|request| request.carried_out);
        self.calls.extend(requests.map(|request| request.operation));
    }

    /// Every effect has its row, but for the one that each killed run was at; and every run has an end.
    pub async fn check(&self, stack: &Stack) {
        let rows = &stack.audit()[self.rows..];
        let action = |row: &String| row.split(',').nth(2).unwrap_or_default().to_owned();
        let told: BTreeSet<_> = rows.iter().map(action).collect();
        let calls = CALLS.iter().filter(|(call, _)| self.calls.iter().any(|done| done == call));
        let mut missing: Vec<_> =
            calls.filter(|(_, rows)| rows.iter().all(|row| !told.contains(*row))).collect();
        let log = stack.server_log().await;
        let statements: BTreeSet<_> = log[self.log..].lines().filter_map(change).collect();
        let mut unsaid: Vec<_> = statements.iter().filter(|name| !told.contains(**name)).collect();
        let interrupted = rows.iter().filter(|row| row.ends_with(",interrupted")).count();
        let count = |end: bool| {
            rows.iter()
                .filter(|row| row.contains(",apply,") || row.contains(",rotate,"))
                .filter(|row| !row.starts_with(",,") && !row.ends_with(",no_change"))
                .filter(|row| row.ends_with(",started") != end)
                .count()
        };
        assert_eq!(count(false), count(true), "{rows:#?}");
        for _ in 0..interrupted {
            let _ = missing.pop().map(drop).or_else(|| unsaid.pop().map(drop));
        }
        assert!(missing.is_empty() && unsaid.is_empty(), "{missing:?} {unsaid:?} {rows:#?}");
        assert!(!statements.is_empty() || !self.calls.is_empty(), "nothing was recorded");
    }
}

/// The change that a line of the server's log tells of; only our own lines.
fn change(line: &str) -> Option<&'static str> {
    let (who, line) = line.split_once('|')?;
    let statement = line.split_once("statement: ")?.1;
    if !who.starts_with("goldenpath-rds") {
        return None;
    }
    // A GRANT or REVOKE is said as the owner.
    let as_owner = statement.strip_prefix("SET LOCAL ROLE ").and_then(|rest| rest.split_once("; "));
    let statement = as_owner.map_or(statement, |(_, statement)| statement);
    let known = STATEMENTS.iter().find(|(beginning, content, _)| {
        statement.starts_with(beginning) && (statement.contains(content))
    });
    let (_, _, name) = known.unwrap_or_else(|| panic!("which change is `{statement}`?"));
    Some(name)
}
