//! Between a role and AWSCURRENT: passwords that were set and are not yet what applications read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::password::Password;
use crate::version_id::VersionId;

/// The handovers of one run, by the version that takes over.
#[derive(Default)]
pub struct Handovers(Mutex<BTreeMap<VersionId, Handover>>);

/// A password that this run gave to its role.
#[derive(Clone, Copy)]
enum Set {
    /// The statement was sent at that moment, and the connection was lost before an answer came: it may
    /// have been carried out.
    Perhaps(Instant),
    /// The server answered at that moment that it was. The password took effect at the commit before the
    /// answer, which is as near as can be known from here: the statement may have waited for a lock.
    Certainly(Instant),
}

/// What is known of one.
#[derive(Default)]
struct Handover {
    /// Kept from the moment it is set until a login proves it, so that the time in which neither
    /// password works is not spent on reading it again.
    password: Option<Password>,
    set: Option<Set>,
    /// No session that began before this moment can have come in with the new password.
    begun: Option<Instant>,
    refused_for: Option<Duration>,
    is_current: bool,
    ended_sessions: Option<u64>,
}

impl Handovers {
    /// The statement that sets the password is about to be sent.
    pub(super) fn sent(&self, version: &VersionId) {
        self.with(version, |handover| handover.set = Some(Set::Perhaps(Instant::now())));
    }

    /// The role has the password now.
    pub(super) fn set(&self, version: &VersionId, password: Option<Password>) {
        self.with(version, |handover| {
            handover.password = password;
            handover.set = Some(Set::Certainly(Instant::now()));
            handover.begun = Some(Instant::now());
        });
    }

    /// The role does not have the password: the old one is still good.
    pub(super) fn not_set(&self, version: &VersionId) {
        self.with(version, |handover| *handover = Handover::default());
    }

    /// Whether nobody has said what became of the statement that sets the password.
    pub(super) fn is_uncertain(&self, version: &VersionId) -> bool {
        self.with(version, |handover| matches!(handover.set, Some(Set::Perhaps(_))))
    }

    /// The password that this run has set, once.
    pub(super) fn take_password(&self, version: &VersionId) -> Option<Password> {
        self.with(version, |handover| handover.password.take())
    }

    /// AWSCURRENT is about to move. Where an earlier run has set the password, this is the last moment
    /// of which it is certain that the old login was in use.
    pub(super) fn before_publishing(&self, version: &VersionId) {
        self.with(version, |handover| {
            handover.begun.get_or_insert_with(Instant::now);
        });
    }

    /// AWSCURRENT has moved.
    pub(super) fn published(&self, version: &VersionId) {
        self.with(version, |handover| {
            handover.refused_for = handover.set.map(|set| match set {
                Set::Perhaps(since) | Set::Certainly(since) => since.elapsed(),
            });
            handover.is_current = true;
        });
    }

    /// Whether the old password is refused already and the new one not yet what applications read.
    pub(super) fn is_open(&self, version: &VersionId) -> bool {
        self.with(version, |handover| handover.set.is_some() && !handover.is_current)
    }

    /// Whether this run has moved AWSCURRENT to it.
    pub(super) fn is_current(&self, version: &VersionId) -> bool {
        self.with(version, |handover| handover.is_current)
    }

    pub(super) fn ended_sessions(&self, version: &VersionId, count: u64) {
        self.with(version, |handover| handover.ended_sessions = Some(count));
    }

    /// How long ago the old login was still good; `None` if this run neither set nor published it.
    pub(super) fn age(&self, version: &VersionId) -> Option<Duration> {
        self.with(version, |handover| handover.begun.map(|begun| begun.elapsed()))
    }

    /// How long the old password was refused before the new one became current, and how many sessions
    /// were ended.
    pub(super) fn result(&self, version: &VersionId) -> (Option<Duration>, Option<u64>) {
        self.with(version, |handover| (handover.refused_for, handover.ended_sessions))
    }

    fn with<T>(&self, version: &VersionId, action: impl FnOnce(&mut Handover) -> T) -> T {
        let mut handovers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        action(handovers.entry(version.clone()).or_default())
    }
}
