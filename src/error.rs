//! The one error that reaches `main`: what happened, what to do next, and the exit code.

use std::fmt;

use crate::visible::visible;

/// What went wrong, as it decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something failed: exit code 1.
    Failure,
    /// There is no such thing in AWS: exit code 1.
    Absent,
    /// AWS does not let us see one thing, and may well let us see the others: exit code 1.
    Denied,
    /// An obstacle or a stale plan stands in the way: exit code 3.
    Blocked,
    /// The command line makes no sense: exit code 64 (`EX_USAGE` of sysexits.h).
    Usage,
    /// A signal stopped the run: exit code 128 + its number.
    Signal(u8),
}

/// An error for the person at the terminal. Its text never holds a secret's value: it is built from
/// names, codes and the words of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hints: Vec<String>,
}

/// The result of everything that can fail towards the user.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure. The message is a fragment in lower case that names the thing.
    pub fn new(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failure, message: message.into(), hints: Vec::new() }
    }

    /// An error of another kind.
    pub fn of(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, ..Self::new(message) }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Puts what was being done before the message.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message without hints, on one line, as the audit keeps it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::Failure | ErrorKind::Absent | ErrorKind::Denied => 1,
            ErrorKind::Blocked => 3,
            ErrorKind::Usage => 64,
            ErrorKind::Signal(number) => 128_u8.saturating_add(number),
        }
    }
}

/// The message, then each hint on a line of its own.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(self.message.trim_end()))?;
        for hint in &self.hints {
            write!(f, "\nhint: {}", visible(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
