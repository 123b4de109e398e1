//! From what is wanted and what is there to a plan. No I/O, no clock, no randomness.
//!
//! Where an object does not exist yet, the comparison goes on with the facts that its creation will
//! leave. So a step never depends on another step being in the plan, and after any part of a
//! plan has been carried out, the diff gives the rest.
//!
//! One thing is a guess: schema `public` of a database that is there but does not let the master in yet
//! is taken for a new database's. Once it can be read, the diff may find more to do in it, or less; the
//! plan says so with [`Note::NotRead`].

mod access;
mod database;
mod extension;
mod findings;
mod foreign_grant;
mod grant_option;
mod handover;
mod made;
mod master;
mod others;
mod predecessor;
mod public_schema;
mod refused_database;
mod role;
mod rotation;
mod secret;
mod server;
mod template;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::access::AccessLevel;
use crate::actual::{Actual, Secret};
use crate::desired::{Desired, Entry};
use crate::name::DatabaseName;
use crate::new_versions::NewVersions;
use crate::plan::{Note, Plan};
use crate::version_id::VersionId;
use findings::Findings;
pub use rotation::{Rotation, rotation};
use secret::Known;
pub(crate) use secret::other_manager;
pub(crate) use server::{close_by_hand, is_closed_by_apply};

/// Compares. `new` gives the ids of the secret versions that the plan will make.
#[must_use]
pub fn diff(desired: &Desired, actual: &Actual, new: &NewVersions) -> Plan {
    let mut plan = Plan::empty(desired, actual, desired.entries.len());
    plan.unclaimed = server::unclaimed(desired, actual);
    if desired.entries.is_empty() {
        plan.notes.push(Note::NoEntries);
    }
    server::compare(desired, actual).add_to(&mut plan);
    master::compare(actual, new, false).add_to(&mut plan);
    let held_up = compare_owners(desired, actual, new, &mut plan);
    for entry in desired.entries.values().filter(|entry| entry.access != AccessLevel::Owner) {
        let Some(owner) = desired.owner_of(&entry.database) else { continue };
        let context = Context { desired, actual, new, entry, owner, rotates: false };
        let mut findings = compare_entry(&context);
        if held_up.contains(&entry.database) {
            findings.hold_up(owner);
        }
        findings.add_to(&mut plan);
    }
    plan.steps.sort_by_key(|step| step.change.phase());
    plan
}

/// Owners come first: what the others are granted is in what the owners make. Gives the databases whose
/// owner's entry is held up.
fn compare_owners<'a>(
    desired: &'a Desired,
    actual: &Actual,
    new: &NewVersions,
    plan: &mut Plan,
) -> BTreeSet<&'a DatabaseName> {
    let mut held_up = BTreeSet::new();
    for entry in desired.entries.values().filter(|entry| entry.access == AccessLevel::Owner) {
        let context = Context { desired, actual, new, entry, owner: entry, rotates: false };
        let findings = compare_entry(&context);
        if findings.are_held_up() {
            held_up.insert(&entry.database);
        }
        findings.add_to(plan);
    }
    held_up
}

/// What the comparison of one entry looks at.
struct Context<'a> {
    desired: &'a Desired,
    actual: &'a Actual,
    new: &'a NewVersions,
    entry: &'a Entry,
    /// The entry of the database's owner; often the same.
    owner: &'a Entry,
    /// Whether the entry is to get a new password although nothing is wrong with the present one.
    rotates: bool,
}

impl Context<'_> {
    fn reset_asked(&self) -> bool {
        self.desired.reset_passwords.contains(&self.entry.key)
    }

    fn secret(&self) -> Option<&Secret> {
        self.actual.secrets.get(self.entry.secret.as_str())
    }

    /// When the password of a version came into being that a role's comment names.
    fn born(&self, said: &VersionId) -> Option<Timestamp> {
        let labelled = self.secret().and_then(|secret| secret.labelled(said));
        labelled.map_or_else(|| said.born(), |version| version.born)
    }

    /// Whether a version is older than the one that the role's comment names. Where that one says a time to
    /// come, and no label keeps it so that its true time were known, there is only what the two ids say: an
    /// older password must not be set over it.
    fn is_older(&self, version: &Known, said: &VersionId) -> bool {
        let by_their_ids = (version.by_its_id().born, said.born());
        // A copy of the password is as old, whenever it was made.
        if by_their_ids.0.is_some() && by_their_ids.0 == by_their_ids.1 {
            return false;
        }
        let is_labelled = self.secret().is_some_and(|secret| secret.labelled(said).is_some());
        if is_labelled || said.born_by(self.new.at).is_some() {
            version.is_older_than(self.born(said))
        } else {
            version.by_its_id().is_older_than(said.born())
        }
    }
}

fn compare_entry(context: &Context<'_>) -> Findings {
    let mut findings = Findings::of(Some(&context.entry.key));
    let role = role::judge(context, &mut findings);
    let secret = secret::compare(context, role.as_ref(), &mut findings);
    if let Some(secret) = &secret {
        role::compare(context, role.as_ref(), secret, &mut findings);
    }
    match context.entry.access {
        AccessLevel::Owner => {
            database::compare(context, &mut findings);
            extension::compare(context, &mut findings);
        }
        AccessLevel::Editor | AccessLevel::Reader => access::compare(context, &mut findings),
    }
    made::compare(context, &mut findings);
    predecessor::compare(context, &mut findings);
    if let Some(secret) = &secret {
        secret::finish(context, secret, &mut findings);
    }
    findings.hand_over(handover::handover(context));
    findings
}
