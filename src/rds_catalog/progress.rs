//! What an apply makes of the status of databases.

use std::collections::BTreeSet;

use super::{Catalog, Record, Status};
use crate::access::AccessLevel;
use crate::desired::Desired;
use crate::name::{DatabaseName, EntryKey};

/// How the entries of an apply went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries of which a step failed.
    pub failed: BTreeSet<EntryKey>,
    /// Entries that are not what they should be for another reason: an obstacle, a signal.
    pub open: BTreeSet<EntryKey>,
}

/// The databases of the environment that have no record: whatever comes of them is written nowhere.
#[must_use]
pub fn unrecorded<'a>(catalog: &Catalog, desired: &'a Desired) -> Vec<&'a DatabaseName> {
    let owners = desired.entries.values().filter(|entry| entry.access == AccessLevel::Owner);
    owners
        .map(|entry| &entry.database)
        .filter(|database| catalog.get(&desired.environment, database).is_none())
        .collect()
}

/// The records whose status changes: `pending` and `failed` become `active` once the database is what the
/// entry asks for, and `pending` becomes `failed` when a step failed. A database that was made stays
/// `active`, whatever failed later.
#[must_use]
pub fn statuses<'a>(
    catalog: &'a Catalog,
    desired: &Desired,
    progress: &Progress,
) -> Vec<(&'a Record, Status)> {
    let records = catalog.records.iter();
    let records = records.filter(|record| record.environment == desired.environment);
    let changed = |record: &'a Record| {
        let key = &desired.owner_of(&record.database)?.key;
        let status = match record.status? {
            Status::Active | Status::Deprecated => return None,
            Status::Pending | Status::Failed if progress.failed.contains(key) => Status::Failed,
            Status::Pending | Status::Failed if progress.open.contains(key) => return None,
            Status::Pending | Status::Failed => Status::Active,
        };
        (record.status != Some(status)).then_some((record, status))
    };
    records.filter_map(changed).collect()
}
