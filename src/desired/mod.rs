//! What is wanted: the checked entries of `application_databases`.

mod collisions;
mod governance;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use crate::access::AccessLevel;
use crate::actual::{Actual, Database, Endpoint};
use crate::marker::Marker;
use crate::name::{
    DatabaseName, EntryKey, Environment, ExtensionName, NameError, RoleName, SecretName,
};

pub use governance::Governance;
pub use read::{VARIABLE, entries, entry_type, environment_matches};

/// The value of the tag `ManagedBy` on every secret of ours.
pub const MANAGED_BY: &str = "goldenpath-rds";

/// Everything the variable files and the command line ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The environment.
    pub environment: Environment,
    /// The entries by key.
    pub entries: BTreeMap<EntryKey, Entry>,
    /// Whether the server's own databases are closed to PUBLIC.
    pub isolate_server: bool,
    /// Entries whose role may get a password although nothing proves that its present one is ours.
    pub reset_passwords: BTreeSet<EntryKey>,
}

impl Desired {
    /// The database and the username of an entry, as the audit names them; empty for the server.
    #[must_use]
    pub fn names_of(&self, entry: Option<&EntryKey>) -> (&str, &str) {
        entry
            .and_then(|key| self.entries.get(key))
            .map_or(("", ""), |entry| (entry.database.as_str(), entry.username.as_str()))
    }

    /// The entry whose role owns a database. There is one for the database of every entry.
    #[must_use]
    pub fn owner_of(&self, database: &DatabaseName) -> Option<&Entry> {
        let mut entries = self.entries.values();
        entries.find(|entry| entry.access == AccessLevel::Owner && entry.database == *database)
    }

    /// The databases that an entry's role made for itself: it owns them, no entry names them, and they are
    /// neither the server's nor the master's.
    pub fn made_by<'a>(
        &'a self,
        entry: &'a Entry,
        actual: &'a Actual,
    ) -> impl Iterator<Item = (&'a String, &'a Database)> {
        let is_named =
            |name: &str| self.entries.values().any(|entry| entry.database.as_str() == name);
        let is_reserved = |name: &str| {
            actual.server.master_database.as_deref() == Some(name)
                || matches!(DatabaseName::parse(name), Err(NameError::Reserved { .. }))
        };
        actual.databases.iter().filter(move |(name, database)| {
            database.owner == entry.username.as_str()
                && !database.is_invalid
                && !is_named(name)
                && !is_reserved(name)
        })
    }

    /// The databases about which more is asked than who owns them.
    #[must_use]
    pub fn databases_with_contents(&self) -> BTreeSet<&DatabaseName> {
        let asks =
            |entry: &&Entry| entry.access != AccessLevel::Owner || !entry.extensions.is_empty();
        self.entries.values().filter(asks).map(|entry| &entry.database).collect()
    }
}

/// A role of an application database: the one that owns it, or one that only uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key in the map.
    pub key: EntryKey,
    /// The database.
    pub database: DatabaseName,
    /// The role.
    pub username: RoleName,
    /// What the role may do in the database.
    pub access: AccessLevel,
    /// The secret that applications read.
    pub secret: SecretName,
    /// CONNECTION LIMIT of the role; -1 is none.
    pub connection_limit: i32,
    /// CREATEDB of the role.
    pub createdb: bool,
    /// The extensions that the database has; only at its owner.
    pub extensions: BTreeSet<ExtensionName>,
    /// Who answers for the database.
    pub governance: Governance,
}

impl Entry {
    /// The tags that the secret is to have.
    #[must_use]
    pub fn tags(&self, endpoint: &Endpoint, environment: &Environment) -> BTreeMap<String, String> {
        let mut tags = self.vouching_tags(endpoint);
        tags.insert("Environment".to_owned(), environment.to_string());
        tags.extend(self.governance.tags());
        tags
    }

    /// The tags that say whose the secret is and what stands in it, so that a plan need not read it.
    #[must_use]
    pub fn vouching_tags(&self, endpoint: &Endpoint) -> BTreeMap<String, String> {
        let tag = |name: &str, value: &dyn ToString| (name.to_owned(), value.to_string());
        BTreeMap::from([
            tag("ManagedBy", &MANAGED_BY),
            tag("Database", &self.database),
            tag("Username", &self.username),
            tag("Endpoint", endpoint),
        ])
    }

    /// The comment that the database is to have.
    #[must_use]
    pub fn database_comment(&self, environment: &Environment) -> String {
        let (environment, entry) = (environment.clone(), self.key.clone());
        let marker = Marker { environment, entry, version: None };
        format!("{marker}{}", self.governance.marker_parts())
    }
}
