//! What a role that does not own the database may do in it, by the table in [`crate::access`].

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::database::will_be_readable;
use super::findings::Findings;
use super::foreign_grant;
use super::grant_option;
use super::public_schema::{in_new_database, owner_of_public, will_be_usable};
use crate::access::{AccessLevel, ObjectClass, Privilege};
use crate::actual::{Contents, DatabasePrivilege, DefaultPrivileges, Grantee, ObjectName, Schema};
use crate::desired::Entry;
use crate::plan::{Change, FuturePrivileges, ObjectPrivileges};
use crate::sql::Taken;

pub(super) fn compare(context: &Context<'_>, findings: &mut Findings) {
    compare_connect(context, findings);
    grant_option::compare(context, findings);
    let Some(contents) = contents(context) else { return };
    for class in ObjectClass::ALL {
        compare_objects(context, &contents, class, findings);
        compare_future(context, &contents, class, findings);
    }
}

/// What is in the database, or will be when the steps before are done. `None`: the database turned us
/// away, and its owner's comparison says so.
pub(super) fn contents(context: &Context<'_>) -> Option<Contents> {
    let database = context.actual.databases.get(context.entry.database.as_str());
    match database.and_then(|database| database.contents.as_ref()) {
        Some(contents) => Some(contents.clone()),
        None if will_be_readable(context) => {
            let (owner, _) = in_new_database(&context.actual.server);
            let owner = owner.to_owned();
            let public = Schema { owner, owner_may_use: true, privileges: BTreeMap::new() };
            let schemas = BTreeMap::from([("public".to_owned(), public)]);
            Some(Contents { schemas, ..Contents::default() })
        }
        None => None,
    }
}

fn compare_connect(context: &Context<'_>, findings: &mut Findings) {
    let (database, role) = (&context.entry.database, context.entry.username.as_str());
    let grantee = Grantee::Role(role.to_owned());
    let found = context.actual.databases.get(database.as_str());
    let may_connect = found.is_some_and(|found| {
        found.privileges_of(&grantee).any(|held| held == DatabasePrivilege::Connect)
    });
    if !may_connect {
        let change = Change::GrantConnect {
            database: database.clone(),
            owner: context.owner.username.clone(),
            to: BTreeSet::from([role.to_owned()]),
        };
        findings.step(change, format!("{}s enter it, PUBLIC does not", context.entry.access));
    }
}

/// Something that an object's privileges lack or have too much of.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    Missing,
    Extra(Taken),
    /// The same, and the role has granted it to others.
    PassedOn(Taken),
}

fn compare_objects(
    context: &Context<'_>,
    contents: &Contents,
    class: ObjectClass,
    findings: &mut Findings,
) {
    let entry = context.entry;
    let grantee = Grantee::Role(entry.username.to_string());
    // Objects of one role that differ in the same privileges are mended by one statement.
    let mut found: BTreeMap<(Difference, &str, BTreeSet<Privilege>), BTreeSet<ObjectName>> =
        BTreeMap::new();
    for (object, held) in contents.held(class, &grantee) {
        let Some(owner) = owner(context, contents, &object) else { continue };
        let is_usable = contents.owner_may_use(&object.schema)
            || (object.schema == "public" && will_be_usable(context));
        if object.name.is_some() && !is_usable {
            continue;
        }
        for (difference, privileges) in differences(entry, contents, class, &object, &held) {
            let of = found.entry((difference, owner, privileges)).or_default();
            of.insert(object.clone());
        }
    }
    for ((difference, owner, privileges), objects) in found {
        let on = ObjectPrivileges {
            database: entry.database.to_string(),
            owner: owner.to_owned(),
            class,
            objects,
            privileges,
            role: entry.username.clone(),
        };
        match difference {
            Difference::Missing => {
                findings.step(Change::GrantPrivileges(on), format!("what {}s have", entry.access));
            }
            Difference::Extra(taken) => {
                let change = match taken {
                    Taken::Privileges => Change::RevokePrivileges(on),
                    Taken::GrantOption => Change::RevokeGrantOptionInside(on),
                };
                findings.step(change, why(entry.access, taken));
            }
            Difference::PassedOn(taken) => foreign_grant::passed_on(taken, &on, findings),
        }
    }
}

