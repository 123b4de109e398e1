//! Every request against the rules and what there is of approvals.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Approval, Change, Evidence, Kind, Required, Rules};
use crate::access::AccessLevel;
use crate::name::{DatabaseName, Environment, Label};
use crate::rds_catalog::Record;
use crate::risk::Risk;
use crate::size::Size;

/// One request of a change, and how far its approval has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The key in the catalog, or the database where that has none; of a role that only uses the database,
    /// the key of its entry.
    pub key: String,
    /// The database.
    pub database: DatabaseName,
    /// Its environment.
    pub environment: Environment,
    /// What a role may do that only uses the database; `None` if it is about the database itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessLevel>,
    /// The team that answers for the database, where it is said.
    pub owner: Option<Label>,
    /// What happens to it.
    #[serde(flatten)]
    pub kind: Kind,
    /// Where it stands, `file:line:column`.
    pub at: Vec<String>,
    /// The size tier, where it is said.
    pub size: Option<Size>,
    /// The risk, where it is said.
    pub risk: Option<Risk>,
    /// The approval tier.
    pub tier: String,
    /// Why it is more than what the size asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Each team that has to approve, and how far it is.
    pub approvals: BTreeMap<String, Approval>,
}

/// Why a request needs more than its size asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The catalog has no record of the database.
    NoRecord,
    /// The database's record says no size.
    NoSize,
    /// The change makes it smaller, which is what those decide on who answer for the size it has.
    SizeBefore(Size),
}

impl Judgement {
    /// The teams that have not approved yet.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.approvals.iter().filter(|(_, one)| one.by.is_none()).map(|(team, _)| team.as_str())
    }

    /// Whether all teams approved.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.missing().next().is_none()
    }
}

/// Holds every request against the rules and what there is of approvals.
#[must_use]
pub fn judge(changes: &[Change<'_>], rules: &Rules, evidence: &Evidence) -> Vec<Judgement> {
    changes.iter().map(|change| judge_one(change, rules, evidence)).collect()
}

fn judge_one(change: &Change<'_>, rules: &Rules, evidence: &Evidence) -> Judgement {
    let record = decisive(change);
    let (required, reason) = required(change, record, rules);
    let requesters = requesters(change);
    let approval = |team: String| (team.clone(), evidence.approval_of(&team, rules, &requesters));
    Judgement {
        key: key(change, record),
        database: change.database.clone(),
        environment: change.environment.clone(),
        access: change.user.map(|entry| entry.access),
        owner: record.and_then(|record| record.owner.clone()),
        kind: change.kind.clone(),
        at: change.at.clone(),
        size: record.and_then(|record| record.size),
        risk: record.and_then(|record| record.risk),
        tier: required.tier,
        reason,
        approvals: required.reviewers.into_iter().map(approval).collect(),
    }
}

/// The record that says how much is at stake: the one after the change. Only what goes altogether is
/// judged by what was there; else taking the record away would make little of any other change.
fn decisive<'a>(change: &Change<'a>) -> Option<&'a Record> {
    match change.kind {
        Kind::Removed => change.record.or(change.record_before),
        Kind::Added { .. } | Kind::Altered { .. } => change.record,
    }
}

/// A size that the change lowers counts as it was: else a change would choose its own approvers.
fn required(
    change: &Change<'_>,
    record: Option<&Record>,
    rules: &Rules,
) -> (Required, Option<Reason>) {
    let Some(record) = record else { return (rules.required(None), Some(Reason::NoRecord)) };
    let Some(size) = record.size else { return (rules.required(None), Some(Reason::NoSize)) };
    let before = change.record_before.and_then(|record| record.size);
    match before.filter(|_| !size.needs_explicit_approval()) {
        Some(before) if before.needs_explicit_approval() => {
            (rules.required(Some(before)), Some(Reason::SizeBefore(before)))
        }
        Some(_) | None => (rules.required(Some(size)), None),
    }
}

fn key(change: &Change<'_>, record: Option<&Record>) -> String {
    match (change.user, record) {
        (Some(entry), _) => entry.key.to_string(),
        (None, Some(record)) => record.key.clone(),
        (None, None) => change.database.to_string(),
    }
}

/// Who asked for the database, by either record: a change of the requester frees neither of the two.
fn requesters(change: &Change<'_>) -> BTreeSet<String> {
    let records = [change.record, change.record_before].into_iter().flatten();
    records.filter_map(|record| Some(record.requested_by.as_ref()?.to_string())).collect()
}
