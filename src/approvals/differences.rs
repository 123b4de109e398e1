//! In which fields two records or two entries differ.

use super::sides::{Facts, Wanted};
use crate::desired::Entry;
use crate::rds_catalog::{Record, Status};

/// The names of what differs, each once: the username stands in the catalog and in the variable file.
pub(super) fn differing(before: Facts<'_>, after: Facts<'_>) -> Vec<&'static str> {
    let records = match (before.record, after.record) {
        (Some(before), Some(after)) => differing_fields(before, after),
        (None, Some(_)) => vec!["record added"],
        (Some(_), None) => vec!["record removed"],
        (None, None) => Vec::new(),
    };
    let entries = match (before.wanted, after.wanted) {
        (Some(before), Some(after)) => of_entries(&before.entry, &after.entry),
        (None, Some(after)) => [vec!["entry added"], extras(after)].concat(),
        (Some(_), None) => vec!["entry removed"],
        (None, None) => Vec::new(),
    };
    let more = entries.into_iter().filter(|field| !records.contains(field)).collect::<Vec<_>>();
    [records, more].concat()
}

/// What a new entry asks for beyond its database and its role.
pub(super) fn extras(wanted: &Wanted) -> Vec<&'static str> {
    let entry = &wanted.entry;
    let extras = [
        ("connection_limit", entry.connection_limit != -1),
        ("createdb", entry.createdb),
        ("extensions", !entry.extensions.is_empty()),
    ];
    named(extras)
}

/// The names of the fields in which two records differ, what `apply` itself writes left out.
#[must_use]
pub fn differing_fields(before: &Record, after: &Record) -> Vec<&'static str> {
    // Named one by one, so that a new field is thought of. Two are compared by; the date says nothing.
    let Record {
        key,
        database: _,
        environment: _,
        id,
        owner,
        requested_by,
        domain,
        risk,
        status,
        created_date: _,
        username,
        size,
        instance_class,
        secret_path,
        places: _,
    } = before;
    named([
        ("key", *key != after.key),
        ("id", *id != after.id),
        ("owner", *owner != after.owner),
        ("requested_by", *requested_by != after.requested_by),
        ("domain", *domain != after.domain),
        ("risk", *risk != after.risk),
        ("status", *status != after.status && !is_progress(*status, after.status)),
        ("username", *username != after.username),
        ("size_tier", *size != after.size),
        ("instance_class", *instance_class != after.instance_class),
        ("secret_path", *secret_path != after.secret_path),
    ])
}

/// Whether `apply` writes this status itself. It is nobody's request then; any other is somebody's, who
/// takes a database out of service, or has it tried again.
fn is_progress(before: Option<Status>, after: Option<Status>) -> bool {
    matches!(
        (before, after),
        (Some(Status::Pending | Status::Failed), Some(Status::Active))
            | (Some(Status::Pending), Some(Status::Failed))
    )
}

fn of_entries(before: &Entry, after: &Entry) -> Vec<&'static str> {
    // The secret's name follows from the others; who answers for the database is the catalog's.
    let Entry {
        key,
        database,
        username,
        access,
        connection_limit,
        createdb,
        extensions,
        secret: _,
        governance: _,
    } = before;
    named([
        ("entry's key", *key != after.key),
        ("database_name", *database != after.database),
        ("username", *username != after.username),
        ("access_level", *access != after.access),
        ("connection_limit", *connection_limit != after.connection_limit),
        ("createdb", *createdb != after.createdb),
        ("extensions", *extensions != after.extensions),
    ])
}

fn named<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
