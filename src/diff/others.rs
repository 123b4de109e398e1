//! What roles without an entry were given in a database. It is told and left: it may be meant so, and it
//! opens nothing to everybody.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::findings::Findings;
use super::public_schema::will_be_usable;
use crate::access::{ObjectClass, Privilege};
use crate::actual::{Contents, Grantee};
use crate::plan::Note;

/// Compares the database of an owner's entry, where it was looked into.
pub(super) fn compare(context: &Context<'_>, contents: &Contents, findings: &mut Findings) {
    let database = &context.entry.database;
    let is_mended = |name: &str| name == "public" && will_be_usable(context);
    let closed = contents.schemas.iter().filter(|(_, schema)| !schema.owner_may_use);
    for schema in closed.filter(|(name, _)| !is_mended(name)) {
        let (database, schema) = (database.clone(), schema.0.clone());
        findings.note(Note::UnusableSchema { database, schema });
    }
    for (grantee, held) in held_by_others(context, contents) {
        let role = match grantee {
            Grantee::Role(role) => Some(role),
            Grantee::Public => None,
        };
        let Held { now, objects, future } = held;
        let database = database.clone();
        findings.note(Note::OtherAccessInside { database, role, privileges: now, objects, future });
    }
}

#[derive(Default)]
struct Held {
    now: BTreeSet<Privilege>,
    objects: usize,
    future: BTreeSet<Privilege>,
}

fn held_by_others(context: &Context<'_>, contents: &Contents) -> BTreeMap<Grantee, Held> {
    let mut others: BTreeMap<Grantee, Held> = BTreeMap::new();
    let mut add = |class, grantee: &Grantee, privileges: &BTreeSet<Privilege>, is_future: bool| {
        if !is_other(context, grantee) {
            return;
        }
        let told: BTreeSet<_> =
            privileges.iter().copied().filter(|p| tells(grantee, class, *p)).collect();
        if told.is_empty() {
            return;
        }
        let held = others.entry(grantee.clone()).or_default();
        if is_future {
            held.future.extend(told);
        } else {
            held.now.extend(told);
            held.objects += 1;
        }
    };
    for (name, schema) in &contents.schemas {
        // That PUBLIC may create in schema public is mended.
        for (grantee, privileges) in &schema.privileges {
            if name != "public" || *grantee != Grantee::Public {
                add(ObjectClass::Schema, grantee, privileges, false);
            }
        }
    }
    for (name, relation) in &contents.relations {
        let on_columns = contents.on_columns.get(name).into_iter().flatten();
        for (grantee, privileges) in relation.privileges.iter().chain(on_columns) {
            add(relation.class, grantee, privileges, false);
        }
    }
    for (key, privileges) in &contents.default_privileges {
        add(key.class, &key.grantee, privileges, true);
    }
    others
}

fn is_other(context: &Context<'_>, grantee: &Grantee) -> bool {
    let Grantee::Role(role) = grantee else { return true };
    let mut here =
        context.desired.entries.values().filter(|e| e.database == context.entry.database);
    *role != context.actual.server.master && !here.any(|entry| entry.username.as_str() == role)
}

/// Everybody who may enter the database may read what is granted to PUBLIC, and extensions do so.
fn tells(grantee: &Grantee, class: ObjectClass, privilege: Privilege) -> bool {
    let reads = match class {
        ObjectClass::Schema => Privilege::Usage,
        ObjectClass::Table | ObjectClass::Sequence => Privilege::Select,
    };
    *grantee != Grantee::Public || privilege != reads
}
