//! What the comparison of one entry found.

use crate::desired::Entry;
use crate::name::EntryKey;
use crate::plan::{Change, Note, Obstacle, ObstacleKind, Plan, Step};
use crate::version_id::VersionId;

pub(super) struct Findings {
    entry: Option<EntryKey>,
    steps: Vec<Step>,
    obstacles: Vec<Obstacle>,
    notes: Vec<Note>,
}

impl Findings {
    pub(super) fn of(entry: Option<&EntryKey>) -> Self {
        Self { entry: entry.cloned(), steps: vec![], obstacles: vec![], notes: vec![] }
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

    /// Without the owner's steps there may be no database to grant anything in.
    pub(super) fn hold_up(&mut self, owner: &Entry) {
        if !self.steps.is_empty() {
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

    /// An obstacle holds up all steps of its entry: half of them could leave it worse.
    pub(super) fn add_to(self, plan: &mut Plan) {
        if self.obstacles.is_empty() {
            plan.steps.extend(self.steps);
        }
        plan.obstacles.extend(self.obstacles);
        plan.notes.extend(self.notes);
    }
}
