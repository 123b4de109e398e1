//! What an earlier provisioning left in the master's own database: it granted and set default privileges
//! there, where nothing is the applications', instead of in their databases.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::findings::Findings;
use super::foreign_grant;
use crate::access::{ObjectClass, Privilege};
use crate::actual::{Contents, Grantee, ObjectName};
use crate::plan::{Change, FuturePrivileges, ObjectPrivileges};
use crate::sql::Taken;

const REASON: &str = "left in the master's own database, where nothing is the application's; an application that works in that database loses it";

/// The master's database may only be an entry's by mistake, which is an obstacle of that entry.
pub(super) fn compare(context: &Context<'_>, findings: &mut Findings) {
    let server = &context.actual.server;
    let Some(name) = server.master_database.as_deref() else { return };
    let Some(database) = context.actual.databases.get(name) else { return };
    let Some(contents) = &database.contents else { return };
    if database.owner != server.master {
        return;
    }
    for class in ObjectClass::ALL {
        compare_objects(context, name, contents, class, findings);
    }
    compare_future(context, name, contents, findings);
}

fn compare_objects(
    context: &Context<'_>,
    database: &str,
    contents: &Contents,
    class: ObjectClass,
    findings: &mut Findings,
) {
    let master = context.actual.server.master.as_str();
    let role = &context.entry.username;
    let owner = |object: &ObjectName| match contents.schemas.get(&object.schema) {
        Some(schema) if object.name.is_none() => {
            [master, "pg_database_owner"].into_iter().find(|ours| *ours == schema.owner)
        }
        Some(_) | None => Some(master),
    };
    let grantee = Grantee::Role(role.to_string());
    let mut held: BTreeMap<(&str, BTreeSet<Privilege>, bool), BTreeSet<ObjectName>> =
        BTreeMap::new();
    for (object, privileges) in contents.held(class, &grantee) {
        let on_columns = contents.held_on_columns(&object, &grantee);
        let privileges: BTreeSet<_> = privileges.union(&on_columns).copied().collect();
        let Some(owner) = owner(&object).filter(|_| !privileges.is_empty()) else { continue };
        let is_stuck = contents.has_passed_on(&object, role.as_str(), &privileges);
        held.entry((owner, privileges, is_stuck)).or_default().insert(object);
    }
    for ((owner, privileges, is_stuck), objects) in held {
        let (database, owner, role) = (database.to_owned(), owner.to_owned(), role.clone());
        let revoked = ObjectPrivileges { database, owner, class, objects, privileges, role };
        if is_stuck {
            foreign_grant::passed_on(Taken::Privileges, &revoked, findings);
        } else {
            findings.step(Change::RevokePrivileges(revoked), REASON);
        }
    }
}

fn compare_future(
    context: &Context<'_>,
    database: &str,
    contents: &Contents,
    findings: &mut Findings,
) {
    let role = &context.entry.username;
    let grantee = Grantee::Role(role.to_string());
    let held = contents.default_privileges.iter().filter(|(future, _)| future.grantee == grantee);
    for (future, privileges) in held {
        let revoked = FuturePrivileges {
            database: database.to_owned(),
            owner: context.actual.server.master.clone(),
            schema: future.schema.clone(),
            class: future.class,
            privileges: privileges.clone(),
            role: role.clone(),
        };
        findings.step(Change::RevokeDefaultPrivileges(revoked), REASON);
    }
}
