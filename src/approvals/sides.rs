//! What is compared: the RDS catalog and the entries of the variable files, at one end of a change.

use std::collections::BTreeMap;

use crate::access::AccessLevel;
use crate::desired::Entry;
use crate::name::{DatabaseName, EntryKey, Environment};
use crate::rds_catalog::{Catalog, Record};
use crate::tfvars::Position;

/// One end of a change.
#[derive(Debug)]
pub struct Side {
    /// The RDS catalog.
    pub catalog: Catalog,
    /// What the variable files of each environment ask for.
    pub entries: BTreeMap<Environment, BTreeMap<EntryKey, Wanted>>,
}

/// An entry and the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The entry.
    pub entry: Entry,
    /// Where its key was written.
    pub at: Position,
}

/// What one side says of one database, or of one role that uses it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    pub(super) record: Option<&'a Record>,
    pub(super) wanted: Option<&'a Wanted>,
}

impl Side {
    /// The entry whose role owns a database.
    pub(super) fn owner(
        &self,
        environment: &Environment,
        database: &DatabaseName,
    ) -> Option<&Wanted> {
        let owns = |wanted: &&Wanted| {
            wanted.entry.access == AccessLevel::Owner && wanted.entry.database == *database
        };
        self.entries.get(environment)?.values().find(owns)
    }

    /// The entry of a role that only uses its database.
    pub(super) fn user(&self, environment: &Environment, key: &EntryKey) -> Option<&Wanted> {
        let wanted = self.entries.get(environment)?.get(key)?;
        (wanted.entry.access != AccessLevel::Owner).then_some(wanted)
    }

    /// All entries, each with its environment.
    pub(super) fn wanted(&self) -> impl Iterator<Item = (&Environment, &Wanted)> {
        let environments = self.entries.iter();
        environments.flat_map(|(environment, entries)| {
            entries.values().map(move |wanted| (environment, wanted))
        })
    }
}

impl Facts<'_> {
    pub(super) fn is_nothing(&self) -> bool {
        self.record.is_none() && self.wanted.is_none()
    }
}
