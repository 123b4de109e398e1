//! The environments that were asked for: the ages in those that were read, and which could not be.

use serde::Serialize;

use super::status::Ages;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// Those that were read.
    pub environments: Vec<Ages>,
    /// Those that could not be.
    pub unread: Vec<Unread>,
}

/// An environment of whose passwords nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The environment; no name of one, where its folder has none.
    pub environment: String,
    /// Why it could not be read.
    pub message: String,
}

impl Survey {
    /// Whether something calls for a rotation.
    #[must_use]
    pub fn any_due(&self) -> bool {
        self.environments.iter().any(Ages::any_due)
    }

    /// Whether there is a password about which nothing can be said. That is no compliance.
    #[must_use]
    pub fn any_unknown(&self) -> bool {
        !self.unread.is_empty() || self.environments.iter().any(Ages::any_unknown)
    }
}