fn differences(
    entry: &Entry,
    contents: &Contents,
    class: ObjectClass,
    object: &ObjectName,
    held: &BTreeSet<Privilege>,
) -> impl Iterator<Item = (Difference, BTreeSet<Privilege>)> {
    let (wanted, role) = (entry.access.privileges(class), entry.username.as_str());
    let lacks: BTreeSet<_> = wanted.difference(held).copied().collect();
    let on_columns = contents.held_on_columns(object, &Grantee::Role(role.to_owned()));
    let exceeds: BTreeSet<_> = held.union(&on_columns).copied().collect();
    let exceeds: BTreeSet<_> = exceeds.difference(&wanted).copied().collect();
    // That of a privilege goes with it.
    let options = contents.may_pass_on(object, role).intersection(&wanted).copied().collect();
    let taken = |taken, privileges: BTreeSet<Privilege>| {
        let is_stuck = contents.has_passed_on(object, role, &privileges);
        let difference =
            if is_stuck { Difference::PassedOn(taken) } else { Difference::Extra(taken) };
        (difference, privileges)
    };
    [
        (Difference::Missing, lacks),
        taken(Taken::Privileges, exceeds),
        taken(Taken::GrantOption, options),
    ]
    .into_iter()
    .filter(|(_, privileges)| !privileges.is_empty())
}

fn why(level: AccessLevel, taken: Taken) -> String {
    match taken {
        Taken::Privileges => format!("more than {level}s have"),
        Taken::GrantOption => format!("{level}s pass nothing on"),
    }
}

/// Whose an object is, where it is ours to grant. Tables are read of the owner only. Of the schemas,
/// `public` may belong to it by way of `pg_database_owner`, or be about to.
fn owner<'a>(
    context: &Context<'a>,
    contents: &'a Contents,
    object: &ObjectName,
) -> Option<&'a str> {
    let owner = context.owner.username.as_str();
    let schema = contents.schemas.get(&object.schema).filter(|_| object.name.is_none());
    match schema.map(|schema| schema.owner.as_str()) {
        None => Some(owner),
        Some(found) if found == owner => Some(owner),
        Some(found) if object.schema == "public" => owner_of_public(context, found),
        Some(_) => None,
    }
}

fn compare_future(
    context: &Context<'_>,
    contents: &Contents,
    class: ObjectClass,
    findings: &mut Findings,
) {
    let entry = context.entry;
    let wanted = entry.access.privileges(class);
    let grantee = Grantee::Role(entry.username.to_string());
    let step = |schema, privileges| FuturePrivileges {
        database: entry.database.to_string(),
        owner: context.owner.username.to_string(),
        schema,
        class,
        privileges,
        role: entry.username.clone(),
    };
    let everywhere = DefaultPrivileges { schema: None, class, grantee: grantee.clone() };
    let held = contents.default_privileges.get(&everywhere).cloned().unwrap_or_default();
    let lacks: BTreeSet<_> = wanted.difference(&held).copied().collect();
    if !lacks.is_empty() {
        let change = Change::GrantDefaultPrivileges(step(None, lacks));
        findings.step(change, format!("what {}s will have", entry.access));
    }
    // What is given in one schema adds to what is given in all of them.
    let of_role = |key: &DefaultPrivileges| key.class == class && key.grantee == grantee;
    for (key, held) in contents.default_privileges.iter().filter(|(key, _)| of_role(key)) {
        let exceeds: BTreeSet<_> = held.difference(&wanted).copied().collect();
        if !exceeds.is_empty() {
            let change = Change::RevokeDefaultPrivileges(step(key.schema.clone(), exceeds));
            findings.step(change, why(entry.access, Taken::Privileges));
        }
    }
    for (key, held) in contents.default_grant_options.iter().filter(|(key, _)| of_role(key)) {
        let options: BTreeSet<_> = held.intersection(&wanted).copied().collect();
        if !options.is_empty() {
            let change = Change::RevokeDefaultGrantOption(step(key.schema.clone(), options));
            findings.step(change, why(entry.access, Taken::GrantOption));
        }
    }
}
