//! The database of an entry: its owner, and who may connect.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::findings::Findings;
use super::refused_database::refuse;
use super::{grant_option, others, public_schema, template};
use crate::actual::{Database, DatabasePrivilege, Grantee, PublicSchema};
use crate::marker::Marker;
use crate::plan::{Change, Note, ObstacleKind};

/// Privileges on a database that nobody has just by being there.
pub(super) const CLOSED_TO_PUBLIC: [DatabasePrivilege; 3] =
    [DatabasePrivilege::Connect, DatabasePrivilege::Create, DatabasePrivilege::Temporary];

pub(super) const REASON_AGAINST_TEMPLATE: &str =
    "every role with CREATEDB may copy a template, and read all that is in it";

pub(super) fn compare(context: &Context<'_>, findings: &mut Findings) {
    let entry = context.entry;
    let name = &entry.database;
    if context.actual.server.master_database.as_deref() == Some(name.as_str()) {
        return findings.obstacle(
            ObstacleKind::ReservedName,
            format!("database \"{name}\" is the master's own"),
            "give the entry a database_name of its own",
        );
    }
    let created;
    let database = match context.actual.databases.get(name.as_str()) {
        Some(database) => database,
        None => {
            template::refuse_to_copy(context, findings);
            let owner = entry.username.clone();
            let change = Change::CreateDatabase { database: name.clone(), owner };
            findings.step(change, "there is no such database yet");
            created = just_created(entry.username.as_str());
            &created
        }
    };
    if refuse(context, database, findings) {
        return;
    }
    compare_isolation(context, database, findings);
    public_schema::compare(context, database, findings);
    if let Some(contents) = &database.contents {
        others::compare(context, contents, findings);
    }
    if database.encoding != "UTF8" {
        let (database, encoding) = (name.clone(), database.encoding.clone());
        findings.note(Note::Encoding { database, encoding });
    }
}

/// What CREATE DATABASE … ALLOW_CONNECTIONS false leaves.
fn just_created(owner: &str) -> Database {
    use DatabasePrivilege::{Connect, Create, Temporary};
    Database {
        owner: owner.to_owned(),
        allows_connections: false,
        is_invalid: false,
        is_template: false,
        connection_limit: -1,
        encoding: "UTF8".to_owned(),
        privileges: BTreeMap::from([
            (Grantee::Public, BTreeSet::from([Connect, Temporary])),
            (Grantee::Role(owner.to_owned()), BTreeSet::from([Connect, Create, Temporary])),
        ]),
        public_by_others: BTreeMap::new(),
        grant_options: BTreeMap::new(),
        passed_on: BTreeMap::new(),
        comment: None,
        public_schema: PublicSchema::NotRead,
        contents: None,
        stuck: None,
        owners_inside: BTreeSet::new(),
    }
}

fn compare_isolation(context: &Context<'_>, database: &Database, findings: &mut Findings) {
    let name = &context.entry.database;
    let open: BTreeSet<_> = database
        .privileges_of(&Grantee::Public)
        .filter(|privilege| CLOSED_TO_PUBLIC.contains(privilege))
        .collect();
    if !open.is_empty() {
        let (database_name, owner) = (name.to_string(), context.entry.username.to_string());
        let change = Change::RevokeFromPublic { database: database_name, owner, privileges: open };
        findings.step(change, reason_to_close(database));
    }
    let to: BTreeSet<String> =
        [context.actual.server.master.as_str(), context.entry.username.as_str()]
            .into_iter()
            .filter(|role| {
                let grantee = Grantee::Role((*role).to_owned());
                !database.privileges_of(&grantee).any(|held| held == DatabasePrivilege::Connect)
            })
            .map(str::to_owned)
            .collect();
    if !to.is_empty() {
        let reason = "by name, since PUBLIC may not connect";
        let (database, owner) = (name.clone(), context.entry.username.clone());
        findings.step(Change::GrantConnect { database, owner, to }, reason);
    }
    restore_owner(context, database, findings);
    note_others(context, database, findings);
    grant_option::compare_others(context, database, findings);
    note_members(context, findings);
    compare_comment(context, database, findings);
    if database.is_template {
        let change = Change::UnmarkTemplate { database: name.to_string() };
        findings.step(change, REASON_AGAINST_TEMPLATE);
    }
    if database.connection_limit >= 0 {
        let reason = "it can keep us out; an entry's `connection_limit` is its role's";
        findings.step(Change::LiftConnectionLimit { database: name.clone() }, reason);
    }
    if !database.allows_connections {
        let reason = "closed to connections until here";
        findings.step(Change::AllowConnections { database: name.clone() }, reason);
    }
}

