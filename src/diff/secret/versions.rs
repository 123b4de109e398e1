//! What is known of the versions of a secret.

use jiff::{SignedDuration, Timestamp};

use crate::actual::Version;
use crate::version_id::VersionId;

/// The versions of a secret once the steps planned so far are done.
pub(in crate::diff) struct Planned {
    pub(in crate::diff) current: Known,
    pub(in crate::diff) pending: Option<Known>,
    /// Whether AWSCURRENT stands already, so that a login with it could be tried.
    pub(in crate::diff) current_exists: bool,
    /// A pending version that a newer AWSCURRENT has overtaken.
    pub(super) overtaken: Option<VersionId>,
}

/// A version and the age of its password.
#[derive(Clone)]
pub(in crate::diff) struct Known {
    pub(in crate::diff) id: VersionId,
    pub(in crate::diff) born: Option<Timestamp>,
}

impl Known {
    pub(super) fn new(id: VersionId) -> Self {
        let born = id.born();
        Self { id, born }
    }

    /// By what the id says, even where that is a time to come.
    pub(in crate::diff) fn by_its_id(&self) -> Self {
        Self { id: self.id.clone(), born: self.id.born().or(self.born) }
    }

    /// Strictly older; what carries no time is never called older.
    pub(in crate::diff) fn is_older_than(&self, born: Option<Timestamp>) -> bool {
        let at_the_latest = self.born.and_then(|mine| mine.checked_add(self.imprecision()).ok());
        matches!((at_the_latest, born), (Some(mine), Some(other)) if mine < other)
    }

    /// How much later than `born` it may have been made. The other time is by our clock where this one is
    /// by that of AWS, which may be cut to whole seconds (measured: `GetSecretValue`'s is); the id of a copy
    /// keeps such a time.
    fn imprecision(&self) -> SignedDuration {
        let is_cut = self.born.is_some_and(|born| born.subsec_nanosecond() == 0);
        if is_cut || self.born != self.id.born() {
            SignedDuration::from_secs(1)
        } else {
            SignedDuration::ZERO
        }
    }
}

impl From<&Version> for Known {
    fn from(version: &Version) -> Self {
        Self { id: version.id.clone(), born: version.born }
    }
}

impl Planned {
    /// The version that the role's password will come from.
    pub(in crate::diff) fn target(&self) -> &Known {
        self.pending.as_ref().unwrap_or(&self.current)
    }
}
