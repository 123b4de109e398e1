//! Changes as SQL: the only place that writes SQL which changes anything.

mod privileges;

use postgres_protocol::escape::{escape_identifier, escape_literal};

use crate::actual::{DatabasePrivilege, Server};
use crate::marker::Marker;
use crate::name::{DatabaseName, RoleName};
use crate::password::Verifier;
use crate::plan::RoleAttributes;
pub use privileges::{
    Taken, create_extension, grant, grant_default, revoke, revoke_cascade, revoke_default,
};

/// `CREATE ROLE` and its marker, as one query and so as one transaction.
///
/// The master becomes a member. Up to PostgreSQL 15 with ADMIN, which survives an upgrade to 16; from
/// 16 on the creator has ADMIN by itself and cannot grant it to itself again (0LP01), so the clause
/// adds INHERIT and SET (measured).
#[must_use]
pub fn create_role(
    server: &Server,
    role: &RoleName,
    createdb: bool,
    connection_limit: i32,
    verifier: &Verifier,
    marker: &Marker,
) -> String {
    let membership = if server.has_strict_createrole() { "ROLE" } else { "ADMIN" };
    format!(
        "CREATE ROLE {} LOGIN {} NOCREATEROLE CONNECTION LIMIT {connection_limit} PASSWORD {} {membership} CURRENT_USER;\n{}",
        identifier(role),
        if createdb { "CREATEDB" } else { "NOCREATEDB" },
        literal(verifier.as_str()),
        comment_on_role(role, marker),
    )
}

/// The password and its marker, as one query and so as one transaction.
#[must_use]
pub fn set_password(role: &RoleName, verifier: &Verifier, marker: &Marker) -> String {
    format!(
        "ALTER ROLE {} PASSWORD {};\n{}",
        identifier(role),
        literal(verifier.as_str()),
        comment_on_role(role, marker),
    )
}

/// The password of the role that is logged in: this needs no right on roles. Its comment would, so the
/// version is noted in the tags of its secret instead.
#[must_use]
pub fn set_own_password(verifier: &Verifier) -> String {
    format!("ALTER ROLE CURRENT_USER PASSWORD {}", literal(verifier.as_str()))
}

/// The marker of a role.
#[must_use]
pub fn comment_on_role(role: &RoleName, marker: &Marker) -> String {
    format!("COMMENT ON ROLE {} IS {}", identifier(role), literal(&marker.to_string()))
}

/// Only attributes that differ. SUPERUSER, REPLICATION and BYPASSRLS are never named: even to take
/// them away needs a superuser (measured).
#[must_use]
pub fn alter_role(role: &RoleName, attributes: &RoleAttributes) -> String {
    format!("ALTER ROLE {} {attributes}", identifier(role))
}

/// The master's membership in a role that it did not create.
#[must_use]
pub fn grant_membership(server: &Server, role: &RoleName) -> String {
    let options =
        if server.has_strict_createrole() { "INHERIT TRUE, SET TRUE" } else { "ADMIN OPTION" };
    format!("GRANT {} TO CURRENT_USER WITH {options}", identifier(role))
}

/// A database that nobody can connect to yet: a new one is open to PUBLIC until that is revoked.
///
/// From PostgreSQL 15 on its template is `template0`, which is never in use; on 14 schema `public` of
/// `template0` belongs to the superuser and could not be closed (measured).
#[must_use]
pub fn create_database(server: &Server, database: &DatabaseName, owner: &RoleName) -> String {
    let template = if server.has_closed_public_schema() { "template0" } else { "template1" };
    format!(
        "CREATE DATABASE {} OWNER {} TEMPLATE {template} ENCODING 'UTF8' ALLOW_CONNECTIONS false",
        identifier(database),
        identifier(owner),
    )
}

/// Takes privileges on a database from PUBLIC.
#[must_use]
pub fn revoke_from_public<'a>(
    database: &str,
    owner: &str,
    privileges: impl IntoIterator<Item = &'a DatabasePrivilege>,
) -> String {
    let privileges: Vec<_> = privileges.into_iter().map(|p| p.keyword()).collect();
    let database = escape_identifier(database);
    as_role(owner, &format!("REVOKE {} ON DATABASE {database} FROM PUBLIC", privileges.join(", ")))
}

