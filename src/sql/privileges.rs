//! What is granted inside a database. All of it is to be run there.

use std::collections::BTreeSet;

use postgres_protocol::escape::escape_identifier;

use super::{as_role, identifier};
use crate::access::keywords;
use crate::actual::ObjectName;
use crate::name::{ExtensionName, RoleName};
use crate::plan::{FuturePrivileges, ObjectPrivileges};

/// Installs an extension as the owner of the database, whose it then is. Its objects need a schema by
/// name, since our sessions have none in their search path.
#[must_use]
pub fn create_extension(
    owner: &RoleName,
    extension: &ExtensionName,
    schema: Option<&'static str>,
) -> String {
    let schema = schema.map(|schema| format!(" SCHEMA {schema}")).unwrap_or_default();
    let extension = identifier(extension);
    as_role(owner.as_str(), &format!("CREATE EXTENSION IF NOT EXISTS {extension}{schema} CASCADE"))
}

/// `GRANT … ON TABLE a, b TO role`, the objects one by one: ALL TABLES would stop at the first that belongs
/// to someone else (measured on 14).
#[must_use]
pub fn grant(granted: &ObjectPrivileges) -> String {
    let ObjectPrivileges { database: _, owner, class, objects, privileges, role } = granted;
    let (class, privileges) = (class.keyword(), keywords(privileges));
    let (objects, role) = (list(objects), identifier(role));
    as_role(owner, &format!("GRANT {privileges} ON {class} {objects} TO {role}"))
}

/// What a role loses by a REVOKE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taken {
    /// The privileges.
    Privileges,
    /// The right to pass them on.
    GrantOption,
}

impl Taken {
    fn keyword(self) -> &'static str {
        match self {
            Self::Privileges => "REVOKE",
            Self::GrantOption => "REVOKE GRANT OPTION FOR",
        }
    }
}

/// The opposite of [`grant`], or of `WITH GRANT OPTION` in it.
#[must_use]
pub fn revoke(taken: Taken, revoked: &ObjectPrivileges) -> String {
    as_role(&revoked.owner, &revoke_as_owner(taken, revoked))
}

/// What a person can run where [`revoke`] fails, because the role granted others what it is to lose.
#[must_use]
pub fn revoke_cascade(taken: Taken, revoked: &ObjectPrivileges) -> String {
    let owner = escape_identifier(&revoked.owner);
    format!("SET ROLE {owner}; {} CASCADE", revoke_as_owner(taken, revoked))
}

fn revoke_as_owner(taken: Taken, revoked: &ObjectPrivileges) -> String {
    let ObjectPrivileges { database: _, owner: _, class, objects, privileges, role } = revoked;
    let (class, privileges) = (class.keyword(), keywords(privileges));
    let (objects, role) = (list(objects), identifier(role));
    format!("{} {privileges} ON {class} {objects} FROM {role}", taken.keyword())
}

/// `ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT … ON TABLES TO role`.
#[must_use]
pub fn grant_default(granted: &FuturePrivileges) -> String {
    let (privileges, role) = (keywords(&granted.privileges), identifier(&granted.role));
    format!("{} GRANT {privileges} ON {}S TO {role}", alter(granted), granted.class.keyword())
}

/// The opposite of [`grant_default`], or of `WITH GRANT OPTION` in it.
#[must_use]
pub fn revoke_default(taken: Taken, revoked: &FuturePrivileges) -> String {
    let (privileges, role) = (keywords(&revoked.privileges), identifier(&revoked.role));
    let (alter, verb, class) = (alter(revoked), taken.keyword(), revoked.class.keyword());
    format!("{alter} {verb} {privileges} ON {class}S FROM {role}")
}

fn alter(future: &FuturePrivileges) -> String {
    let schema = future.schema.as_ref();
    let schema = schema.map(|name| format!(" IN SCHEMA {}", escape_identifier(name)));
    let owner = escape_identifier(&future.owner);
    format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner}{}", schema.unwrap_or_default())
}

fn list(objects: &BTreeSet<ObjectName>) -> String {
    let quoted = |object: &ObjectName| match &object.name {
        Some(name) => {
            format!("{}.{}", escape_identifier(&object.schema), escape_identifier(name))
        }
        None => escape_identifier(&object.schema),
    };
    objects.iter().map(quoted).collect::<Vec<_>>().join(", ")
}
