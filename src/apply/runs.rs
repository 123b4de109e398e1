//! What is tried, and the audit's view of it: each entry's part of the run has a beginning and an end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::{Effects, FailedStep, Outcome};
use crate::audit::{AUDIT, Audit, Row, Status, Verb};
use crate::error::Error;
use crate::name::EntryKey;
use crate::plan::{Change, Phase, Plan, Step};

type Part = Option<EntryKey>;

pub(super) struct Runs<'a> {
    verb: Verb,
    effects: &'a Effects<'a>,
    audit: &'a Audit,
    begun: BTreeMap<Part, Instant>,
    /// Steps that are still to come.
    left: BTreeMap<Part, VecDeque<&'a Step>>,
    /// Entries to which the plan gives a password.
    given_passwords: BTreeSet<Part>,
    failed: BTreeMap<Part, BTreeSet<Phase>>,
    /// Entries that could not go on without what their database's owner failed to do.
    held_up: BTreeMap<Part, EntryKey>,
    unfinished: BTreeSet<Part>,
    lost: Option<FailedStep>,
}

impl<'a> Runs<'a> {
    pub(super) fn new(
        verb: Verb,
        effects: &'a Effects<'a>,
        audit: &'a Audit,
        plan: &'a Plan,
    ) -> Self {
        let mut left: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
        for step in &plan.steps {
            left.entry(step.entry.clone()).or_default().push_back(step);
        }
        let gives = |step: &&Step| {
            matches!(
                step.change,
                Change::CreateRole { .. }
                    | Change::SetPassword { .. }
                    | Change::SetMasterPassword { .. }
            )
        };
        let given = plan.steps.iter().filter(gives).map(|step| step.entry.clone());
        Self {
            verb,
            effects,
            audit,
            begun: BTreeMap::new(),
            left,
            given_passwords: given.collect(),
            failed: BTreeMap::new(),
            held_up: BTreeMap::new(),
            unfinished: BTreeSet::new(),
            lost: None,
        }
    }

    /// Whether the step is to be carried out; then it is begun in the audit.
    pub(super) fn takes(&mut self, step: &Step, is_stopped: bool) -> bool {
        if self.effects.ends_lockout(&step.change) {
            self.begin(step);
            return true;
        }
        if is_stopped || self.lost.is_some() || self.gives_up(step) {
            return false;
        }
        self.begin(step);
        self.lost.is_none()
    }

    /// It was not carried out.
    pub(super) fn skip(&mut self, step: &Step) {
        self.unfinished.insert(step.entry.clone());
        if let Some(owner) = self.failed_owner(step) {
            self.held_up.insert(step.entry.clone(), owner);
        }
        self.pass(step);
    }

    /// It was carried out, or failed.
    pub(super) fn record(&mut self, step: &Step, took: Duration, error: Option<&Error>) {
        let (status, message) = match error {
            None => (Status::Success, step.reason.as_str()),
            Some(error) => (Status::Error, error.message()),
        };
        self.append(&step.entry, step.change.name(), status, Some(took), message);
        if error.is_some() {
            let phases = self.failed.entry(step.entry.clone()).or_default();
            phases.insert(step.change.phase());
            self.unfinished.insert(step.entry.clone());
        }
        self.pass(step);
    }

    /// Nothing more is to come.
    pub(super) fn end(mut self, outcome: &mut Outcome) {
        let open: Vec<_> = self.begun.keys().cloned().collect();
        for part in open {
            self.close(&part, Status::Interrupted, "stopped before its end");
        }
        outcome.failed.extend(self.lost);
        outcome.unfinished = self.unfinished;
    }

    /// Whether an earlier step failed that this one builds on. A password has nothing to do with the
    /// database, and to publish one that the role has already builds on nothing of the plan: without it
    /// nobody can log in with AWSCURRENT.
    fn gives_up(&self, step: &Step) -> bool {
        let mut failed = self.failed.get(&step.entry).into_iter().flatten();
        if step.change.phase() != Phase::Credentials {
            let is_held_up = self.held_up.contains_key(&step.entry);
            return failed.next().is_some() || is_held_up || self.failed_owner(step).is_some();
        }
        failed.any(|phase| match phase {
            Phase::Secrets | Phase::Credentials => true,
            Phase::Roles => !publishes(&step.change) || self.given_passwords.contains(&step.entry),
            Phase::Databases | Phase::Isolation | Phase::InDatabase => false,
        })
    }

    /// The entry whose role owns the database, if a step of it failed.
    fn failed_owner(&self, step: &Step) -> Option<EntryKey> {
        let desired = self.effects.desired;
        let entry = step.entry.as_ref().and_then(|key| desired.entries.get(key))?;
        let owner = Some(desired.owner_of(&entry.database)?.key.clone());
        owner
            .filter(|_| step.change.phase() != Phase::Credentials)
            .filter(|owner| *owner != entry.key && self.failed.contains_key(&Some(owner.clone())))
    }

    fn begin(&mut self, step: &Step) {
        if !self.begun.contains_key(&step.entry) {
            self.begun.insert(step.entry.clone(), Instant::now());
            self.append(&step.entry, self.verb.word(), Status::Started, None, "");
        }
    }

    /// An entry's part ends when nothing of it will be tried any more.
    fn pass(&mut self, step: &Step) {
        if let Some(left) = self.left.get_mut(&step.entry) {
            left.pop_front();
        }
        let part = &step.entry;
        let goes_on =
            |next: &&&Step| self.effects.ends_lockout(&next.change) || !self.gives_up(next);
        let ends = self.left.get(part).is_none_or(|left| left.iter().find(goes_on).is_none());
        if !ends || !self.begun.contains_key(part) {
            return;
        }
        if self.failed.contains_key(part) {
            self.close(part, Status::Error, "a step failed; those that build on it were skipped");
        } else if let Some(owner) = self.held_up.get(part) {
            let message = format!("a step of `{owner}`, which owns the database, failed");
            self.close(part, Status::Error, &message);
        } else if self.unfinished.contains(part) {
            self.close(part, Status::Interrupted, "stopped before its end");
        } else {
            self.close(part, Status::Success, "");
        }
    }

    fn close(&mut self, part: &Part, status: Status, message: &str) {
        let took = self.begun.remove(part).map(|since| since.elapsed());
        self.append(part, self.verb.word(), status, took, message);
    }

    fn append(
        &mut self,
        part: &Part,
        action: &str,
        status: Status,
        duration: Option<Duration>,
        message: &str,
    ) {
        let (database, username) = self.effects.desired.names_of(part.as_ref());
        let row = Row { database, username, action, status, duration, message };
        if let Err(error) = self.audit.append(&row) {
            let (entry, change, message) = (part.clone(), AUDIT, error.message().to_owned());
            self.lost.get_or_insert(FailedStep { entry, change, message, is_blocked: false });
        }
    }
}

fn publishes(change: &Change) -> bool {
    matches!(
        change,
        Change::PublishVersion { .. }
            | Change::PublishMasterPassword { .. }
            | Change::ClearPending { .. }
    )
}
