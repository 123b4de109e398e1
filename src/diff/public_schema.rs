//! Schema `public` of an entry's database.

use super::Context;
use super::database::will_be_readable;
use super::findings::Findings;
use super::foreign_grant;
use crate::actual::{Database, PublicSchema, Server};
use crate::plan::{Change, Note, ObstacleKind};
use crate::sql;

pub(super) fn compare(context: &Context<'_>, database: &Database, findings: &mut Findings) {
    let name = &context.entry.database;
    let role = context.entry.username.as_str();
    let in_new = in_new_database(&context.actual.server);
    let (owner, open, creates) = match &database.public_schema {
        PublicSchema::Absent => return,
        PublicSchema::Present { owner, creators, public_may_create, public_by_other } => {
            if let Some(grantor) = public_by_other {
                foreign_grant::on_public_schema(name.as_str(), owner, grantor, findings);
            }
            let creates = |name: &str| creators.contains(name);
            let becomes_its = owner_of_public(context, owner) == Some(role);
            let its = creates(role) || creates(OF_DATABASE) || (becomes_its && creates(owner));
            (owner.as_str(), *public_may_create, its)
        }
        PublicSchema::NotRead => {
            if context.actual.databases.contains_key(name.as_str()) {
                findings.note(Note::NotRead { database: name.clone() });
            }
            if !will_be_readable(context) {
                return;
            }
            (in_new.0, in_new.1, true)
        }
    };
    let Some(later_owner) = owner_of_public(context, owner) else {
        return tell_of_foreign(context, owner, open, creates, findings);
    };
    if !context.actual.server.has_closed_public_schema() && owner != role {
        let change = Change::OwnPublicSchema {
            database: name.clone(),
            owner: context.entry.username.clone(),
        };
        findings.step(change, CANNOT_CREATE);
    }
    if !creates {
        let (database, owner, to) =
            (name.clone(), later_owner.to_owned(), context.entry.username.clone());
        findings.step(Change::GrantPublicSchema { database, owner, to }, CANNOT_CREATE);
    }
    if open {
        let reason = "PUBLIC is every role that can connect";
        let (database, owner) = (name.clone(), later_owner.to_owned());
        findings.step(Change::ClosePublicSchema { database, owner }, reason);
    }
}

const CANNOT_CREATE: &str = "the owner of the database could not create tables in it";

/// What every owner of a database is a member of, in that database (PostgreSQL documentation, 22.5).
const OF_DATABASE: &str = "pg_database_owner";

/// Whose schema `public` is by the time that anything is granted on it, if the master can act for that
/// role: on 14 it becomes the database's owner's.
pub(super) fn owner_of_public<'a>(context: &Context<'a>, found: &'a str) -> Option<&'a str> {
    let (server, owner) = (&context.actual.server, context.owner.username.as_str());
    let is_ours = [owner, OF_DATABASE, &server.master].contains(&found);
    is_ours.then_some(if server.has_closed_public_schema() { found } else { owner })
}

/// Whether the owner of the entry's database can use schema `public`, once what is planned here is done.
pub(super) fn will_be_usable(context: &Context<'_>) -> bool {
    let database = context.actual.databases.get(context.entry.database.as_str());
    match database.map(|database| &database.public_schema) {
        Some(PublicSchema::Present { owner, .. }) => owner_of_public(context, owner).is_some(),
        Some(PublicSchema::Absent | PublicSchema::NotRead) | None => false,
    }
}

/// Someone else's schema cannot be changed. Where it is closed to PUBLIC, it can stay as it is: the
/// applications may have schemas of their own.
fn tell_of_foreign(
    context: &Context<'_>,
    owner: &str,
    open: bool,
    creates: bool,
    findings: &mut Findings,
) {
    let (database, role) = (context.entry.database.clone(), context.entry.username.clone());
    if !open {
        if !creates {
            let owner = owner.to_owned();
            findings.note(Note::PublicSchemaClosedToOwner { database, owner, role });
        }
        return;
    }
    let grant =
        if creates { String::new() } else { format!("{}; ", sql::grant_public_schema(&role)) };
    findings.obstacle(
        ObstacleKind::ForeignSchema,
        format!("schema public of database \"{database}\" belongs to \"{owner}\" and PUBLIC may create in it"),
        format!("\"{owner}\" must run in it: {grant}REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    );
}

/// Schema `public` as the template has it: closed from PostgreSQL 15 on; on 14 it is template1's, which
/// belongs to the master on RDS (measured).
pub(super) fn in_new_database(server: &Server) -> (&str, bool) {
    if server.has_closed_public_schema() { (OF_DATABASE, false) } else { (&server.master, true) }
}
