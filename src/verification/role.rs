//! What an entry's role can do beyond its own database, and who can do what only it should.

use crate::actual::{Actual, Role};
use crate::desired::{Desired, Entry};

/// Rights that reach over the walls between databases. A membership counts whatever its INHERIT says: who
/// may SET ROLE, or grant itself to be let, has the rights of the other role when it wants them.
pub(super) fn judge(
    desired: &Desired,
    actual: &Actual,
    entry: &Entry,
    add: &mut impl FnMut(String, String),
) {
    let Some(role) = actual.roles.get(entry.username.as_str()) else { return };
    judge_attributes(desired, entry, role, add);
    let name = entry.username.as_str();
    for of in [actual.server.master.as_str(), "rds_superuser"] {
        if let Some(ways) = actual.ways(name, of) {
            add(
                format!(
                    "role \"{name}\" is a member of \"{of}\"{}, so every database is open to it",
                    ways.through()
                ),
                ways.revoke(actual),
            );
        }
    }
    if let Some(ways) = actual.ways(name, "rds_iam") {
        add(
            format!(
                "role \"{name}\" is a member of \"rds_iam\"{}, so RDS refuses its password",
                ways.through()
            ),
            ways.revoke(actual),
        );
    }
    for other in desired.entries.values().filter(|other| other.username != entry.username) {
        if let Some(ways) = actual.ways(name, other.username.as_str()) {
            add(
                format!(
                    "role \"{name}\" is a member of \"{}\"{}, so it can do what the role of entry `{}` can",
                    other.username,
                    ways.through(),
                    other.key
                ),
                ways.revoke(actual),
            );
        }
    }
}

fn judge_attributes(
    desired: &Desired,
    entry: &Entry,
    role: &Role,
    add: &mut impl FnMut(String, String),
) {
    let name = &entry.username;
    if !role.superuser_attributes.is_empty() {
        let words: Vec<_> = role.superuser_attributes.iter().copied().collect();
        add(
            format!("role \"{name}\" has {}, which no application is to have", words.join(" and ")),
            "only a superuser can take it away; use another username".to_owned(),
        );
    }
    let applied = || format!("`goldenpath-rds apply --env {}` takes it away", desired.environment);
    if role.can_create_roles {
        add(format!("role \"{name}\" has CREATEROLE, so it can make and grant roles"), applied());
    }
    if role.can_create_databases && !entry.createdb {
        add(format!("role \"{name}\" has CREATEDB, and its entry no `createdb = true`"), applied());
    }
}

/// A role without an entry that may become the owner of a database. One that was granted CONNECT by name
/// is there on purpose; `plan` tells of it.
pub(super) fn judge_members(
    desired: &Desired,
    actual: &Actual,
    entry: &Entry,
    add: &mut impl FnMut(String, String),
) {
    let owner = entry.username.as_str();
    let is_known = |name: &str| {
        name == actual.server.master
            || desired.entries.values().any(|entry| entry.username.as_str() == name)
    };
    let members = actual.roles.iter().filter(|(name, role)| role.can_login && !is_known(name));
    for (name, ways) in members.filter_map(|(name, _)| Some((name, actual.ways(name, owner)?))) {
        add(
            format!(
                "role \"{name}\" has no entry and is a member of \"{owner}\"{}, so it can do what the owner of database \"{}\" can",
                ways.through(),
                entry.database
            ),
            ways.revoke(actual),
        );
    }
}
