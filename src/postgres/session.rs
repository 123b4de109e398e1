//! One connection: queries, statements, and the warnings that are errors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::poll_fn;
use futures_util::{StreamExt, TryStreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::{AsyncMessage, Client, Connection, SimpleQueryMessage, SimpleQueryRow};

use super::error::{attempts, describe, is_timeout, statement_error};
use crate::error::{Error, Result};

/// How long after `statement_timeout` a server that says nothing is given up.
const GRACE: Duration = Duration::from_secs(10);

/// `no privileges could be revoked` and `no privileges were granted`: GRANT and REVOKE without the
/// right to do so succeed with only these warnings, and change nothing (measured).
const SILENT_FAILURES: [&str; 2] = ["01006", "01007"];

type Warnings = Arc<Mutex<Vec<DbError>>>;

/// An open session.
pub struct Session {
    client: Client,
    warnings: Warnings,
    server_version: u32,
    answer_timeout: Duration,
    mute: AtomicBool,
}

impl Session {
    pub(super) fn start<S, T>(
        client: Client,
        connection: Connection<S, T>,
        statement_timeout: Duration,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let server_version = connection.parameter("server_version").map_or(0, version_number);
        let warnings = Warnings::default();
        tokio::spawn(drive(connection, Arc::clone(&warnings)));
        let answer_timeout = statement_timeout + GRACE;
        Self { client, warnings, server_version, answer_timeout, mute: AtomicBool::new(false) }
    }

    /// `server_version_num`, 150018 for 15.18.
    #[must_use]
    pub fn server_version(&self) -> u32 {
        self.server_version
    }

    /// Sends statements in one round trip and gives the rows of each.
    ///
    /// # Errors
    /// The first error of the server.
    pub async fn read(&self, sql: &str) -> Result<Vec<Vec<SimpleQueryRow>>> {
        self.try_read(sql).await.map_err(Failure::into_error)
    }

    /// As [`Self::read`], with the failure as it came.
    pub(super) async fn try_read(&self, sql: &str) -> Result<Vec<Vec<SimpleQueryRow>>, Failure> {
        let mut sets = vec![Vec::new()];
        for message in self.send(sql).await? {
            match message {
                SimpleQueryMessage::Row(row) => {
                    if let Some(set) = sets.last_mut() {
                        set.push(row);
                    }
                }
                SimpleQueryMessage::CommandComplete(_) => sets.push(Vec::new()),
                // A row description says nothing that the rows do not; the enum is not exhaustive.
                SimpleQueryMessage::RowDescription(_) | _ => {}
            }
        }
        sets.pop();
        Ok(sets)
    }

    /// Carries out statements, as one transaction where PostgreSQL allows it. When another session
    /// gets in the way they are sent again, a few times.
    ///
    /// # Errors
    /// The server's error, or a warning that nothing was granted or revoked.
    pub async fn execute(&self, sql: &str) -> Result<()> {
        for attempt in 1.. {
            self.take_warnings();
            match self.send(sql).await {
                Ok(_) => break,
                Err(Failure::Postgres(error)) if attempt < attempts(&error) => {
                    tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                }
                Err(failure) => return Err(failure.into_error()),
            }
        }
        match self.take_warnings().iter().find(|warning| is_silent_failure(warning)) {
            Some(warning) => Err(Error::new(format!(
                "{} (SQLSTATE {}), so nothing was changed",
                warning.message(),
                warning.code().code()
            ))
            .hint("the master lacks the rights of the object's owner")),
            None => Ok(()),
        }
    }

    /// Whether nothing more can come of this session, and its locks must be taken for lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.client.is_closed() || self.mute.load(Ordering::SeqCst)
    }

    /// Whether the server is there.
    pub async fn answers(&self) -> bool {
        self.send("SELECT 1").await.is_ok()
    }

    async fn send(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Failure> {
        let sending = async { self.client.simple_query_raw(sql).await?.try_collect().await };
        match timeout(self.answer_timeout, sending).await {
            Ok(answer) => answer.map_err(Failure::Postgres),
            Err(_) => {
                self.mute.store(true, Ordering::SeqCst);
                Err(Failure::Mute)
            }
        }
    }

    /// The connection task has stored a statement's warnings before its answer arrives: it handles
    /// the server's messages in their order.
    fn take_warnings(&self) -> Vec<DbError> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What became of a statement.
pub(super) enum Failure {
    /// The driver's error.
    Postgres(tokio_postgres::Error),
    /// No answer came in time.
    Mute,
}

impl Failure {
    /// Whether the statement waited for others until its time was over.
    pub(super) fn is_timeout(&self) -> bool {
        match self {
            Self::Postgres(error) => is_timeout(error),
            Self::Mute => true,
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Postgres(error) if error.is_closed() => {
                Error::new(format!("the connection was lost: {}", describe(&error)))
                    .hint("run the same command again: it goes on where this one stopped")
            }
            Self::Postgres(error) => statement_error(&error),
            Self::Mute => Error::new("the server does not answer any more")
                .hint("run the same command again: it goes on where this one stopped"),
        }
    }
}

fn is_silent_failure(warning: &DbError) -> bool {
    SILENT_FAILURES.contains(&warning.code().code())
}

/// Moves bytes, and keeps the notices that are warnings.
async fn drive<S, T>(mut connection: Connection<S, T>, warnings: Warnings)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut messages = poll_fn(|context| connection.poll_message(context));
    while let Some(Ok(message)) = messages.next().await {
        if let AsyncMessage::Notice(notice) = message
            // Not `severity()`, which is in the server's language.
            && notice.parsed_severity() == Some(Severity::Warning)
        {
            warnings.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
        }
    }
}

/// `15.18 (Debian 15.18-0+deb12u1)` -> 150018.
fn version_number(text: &str) -> u32 {
    let number = text.split_whitespace().next().unwrap_or_default();
    let mut parts = number.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().unwrap_or(0)
    });
    parts.next().unwrap_or(0) * 10_000 + parts.next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::version_number;

    #[test]
    fn server_versions_become_numbers() {
        assert_eq!(version_number("15.18 (Debian 15.18-0+deb12u1)"), 150_018);
        assert_eq!(version_number("18beta1"), 180_000);
        assert_eq!(version_number("14.23"), 140_023);
    }
}
