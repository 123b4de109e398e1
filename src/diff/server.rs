//! What concerns the server and not one entry.

use std::collections::BTreeSet;

use postgres_protocol::escape::escape_identifier;

use super::findings::Findings;
use super::foreign_grant;
use super::refused_database::refuse_stuck;
use crate::actual::{Actual, Database, DatabasePrivilege, Grantee};
use crate::desired::{Desired, MANAGED_BY};
use crate::marker::Marker;
use crate::plan::{Change, Note, ObstacleKind, Unclaimed};

/// The databases that every server has and no tenant has business in.
const SERVER_DATABASES: [&str; 2] = ["postgres", "template1"];

/// Compares the server's own databases: closed to PUBLIC if asked for, else named.
pub(super) fn compare(desired: &Desired, actual: &Actual) -> Findings {
    let mut findings = Findings::of(None);
    let mut open = BTreeSet::new();
    for name in servers_own(actual) {
        let Some(database) = actual.databases.get(name) else { continue };
        if let Some(why) = &database.stuck {
            refuse_stuck(name, why, &mut findings);
        }
        let privileges: BTreeSet<_> = database.privileges_of(&Grantee::Public).collect();
        if !privileges.contains(&DatabasePrivilege::Connect) {
            continue;
        }
        if !desired.isolate_server {
            open.insert(name.to_owned());
        } else if may_revoke(desired, actual, database) {
            if foreign_grant::on_database(name, database, &mut findings) {
                continue;
            }
            let (database, owner) = (name.to_owned(), database.owner.clone());
            let change = Change::RevokeFromPublic { database, owner, privileges };
            findings.step(change, "--isolate-server: every tenant can log in to it");
        } else {
            refuse_foreign(actual, name, database, &mut findings);
        }
    }
    if !open.is_empty() {
        findings.note(Note::ServerIsOpen { databases: open });
    }
    findings
}

fn servers_own(actual: &Actual) -> BTreeSet<&str> {
    SERVER_DATABASES.into_iter().chain(actual.server.master_database.as_deref()).collect()
}

/// Whether `apply --isolate-server` closes a database to PUBLIC: what one of the server's own needs a person
/// for holds up all of them.
pub(crate) fn is_closed_by_apply(desired: &Desired, actual: &Actual, name: &str) -> bool {
    let own = servers_own(actual);
    let needs_a_person = |name: &&str| {
        actual.databases.get(*name).is_some_and(|database| {
            let mut open = database.privileges_of(&Grantee::Public);
            let is_ours = may_revoke(desired, actual, database);
            let is_refused = !is_ours || !database.public_by_others.is_empty();
            database.stuck.is_some()
                || (open.any(|held| held == DatabasePrivilege::Connect) && is_refused)
        })
    };
    own.contains(name) && !own.iter().any(needs_a_person)
}

/// How a person closes a database to PUBLIC, whoever opened it.
pub(crate) fn close_by_hand(actual: &Actual, name: &str, database: &Database) -> String {
    let owner = database.owner.as_str();
    let object = format!("DATABASE {}", escape_identifier(name));
    let by_others = database
        .public_by_others
        .iter()
        .map(|(grantor, held)| foreign_grant::revoke_option(&keywords(held), &object, grantor));
    let privileges = keywords(&database.privileges_of(&Grantee::Public).collect());
    let first = format!("SET ROLE {}", escape_identifier(owner));
    let last = format!("REVOKE {privileges} ON {object} FROM PUBLIC");
    let statements: Vec<_> = [first].into_iter().chain(by_others).chain([last]).collect();
    actual.by_hand(&[owner], &statements.join("; "))
}

fn keywords(privileges: &BTreeSet<DatabasePrivilege>) -> String {
    privileges.iter().map(|privilege| privilege.keyword()).collect::<Vec<_>>().join(", ")
}

/// What is marked as ours for this environment and no entry asks for.
pub(super) fn unclaimed(desired: &Desired, actual: &Actual) -> Vec<Unclaimed> {
    let ours = |comment: Option<&String>| {
        let marker = comment.and_then(|comment| Marker::parse(comment));
        marker.is_some_and(|marker| marker.environment == desired.environment)
    };
    let entries = || desired.entries.values();
    let databases = actual
        .databases
        .iter()
        .filter(|(_, database)| ours(database.comment.as_ref()))
        .filter(|(name, _)| !entries().any(|entry| entry.database.as_str() == *name))
        .map(|(name, _)| Unclaimed::Database(name.clone()));
    let roles = actual
        .roles
        .iter()
        .filter(|(_, role)| ours(role.comment.as_ref()))
        .filter(|(name, _)| !entries().any(|entry| entry.username.as_str() == *name))
        .map(|(name, _)| Unclaimed::Role(name.clone()));
    let secrets = actual
        .secrets
        .iter()
        .filter(|(_, secret)| secret.tags.get("ManagedBy").is_some_and(|by| by == MANAGED_BY))
        .filter(|(_, secret)| !secret.is_scheduled_for_deletion)
        .filter(|(name, _)| !entries().any(|entry| entry.secret.as_str() == *name))
        .map(|(name, _)| Unclaimed::Secret(name.clone()));
    databases.chain(roles).chain(secrets).collect()
}

/// Not where an application's role is the owner: it could open the database again, and a membership
/// that its own entry plans would change what can be done here.
fn may_revoke(desired: &Desired, actual: &Actual, database: &Database) -> bool {
    let owner = &database.owner;
    let is_tenant = || desired.entries.values().any(|entry| entry.username.as_str() == owner);
    let acts_as = || actual.roles.get(owner).is_some_and(|role| role.master.set);
    *owner == actual.server.master || (!is_tenant() && acts_as())
}

fn refuse_foreign(actual: &Actual, name: &str, database: &Database, findings: &mut Findings) {
    findings.obstacle(
        ObstacleKind::WrongOwner,
        format!(
            "database \"{name}\" belongs to \"{}\", so it is not for \"{}\" to close it",
            database.owner, actual.server.master
        ),
        close_by_hand(actual, name, database),
    );
}
