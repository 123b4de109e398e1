//! How old each password is, against the policy.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::policy::Policy;
use crate::actual::{Secret, Version};
use crate::desired::{Desired, Entry};
use crate::diff::other_manager;
use crate::name::{EntryKey, Environment};
use crate::risk::Risk;

/// Days before the end in which a password is told to be due, where the period is long enough for them.
const WARNING_DAYS: u16 = 5;

/// What is known of the passwords of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ages {
    /// The environment.
    pub environment: Environment,
    /// The moment that the ages are of.
    pub at: Timestamp,
    /// The master's, then each entry's.
    pub ages: Vec<Age>,
}

/// One secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Age {
    /// The entry; `None` for the master.
    pub entry: Option<EntryKey>,
    /// The secret's name.
    pub secret: String,
    /// The risk of the database, where it is known.
    pub risk: Option<&'static str>,
    /// Days that the password may become old.
    pub max_days: u16,
    /// When the password came into being.
    pub born: Option<Timestamp>,
    /// Its age in whole days.
    pub days: Option<i64>,
    /// How that compares.
    pub state: State,
    /// A new password is staged and not yet current; the role may have it already, so that nobody gets
    /// in with AWSCURRENT.
    pub unfinished: bool,
    /// Why `rotate` does not touch it, where another program sets its passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
}

/// What is in the way of a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// How the age of a password compares with the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is young enough.
    Within,
    /// It reaches the limit in a few days.
    Due,
    /// It is past the limit.
    Overdue,
    /// There is no such secret, it has no value, or it is about to be deleted.
    Missing,
    /// Nothing says when the password came into being.
    Undated,
}

impl Ages {
    /// Whether something calls for a rotation.
    #[must_use]
    pub fn any_due(&self) -> bool {
        self.ages.iter().any(Age::is_due)
    }

    /// Whether there is a secret about which nothing can be said. That is no compliance.
    #[must_use]
    pub fn any_unknown(&self) -> bool {
        self.ages.iter().any(Age::is_unknown)
    }
}

impl Age {
    /// Whether the password is to be rotated, or its rotation to be finished.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.unfinished || matches!(self.state, State::Due | State::Overdue)
    }

    /// Whether nothing can be said about the password.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.state, State::Missing | State::Undated)
    }

    /// Whether there is nothing to be told about it.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        self.state == State::Within && !self.unfinished
    }
}

/// One secret as it was read.
pub struct Read<'a> {
    /// Its entry; `None` for the master.
    pub entry: Option<&'a Entry>,
    /// Its name.
    pub name: &'a str,
    /// What there is to it.
    pub secret: Option<&'a Secret>,
}

/// Judges the secrets at a moment.
pub fn judge<'a>(
    desired: &Desired,
    policy: &Policy,
    read: impl IntoIterator<Item = Read<'a>>,
    at: Timestamp,
) -> Ages {
    let ages = read.into_iter().map(|read| {
        let risk = read.entry.and_then(|entry| entry.governance.risk);
        let max_days = match read.entry {
            Some(_) => policy.days(risk),
            None => policy.master_days(),
        };
        age(&read, risk, max_days, at)
    });
    Ages { environment: desired.environment.clone(), at, ages: ages.collect() }
}

fn age(read: &Read<'_>, risk: Option<Risk>, max_days: u16, at: Timestamp) -> Age {
    let secret = read.secret.filter(|secret| !secret.is_scheduled_for_deletion);
    let current = secret.and_then(|secret| secret.current.as_ref());
    let old = current.and_then(|current| current.born).map(|born| at.duration_since(born));
    // An id may carry any time. Clocks differ by minutes; a password of tomorrow has no age.
    let old = old.filter(|old| *old > -SignedDuration::from_hours(24));
    let state = match (current, old) {
        (None, _) if secret.is_some_and(is_unclear) => State::Undated,
        (None, _) => State::Missing,
        (Some(_), None) => State::Undated,
        (Some(_), Some(old)) => compare(old, max_days),
    };
    Age {
        entry: read.entry.map(|entry| entry.key.clone()),
        secret: read.name.to_owned(),
        risk: risk.map(Risk::as_str),
        max_days,
        born: current.and_then(|current| current.born).filter(|_| old.is_some()),
        days: old.map(|old| old.as_hours().div_euclid(24)),
        state,
        unfinished: secret.is_some_and(|secret| is_unfinished(secret, current)),
        obstacle: secret
            .and_then(other_manager)
            .map(|(why, hint)| Obstacle { message: format!("secret `{}` {why}", read.name), hint }),
    }
}

fn is_unclear(secret: &Secret) -> bool {
    secret.odd_version.is_some() || secret.unreadable.is_some()
}

/// A label that was left on the version that is current is no rotation to come, nor is one on a version that
/// AWSCURRENT has overtaken, or on a copy of its password.
fn is_unfinished(secret: &Secret, current: Option<&Version>) -> bool {
    let born = current.and_then(|current| current.born);
    secret.pending.as_ref().is_some_and(|pending| {
        let is_newer = pending.born.is_none() || born.is_none() || pending.born > born;
        is_newer && Some(&pending.id) != current.map(|current| &current.id)
    })
}

/// Of a short period a third, so that a password which has just been rotated is never due.
fn warning_days(max_days: u16) -> u16 {
    WARNING_DAYS.min(max_days.saturating_add(1) / 3)
}

fn compare(old: SignedDuration, max_days: u16) -> State {
    let days = |days: u16| SignedDuration::from_hours(24 * i64::from(days));
    if old >= days(max_days) {
        State::Overdue
    } else if old >= days(max_days.saturating_sub(warning_days(max_days))) {
        State::Due
    } else {
        State::Within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_overdue_and_five_days_before_it_are_due() {
        let at = |hours: i64| compare(SignedDuration::from_hours(hours), 30);
        assert_eq!((at(0), at(25 * 24 - 1)), (State::Within, State::Within));
        assert_eq!((at(25 * 24), at(30 * 24 - 1)), (State::Due, State::Due));
        assert_eq!((at(30 * 24), at(-1)), (State::Overdue, State::Within));
    }

    #[test]
    fn in_a_short_period_the_warning_begins_in_its_last_third() {
        let warned = [1, 2, 3, 4, 5, 6, 7, 13, 14, 30, u16::MAX].map(warning_days);
        assert_eq!(warned, [0, 1, 1, 1, 2, 2, 2, 4, 5, 5, 5]);
    }

    #[test]
    fn only_a_newer_password_of_another_version_is_a_rotation_to_come() {
        let version = |minute: i64, which: u8| {
            let at = Timestamp::from_second(1_795_000_000 + 60 * minute).unwrap();
            let millis = u64::try_from(at.as_millisecond()).unwrap();
            let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &[which; 10]).into_uuid();
            let id = crate::version_id::VersionId::from_uuid(uuid);
            Version { born: id.born(), id, content: crate::actual::Content::NotRead }
        };
        let current = version(1, 0);
        let beside = |pending: Option<Version>| {
            let secret = Secret { pending, ..Secret::default() };
            is_unfinished(&secret, Some(&current))
        };
        assert!(beside(Some(version(2, 0))));
        let others = [None, Some(version(0, 0)), Some(version(1, 0)), Some(version(1, 1))];
        assert!(others.into_iter().all(|pending| !beside(pending)));
    }
}
