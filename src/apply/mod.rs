//! Carrying a plan out: for each step audit, effect, audit.

mod effect;
mod handover;
mod interrupt;
mod master;
mod rotated;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::audit::{Audit, Row, Status, Verb};
use crate::error::{Error, Result};
use crate::name::EntryKey;
use crate::plan::{Plan, Step};
pub use effect::{Effects, Proof};
pub use handover::Handovers;
pub use interrupt::Interrupt;
pub use rotated::Rotated;

/// What came of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Steps carried out.
    pub done: usize,
    /// Steps that failed; the entry's later steps were skipped.
    pub failed: Vec<FailedStep>,
    /// Steps not tried, because an earlier one of the entry failed or a signal came.
    pub skipped: usize,
    /// The signal that stopped the run.
    pub signal: Option<u8>,
    /// The entries of which a step failed or was not tried; `None` for the server itself.
    pub unfinished: BTreeSet<Option<EntryKey>>,
    /// Passwords that were replaced.
    pub rotated: Vec<Rotated>,
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedStep {
    /// The entry; `None` for the server itself.
    pub entry: Option<EntryKey>,
    /// The change's name.
    pub change: &'static str,
    /// Why.
    pub message: String,
}

/// What is told while the plan is carried out.
pub enum Progress<'a> {
    /// A step was carried out.
    Done(&'a Step, Duration),
    /// A step failed.
    Failed(&'a Step, &'a Error),
}

/// Carries the steps out in their order. A failed step ends its entry; the others go on.
///
/// # Errors
/// When the audit cannot be kept: nothing more is done then.
pub async fn apply(
    verb: Verb,
    plan: &Plan,
    effects: &Effects<'_>,
    audit: &Audit,
    interrupt: &Interrupt,
    mut report: impl FnMut(&Progress<'_>),
) -> Result<Outcome> {
    let mut runs = Runs::new(verb, effects, audit, plan);
    let mut outcome = Outcome::default();
    for step in &plan.steps {
        outcome.signal = interrupt.signal();
        let stops = outcome.signal.is_some() && !effects.ends_lockout(&step.change);
        if stops || runs.gives_up(step)? {
            outcome.skipped += 1;
            continue;
        }
        runs.begin(step)?;
        let since = Instant::now();
        match effects.carry_out(step).await {
            Ok(()) => {
                runs.record(step, since.elapsed(), None)?;
                outcome.done += 1;
                report(&Progress::Done(step, since.elapsed()));
            }
            Err(error) => {
                runs.record(step, since.elapsed(), Some(&error))?;
                report(&Progress::Failed(step, &error));
                outcome.failed.push(FailedStep {
                    entry: step.entry.clone(),
                    change: step.change.name(),
                    message: error.message().to_owned(),
                });
            }
        }
    }
    runs.end_interrupted()?;
    outcome.unfinished = runs.unfinished();
    Ok(outcome)
}

/// The audit's view: each entry's run has a beginning and an end.
struct Runs<'a> {
    verb: Verb,
    effects: &'a Effects<'a>,
    audit: &'a Audit,
    begun: BTreeMap<Option<EntryKey>, Instant>,
    steps_left: BTreeMap<Option<EntryKey>, usize>,
    failed: BTreeSet<Option<EntryKey>>,
}

impl<'a> Runs<'a> {
    fn new(verb: Verb, effects: &'a Effects<'a>, audit: &'a Audit, plan: &Plan) -> Self {
        let mut steps_left = BTreeMap::new();
        for step in &plan.steps {
            *steps_left.entry(step.entry.clone()).or_default() += 1;
        }
        Self { verb, effects, audit, begun: BTreeMap::new(), steps_left, failed: BTreeSet::new() }
    }

    /// Whether an earlier step failed that this one builds on: one of its entry, or of the entry whose
    /// role owns the database.
    fn gives_up(&mut self, step: &Step) -> Result<bool> {
        if self.failed.contains(&step.entry) {
            return Ok(true);
        }
        let desired = self.effects.desired;
        let entry = step.entry.as_ref().and_then(|key| desired.entries.get(key));
        let owner = entry.and_then(|entry| desired.owner_of(&entry.database));
        let Some(owner) = owner.filter(|owner| self.failed.contains(&Some(owner.key.clone())))
        else {
            return Ok(false);
        };
        self.failed.insert(step.entry.clone());
        if self.begun.contains_key(&step.entry) {
            let message = format!("a step of `{}`, which owns the database, failed", owner.key);
            self.end(&step.entry, Status::Error, &message)?;
        }
        Ok(true)
    }

    fn begin(&mut self, step: &Step) -> Result<()> {
        if self.begun.contains_key(&step.entry) {
            return Ok(());
        }
        self.begun.insert(step.entry.clone(), Instant::now());
        self.append(&step.entry, self.verb.word(), Status::Started, None, "")
    }

    fn record(&mut self, step: &Step, took: Duration, error: Option<&Error>) -> Result<()> {
        let (status, message) = match error {
            None => (Status::Success, step.reason.as_str()),
            Some(error) => (Status::Error, error.message()),
        };
        self.append(&step.entry, step.change.name(), status, Some(took), message)?;
        let left = self.steps_left.entry(step.entry.clone()).or_default();
        *left = left.saturating_sub(1);
        if error.is_some() {
            self.failed.insert(step.entry.clone());
            self.end(&step.entry, Status::Error, "a step failed; the later ones were skipped")
        } else if *left == 0 {
            self.end(&step.entry, Status::Success, "")
        } else {
            Ok(())
        }
    }

    fn unfinished(&self) -> BTreeSet<Option<EntryKey>> {
        let left = self.steps_left.iter().filter(|(_, left)| **left > 0).map(|(entry, _)| entry);
        left.chain(&self.failed).cloned().collect()
    }

    fn end_interrupted(&mut self) -> Result<()> {
        let open: Vec<_> = self.begun.keys().cloned().collect();
        open.iter()
            .try_for_each(|entry| self.end(entry, Status::Interrupted, "stopped by a signal"))
    }

    fn end(&mut self, entry: &Option<EntryKey>, status: Status, message: &str) -> Result<()> {
        let took = self.begun.remove(entry).map(|since| since.elapsed());
        self.append(entry, self.verb.word(), status, took, message)
    }

    fn append(
        &self,
        entry: &Option<EntryKey>,
        action: &str,
        status: Status,
        duration: Option<Duration>,
        message: &str,
    ) -> Result<()> {
        let (database, username) = self.effects.desired.names_of(entry.as_ref());
        self.audit.append(&Row { database, username, action, status, duration, message })
    }
}
