//! The id of a secret version, and the time that it carries.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// The id of one version of a secret (`VersionId`, which is the `ClientRequestToken` of the call
/// that made the version).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct VersionId(String);

impl VersionId {
    /// Checks the text: 32–64 characters (AWS API reference), none that would break a marker.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let length = text.chars().count();
        let printable = |c: char| c.is_ascii_graphic() && c != ';';
        ((32..=64).contains(&length) && text.chars().all(printable)).then(|| Self(text.to_owned()))
    }

    /// The id that carries `birth` in `uuid`, which must have been made by [`Uuid::new_v7`].
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid.hyphenated().to_string())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this program made the version: it alone uses UUIDs of version 7, AWS's rotation and
    /// its console use version 4, Terraform `terraform-<time>`.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.uuid_v7().is_some()
    }

    /// When the password of this version came into being, where the id says so: UUIDv7, or
    /// Terraform's `terraform-<YYYYMMDDhhmmssffff><counter, 8 hex digits>` (measured).
    #[must_use]
    pub fn born(&self) -> Option<Timestamp> {
        self.uuid_v7().and_then(time_of_uuid).or_else(|| time_of_terraform_id(&self.0))
    }

    /// The same, unless that is to come: a clock was wrong then. Clocks differ by minutes, so a day is
    /// let pass.
    #[must_use]
    pub fn born_by(&self, now: Timestamp) -> Option<Timestamp> {
        let latest = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
        self.born().filter(|born| *born <= latest)
    }

    fn uuid_v7(&self) -> Option<Uuid> {
        Uuid::try_parse(&self.0).ok().filter(|uuid| uuid.get_version_num() == 7)
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn time_of_uuid(uuid: Uuid) -> Option<Timestamp> {
    let (seconds, nanoseconds) = uuid.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
}

fn time_of_terraform_id(id: &str) -> Option<Timestamp> {
    let digits = id.strip_prefix("terraform-")?;
    let time = digits.get(..14)?;
    if digits.len() != 26 || !time.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| time.get(from..to)?.parse::<i8>().ok();
    let year = time.get(..4)?.parse().ok()?;
    let civil = DateTime::new(
        year,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        0,
    );
    TimeZone::UTC.to_timestamp(civil.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_v7_carries_the_time_in_milliseconds() {
        let at = uuid::Timestamp::from_unix(uuid::NoContext, 1_795_000_000, 123_000_000);
        let id = VersionId::from_uuid(Uuid::new_v7(at));
        assert_eq!(id.born().unwrap().as_millisecond(), 1_795_000_000_123);
        assert!(id.is_ours());
    }

    #[test]
    fn a_time_to_come_is_no_time() {
        let at = uuid::Timestamp::from_unix(uuid::NoContext, 1_795_000_000, 0);
        let id = VersionId::from_uuid(Uuid::new_v7(at));
        let born = id.born().unwrap();
        let before = |hours| born.checked_sub(SignedDuration::from_hours(hours)).unwrap();
        assert_eq!(id.born_by(before(24)), Some(born));
        assert_eq!(id.born_by(before(25)), None);
        assert_eq!(id.born_by(Timestamp::MAX), Some(born));
    }

    #[test]
    fn terraform_ids_carry_the_time_too() {
        let id = VersionId::parse("terraform-20261122201146539200000002").unwrap();
        assert_eq!(id.born().unwrap().to_string(), "2026-11-22T20:11:46Z");
        assert!(!id.is_ours());
    }

    #[test]
    fn other_ids_carry_none() {
        let id = VersionId::parse("7c9e6679-7425-40de-944b-e07fc1f90ae7").unwrap();
        assert_eq!((id.born(), id.is_ours()), (None, false));
        assert!(VersionId::parse("short").is_none());
        assert!(VersionId::parse(&"x; entry=y".repeat(4)).is_none());
    }
}
