//! Databases that are not to be touched: another's, ruined, or out of reach.

use postgres_protocol::escape::escape_identifier;

use super::Context;
use super::findings::Findings;
use super::{foreign_grant, template};
use crate::actual::Database;
use crate::marker::Marker;
use crate::plan::ObstacleKind;

/// Names what keeps a database from being touched. Whether there is such a thing.
pub(super) fn refuse(context: &Context<'_>, database: &Database, findings: &mut Findings) -> bool {
    let (name, owner) = (&context.entry.database, &context.entry.username);
    let marker = database.comment.as_deref().and_then(Marker::parse);
    if database.is_invalid {
        findings.obstacle(
            ObstacleKind::InvalidDatabase,
            format!(
                "database \"{name}\" is invalid: a DROP DATABASE was interrupted, its data is gone"
            ),
            format!("run `DROP DATABASE \"{name}\"`, then apply again creates it empty"),
        );
    } else if let Some(other) = marker.filter(|m| m.environment != context.desired.environment) {
        findings.obstacle(
            ObstacleKind::OtherEnvironment,
            format!("database \"{name}\" is managed for environment `{}`", other.environment),
            "two environments on one server need different database names",
        );
    } else if database.owner != owner.as_str() {
        findings.obstacle(
            ObstacleKind::WrongOwner,
            format!(
                "database \"{name}\" belongs to \"{}\", the entry says \"{owner}\"",
                database.owner
            ),
            format!("correct the entry, or {}", give_away(context, &database.owner)),
        );
    } else if let Some(why) = &database.stuck {
        refuse_stuck(name.as_str(), why, findings);
    } else {
        return template::refuse_to_open(context, database, findings)
            || foreign_grant::on_database(name.as_str(), database, findings);
    }
    true
}

/// Who runs it must have the rights of the old owner, and SET ROLE to the new one. A role that is made for it
/// has no marker of ours.
fn give_away(context: &Context<'_>, old: &str) -> String {
    let (actual, new) = (context.actual, context.entry.username.as_str());
    let [database, role] = [context.entry.database.as_str(), new].map(escape_identifier);
    let alter = format!("ALTER DATABASE {database} OWNER TO {role}");
    let mut hint = actual.by_hand(&[old, new], &alter);
    hint.push_str(" after looking at who owns the objects in it");
    if !actual.roles.contains_key(new) {
        hint.push_str(&format!(", then apply with `--reset-password {}`", context.entry.key));
    }
    hint
}

/// A database that lets us in, and keeps us waiting there.
pub(super) fn refuse_stuck(name: &str, why: &str, findings: &mut Findings) {
    findings.obstacle(
        ObstacleKind::Stuck,
        format!("what is in database \"{name}\" could not be read: {why}"),
        format!("a session in it holds a lock on its catalogs: SELECT pid, usename, query FROM pg_stat_activity WHERE datname = '{name}'"),
    );
}