/// Without CREATE it could make no schema, without TEMPORARY no temporary table.
fn restore_owner(context: &Context<'_>, database: &Database, findings: &mut Findings) {
    let (name, owner) = (context.entry.database.clone(), context.entry.username.clone());
    let held: BTreeSet<_> = database.privileges_of(&Grantee::Role(owner.to_string())).collect();
    let privileges: BTreeSet<_> = [DatabasePrivilege::Create, DatabasePrivilege::Temporary]
        .into_iter()
        .filter(|privilege| !held.contains(privilege))
        .collect();
    if !privileges.is_empty() {
        let change = Change::GrantToOwner { database: name, owner, privileges };
        findings.step(change, "the owner lacks what every owner has");
    }
}

/// In a database that others may be using already, the reason also says what can break.
fn reason_to_close(database: &Database) -> &'static str {
    if database.allows_connections && database.comment.as_deref().and_then(Marker::parse).is_none()
    {
        "PUBLIC is every role on the server; another role that connects to it needs an entry, or a GRANT of its own"
    } else {
        "PUBLIC is every role on the server"
    }
}

/// Whoever is a member of the owner enters the database and reads all that is in it.
fn note_members(context: &Context<'_>, findings: &mut Findings) {
    let owner = context.entry.username.as_str();
    let is_entrys =
        |name: &str| context.desired.entries.values().any(|entry| entry.username.as_str() == name);
    let members = context.actual.roles.iter().filter(|(name, role)| {
        role.member_of.contains(owner) && **name != context.actual.server.master && !is_entrys(name)
    });
    for (name, _) in members {
        let of = BTreeSet::from([owner.to_owned()]);
        findings.note(Note::Memberships { role: name.clone(), of });
    }
}

/// What others were given is told and left: it may be meant so, and it opens nothing to everybody. So is
/// what editors and readers have beside CONNECT.
fn note_others(context: &Context<'_>, database: &Database, findings: &mut Findings) {
    let entries = || context.desired.entries.values();
    let all_known = [context.actual.server.master.as_str(), database.owner.as_str()];
    let may_connect = |role: &str| {
        let mut here = entries().filter(|entry| entry.database == context.entry.database);
        here.any(|entry| entry.username.as_str() == role)
    };
    for (grantee, privileges) in &database.privileges {
        let role = match grantee {
            Grantee::Role(role) if !all_known.contains(&role.as_str()) => role,
            Grantee::Role(_) | Grantee::Public => continue,
        };
        let mut privileges = privileges.clone();
        if may_connect(role) {
            privileges.remove(&DatabasePrivilege::Connect);
        }
        if !privileges.is_empty() {
            let (database, role) = (context.entry.database.clone(), role.clone());
            findings.note(Note::OtherAccess { database, role, privileges });
        }
    }
}

fn compare_comment(context: &Context<'_>, database: &Database, findings: &mut Findings) {
    let wanted = context.entry.database_comment(&context.desired.environment);
    if database.comment.as_deref() == Some(&wanted) {
        return;
    }
    let catalog_says = context.entry.governance.marker_parts().replacen("; ", "", 1);
    let reason = match database.comment.as_deref() {
        Some(comment) if Marker::parse(comment).is_none() => {
            format!("the marker says whose it is; replaces the comment '{comment}'")
        }
        Some(_) if !catalog_says.is_empty() => format!("the catalog says {catalog_says}"),
        Some(_) | None => "the marker says whose it is".to_owned(),
    };
    let database = context.entry.database.clone();
    findings.step(Change::CommentOnDatabase { database }, reason);
}

/// Whether what is inside can be read once the steps before are done, and was not yet: the database is to
/// be made or opened, its limit lifted, or the master to be let in. Else it turned us away for a reason of its own.
pub(super) fn will_be_readable(context: &Context<'_>) -> bool {
    let master = Grantee::Role(context.actual.server.master.clone());
    context.actual.databases.get(context.entry.database.as_str()).is_none_or(|database| {
        let granted = database.privileges_of(&master).any(|p| p == DatabasePrivilege::Connect);
        !database.allows_connections || !granted || database.connection_limit >= 0
    })
}
