//! The end of `apply`: what was done is looked at, not believed.

use std::time::Duration;

use super::observe::Goal;
use super::run::{Planned, Run};
use crate::apply::{Effects, FailedStep, Interrupt, Outcome, Proof};
use crate::audit::{Row, Status, VERIFY};
use crate::desired::Entry;
use crate::diff::Rotation;
use crate::error::{Error, Result};
use crate::name::EntryKey;
use crate::plan::{Change, Note, Plan};
use crate::render;
use crate::secrets_manager::Which;
use crate::visible::visible;

/// "All Secrets Manager operations are eventually consistent" (AWS documentation): what looks wrong is
/// looked at again before it is called wrong.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// Logs in with every password that this run set, as an application would, and compares all again.
    pub(super) async fn verify(
        &self,
        planned: &Planned<'_>,
        effects: &Effects<'_>,
        outcome: &Outcome,
        interrupt: &Interrupt,
    ) -> Result<Vec<FailedStep>> {
        let (plan, mut failed) = (planned.plan, Vec::new());
        let entries = self.desired.entries.values().filter(|entry| {
            let owner = self.desired.owner_of(&entry.database).unwrap_or(entry);
            got_a_password(plan, entry)
                && !has_failed(outcome, entry)
                && !has_failed(outcome, owner)
        });
        for entry in entries {
            if interrupt.signal().is_some() {
                return Ok(failed);
            }
            match prove(effects, entry).await {
                Proof::Given => {
                    self.output.detail(&format!("{}: logged in with the secret", entry.key));
                }
                Proof::Missing(error) => failed.push(failure(Some(&entry.key), &error)),
                Proof::NotAsked(error) => {
                    failed.push(failure(Some(&entry.key), &error));
                    // Each of the others would take as long to say the same.
                    if !effects.session.answers().await {
                        return Ok(failed);
                    }
                }
            }
        }
        if outcome.failed.is_empty() {
            failed.extend(self.left_to_do(planned).await?.map(|error| failure(None, &error)));
        }
        Ok(failed)
    }

    /// What a second look found wrong has a row, too.
    pub(super) fn recorded(&self, failed: FailedStep) -> FailedStep {
        let (database, username) = self.desired.names_of(failed.entry.as_ref());
        let (action, status, message) = (VERIFY, Status::Error, failed.message.as_str());
        let row = Row { database, username, action, status, duration: None, message };
        match self.audit.append(&row) {
            Ok(()) => failed,
            Err(error) => {
                FailedStep { message: format!("{message}; {}", error.message()), ..failed }
            }
        }
    }

    pub(super) fn has_lost_rows(&self) -> bool {
        !self.audit.unwritten().is_empty()
    }

    /// They are in the run's log at least.
    pub(super) fn tell_lost_rows(&self) {
        if self.has_lost_rows() {
            let rows = self.audit.unwritten();
            let rows: String = rows.lines().map(|row| visible(row) + "\n").collect();
            self.output.tell(&format!(
                "warning: the audit lacks these rows that could not be written:\n{}hint: make room and run again: what is open is closed as `interrupted`\n",
                rows
            ));
        }
    }

    /// A statement that was accepted and changed nothing would show here.
    async fn left_to_do(&self, planned: &Planned<'_>) -> Result<Option<Error>> {
        let goal = afterwards(planned.goal);
        let (_, mut left) = self.observe(&goal, planned.new).await?;
        for _ in 1..ATTEMPTS {
            if left.steps.is_empty() {
                return Ok(None);
            }
            tokio::time::sleep(PAUSE).await;
            (_, left) = self.observe(&goal, planned.new).await?;
        }
        if left.steps.is_empty() {
            return Ok(None);
        }
        self.output.tell(&render::human(&left, self.output.message_color));
        let steps = left.steps.len();
        let guessed = planned.plan.notes.iter().any(|note| matches!(note, Note::NotRead { .. }));
        let why = if guessed { " in what could not be read before" } else { "" };
        let message =
            format!("all steps were carried out, but a second look finds {steps} more{why}");
        Ok(Some(Error::new(message)))
    }
}

/// What must be true in the end: of a rotation, that nothing of it is on its way any more.
fn afterwards(goal: &Goal) -> Goal {
    match goal {
        Goal::Match => Goal::Match,
        Goal::Rotate(rotation) => Goal::Rotate(Rotation {
            entries: rotation.entries.clone(),
            master: rotation.master,
            begins: false,
            ends_sessions: false,
        }),
    }
}

async fn prove(effects: &Effects<'_>, entry: &Entry) -> Proof {
    for _ in 1..ATTEMPTS {
        match effects.prove_login(entry, Which::Current).await {
            Proof::Missing(_) => tokio::time::sleep(PAUSE).await,
            proof @ (Proof::Given | Proof::NotAsked(_)) => return proof,
        }
    }
    effects.prove_login(entry, Which::Current).await
}

fn got_a_password(plan: &Plan, entry: &Entry) -> bool {
    plan.steps
        .iter()
        .filter(|step| step.entry.as_ref() == Some(&entry.key))
        .any(|step| matches!(step.change, Change::CreateRole { .. } | Change::SetPassword { .. }))
}

fn has_failed(outcome: &Outcome, entry: &Entry) -> bool {
    outcome.failed.iter().any(|failed| failed.entry.as_ref() == Some(&entry.key))
}

fn failure(entry: Option<&EntryKey>, error: &Error) -> FailedStep {
    let (entry, message) = (entry.cloned(), error.message().to_owned());
    FailedStep { entry, change: VERIFY, message, is_blocked: false }
}
