//! Who gets into which database, and should not.

use postgres_protocol::escape::escape_identifier;

use super::Matrix;
use crate::actual::{Actual, Database, DatabasePrivilege, Grantee};
use crate::desired::{Desired, Entry};

/// Of its own database, and of what it made itself, a role is no stranger. That a database is open to
/// everybody is told of the database.
pub(super) fn judge(
    entry: &Entry,
    roles: &Matrix,
    actual: &Actual,
    add: &mut impl FnMut(String, Option<String>),
) {
    let role = entry.username.as_str();
    let Some(enters) = roles.get(role) else {
        // A superuser is in no matrix, and is told of as such.
        if actual.roles.get(role).is_some_and(|found| found.can_login) {
            return;
        }
        return add(format!("role \"{role}\" is not there, or may not log in"), None);
    };
    if !enters.contains(entry.database.as_str()) {
        let message =
            format!("role \"{role}\" may not connect to its database \"{}\"", entry.database);
        add(message, None);
    }
    for name in enters.iter().filter(|name| *name != entry.database.as_str()) {
        let database = actual.databases.get(name);
        let is_own = database.is_some_and(|database| database.owner == role);
        let is_open = database.is_some_and(|database| connects(database, &Grantee::Public));
        if !is_own && !is_open {
            add(
                format!("role \"{role}\" may connect to database \"{name}\", which is not its own"),
                database.and_then(|database| how_to_keep_out(actual, role, name, database)),
            );
        }
    }
}

/// `None` where the role has no CONNECT of its own: it is a member of one that has.
fn how_to_keep_out(actual: &Actual, role: &str, name: &str, database: &Database) -> Option<String> {
    let connects = connects(database, &Grantee::Role(role.to_owned()));
    let [owner, name, role] = [&database.owner, name, role].map(escape_identifier);
    let statements = format!("SET ROLE {owner}; REVOKE ALL ON DATABASE {name} FROM {role}");
    connects.then(|| {
        format!("{}, unless it is meant so", actual.by_hand(&[&database.owner], &statements))
    })
}

/// A role without an entry that was granted CONNECT by name is there on purpose; `plan` tells of it. One
/// that gets in as a member of another role may read what that role may.
pub(super) fn judge_strangers(
    desired: &Desired,
    entry: &Entry,
    roles: &Matrix,
    actual: &Actual,
    add: &mut impl FnMut(String),
) {
    let name = entry.database.as_str();
    let Some(database) = actual.databases.get(name) else { return };
    if desired.owner_of(&entry.database) != Some(entry) || connects(database, &Grantee::Public) {
        return;
    }
    let is_known = |role: &str| {
        role == actual.server.master
            || desired.entries.values().any(|entry| entry.username.as_str() == role)
    };
    let is_told_of = |role: &str| actual.ways(role, entry.username.as_str()).is_some();
    for (role, _) in roles.iter().filter(|(role, enters)| enters.contains(name) && !is_known(role))
    {
        if !connects(database, &Grantee::Role(role.clone())) && !is_told_of(role) {
            add(format!(
                "role \"{role}\" has no entry and may connect to database \"{name}\", as a member of another role"
            ));
        }
    }
}

fn connects(database: &Database, grantee: &Grantee) -> bool {
    database.privileges_of(grantee).any(|held| held == DatabasePrivilege::Connect)
}
