//! Carrying a plan out: for each step audit, effect, audit.

mod effect;
mod handover;
mod interrupt;
mod master;
mod prove;
mod rotated;
mod runs;
mod template;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::audit::{Audit, Verb};
use crate::error::{Error, ErrorKind};
use crate::name::EntryKey;
use crate::plan::{Plan, Step};
pub use effect::{Effects, Proof};
pub use handover::Handovers;
pub use interrupt::Interrupt;
pub use rotated::Rotated;
use runs::Runs;

/// What came of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Steps carried out.
    pub done: usize,
    /// Steps that failed; those that build on them were skipped.
    pub failed: Vec<FailedStep>,
    /// Steps not tried, because an earlier one failed, a signal came, or the audit could not be kept.
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
    /// Whether it needs a person, as an obstacle does.
    #[serde(skip)]
    pub is_blocked: bool,
}

/// What is told while the plan is carried out.
pub enum Progress<'a> {
    /// A step was carried out.
    Done(&'a Step, Duration),
    /// A step failed.
    Failed(&'a Step, &'a Error),
}

/// Carries the steps out in their order. A failed step ends its entry, but for what does not build on it;
/// the others go on. Once a row of the audit could not be written nothing is begun any more, and only
/// passwords that are set already are published: until then nobody can log in with AWSCURRENT.
pub async fn apply(
    verb: Verb,
    plan: &Plan,
    effects: &Effects<'_>,
    audit: &Audit,
    interrupt: &Interrupt,
    mut report: impl FnMut(&Progress<'_>),
) -> Outcome {
    let mut runs = Runs::new(verb, effects, audit, plan);
    let mut outcome = Outcome::default();
    for step in &plan.steps {
        outcome.signal = interrupt.signal();
        if !runs.takes(step, outcome.signal.is_some()) {
            outcome.skipped += 1;
            runs.skip(step);
            continue;
        }
        let since = Instant::now();
        let result = effects.carry_out(step).await;
        let took = since.elapsed();
        runs.record(step, took, result.as_ref().err());
        match &result {
            Ok(()) => {
                outcome.done += 1;
                report(&Progress::Done(step, took));
            }
            Err(error) => {
                outcome.failed.push(FailedStep::of(step, error));
                report(&Progress::Failed(step, error));
            }
        }
    }
    runs.end(&mut outcome);
    outcome
}

impl FailedStep {
    fn of(step: &Step, error: &Error) -> Self {
        let message = error.message().to_owned();
        let is_blocked = error.kind() == ErrorKind::Blocked;
        Self { entry: step.entry.clone(), change: step.change.name(), message, is_blocked }
    }
}
