//! Who has to agree to a database request, and whether they did.
//!
//! ```text
//! catalog before, catalog after ─► changes ─┐
//! rules ────────────────────────────────────┼─ judge ─► one Judgement for each change
//! labels, reviews of the pull request ──────┘
//! ```

mod changes;
mod evidence;
mod rules;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::name::{DatabaseName, Environment};
use crate::risk::Risk;
use crate::size::Size;

pub use changes::{Change, Kind, changes};
pub use evidence::{Evidence, Review};
pub use rules::{Required, Rules, read};

/// Where the rules stand in the repository.
pub const PATH: &str = "schemas/routing/service_class_approvals.yaml";

/// One request of a change, and how far its approval has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The key in the catalog.
    pub key: String,
    /// The database.
    pub database: DatabaseName,
    /// Its environment.
    pub environment: Environment,
    /// What happens to it.
    #[serde(flatten)]
    pub kind: Kind,
    /// The size tier, where it is said.
    pub size: Option<Size>,
    /// The risk, where it is said.
    pub risk: Option<Risk>,
    /// The approval tier.
    pub tier: String,
    /// Each team that has to approve, and by what it did.
    pub approvals: BTreeMap<String, Option<String>>,
}

impl Judgement {
    /// The teams that have not approved yet.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.approvals.iter().filter(|(_, by)| by.is_none()).map(|(team, _)| team.as_str())
    }
}

/// Holds every request against the rules and what there is of approvals.
#[must_use]
pub fn judge(changes: &[Change<'_>], rules: &Rules, evidence: &Evidence) -> Vec<Judgement> {
    let judge = |change: &Change<'_>| {
        let record = change.record;
        let required = rules.required(record.size);
        let approved = |team: String| (team.clone(), evidence.approval_of(&team, rules));
        Judgement {
            key: record.key.clone(),
            database: record.database.clone(),
            environment: record.environment.clone(),
            kind: change.kind.clone(),
            size: record.size,
            risk: record.risk,
            tier: required.tier,
            approvals: required.reviewers.into_iter().map(approved).collect(),
        }
    };
    changes.iter().map(judge).collect()
}
