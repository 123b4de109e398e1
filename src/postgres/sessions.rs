//! Sessions that were opened with a password that is no longer the role's: PostgreSQL lets them go on.

use std::time::Duration;

use postgres_protocol::escape::escape_literal;

use super::session::Session;
use crate::error::{Error, Result};

/// The sessions of a role that began longer ago than this.
pub struct SessionsOf<'a> {
    /// The role.
    pub role: &'a str,
    /// Measured here, so that the clocks need not agree.
    pub older_than: Duration,
}

/// Counts them.
///
/// # Errors
/// When the server refuses.
pub async fn count_sessions(session: &Session, sessions: &SessionsOf<'_>) -> Result<u64> {
    matching(session, sessions, "count(*)").await
}

/// Ends them, and counts those that were told to end.
///
/// # Errors
/// When the server refuses: the master must have the role's privileges, or be in `pg_signal_backend`.
pub async fn end_sessions(session: &Session, sessions: &SessionsOf<'_>) -> Result<u64> {
    matching(session, sessions, "count(*) FILTER (WHERE pg_terminate_backend(pid))").await
}

/// Without this session, which is known by its number: names are what a session calls itself. A master that
/// may not see the role's statistics sees NULL.
async fn matching(session: &Session, sessions: &SessionsOf<'_>, count: &str) -> Result<u64> {
    let sql = format!(
        "SELECT {count} FROM pg_stat_activity
          WHERE usename = {} AND coalesce(backend_type = 'client backend', true)
            AND pid <> pg_backend_pid()
            AND coalesce(backend_start < clock_timestamp() - interval '{} microseconds', true)",
        escape_literal(sessions.role),
        sessions.older_than.as_micros(),
    );
    let sets = session.read(&sql).await?;
    let count = sets.first().and_then(|rows| rows.first()).and_then(|row| row.get(0));
    count
        .and_then(|count| count.parse().ok())
        .ok_or_else(|| Error::new("the server gave no number of sessions"))
}
