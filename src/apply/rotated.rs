//! What a rotation meant for those who use the old password.

use serde::Serialize;

use super::Effects;
use crate::name::EntryKey;
use crate::plan::{Change, PasswordSource, Plan};
use crate::postgres::{SessionsOf, count_sessions};
use crate::version_id::VersionId;

/// A password that was replaced on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// The entry; `None` for the master.
    pub entry: Option<EntryKey>,
    /// The role.
    pub role: String,
    /// Milliseconds in which neither AWSCURRENT nor the old password let anybody in: from the server's
    /// answer that the new password is set, or from the statement where the answer was lost, to the answer
    /// that AWSCURRENT has moved. `None` when an earlier run had set it.
    pub refused_ms: Option<u64>,
    /// Whether the new password is AWSCURRENT. If not, applications cannot log in until it is.
    pub is_current: bool,
    /// Sessions that were opened with the old password and go on; `None` when the server could not be
    /// asked.
    pub sessions_left: Option<u64>,
    /// Sessions that were ended on request.
    pub sessions_ended: Option<u64>,
}

impl Effects<'_> {
    /// What became of the passwords that this run has set or published. A copy of the same password, as a
    /// changed host needs it, is none.
    pub async fn rotated(&self, plan: &Plan) -> Vec<Rotated> {
        let mut rotated = Vec::new();
        for step in &plan.steps {
            let Some((version, replaces, role)) = published(&step.change) else { continue };
            let is_copy = version.born() == replaces.born() || is_copied(plan, version);
            let Some(age) = self.handovers.age(version).filter(|_| !is_copy) else { continue };
            let (refused, sessions_ended) = self.handovers.result(version);
            let sessions = SessionsOf { role, older_than: age };
            rotated.push(Rotated {
                entry: step.entry.clone(),
                role: role.to_owned(),
                refused_ms: refused.and_then(|refused| u64::try_from(refused.as_millis()).ok()),
                is_current: self.handovers.is_current(version),
                sessions_left: self.count(&sessions).await,
                sessions_ended,
            });
        }
        rotated
    }

    /// A lost session is not asked: it might take as long as a statement may.
    async fn count(&self, sessions: &SessionsOf<'_>) -> Option<u64> {
        if self.session.is_lost() {
            return None;
        }
        count_sessions(self.session, sessions).await.ok()
    }

    /// Whether the change ends the time in which neither the old password nor AWSCURRENT lets anybody in:
    /// a signal waits for it.
    pub(super) fn ends_lockout(&self, change: &Change) -> bool {
        published(change).is_some_and(|(version, _, _)| self.handovers.is_open(version))
    }
}

/// Whether this run staged it with the password of another; not every id carries the time that would tell.
fn is_copied(plan: &Plan, version: &VersionId) -> bool {
    plan.steps.iter().any(|step| {
        matches!(
            &step.change,
            Change::StageVersion { version: staged, password: PasswordSource::CopyOf(_), .. }
                if staged == version
        )
    })
}

/// The version that became AWSCURRENT, the one that was, and the role.
fn published(change: &Change) -> Option<(&VersionId, &VersionId, &str)> {
    if let Change::PublishVersion { version, replaces, role, .. } = change {
        Some((version, replaces, role.as_str()))
    } else if let Change::PublishMasterPassword { version, replaces, role, .. } = change {
        Some((version, replaces, role))
    } else {
        None
    }
}
