//! What is wrong with the server itself: databases that every tenant may enter, and the master's login.

use std::collections::{BTreeMap, BTreeSet};

use super::connects;
use crate::actual::{Actual, DatabasePrivilege};
use crate::desired::Desired;
use crate::diff::{close_by_hand, is_closed_by_apply};
use crate::name::Environment;

/// What PUBLIC may enter is asked only with `--isolate-server`; of an entry's databases it is told there.
pub(super) fn judge(
    desired: &Desired,
    actual: &Actual,
    public: &BTreeMap<String, BTreeSet<DatabasePrivilege>>,
    add: &mut impl FnMut(String, String),
) {
    let environment = &desired.environment;
    if let Some(label) = actual.master.stands_in {
        add(refused_current(&actual.master.name, label), put_right(environment));
    }
    if !desired.isolate_server {
        return;
    }
    let is_entrys = |name: &str| {
        desired.entries.values().any(|entry| {
            let mut made = desired.made_by(entry, actual);
            entry.database.as_str() == name || made.any(|(made, _)| made == name)
        })
    };
    for (name, _) in public.iter().filter(|(name, held)| !is_entrys(name) && connects(held)) {
        let Some(database) = actual.databases.get(name) else { continue };
        let hint = if is_closed_by_apply(desired, actual, name) {
            format!("`goldenpath-rds apply --env {environment} --isolate-server` closes it")
        } else {
            close_by_hand(actual, name, database)
        };
        add(format!("PUBLIC may connect to database \"{name}\", so every tenant can"), hint);
    }
}

/// That another label than AWSCURRENT lets us in.
#[must_use]
pub fn refused_current(secret: &str, label: &str) -> String {
    format!("the master's password in AWSCURRENT of `{secret}` is refused, {label} logs in")
}

/// What ends that.
#[must_use]
pub fn put_right(environment: &Environment) -> String {
    format!(
        "`goldenpath-rds rotate --env {environment} --master` puts it right: a rotation was cut off, or AWSCURRENT was moved by hand"
    )
}
