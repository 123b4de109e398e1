//! What a row says.

use std::time::Duration;

/// The verb of a run. It is the action of the rows that begin and end an entry's part of it; the rows
/// between name their change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `apply`.
    Apply,
    /// `rotate`.
    Rotate,
}

impl Verb {
    pub(super) const ALL: [Self; 2] = [Self::Apply, Self::Rotate];

    /// As on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Rotate => "rotate",
        }
    }
}

/// The action of the row for an obstacle that held up its entry.
pub const BLOCKED: &str = "blocked";

/// The action of the row for a second look that found something wrong.
pub const VERIFY: &str = "verify";

/// The action of the row for something that happened to the audit itself.
pub const AUDIT: &str = "audit";

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It begins.
    Started,
    /// It was done.
    Success,
    /// There was nothing to do.
    NoChange,
    /// It calls for attention.
    Warning,
    /// It failed.
    Error,
    /// It was begun and not ended.
    Interrupted,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Success => "success",
            Self::NoChange => "no_change",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
        }
    }
}

/// One row, without what all rows of a run have in common.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The database; empty for the server itself.
    pub database: &'a str,
    /// The role; empty for the server itself.
    pub username: &'a str,
    /// A [`Verb`]'s word, [`BLOCKED`], [`VERIFY`], [`AUDIT`], or the name of a change.
    pub action: &'a str,
    /// How it went.
    pub status: Status,
    /// How long it took.
    pub duration: Option<Duration>,
    /// What there is to say; never a secret.
    pub message: &'a str,
}
