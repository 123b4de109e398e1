//! Which requests a change of the catalog and of the variable files contains.

use std::collections::BTreeSet;

use serde::Serialize;

use super::differences::{differing, extras};
use super::sides::{Facts, Side};
use crate::desired::Entry;
use crate::name::{DatabaseName, EntryKey, Environment};
use crate::rds_catalog::Record;

/// A database, or a role that uses one, that a change adds, alters or removes.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Its environment.
    pub environment: &'a Environment,
    /// The database.
    pub database: &'a DatabaseName,
    /// The entry of a role that only uses the database; of a removed one as it was. `None` if the request
    /// is about the database itself: its record in the catalog, its owner's entry, or both.
    pub user: Option<&'a Entry>,
    /// What happens to it.
    pub kind: Kind,
    /// The database's record in the catalog after the change.
    pub record: Option<&'a Record>,
    /// The same before the change.
    pub record_before: Option<&'a Record>,
    /// Where it stands, `file:line:column`; a removed one where it stood.
    pub at: Vec<String>,
}

/// What happens to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Kind {
    /// It is new.
    Added {
        /// What it asks for beside the usual.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        with: Vec<&'static str>,
    },
    /// These fields differ.
    Altered {
        /// Their names.
        fields: Vec<&'static str>,
    },
    /// It goes.
    Removed,
}

/// Compares the two ends of a change.
#[must_use]
pub fn changes<'a>(base: &'a Side, head: &'a Side) -> Vec<Change<'a>> {
    let databases = databases(base, head).into_iter();
    let databases =
        databases.filter_map(|(environment, name)| of_database(base, head, environment, name));
    let users = users(base, head).into_iter();
    databases
        .chain(users.filter_map(|(environment, key)| of_user(base, head, environment, key)))
        .collect()
}

/// Every database that one of the two has in the catalog, or with an owner in the variable files.
fn databases<'a>(base: &'a Side, head: &'a Side) -> BTreeSet<(&'a Environment, &'a DatabaseName)> {
    let of = |side: &'a Side| {
        let records = side.catalog.records.iter();
        let entries = side.wanted().filter(|(_, wanted)| is_owner(&wanted.entry));
        let entries = entries.map(|(environment, wanted)| (environment, &wanted.entry.database));
        records.map(|record| (&record.environment, &record.database)).chain(entries)
    };
    of(base).chain(of(head)).collect()
}

/// Every role that only uses its database.
fn users<'a>(base: &'a Side, head: &'a Side) -> BTreeSet<(&'a Environment, &'a EntryKey)> {
    let of = |side: &'a Side| side.wanted().filter(|(_, wanted)| !is_owner(&wanted.entry));
    of(base).chain(of(head)).map(|(environment, wanted)| (environment, &wanted.entry.key)).collect()
}

fn is_owner(entry: &Entry) -> bool {
    entry.access == crate::access::AccessLevel::Owner
}

/// A record and its owner's entry are one request, whichever of the two changes.
fn of_database<'a>(
    base: &'a Side,
    head: &'a Side,
    environment: &'a Environment,
    database: &'a DatabaseName,
) -> Option<Change<'a>> {
    let facts = |side: &'a Side| Facts {
        record: side.catalog.get(environment, database),
        wanted: side.owner(environment, database),
    };
    let (before, after) = (facts(base), facts(head));
    let kind = kind(before, after)?;
    let stands = if after.is_nothing() { before } else { after };
    Some(Change {
        environment,
        database,
        user: None,
        kind,
        record: after.record,
        record_before: before.record,
        at: places(stands),
    })
}

fn of_user<'a>(
    base: &'a Side,
    head: &'a Side,
    environment: &'a Environment,
    key: &'a EntryKey,
) -> Option<Change<'a>> {
    let facts = |side: &'a Side| Facts { record: None, wanted: side.user(environment, key) };
    let (before, after) = (facts(base), facts(head));
    let kind = kind(before, after)?;
    let stands = after.wanted.or(before.wanted)?;
    let database = &stands.entry.database;
    Some(Change {
        environment,
        database,
        user: Some(&stands.entry),
        kind,
        record: head.catalog.get(environment, database),
        record_before: base.catalog.get(environment, database),
        at: vec![stands.at.to_string()],
    })
}

fn kind(before: Facts<'_>, after: Facts<'_>) -> Option<Kind> {
    if before.is_nothing() {
        let with = after.wanted.map(extras).unwrap_or_default();
        return Some(Kind::Added { with });
    }
    if after.is_nothing() {
        return Some(Kind::Removed);
    }
    let fields = differing(before, after);
    (!fields.is_empty()).then_some(Kind::Altered { fields })
}

fn places(facts: Facts<'_>) -> Vec<String> {
    let record = facts.record.and_then(|record| record.place(""));
    let entry = facts.wanted.map(|wanted| &wanted.at);
    record.into_iter().chain(entry).map(ToString::to_string).collect()
}
