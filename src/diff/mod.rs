//! From what is wanted and what is there to a plan. No I/O, no clock, no randomness.
//!
//! Where an object does not exist yet, the comparison goes on with the facts that its creation will
//! leave. So a step never depends on another step being in the plan, and after any part of a
//! plan has been carried out, the diff gives the rest.
//!
//! One thing is a guess: schema `public` of a database that is there but does not let the master in yet
//! is taken for a new database's. Once it can be read, the diff may find more to do in it, or less; the
//! plan says so with [`Note::NotRead`].

mod database;
mod findings;
mod role;
mod rotation;
mod secret;
mod server;

use crate::actual::Actual;
use crate::desired::{Desired, Entry};
use crate::new_versions::NewVersions;
use crate::plan::{Note, Plan};
use findings::Findings;
pub use rotation::{Rotation, rotation};

/// Compares. `new` gives the ids of the secret versions that the plan will make.
#[must_use]
pub fn diff(desired: &Desired, actual: &Actual, new: &NewVersions) -> Plan {
    let mut plan = Plan::empty(desired, actual, desired.entries.len());
    plan.unclaimed = server::unclaimed(desired, actual);
    if desired.entries.is_empty() {
        plan.notes.push(Note::NoEntries);
    }
    server::compare(desired, actual).add_to(&mut plan);
    for entry in desired.entries.values() {
        let context = Context { desired, actual, new, entry, rotates: false };
        compare_entry(&context).add_to(&mut plan);
    }
    plan.steps.sort_by_key(|step| step.change.phase());
    plan
}

/// What the comparison of one entry looks at.
struct Context<'a> {
    desired: &'a Desired,
    actual: &'a Actual,
    new: &'a NewVersions,
    entry: &'a Entry,
    /// Whether the entry is to get a new password although nothing is wrong with the present one.
    rotates: bool,
}

impl Context<'_> {
    fn reset_asked(&self) -> bool {
        self.desired.reset_passwords.contains(&self.entry.key)
    }
}

fn compare_entry(context: &Context<'_>) -> Findings {
    let mut findings = Findings::of(Some(&context.entry.key));
    let role = role::judge(context, &mut findings);
    let secret = secret::compare(context, role.as_ref(), &mut findings);
    if let Some(secret) = &secret {
        role::compare(context, role.as_ref(), secret, &mut findings);
    }
    database::compare(context, &mut findings);
    if let Some(secret) = &secret {
        secret::finish(context, secret, &mut findings);
    }
    findings
}
