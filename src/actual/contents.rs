//! What is inside a database: schemas, and what its owner made and gave away.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::Grantee;
use crate::access::{ObjectClass, Privilege};

/// The inside of a database as far as access to it is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The schemas but PostgreSQL's own.
    pub schemas: BTreeMap<String, Schema>,
    /// The tables and sequences of the database's owner; those of other roles are not ours to grant.
    pub relations: BTreeMap<ObjectName, Relation>,
    /// What the owner granted on single columns of its tables.
    pub on_columns: BTreeMap<ObjectName, BTreeMap<Grantee, BTreeSet<Privilege>>>,
    /// What others granted by a grant option, by whose: while it stands, the owner's REVOKE of that
    /// option fails (2BP01).
    pub passed_on: BTreeMap<ObjectName, BTreeMap<String, BTreeSet<Privilege>>>,
    /// What roles may pass on of what the owner granted them, on single columns, too.
    pub grant_options: BTreeMap<ObjectName, BTreeMap<String, BTreeSet<Privilege>>>,
    /// What ALTER DEFAULT PRIVILEGES FOR ROLE (the database's owner) gives to others.
    pub default_privileges: BTreeMap<DefaultPrivileges, BTreeSet<Privilege>>,
    /// What of that they will be able to pass on.
    pub default_grant_options: BTreeMap<DefaultPrivileges, BTreeSet<Privilege>>,
    /// The names of the installed extensions.
    pub extensions: BTreeSet<String>,
}

impl Contents {
    /// What a role holds on each of the owner's objects of one class, the objects on which it holds
    /// nothing included.
    pub fn held<'a>(
        &'a self,
        class: ObjectClass,
        role: &'a Grantee,
    ) -> impl Iterator<Item = (ObjectName, BTreeSet<Privilege>)> + 'a {
        let held = move |privileges: &BTreeMap<Grantee, BTreeSet<Privilege>>| {
            privileges.get(role).cloned().unwrap_or_default()
        };
        let schemas = self.schemas.iter().filter(move |_| class == ObjectClass::Schema);
        let relations = self.relations.iter().filter(move |(_, found)| found.class == class);
        schemas
            .map(move |(name, found)| (ObjectName::schema(name), held(&found.privileges)))
            .chain(relations.map(move |(name, found)| (name.clone(), held(&found.privileges))))
    }

    /// Whether the owner of the database can reach what is in a schema.
    #[must_use]
    pub fn owner_may_use(&self, schema: &str) -> bool {
        self.schemas.get(schema).is_none_or(|schema| schema.owner_may_use)
    }

    /// What a role holds on columns of a table; a REVOKE on the table takes that away, too.
    #[must_use]
    pub fn held_on_columns(&self, table: &ObjectName, role: &Grantee) -> BTreeSet<Privilege> {
        let held = self.on_columns.get(table).and_then(|held| held.get(role));
        held.cloned().unwrap_or_default()
    }

    /// What a role may pass on of an object.
    #[must_use]
    pub fn may_pass_on(&self, object: &ObjectName, role: &str) -> BTreeSet<Privilege> {
        let held = self.grant_options.get(object).and_then(|held| held.get(role));
        held.cloned().unwrap_or_default()
    }

    /// Whether the role has granted some of the privileges to others.
    #[must_use]
    pub fn has_passed_on(
        &self,
        object: &ObjectName,
        role: &str,
        privileges: &BTreeSet<Privilege>,
    ) -> bool {
        let granted = self.passed_on.get(object).and_then(|by| by.get(role));
        granted.is_some_and(|granted| !granted.is_disjoint(privileges))
    }
}

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Its owner.
    pub owner: String,
    /// Whether the owner of the database has USAGE on it: without that it can grant nothing in it.
    pub owner_may_use: bool,
    /// The privileges that its owner granted.
    pub privileges: BTreeMap<Grantee, BTreeSet<Privilege>>,
}

/// A table or a sequence of the database's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Which of the two; never a schema.
    pub class: ObjectClass,
    /// The privileges that its owner granted.
    pub privileges: BTreeMap<Grantee, BTreeSet<Privilege>>,
}

/// Which future objects, and who gets privileges on them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DefaultPrivileges {
    /// IN SCHEMA; `None` is every schema.
    pub schema: Option<String>,
    /// The kind of object.
    pub class: ObjectClass,
    /// Who gets them.
    pub grantee: Grantee,
}

/// The name of a schema, or of a table or sequence in one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    /// The schema.
    pub schema: String,
    /// The table or sequence; `None` for the schema itself.
    pub name: Option<String>,
}

impl ObjectName {
    /// A schema.
    #[must_use]
    pub fn schema(name: &str) -> Self {
        Self { schema: name.to_owned(), name: None }
    }

    /// Something in a schema.
    #[must_use]
    pub fn within(schema: &str, name: &str) -> Self {
        Self { schema: schema.to_owned(), name: Some(name.to_owned()) }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}.{name}", self.schema),
            None => f.write_str(&self.schema),
        }
    }
}

impl Serialize for ObjectName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq([Some(&self.schema), self.name.as_ref()].into_iter().flatten())
    }
}

/// An extension that the server could install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailableExtension {
    /// Only a superuser may: it is not marked as trusted.
    pub needs_superuser: bool,
    /// The schema that its control file prescribes.
    pub schema: Option<String>,
}