/// Takes away only the right to pass the privileges on.
#[must_use]
pub fn revoke_grant_option<'a>(
    database: &DatabaseName,
    owner: &RoleName,
    role: &str,
    privileges: impl IntoIterator<Item = &'a DatabasePrivilege>,
) -> String {
    let privileges: Vec<_> = privileges.into_iter().map(|p| p.keyword()).collect();
    let (database, role) = (identifier(database), escape_identifier(role));
    let privileges = privileges.join(", ");
    let revoke = format!("REVOKE GRANT OPTION FOR {privileges} ON DATABASE {database} FROM {role}");
    as_role(owner.as_str(), &revoke)
}

/// Grants CONNECT on a database by name. The master is among the roles: without it every connection
/// would expand all of the master's memberships (measured: 54 ms instead of 2 at 5,000 tenants).
#[must_use]
pub fn grant_connect<'a>(
    database: &DatabaseName,
    owner: &RoleName,
    to: impl IntoIterator<Item = &'a String>,
) -> String {
    let to: Vec<_> = to.into_iter().map(|role| escape_identifier(role)).collect();
    let grant = format!("GRANT CONNECT ON DATABASE {} TO {}", identifier(database), to.join(", "));
    as_role(owner.as_str(), &grant)
}

/// Gives a database's owner privileges on it, which owners have until somebody revokes them.
#[must_use]
pub fn grant_to_owner<'a>(
    database: &DatabaseName,
    owner: &RoleName,
    privileges: impl IntoIterator<Item = &'a DatabasePrivilege>,
) -> String {
    let privileges: Vec<_> = privileges.into_iter().map(|p| p.keyword()).collect();
    let (database, role) = (identifier(database), identifier(owner));
    let grant = format!("GRANT {} ON DATABASE {database} TO {role}", privileges.join(", "));
    as_role(owner.as_str(), &grant)
}

/// The comment of a database.
#[must_use]
pub fn comment_on_database(database: &DatabaseName, comment: &str) -> String {
    format!("COMMENT ON DATABASE {} IS {}", identifier(database), literal(comment))
}

/// A database that only its owner may copy.
#[must_use]
pub fn unmark_template(database: &str) -> String {
    format!("ALTER DATABASE {} WITH IS_TEMPLATE false", escape_identifier(database))
}

/// A database without a limit of its own.
#[must_use]
pub fn lift_connection_limit(database: &DatabaseName) -> String {
    format!("ALTER DATABASE {} WITH CONNECTION LIMIT -1", identifier(database))
}

/// Opens a database.
#[must_use]
pub fn allow_connections(database: &DatabaseName) -> String {
    format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true", identifier(database))
}

/// To be run inside the database.
#[must_use]
pub fn own_public_schema(owner: &RoleName) -> String {
    format!("ALTER SCHEMA public OWNER TO {}", identifier(owner))
}

/// To be run inside the database, as the schema's owner.
#[must_use]
pub fn grant_public_schema(to: &RoleName) -> String {
    format!("GRANT USAGE, CREATE ON SCHEMA public TO {}", identifier(to))
}

/// To be run inside the database.
#[must_use]
pub fn close_public_schema(owner: &str) -> String {
    as_role(owner, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
}

/// The statement as done by the owner of what it is about. Said by the master, it would count as said by
/// the first role with all grant options among those that the master is a member of (`select_best_grantor`
/// in PostgreSQL's source), which any tenant can become; a REVOKE then takes nothing away and says nothing.
/// That is one transaction, so the role is the master's own again after it.
#[must_use]
pub fn as_role(owner: &str, statement: &str) -> String {
    format!("SET LOCAL ROLE {}; {statement}", escape_identifier(owner))
}

fn identifier(name: &impl ToString) -> String {
    escape_identifier(&name.to_string())
}

fn literal(text: &str) -> String {
    escape_literal(text)
}
