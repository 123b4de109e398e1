//! What the renderers say alike.

use crate::access::keywords;
use crate::name::EntryKey;
use crate::plan::{Change, FuturePrivileges, ObjectPrivileges, PasswordSource, Plan};
use crate::visible::visible;

/// How a change is marked, as Terraform marks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `+`: something comes into being.
    Create,
    /// `~`: something is changed in place.
    Update,
}

impl Kind {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
        }
    }
}

pub(super) fn kind(change: &Change) -> Kind {
    match change {
        Change::CreateSecret { .. }
        | Change::CreateRole { .. }
        | Change::CreateDatabase { .. }
        | Change::CreateExtension { .. } => Kind::Create,
        Change::RestoreSecret { .. }
        | Change::StageVersion { .. }
        | Change::GrantMembership { .. }
        | Change::AlterRole { .. }
        | Change::WriteMarker { .. }
        | Change::RevokeFromPublic { .. }
        | Change::RevokeGrantOption { .. }
        | Change::GrantConnect { .. }
        | Change::GrantToOwner { .. }
        | Change::CommentOnDatabase { .. }
        | Change::UnmarkTemplate { .. }
        | Change::LiftConnectionLimit { .. }
        | Change::AllowConnections { .. }
        | Change::OwnPublicSchema { .. }
        | Change::GrantPublicSchema { .. }
        | Change::ClosePublicSchema { .. }
        | Change::GrantPrivileges(_)
        | Change::RevokePrivileges(_)
        | Change::RevokeGrantOptionInside(_)
        | Change::GrantDefaultPrivileges(_)
        | Change::RevokeDefaultPrivileges(_)
        | Change::RevokeDefaultGrantOption(_)
        | Change::SetPassword { .. }
        | Change::PublishVersion { .. }
        | Change::ClearPending { .. }
        | Change::StageMasterPassword { .. }
        | Change::SetMasterPassword { .. }
        | Change::PublishMasterPassword { .. }
        | Change::EndSessions { .. }
        | Change::TagSecret { .. } => Kind::Update,
    }
}

