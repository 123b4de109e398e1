//! Databases that an entry's role made itself, as `createdb = true` lets it: PostgreSQL opens each new one
//! to every role.

use std::collections::BTreeSet;

use super::Context;
use super::database::{CLOSED_TO_PUBLIC, REASON_AGAINST_TEMPLATE};
use super::findings::Findings;
use super::foreign_grant;
use crate::actual::{Database, Grantee};
use crate::plan::Change;

const REASON: &str = "made by the entry's role, and PUBLIC is every role on the server; another role that connects to it needs a GRANT of its own";

/// What the master owns is the server's, whatever an entry says.
pub(super) fn compare(context: &Context<'_>, findings: &mut Findings) {
    if context.entry.username.as_str() == context.actual.server.master {
        return;
    }
    for (name, database) in context.desired.made_by(context.entry, context.actual) {
        compare_one(context, name, database, findings);
    }
}

/// Its owner can copy a database that is no template, too.
fn compare_one(context: &Context<'_>, name: &str, database: &Database, findings: &mut Findings) {
    if database.is_template {
        let change = Change::UnmarkTemplate { database: name.to_owned() };
        findings.step(change, REASON_AGAINST_TEMPLATE);
    }
    let held = database.privileges_of(&Grantee::Public);
    let privileges: BTreeSet<_> = held.filter(|held| CLOSED_TO_PUBLIC.contains(held)).collect();
    if privileges.is_empty() || foreign_grant::on_database(name, database, findings) {
        return;
    }
    let (database, owner) = (name.to_owned(), context.entry.username.to_string());
    findings.step(Change::RevokeFromPublic { database, owner, privileges }, REASON);
}
