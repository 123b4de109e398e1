//! Privileges on a database that a role may pass on: with CONNECT it can open the database to everybody.

use std::collections::BTreeSet;

use super::Context;
use super::findings::Findings;
use super::foreign_grant;
use crate::actual::{Database, DatabasePrivilege};
use crate::plan::{Change, Note};

/// In the entry of the database's owner. The roles of the database's other entries see to their own.
pub(super) fn compare_others(context: &Context<'_>, database: &Database, findings: &mut Findings) {
    let has_entry = |role: &str, here: bool| {
        context.desired.entries.values().any(|entry| {
            entry.username.as_str() == role && (!here || entry.database == context.entry.database)
        })
    };
    for (role, privileges) in &database.grant_options {
        if *role == context.actual.server.master || has_entry(role, true) {
            continue;
        }
        if has_entry(role, false) {
            compare_one(context, database, role, privileges, findings);
        } else {
            let (database, role) = (context.entry.database.clone(), role.clone());
            findings.note(Note::GrantOption { database, role, privileges: privileges.clone() });
        }
    }
}

/// What the entry's own role may pass on of the database that another owns.
pub(super) fn compare(context: &Context<'_>, findings: &mut Findings) {
    let Some(database) = context.actual.databases.get(context.entry.database.as_str()) else {
        return;
    };
    let role = context.entry.username.as_str();
    if let Some(privileges) = database.grant_options.get(role) {
        compare_one(context, database, role, privileges, findings);
    }
}

fn compare_one(
    context: &Context<'_>,
    database: &Database,
    role: &str,
    privileges: &BTreeSet<DatabasePrivilege>,
    findings: &mut Findings,
) {
    let name = &context.entry.database;
    let used = database.passed_on.get(role);
    if used.is_some_and(|used| !used.is_disjoint(privileges)) {
        return foreign_grant::database_passed_on(
            name,
            &database.owner,
            role,
            privileges,
            findings,
        );
    }
    let change = Change::RevokeGrantOption {
        database: name.clone(),
        owner: context.owner.username.clone(),
        role: role.to_owned(),
        privileges: privileges.clone(),
    };
    findings.step(change, "with it the role could let others in, and PUBLIC");
}
