//! The lock that lets one apply at a time work on a server.

use std::time::{Duration, Instant};

use super::session::Session;
use crate::error::{Error, ErrorKind, Result};

/// `goldenpa` as a number: any constant would do that no other program uses.
const KEY: i64 = 0x676f_6c64_656e_7061;

const PAUSE: Duration = Duration::from_millis(500);

/// Proof that the session holds the lock; it is freed with the session.
pub struct Lock(());

/// Takes the lock, and waits for another holder up to `patience`. `waiting` is told once who holds it.
///
/// # Errors
/// When it is still held after `patience`.
pub async fn acquire(
    session: &Session,
    patience: Duration,
    mut waiting: impl FnMut(&str),
) -> Result<Lock> {
    let since = Instant::now();
    let mut told = false;
    while !try_lock(session).await? {
        let holder = holder(session).await?;
        if since.elapsed() >= patience {
            let seconds = patience.as_secs();
            let message = format!("waited {seconds} s for the lock, which {holder} holds");
            return Err(Error::of(ErrorKind::Failure, message)
                .hint("wait for that run to end, or give --lock-timeout more seconds"));
        }
        if !told {
            waiting(&format!("waiting for the lock, which {holder} holds"));
            told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Lock(()))
}

async fn try_lock(session: &Session) -> Result<bool> {
    let sets = session.read(&format!("SELECT pg_try_advisory_lock({KEY})")).await?;
    Ok(first(&sets).is_some_and(|row| row.get(0) == Some("t")))
}

async fn holder(session: &Session) -> Result<String> {
    // A bigint key is split into classid and objid (PostgreSQL documentation, 54.13).
    let sql = format!(
        "SELECT a.usename, a.application_name, a.pid, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
           FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
          WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {} AND l.objid = {}
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        KEY >> 32,
        KEY & 0xffff_ffff,
    );
    let sets = session.read(&sql).await?;
    Ok(first(&sets).map_or_else(
        || "another session".to_owned(),
        |row| {
            let column = |at| row.get(at).unwrap_or("?");
            format!("\"{}\" ({}, pid {}) since {}", column(0), column(1), column(2), column(3))
        },
    ))
}

fn first(sets: &[Vec<tokio_postgres::SimpleQueryRow>]) -> Option<&tokio_postgres::SimpleQueryRow> {
    sets.first().and_then(|rows| rows.first())
}
