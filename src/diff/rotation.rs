//! New passwords on request: the table of the password protocol for some entries, and nothing else of
//! them.

use std::collections::BTreeSet;

use super::findings::Findings;
use super::{Context, master, role, secret};
use crate::actual::Actual;
use crate::desired::Desired;
use crate::name::EntryKey;
use crate::new_versions::NewVersions;
use crate::plan::{Change, Note, ObstacleKind, Plan};

/// What `rotate` is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The entries; others are not looked at.
    pub entries: BTreeSet<EntryKey>,
    /// Whether the master is one of those that it is about.
    pub master: bool,
    /// Whether each of them gets a new password, unless one is on its way already. Otherwise only what
    /// is on its way is finished.
    pub begins: bool,
    /// Whether sessions that were opened with the old password are ended.
    pub ends_sessions: bool,
}

/// Plans the credentials of the rotation's entries. An unfinished rotation is finished, and no second
/// one begun beside it.
#[must_use]
pub fn rotation(
    desired: &Desired,
    actual: &Actual,
    new: &NewVersions,
    rotation: &Rotation,
) -> Plan {
    let mut plan = Plan::empty(desired, actual, rotation.entries.len());
    if rotation.entries.is_empty() && !rotation.master {
        plan.notes.push(Note::NothingDue);
    }
    if rotation.master {
        let mut findings = master::compare(actual, new, rotation.begins);
        if rotation.ends_sessions {
            end_sessions(&actual.server.master, &mut findings);
        }
        findings.add_to(&mut plan);
    }
    let entries = desired.entries.values();
    for entry in entries.filter(|entry| rotation.entries.contains(&entry.key)) {
        let owner = desired.owner_of(&entry.database).unwrap_or(entry);
        let rotates = rotation.begins;
        let context = Context { desired, actual, new, entry, owner, rotates };
        let mut findings = compare_entry(&context);
        if rotation.ends_sessions {
            end_sessions(entry.username.as_str(), &mut findings);
        }
        findings.add_to(&mut plan);
    }
    plan.steps.sort_by_key(|step| step.change.phase());
    plan
}

fn compare_entry(context: &Context<'_>) -> Findings {
    let mut findings = Findings::of(Some(&context.entry.key));
    let Some(standing) = role::judge(context, &mut findings) else {
        findings.obstacle(
            ObstacleKind::NothingToRotate,
            format!("there is no role \"{}\" yet", context.entry.username),
            format!("run `goldenpath-rds apply --env {}` first", context.desired.environment),
        );
        return findings;
    };
    if let Some(secret) = secret::compare(context, Some(&standing), &mut findings) {
        role::compare_credentials(context, &standing, &secret, &mut findings);
        secret::finish(context, &secret, &mut findings);
    }
    findings
}

/// Only after a password has become current in the same plan: nothing tells later which sessions are
/// older than it.
fn end_sessions(role: &str, findings: &mut Findings) {
    let Some(version) = findings.published().cloned() else { return };
    let change = Change::EndSessions { role: role.to_owned(), version };
    findings.step(change, "--terminate-sessions");
}
