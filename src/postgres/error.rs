//! PostgreSQL's errors in words, with what to do next.

use std::error::Error as StdError;

use tokio_postgres::error::SqlState;

use super::connect::{ConnectFailure, Target};
use crate::error::{Error, ErrorKind};

/// The server's words with their SQLSTATE; for other failures the whole chain of causes, since the
/// driver's own text is only "db error" or "error performing TLS handshake".
#[must_use]
pub fn describe(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else { return chain(error) };
    let mut text = format!("{} (SQLSTATE {})", db.message(), db.code().code());
    for part in [db.detail(), db.hint()].into_iter().flatten() {
        text.push_str("; ");
        text.push_str(part);
    }
    text
}

/// How often a statement is sent altogether that met this: others changed the same catalog row, held its
/// lock, or were connected to the template (measured), and may be gone a moment later.
#[must_use]
pub fn attempts(error: &tokio_postgres::Error) -> u32 {
    let Some(db) = error.as_db_error() else { return 1 };
    let code = db.code();
    // Internal errors are in English whatever `lc_messages` says: `elog` does not translate.
    let soon_over = *code == SqlState::T_R_DEADLOCK_DETECTED
        || *code == SqlState::UNIQUE_VIOLATION
        || (*code == SqlState::INTERNAL_ERROR && db.message().starts_with("tuple concurrently"));
    // Before it says this, the server has waited for five seconds.
    let waited = *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::OBJECT_IN_USE;
    if soon_over {
        6
    } else if waited {
        3
    } else {
        1
    }
}

/// Whether the server gave up waiting for others: by `lock_timeout` or `statement_timeout`.
pub(super) fn is_timeout(error: &tokio_postgres::Error) -> bool {
    let timeouts = [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE];
    error.code().is_some_and(|code| timeouts.contains(code))
}

/// What a statement met, when trying again did not help.
pub(super) fn statement_error(error: &tokio_postgres::Error) -> Error {
    let failure = Error::new(describe(error));
    let code = error.code();
    if code == Some(&SqlState::OBJECT_IN_USE) {
        // Of what we send, only CREATE DATABASE meets this, and only on 14, where it copies template1.
        Error::of(ErrorKind::Blocked, describe(error)).hint("end the sessions in template1: SELECT pid, usename, application_name FROM pg_stat_activity WHERE datname = 'template1'; --isolate-server keeps tenants out of it")
    } else if code == Some(&SqlState::LOCK_NOT_AVAILABLE) {
        failure.hint("someone's transaction holds it: SELECT pid, usename, query FROM pg_stat_activity WHERE xact_start < now() - interval '5 seconds'")
    } else {
        failure
    }
}

pub(super) fn connect_error(
    failure: &ConnectFailure,
    target: &Target,
    user: &str,
    database: &str,
) -> Error {
    let at = &target.address;
    match failure {
        ConnectFailure::NoAddress => Error::new(format!("host `{}` has no address", at.host)).hint(
            "check the master secret's `host`, or connect through a tunnel with --host and --port",
        ),
        ConnectFailure::Timeout(limit) => {
            let seconds = limit.as_secs();
            Error::new(format!("server {at} did not answer within {seconds} s"))
                .hint("check security groups and routes, or connect through a tunnel with --host and --port")
        }
        ConnectFailure::Postgres(error) if error.as_db_error().is_some() => {
            refused(error, target, user, database)
        }
        ConnectFailure::Postgres(error) => unreachable(&chain(error), target),
    }
}

fn refused(error: &tokio_postgres::Error, target: &Target, user: &str, database: &str) -> Error {
    let code = error.code();
    let what = format!(
        "server {} refuses role \"{user}\" on database \"{database}\": {}",
        target.address,
        describe(error)
    );
    let hint = if code == Some(&SqlState::INVALID_PASSWORD) {
        "the password in the secret is not the role's: put the right one into the secret"
    } else if code == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) {
        "pg_hba.conf has no line for this; if it asks for encryption, use --sslmode verify-full"
    } else if code == Some(&SqlState::TOO_MANY_CONNECTIONS) {
        "all connection slots are taken: try again later, or lower --parallelism"
    } else {
        "see the server's log"
    };
    Error::new(what).hint(hint)
}

/// OpenSSL's reason stands in parentheses at the end of its message (measured).
fn unreachable(cause: &str, target: &Target) -> Error {
    let at = &target.address;
    let has = |text: &str| cause.contains(text);
    if has("hostname mismatch") || has("IP address mismatch") {
        Error::new(format!("certificate of server {at} is not for `{}`", target.server_name))
            .hint("the name comes from the master secret's `host`; --sslmode verify-ca does not compare it")
    } else if has("certificate verify failed") {
        let reason = cause.rsplit_once('(').and_then(|(_, end)| end.split(')').next());
        let reason = reason.unwrap_or("unknown");
        Error::new(format!("certificate of server {at} is not trusted: {reason}")).hint(
            "give --sslrootcert the authority's PEM file; for RDS that is https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
        )
    } else if has("server does not support TLS") {
        Error::new(format!("server {at} has no TLS"))
            .hint("turn ssl on at the server; --sslmode disable sends everything in clear")
    } else {
        Error::new(format!("cannot connect to server {at}: {cause}"))
            .hint("check that it runs and can be reached from here, or use a tunnel with --host and --port")
    }
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}
