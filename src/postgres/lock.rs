//! The lock that lets one apply at a time work on a server.

use std::fmt;
use std::time::{Duration, Instant};

use super::MAINTENANCE_DATABASE;
use super::session::Session;
use crate::error::{Error, ErrorKind, Result};
use crate::name::Environment;

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
    environment: &Environment,
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
            return Err(Error::of(ErrorKind::Failure, message).hint(holder.hint(environment)));
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

/// Who has the lock. Every role that may enter the database can take it.
enum Holder {
    /// It has just been freed, or its session cannot be seen.
    Unknown,
    Session {
        role: String,
        application: String,
        pid: String,
        since: String,
        /// The role that we are logged in as.
        master: String,
    },
}

async fn holder(session: &Session) -> Result<Holder> {
    // A bigint key is split into classid and objid (PostgreSQL documentation, 54.13).
    let sql = format!(
        "SELECT a.usename, a.application_name, a.pid, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                current_user
           FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
          WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {} AND l.objid = {}
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        KEY >> 32,
        KEY & 0xffff_ffff,
    );
    let sets = session.read(&sql).await?;
    let Some(row) = first(&sets) else { return Ok(Holder::Unknown) };
    let column = |at| row.get(at).unwrap_or("?").to_owned();
    let (role, application, pid) = (column(0), column(1), column(2));
    Ok(Holder::Session { role, application, pid, since: column(3), master: column(4) })
}

impl Holder {
    /// Our runs are the master's sessions: another role's would not end by itself.
    fn hint(&self, environment: &Environment) -> String {
        match self {
            Self::Session { role, pid, master, .. } if role != master => format!(
                "\"{role}\" is not \"{master}\", so that is no run of this program: end its session with `SELECT pg_terminate_backend({pid})`, and keep tenants out of database \"{MAINTENANCE_DATABASE}\" with `goldenpath-rds apply --env {environment} --isolate-server`"
            ),
            Self::Session { .. } | Self::Unknown => {
                "wait for that run to end, or give --lock-timeout more seconds".to_owned()
            }
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("another session"),
            Self::Session { role, application, pid, since, .. } => {
                write!(f, "\"{role}\" ({application}, pid {pid}) since {since}")
            }
        }
    }
}

fn first(sets: &[Vec<tokio_postgres::SimpleQueryRow>]) -> Option<&tokio_postgres::SimpleQueryRow> {
    sets.first().and_then(|rows| rows.first())
}
