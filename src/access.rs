//! What each access level may do with what the owner of a database made: one table.
//!
//! | | schemas | tables and views | sequences |
//! |---|---|---|---|
//! | `owner` | its own | its own | its own |
//! | `editor` | USAGE | SELECT, INSERT, UPDATE, DELETE | USAGE, SELECT |
//! | `reader` | USAGE | SELECT | SELECT |

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

/// What an entry's role may do in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessLevel {
    /// The role owns the database.
    Owner,
    /// The role reads and writes the owner's tables.
    Editor,
    /// The role reads the owner's tables.
    Reader,
}

impl AccessLevel {
    /// All levels, as they are written in a variable file.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Editor, Self::Reader];

    /// The level of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }

    /// Its name in a variable file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Reader => "reader",
        }
    }

    /// The privileges that are granted on objects of the database's owner; none to the owner, whose they
    /// are anyway.
    #[must_use]
    pub fn privileges(self, class: ObjectClass) -> BTreeSet<Privilege> {
        use Privilege::{Delete, Insert, Select, Update, Usage};
        let privileges: &[Privilege] = match (self, class) {
            (Self::Owner, _) => &[],
            (Self::Editor | Self::Reader, ObjectClass::Schema) => &[Usage],
            (Self::Editor, ObjectClass::Table) => &[Select, Insert, Update, Delete],
            (Self::Editor, ObjectClass::Sequence) => &[Usage, Select],
            (Self::Reader, ObjectClass::Table | ObjectClass::Sequence) => &[Select],
        };
        privileges.iter().copied().collect()
    }
}

impl fmt::Display for AccessLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A kind of object as GRANT and ALTER DEFAULT PRIVILEGES tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectClass {
    /// Schemas.
    Schema,
    /// Tables, partitioned and foreign ones, views and materialized views.
    Table,
    /// Sequences.
    Sequence,
}

impl ObjectClass {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Schema, Self::Table, Self::Sequence];

    /// The keyword in GRANT, and with an S at its end in ALTER DEFAULT PRIVILEGES.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Schema => "SCHEMA",
            Self::Table => "TABLE",
            Self::Sequence => "SEQUENCE",
        }
    }
}

/// A privilege on a schema, a table or a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "each is PostgreSQL's keyword of the same name")]
pub enum Privilege {
    Select,
    Insert,
    Update,
    Delete,
    Truncate,
    References,
    Trigger,
    Maintain,
    Usage,
    Create,
}

impl Privilege {
    const ALL: [Self; 10] = [
        Self::Select,
        Self::Insert,
        Self::Update,
        Self::Delete,
        Self::Truncate,
        Self::References,
        Self::Trigger,
        Self::Maintain,
        Self::Usage,
        Self::Create,
    ];

    /// The privilege of this keyword; `None` for one that a later PostgreSQL may bring.
    #[must_use]
    pub fn parse(keyword: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|privilege| privilege.keyword() == keyword)
    }

    /// The keyword in GRANT and REVOKE.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
            Self::References => "REFERENCES",
            Self::Trigger => "TRIGGER",
            Self::Maintain => "MAINTAIN",
            Self::Usage => "USAGE",
            Self::Create => "CREATE",
        }
    }
}

/// The keywords, as in a GRANT.
#[must_use]
pub fn keywords(privileges: &BTreeSet<Privilege>) -> String {
    privileges.iter().map(|privilege| privilege.keyword()).collect::<Vec<_>>().join(", ")
}
