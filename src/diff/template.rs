//! On PostgreSQL 14 a new database is a copy of `template1`, with all that somebody put there: a function in
//! its schema `public` would run as whoever calls it in the new database.

use std::collections::BTreeSet;

use super::Context;
use super::findings::Findings;
use crate::actual::Database;
use crate::plan::ObstacleKind;

/// Refuses to copy what belongs to others.
pub(super) fn refuse_to_copy(context: &Context<'_>, findings: &mut Findings) {
    let server = &context.actual.server;
    let template = context.actual.databases.get("template1");
    let Some(template) = template.filter(|_| !server.has_closed_public_schema()) else { return };
    let strangers = template.strangers(&server.master, &template.owner);
    if strangers.is_empty() {
        return;
    }
    let names = quoted(&strangers);
    findings.obstacle(
        ObstacleKind::ForeignTemplate,
        format!("template1, of which a new database is a copy, holds something of {names}"),
        "look at it there, and remove it (DROP OWNED BY); --isolate-server keeps others out of template1",
    );
}

/// Refuses to open a copy that holds what belongs to others. Whether it does.
pub(super) fn refuse_to_open(
    context: &Context<'_>,
    database: &Database,
    findings: &mut Findings,
) -> bool {
    let (server, name) = (&context.actual.server, &context.entry.database);
    let strangers = database.strangers(&server.master, &database.owner);
    if database.allows_connections || server.has_closed_public_schema() || strangers.is_empty() {
        return false;
    }
    let names = quoted(&strangers);
    findings.obstacle(
        ObstacleKind::ForeignTemplate,
        format!("database \"{name}\" lets nobody in yet, and holds something of {names}"),
        format!("if it is a new copy of template1: remove what is of {names} there, run `DROP DATABASE \"{name}\"`, then apply again makes it anew; else open it yourself"),
    );
    true
}

fn quoted(names: &BTreeSet<&str>) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
