//! Schema `public` of an entry's database.

use super::Context;
use super::database::will_be_readable;
use super::findings::Findings;
use super::foreign_grant;
use crate::actual::{Database, PublicSchema, Server};
use crate::plan::{Change, Note, ObstacleKind};

pub(super) fn compare(context: &Context<'_>, database: &Database, findings: &mut Findings) {
    let name = &context.entry.database;
    let role = context.entry.username.as_str();
    let (owner, open) = match &database.public_schema {
        PublicSchema::Absent => return,
        PublicSchema::Present { owner, public_may_create, public_by_other } => {
            if let Some(grantor) = public_by_other {
                foreign_grant::on_public_schema(name.as_str(), owner, grantor, findings);
            }
            (owner.as_str(), *public_may_create)
        }
        PublicSchema::NotRead => {
            if context.actual.databases.contains_key(name.as_str()) {
                findings.note(Note::NotRead { database: name.clone() });
            }
            if !will_be_readable(context) {
                return;
            }
            in_new_database(&context.actual.server)
        }
    };
    let Some(later_owner) = owner_of_public(context, owner) else {
        if open {
            refuse_schema(context, owner, findings);
        }
        return;
    };
    if !context.actual.server.has_closed_public_schema() && owner != role {
        let change = Change::OwnPublicSchema {
            database: name.clone(),
            owner: context.entry.username.clone(),
        };
        findings.step(change, "the owner of the database could not create tables in it");
    }
    if open {
        let reason = "PUBLIC is every role that can connect";
        let (database, owner) = (name.clone(), later_owner.to_owned());
        findings.step(Change::ClosePublicSchema { database, owner }, reason);
    }
}

/// Whose schema `public` is by the time that anything is granted on it, if the master can act for that
/// role: on 14 it becomes the database's owner's.
pub(super) fn owner_of_public<'a>(context: &Context<'a>, found: &'a str) -> Option<&'a str> {
    let (server, owner) = (&context.actual.server, context.owner.username.as_str());
    let is_ours = [owner, "pg_database_owner", &server.master].contains(&found);
    is_ours.then_some(if server.has_closed_public_schema() { found } else { owner })
}

/// Someone else's schema cannot be changed. Where it is closed to PUBLIC, it can stay as it is.
fn refuse_schema(context: &Context<'_>, owner: &str, findings: &mut Findings) {
    let name = &context.entry.database;
    findings.obstacle(
        ObstacleKind::ForeignSchema,
        format!("schema public of database \"{name}\" belongs to \"{owner}\" and PUBLIC may create in it"),
        format!("\"{owner}\" must run in it: REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    );
}

/// Schema `public` as the template has it: closed from PostgreSQL 15 on; on 14 it is template1's, which
/// belongs to the master on RDS (measured).
pub(super) fn in_new_database(server: &Server) -> (&str, bool) {
    if server.has_closed_public_schema() {
        ("pg_database_owner", false)
    } else {
        (&server.master, true)
    }
}
