//! Whether the audit tells everything that was done, and nothing else: each effect has a row of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::flow::Who;
use crate::harness::{Recorder, Request, Stack};

/// What a server's settings must be for [`Trail`] to read its log: the run, the database, the statement.
pub const SETTINGS: [&str; 2] = ["log_statement=ddl", "log_line_prefix=%a %d|"];

/// Beginnings and contents of statements, and what they are called in the audit.
const STATEMENTS: [(&str, &str, &str); 18] = [
    ("CREATE ROLE", "", "create_role"),
    ("ALTER ROLE CURRENT_USER", " PASSWORD ", "set_master_password"),
    ("ALTER ROLE", " PASSWORD ", "set_password"),
    ("ALTER ROLE", "", "alter_role"),
    ("COMMENT ON ROLE", "", "write_marker"),
    ("CREATE DATABASE", "", "create_database"),
    ("ALTER DATABASE", "ALLOW_CONNECTIONS true", "allow_connections"),
    ("ALTER DATABASE", "CONNECTION LIMIT", "lift_connection_limit"),
    ("COMMENT ON DATABASE", "", "comment_on_database"),
    ("ALTER SCHEMA public OWNER TO", "", "own_public_schema"),
    ("REVOKE CREATE ON SCHEMA public", "FROM PUBLIC", "close_public_schema"),
    ("REVOKE", "FROM PUBLIC", "revoke_from_public"),
    ("GRANT CONNECT ON DATABASE", "", "grant_connect"),
    ("GRANT", " ON DATABASE ", "grant_to_owner"),
    ("ALTER DEFAULT PRIVILEGES", " GRANT ", "grant_default_privileges"),
    ("GRANT", "TO CURRENT_USER", "grant_membership"),
    ("GRANT", "", "grant_privileges"),
    ("REVOKE", "", "revoke_privileges"),
];

type Counts = BTreeMap<String, usize>;

/// What was done since the beginning of a scenario.
#[derive(Default)]
pub struct Trail {
    rows: usize,
    log: usize,
    fences: usize,
    calls: Counts,
}

impl Trail {
    pub async fn begin(&mut self, stack: &Stack) {
        self.rows = stack.audit().len();
        self.log = self.server_log(stack).await.len();
        self.calls.clear();
    }

    /// Takes over what the relay has let through of one run. What was sent again with the same content
    /// is one effect: an attempt whose answer was lost.
    pub fn note(&mut self, recorder: &Recorder) {
        let requests: Vec<_> =
            recorder.seen().into_iter().filter(|request| request.carried_out).collect();
        let effects = requests.iter().filter_map(|one| Some((action(one)?, one.body.to_string())));
        let distinct: BTreeSet<_> = effects.collect();
        count(&mut self.calls, distinct.into_iter().map(|(action, _)| action));
    }

    /// A row says that it was done only of what was done; all that was done has a row, but for the
    /// effect that a killed run was at; and every run has an end.
    pub async fn check(&mut self, stack: &Stack) {
        let log = self.server_log(stack).await;
        let mut done = self.calls.clone();
        let statements: BTreeSet<_> = log[self.log..].lines().filter_map(change).collect();
        count(&mut done, statements.iter().map(|(_, _, action)| *action));
        let audit = stack.audit();
        let rows: Vec<Vec<&str>> =
            audit[self.rows..].iter().map(|row| row.split(',').collect()).collect();
        let with = |status: &str| {
            let mut counts = Counts::new();
            count(&mut counts, rows.iter().filter(|row| row[3] == status).map(|row| row[2]));
            counts
        };
        let (success, error) = (with("success"), with("error"));
        let interrupted: usize = with("interrupted").values().sum();
        let mut untold = 0;
        for (action, times) in &done {
            let of = |counts: &Counts| counts.get(action).copied().unwrap_or(0);
            assert!(of(&success) <= *times, "{action}: done {times} times: {rows:#?}");
            untold += times.saturating_sub(of(&success) + of(&error));
        }
        assert!(untold <= interrupted, "{untold} effects have no row: {done:?} {rows:#?}");
        let is_of_a_run = |action: &str| ["apply", "rotate"].contains(&action);
        let invented =
            success.keys().find(|action| !done.contains_key(*action) && !is_of_a_run(action));
        assert_eq!(invented, None, "it was not done: {done:?} {rows:#?}");
        let of_entries = rows.iter().filter(|row| !row[0].is_empty() && row[3] != "no_change");
        let of_runs = of_entries.filter(|row| is_of_a_run(row[2]));
        let (begun, ended): (Vec<_>, Vec<_>) = of_runs.partition(|row| row[3] == "started");
        assert_eq!(begun.len(), ended.len(), "{rows:#?}");
        let nothing_to_do = rows.iter().any(|row| row[3] == "no_change");
        assert!(nothing_to_do || !done.is_empty(), "nothing was recorded: {rows:#?}");
    }

    /// The log up to here. It is written by a process of its own, so a statement of the test shows
    /// when all that came before has arrived.
    async fn server_log(&mut self, stack: &Stack) -> String {
        self.fences += 1;
        let fence = format!("DROP ROLE IF EXISTS fence_{}_", self.fences);
        stack.sql("postgres", &fence).await;
        loop {
            let log = stack.server_log().await;
            if log.contains(&fence) {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn count<'a>(counts: &mut Counts, actions: impl Iterator<Item = &'a str>) {
    for action in actions {
        *counts.entry(action.to_owned()).or_default() += 1;
    }
}

/// What a request is called in the audit; reading has no row.
fn action(request: &Request) -> Option<&'static str> {
    let is_master = request.secret() == Some(Who::Master.secret());
    match request.operation.as_str() {
        "CreateSecret" => Some("create_secret"),
        "RestoreSecret" => Some("restore_secret"),
        "PutSecretValue" if is_master => Some("stage_master_password"),
        "PutSecretValue" => Some("stage_version"),
        "UpdateSecretVersionStage" if request.body["VersionStage"] == "AWSCURRENT" => {
            Some(if is_master { "publish_master_password" } else { "publish_version" })
        }
        "UpdateSecretVersionStage" => Some("clear_pending"),
        "TagResource" => Some("tag_secret"),
        "GetSecretValue" | "ListSecrets" | "DescribeSecret" | "ListSecretVersionIds" => None,
        other => panic!("what is {other} called in the audit?"),
    }
}

/// The change that a line of the server's log tells of, with the run, the database and the statement:
/// a run that sends the same again does it because another session got in its way. Only our own lines.
fn change(line: &str) -> Option<(&str, &str, &'static str)> {
    let (who, line) = line.split_once('|')?;
    let statement = line.split_once("statement: ")?.1;
    if !who.starts_with("goldenpath-rds") {
        return None;
    }
    // A GRANT or REVOKE is said as the owner.
    let as_owner = statement.strip_prefix("SET LOCAL ROLE ").and_then(|rest| rest.split_once("; "));
    let statement = as_owner.map_or(statement, |(_, statement)| statement);
    let known = STATEMENTS.iter().find(|(beginning, content, _)| {
        statement.starts_with(beginning) && statement.contains(content)
    });
    let (_, _, name) = known.unwrap_or_else(|| panic!("which change is `{statement}`?"));
    Some((who, statement, name))
}