/// The object and what is done to it, in PostgreSQL's and AWS's words.
pub(super) fn what(change: &Change) -> String {
    match change {
        Change::RestoreSecret { secret } => format!("secret {secret}: restore"),
        Change::CreateSecret { secret, .. } => format!("secret {secret} with a new password"),
        Change::StageVersion { secret, password: PasswordSource::New, .. } => {
            format!("secret {secret}: stage a new password as AWSPENDING")
        }
        Change::StageVersion { secret, password: PasswordSource::CopyOf(_), .. } => {
            format!("secret {secret}: stage changed fields as AWSPENDING")
        }
        Change::GrantMembership { role } => format!("role \"{role}\": GRANT to the master"),
        Change::CreateRole { role, createdb, connection_limit, .. } => {
            let createdb = if *createdb { " CREATEDB" } else { "" };
            let limit = match connection_limit {
                -1 => String::new(),
                limit => format!(" CONNECTION LIMIT {limit}"),
            };
            format!("role \"{role}\" LOGIN{createdb}{limit}, password from the secret")
        }
        Change::AlterRole { role, attributes } => format!("role \"{role}\": {attributes}"),
        Change::WriteMarker { role, .. } => format!("role \"{role}\": write the marker"),
        Change::CreateDatabase { database, owner } => {
            format!("database \"{database}\" OWNER \"{owner}\"")
        }
        Change::RevokeFromPublic { database, privileges, .. } => {
            let words: Vec<_> = privileges.iter().map(|privilege| privilege.keyword()).collect();
            format!("database \"{database}\": REVOKE {} FROM PUBLIC", words.join(", "))
        }
        Change::RevokeGrantOption { database, role, privileges, .. } => {
            let words: Vec<_> = privileges.iter().map(|privilege| privilege.keyword()).collect();
            let words = words.join(", ");
            format!("database \"{database}\": REVOKE GRANT OPTION FOR {words} FROM \"{role}\"")
        }
        Change::GrantConnect { database, to, .. } => {
            let roles: Vec<_> = to.iter().map(|role| format!("\"{role}\"")).collect();
            format!("database \"{database}\": GRANT CONNECT TO {}", roles.join(", "))
        }
        Change::GrantToOwner { database, owner, privileges } => {
            let words: Vec<_> = privileges.iter().map(|privilege| privilege.keyword()).collect();
            format!("database \"{database}\": GRANT {} TO \"{owner}\"", words.join(", "))
        }
        Change::CommentOnDatabase { database } => {
            format!("database \"{database}\": write the marker")
        }
        Change::UnmarkTemplate { database } => {
            format!("database \"{database}\": IS_TEMPLATE false")
        }
        Change::LiftConnectionLimit { database } => {
            format!("database \"{database}\": CONNECTION LIMIT -1")
        }
        Change::AllowConnections { database } => {
            format!("database \"{database}\": ALLOW_CONNECTIONS true")
        }
        Change::OwnPublicSchema { database, owner } => {
            format!("database \"{database}\": ALTER SCHEMA public OWNER TO \"{owner}\"")
        }
        Change::GrantPublicSchema { database, to, .. } => {
            format!("database \"{database}\": GRANT USAGE, CREATE ON SCHEMA public TO \"{to}\"")
        }
        Change::ClosePublicSchema { database, .. } => {
            format!("database \"{database}\": REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        }
        Change::CreateExtension { database, extension, .. } => {
            format!("database \"{database}\": extension \"{extension}\"")
        }
        Change::GrantPrivileges(to) => {
            format!("{} TO \"{}\"", on_objects("GRANT", to), to.role)
        }
        Change::RevokePrivileges(from) => {
            format!("{} FROM \"{}\"", on_objects("REVOKE", from), from.role)
        }
        Change::RevokeGrantOptionInside(from) => {
            format!("{} FROM \"{}\"", on_objects("REVOKE GRANT OPTION FOR", from), from.role)
        }
        Change::GrantDefaultPrivileges(to) => {
            format!("{} TO \"{}\"", on_future("GRANT", to), to.role)
        }
        Change::RevokeDefaultPrivileges(from) => {
            format!("{} FROM \"{}\"", on_future("REVOKE", from), from.role)
        }
        Change::RevokeDefaultGrantOption(from) => {
            format!("{} FROM \"{}\"", on_future("REVOKE GRANT OPTION FOR", from), from.role)
        }
        Change::SetPassword { role, .. } => format!("role \"{role}\": password from the secret"),
        Change::PublishVersion { secret, .. } => {
            format!("secret {secret}: prove a login, then move AWSCURRENT")
        }
        Change::ClearPending { secret, .. } => format!("secret {secret}: remove AWSPENDING"),
        Change::StageMasterPassword { secret, .. } => {
            format!("secret {secret}: stage a new password of the master as AWSPENDING")
        }
        Change::SetMasterPassword { role, .. } => {
            format!("role \"{role}\", the master: password from the secret")
        }
        Change::PublishMasterPassword { secret, .. } => {
            format!("secret {secret}: prove the master's login, then move AWSCURRENT")
        }
        Change::EndSessions { role, .. } => {
            format!("role \"{role}\": end the sessions that were opened with the old password")
        }
        Change::TagSecret { secret, tags } => {
            let names: Vec<_> = tags.keys().map(String::as_str).collect();
            format!("secret {secret}: tags {}", names.join(", "))
        }
    }
}

/// `database "app": GRANT SELECT ON TABLES public.a, public.b and 7 more`.
fn on_objects(verb: &str, what: &ObjectPrivileges) -> String {
    const SHOWN: usize = 3;
    let ObjectPrivileges { database, owner: _, class, objects, privileges, role: _ } = what;
    let plural = if objects.len() == 1 { "" } else { "S" };
    let names: Vec<_> = objects.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = match objects.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "database \"{database}\": {verb} {} ON {}{plural} {}{more}",
        keywords(privileges),
        class.keyword(),
        names.join(", ")
    )
}

/// `database "app": GRANT SELECT ON future TABLES of "app_user"`.
fn on_future(verb: &str, what: &FuturePrivileges) -> String {
    let FuturePrivileges { database, owner, schema, class, privileges, role: _ } = what;
    let schema = schema.as_ref().map(|name| format!(" in schema \"{name}\"")).unwrap_or_default();
    format!(
        "database \"{database}\": {verb} {} ON future {}S of \"{owner}\"{schema}",
        keywords(privileges),
        class.keyword()
    )
}

pub(super) fn entry_name(entry: Option<&EntryKey>) -> &str {
    entry.map_or("the server", EntryKey::as_str)
}

/// The entries that have steps, in order; the server first.
pub(super) fn entries_with_steps(plan: &Plan) -> std::collections::BTreeSet<Option<&EntryKey>> {
    plan.steps.iter().map(|step| step.entry.as_ref()).collect()
}

/// `3 to create, 5 to change`.
pub(super) fn counts(plan: &Plan) -> (usize, usize) {
    let create = plan.steps.iter().filter(|step| kind(&step.change) == Kind::Create).count();
    (create, plan.steps.len() - create)
}

/// A line that GitHub shows beside a workflow run (GitHub documentation, "Workflow commands").
pub(super) fn annotation(level: &str, title: &str, message: &str) -> String {
    format!("::{level} title={title}::{}\n", visible(message).replace('%', "%25"))
}

/// The last line of a plan.
pub(super) fn summary(plan: &Plan) -> String {
    let (create, change) = counts(plan);
    let blocked = match plan.obstacles.len() {
        0 => String::new(),
        1 => " 1 obstacle needs a person.".to_owned(),
        many => format!(" {many} obstacles need a person."),
    };
    if plan.steps.is_empty() && plan.obstacles.is_empty() {
        let entries = match plan.entries {
            0 => "no entries are asked for".to_owned(),
            1 => "the server and the secrets match the 1 entry".to_owned(),
            many => format!("the server and the secrets match the {many} entries"),
        };
        format!("No changes: {entries}.")
    } else {
        format!("Plan: {create} to create, {change} to change, 0 to drop.{blocked}")
    }
}
