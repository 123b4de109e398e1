//! The comment by which the server itself says what is ours.
//!
//! `managed by goldenpath-rds; env=dev; entry=inventory_service; secret-version=0199…`
//!
//! On a role it names the secret version that its password came from. It is written in the same
//! transaction as the password, so the two cannot disagree.

use std::fmt;

use crate::name::{EntryKey, Environment};
use crate::version_id::VersionId;

const PREFIX: &str = "managed by goldenpath-rds";

/// What a comment of ours says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The environment whose variable files have the entry.
    pub environment: Environment,
    /// The key of the entry.
    pub entry: EntryKey,
    /// On a role: the secret version that the password came from.
    pub version: Option<VersionId>,
}

impl Marker {
    /// Reads a comment; `None` when it is not ours.
    #[must_use]
    pub fn parse(comment: &str) -> Option<Self> {
        let mut parts = comment.strip_prefix(PREFIX)?.split("; ");
        if parts.next() != Some("") {
            return None;
        }
        let (mut environment, mut entry, mut version) = (None, None, None);
        for part in parts {
            let (name, value) = part.split_once('=')?;
            match name {
                "env" => environment = Some(Environment::parse(value).ok()?),
                "entry" => entry = Some(EntryKey::parse(value).ok()?),
                "secret-version" => version = Some(VersionId::parse(value)?),
                // Written by a later version of this program: no reason to disown the object.
                _ => {}
            }
        }
        Some(Self { environment: environment?, entry: entry?, version })
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}; env={}; entry={}", self.environment, self.entry)?;
        match &self.version {
            Some(version) => write!(f, "; secret-version={version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(version: Option<&str>) -> Marker {
        Marker {
            environment: Environment::parse("dev").unwrap(),
            entry: EntryKey::parse("app").unwrap(),
            version: version.map(|v| VersionId::parse(v).unwrap()),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for version in [None, Some("0199a0c8-0000-7000-8000-000000000001")] {
            let marker = marker(version);
            assert_eq!(Marker::parse(&marker.to_string()), Some(marker));
        }
    }

    #[test]
    fn other_comments_are_not_ours() {
        for comment in [
            "",
            "application role",
            "managed by goldenpath-rds",
            "managed by goldenpath-rds2; env=dev; entry=a",
            "managed by goldenpath-rds; env=dev",
            "managed by goldenpath-rds; env=dev; entry=a; secret-version=x",
        ] {
            assert_eq!(Marker::parse(comment), None, "{comment}");
        }
    }
}
