//! What changes are made of.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::access::{ObjectClass, Privilege};
use crate::actual::{Endpoint, ObjectName};
use crate::name::{DatabaseName, RoleName};
use crate::version_id::VersionId;

/// Privileges of one role on objects of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectPrivileges {
    /// The database that they are in; not always an application's.
    pub database: String,
    /// Whose the objects are; it is done as this role.
    pub owner: String,
    /// What they are.
    pub class: ObjectClass,
    /// The objects.
    pub objects: BTreeSet<ObjectName>,
    /// The privileges on each.
    pub privileges: BTreeSet<Privilege>,
    /// Who holds them.
    pub role: RoleName,
}

/// Privileges of one role on what another will make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FuturePrivileges {
    /// The database; not always an application's.
    pub database: String,
    /// Who will make the objects.
    pub owner: String,
    /// Only in this schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// What the objects are.
    pub class: ObjectClass,
    /// The privileges on each.
    pub privileges: BTreeSet<Privilege>,
    /// Who holds them.
    pub role: RoleName,
}

/// Where the password of a staged version comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordSource {
    /// It is generated.
    New,
    /// It is the one of this version.
    CopyOf(VersionId),
}

/// What a secret tells an application beside the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// `username`.
    pub username: RoleName,
    /// `dbname`.
    pub dbname: DatabaseName,
    /// `host` and `port`.
    pub endpoint: Endpoint,
}

/// Attributes of a role that differ from what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoleAttributes {
    /// LOGIN or NOLOGIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<bool>,
    /// CREATEDB or NOCREATEDB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub createdb: Option<bool>,
    /// CREATEROLE or NOCREATEROLE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub createrole: Option<bool>,
    /// CONNECTION LIMIT; -1 is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_limit: Option<i32>,
    /// INHERIT.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inherit: bool,
    /// VALID UNTIL 'infinity'.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub never_expires: bool,
}

impl RoleAttributes {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for RoleAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keyword = |value: Option<bool>, on: &'static str, off: &'static str| {
            value.map(|value| (if value { on } else { off }).to_owned())
        };
        let words = [
            keyword(self.login, "LOGIN", "NOLOGIN"),
            keyword(self.createdb, "CREATEDB", "NOCREATEDB"),
            keyword(self.createrole, "CREATEROLE", "NOCREATEROLE"),
            self.connection_limit.map(|limit| format!("CONNECTION LIMIT {limit}")),
            self.inherit.then(|| "INHERIT".to_owned()),
            self.never_expires.then(|| "VALID UNTIL 'infinity'".to_owned()),
        ];
        f.write_str(&words.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}
