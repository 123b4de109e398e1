//! What the comparison of one entry found.

use super::handover::{Handover, concerns_password};
use crate::desired::Entry;
use crate::name::EntryKey;
use crate::plan::{Change, Note, Obstacle, ObstacleKind, Phase, Plan, Step};
use crate::version_id::VersionId;

pub(super) struct Findings {
    entry: Option<EntryKey>,
    steps: Vec<Step>,
    obstacles: Vec<Obstacle>,
    notes: Vec<Note>,
    handover: Option<Handover>,
}

impl Findings {
    pub(super) fn of(entry: Option<&EntryKey>) -> Self {
        let (steps, obstacles, notes) = (vec![], vec![], vec![]);
        Self { entry: entry.cloned(), steps, obstacles, notes, handover: None }
    }

    pub(super) fn step(&mut self, change: Change, reason: impl Into<String>) {
        self.steps.push(Step { entry: self.entry.clone(), change, reason: reason.into() });
    }

    /// The version that becomes AWSCURRENT.
    pub(super) fn published(&self) -> Option<&VersionId> {
        self.steps.iter().find_map(|step| {
            if let Change::PublishVersion { version, .. }
            | Change::PublishMasterPassword { version, .. } = &step.change
            {
                return Some(version);
            }
            None
        })
    }

    pub(super) fn obstacle(
        &mut self,
        kind: ObstacleKind,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let (message, hint) = (message.into(), hint.into());
        self.obstacles.push(Obstacle { entry: self.entry.clone(), kind, message, hint });
    }

    pub(super) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    pub(super) fn are_held_up(&self) -> bool {
        !self.obstacles.is_empty()
    }

    /// What finishes the handover of a password is not held up by what is wrong with the database.
    pub(super) fn hand_over(&mut self, handover: Option<Handover>) {
        self.handover = handover;
    }

    /// Without the owner's steps there may be no database to grant anything in.
    pub(super) fn hold_up(&mut self, owner: &Entry) {
        let credentials = [Phase::Secrets, Phase::Credentials];
        if self.steps.iter().any(|step| !credentials.contains(&step.change.phase())) {
            self.obstacle(
                ObstacleKind::OwnerHeldUp,
                format!(
                    "entry `{}`, whose role owns database \"{}\", is held up",
                    owner.key, owner.database
                ),
                format!("see to the obstacle of `{}` first", owner.key),
            );
        }
    }

    /// An obstacle holds up all steps of its entry, since half of them could leave it worse; but for those that
    /// end a time in which nobody can log in.
    pub(super) fn add_to(mut self, plan: &mut Plan) {
        if self.are_held_up() {
            let concerns = |obstacle: &Obstacle| concerns_password(obstacle.kind);
            let goes_on = self.handover.filter(|_| !self.obstacles.iter().any(concerns));
            self.steps
                .retain(|step| goes_on.as_ref().is_some_and(|it| it.is_made_by(&step.change)));
            if self.steps.is_empty() {
                self.notes = self.notes.into_iter().map(held_up).collect();
            }
        }
        plan.steps.extend(self.steps);
        plan.obstacles.extend(self.obstacles);
        plan.notes.extend(self.notes);
    }
}

/// An unfinished rotation that this plan does not go on with.
fn held_up(note: Note) -> Note {
    if let Note::UnfinishedRotation { entry, role, since } = note {
        return Note::RotationHeldUp { entry, role, since };
    }
    note
}
