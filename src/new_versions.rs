//! The ids that new secret versions will get.
//!
//! They are an input of the diff, so that the diff stays a function and a saved plan can be compared
//! with a fresh one: the same time and seed give the same ids.

use jiff::{SignedDuration, Timestamp};
use uuid::{Builder, Uuid};

use crate::name::EntryKey;
use crate::version_id::VersionId;

/// The time of planning and a random seed; every new id follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewVersions {
    /// When the plan was made.
    pub at: Timestamp,
    /// Random bits, different for every plan. Not a secret.
    pub seed: Uuid,
}

impl NewVersions {
    /// The id for a new password of an entry, younger than `than`.
    #[must_use]
    pub fn new_password(&self, entry: &EntryKey, than: Option<Timestamp>) -> VersionId {
        self.id(entry.as_str(), "new", self.after(than))
    }

    /// The id for a version that keeps the password of one born at `birth`, so that it keeps its age.
    #[must_use]
    pub fn same_password(&self, entry: &EntryKey, birth: Option<Timestamp>) -> VersionId {
        self.id(entry.as_str(), "same", birth.unwrap_or(self.at))
    }

    /// The id for a new password of the master, younger than `than`.
    #[must_use]
    pub fn new_master_password(&self, than: Option<Timestamp>) -> VersionId {
        self.id("", "master", self.after(than))
    }

    fn after(&self, than: Option<Timestamp>) -> Timestamp {
        let after = than.and_then(|than| than.checked_add(SignedDuration::from_millis(1)).ok());
        after.map_or(self.at, |after| after.max(self.at))
    }

    fn id(&self, entry: &str, purpose: &str, birth: Timestamp) -> VersionId {
        let millis = u64::try_from(birth.as_millisecond()).unwrap_or_default();
        let digest = Uuid::new_v5(&self.seed, format!("{purpose} {entry} {millis}").as_bytes());
        let [random @ .., _, _, _, _, _, _] = digest.into_bytes();
        VersionId::from_uuid(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_time_seed_and_entry() {
        let new = NewVersions { at: Timestamp::UNIX_EPOCH, seed: Uuid::nil() };
        let other = NewVersions { seed: Uuid::max(), ..new };
        let (a, b) = (EntryKey::parse("a").unwrap(), EntryKey::parse("b").unwrap());
        assert_eq!(new.new_password(&a, None), new.new_password(&a, None));
        assert_ne!(new.new_password(&a, None), new.new_password(&b, None));
        assert_ne!(new.new_password(&a, None), new.same_password(&a, None));
        assert_ne!(new.new_password(&a, None), other.new_password(&a, None));
        assert!(new.new_password(&a, None).is_ours());
    }

    #[test]
    fn a_new_password_is_younger_than_the_one_it_follows() {
        let new = NewVersions { at: Timestamp::UNIX_EPOCH, seed: Uuid::nil() };
        let key = EntryKey::parse("a").unwrap();
        let future = Timestamp::from_second(4_000_000_000).unwrap();
        assert!(new.new_password(&key, Some(future)).born().unwrap() > future);
        assert_eq!(new.same_password(&key, Some(future)).born(), Some(future));
    }
}
