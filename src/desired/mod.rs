//! What is wanted: the checked entries of `application_databases`.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use crate::actual::Endpoint;
use crate::marker::Marker;
use crate::name::{DatabaseName, EntryKey, Environment, RoleName, SecretName};

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
}

/// One application database and the role that owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key in the map.
    pub key: EntryKey,
    /// The database.
    pub database: DatabaseName,
    /// The role.
    pub username: RoleName,
    /// The secret that applications read.
    pub secret: SecretName,
    /// CONNECTION LIMIT of the role; -1 is none.
    pub connection_limit: i32,
    /// CREATEDB of the role.
    pub createdb: bool,
}

impl Entry {
    /// The tags that the secret is to have.
    #[must_use]
    pub fn tags(&self, endpoint: &Endpoint, environment: &Environment) -> BTreeMap<String, String> {
        let mut tags = self.vouching_tags(endpoint);
        tags.insert("Environment".to_owned(), environment.to_string());
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
        Marker { environment, entry, version: None }.to_string()
    }
}
