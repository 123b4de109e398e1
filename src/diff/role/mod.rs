//! The role of an entry: its attributes, and which secret version its password came from.

mod password;

use std::collections::BTreeSet;

use super::Context;
use super::findings::Findings;
use super::secret::Planned;
use crate::access::AccessLevel;
use crate::actual::{Login, Role};
use crate::marker::Marker;
use crate::plan::{Change, Note, ObstacleKind, RoleAttributes};
use crate::version_id::VersionId;
use password::compare_password;

/// A role that exists, and what its comment says of its password.
pub(super) struct Standing<'a> {
    role: &'a Role,
    marker: Option<Marker>,
    pub(super) says: Says,
}

impl Standing<'_> {
    /// Whether the password that the role is said to have was tried, and refused.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.role.login, Login::Refused(_))
    }
}

/// What a role's comment says of its password.
pub(super) enum Says {
    /// Nothing: the password was not set by this program.
    Nothing,
    /// It came from this version.
    Version(VersionId),
}

/// Looks at the role and names what stands in the way. `None` when there is no such role.
pub(super) fn judge<'a>(context: &Context<'a>, findings: &mut Findings) -> Option<Standing<'a>> {
    let name = &context.entry.username;
    if name.as_str() == context.actual.server.master {
        findings.obstacle(
            ObstacleKind::ReservedName,
            format!("role \"{name}\" is the master itself"),
            "give the entry a username of its own",
        );
    }
    let role = context.actual.roles.get(name.as_str())?;
    refuse_privileged(context, role, findings);
    let marker = role.comment.as_deref().and_then(Marker::parse);
    if let Some(other) = marker.as_ref().filter(|m| m.environment != context.desired.environment) {
        findings.obstacle(
            ObstacleKind::OtherEnvironment,
            format!("role \"{name}\" is managed for environment `{}`", other.environment),
            "two environments on one server need different usernames",
        );
    }
    let says = marker.as_ref().and_then(|m| m.version.clone()).map_or(Says::Nothing, Says::Version);
    Some(Standing { role, marker, says })
}

/// Plans the role. `secret` says which version its password is to be from.
pub(super) fn compare(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    secret: &Planned,
    findings: &mut Findings,
) {
    let Some(standing) = role else {
        let change = Change::CreateRole {
            role: context.entry.username.clone(),
            createdb: context.entry.createdb,
            connection_limit: context.entry.connection_limit,
            secret: context.entry.secret.clone(),
            version: secret.target().id.clone(),
        };
        return findings.step(change, "there is no such role yet");
    };
    compare_membership(context, standing.role, findings);
    compare_attributes(context, standing.role, findings);
    compare_password(context, standing, secret, findings);
}

fn refuse_privileged(context: &Context<'_>, role: &Role, findings: &mut Findings) {
    let name = &context.entry.username;
    if !role.superuser_attributes.is_empty() {
        let words: Vec<_> = role.superuser_attributes.iter().copied().collect();
        findings.obstacle(
            ObstacleKind::PrivilegedRole,
            format!("role \"{name}\" has {}", words.join(" and ")),
            "only a superuser can take it away; use another username",
        );
    }
    refuse_master_rights(context, role, findings);
    if let Some(ways) = context.actual.ways(name.as_str(), "rds_iam") {
        let through = ways.through();
        findings.obstacle(
            ObstacleKind::IamRole,
            format!("role \"{name}\" is a member of rds_iam{through}, so RDS refuses its password"),
            format!("{}, or keep the role out of the map", ways.revoke(context.actual)),
        );
    }
}

/// Plans the role's password, and nothing else of it. From PostgreSQL 16 on the master needs ADMIN
/// OPTION to set one; before, CREATEROLE is enough.
pub(super) fn compare_credentials(
    context: &Context<'_>,
    standing: &Standing<'_>,
    secret: &Planned,
    findings: &mut Findings,
) {
    let role = standing.role;
    if context.actual.server.has_strict_createrole() && !role.master.admin {
        refuse_without_admin(context, role, findings);
    }
    if !role.can_login || role.expires {
        let why = if role.can_login { "has a VALID UNTIL" } else { "has NOLOGIN" };
        findings.obstacle(
            ObstacleKind::CannotLogIn,
            format!("role \"{}\" {why}, so a new password may not log in", context.entry.username),
            format!(
                "`goldenpath-rds apply --env {}` lets it in again",
                context.desired.environment
            ),
        );
    }
    compare_password(context, standing, secret, findings);
}

/// A role with the master's rights enters every database. (It also could not be granted to the master,
/// which would close a circle.)
fn refuse_master_rights(context: &Context<'_>, role: &Role, findings: &mut Findings) {
    let (name, master) = (&context.entry.username, context.actual.server.master.as_str());
    let rights = [master, "rds_superuser"];
    for of in rights {
        let Some(ways) = context.actual.ways(name.as_str(), of) else { continue };
        let through = ways.through();
        findings.obstacle(
            ObstacleKind::PrivilegedRole,
            format!(
                "role \"{name}\" is a member of \"{of}\"{through}, so every database is open to it"
            ),
            format!("{}, or use another username", ways.revoke(context.actual)),
        );
    }
    let harmless = |of: &&String| !rights.contains(&of.as_str()) && *of != "rds_iam";
    let of: BTreeSet<String> = role.member_of.iter().filter(harmless).cloned().collect();
    if !of.is_empty() {
        findings.note(Note::Memberships { role: name.to_string(), of });
    }
}

/// The master acts on the database through the owner's privileges, and needs SET for OWNER clauses;
/// with ADMIN it keeps its hold on any role when the server is upgraded to PostgreSQL 16.
fn compare_membership(context: &Context<'_>, role: &Role, findings: &mut Findings) {
    let (name, server) = (&context.entry.username, &context.actual.server);
    let held = role.master;
    let owns = context.entry.access == AccessLevel::Owner
        || context.desired.made_by(context.entry, context.actual).next().is_some();
    if held.admin && (!owns || (held.inherit && held.set)) {
        return;
    }
    if server.has_strict_createrole() && !held.may_grant {
        return refuse_without_admin(context, role, findings);
    }
    let reason = if owns {
        "the master needs the owner's privileges to manage the database"
    } else {
        "the master needs ADMIN OPTION to manage the role, from PostgreSQL 16 on"
    };
    findings.step(Change::GrantMembership { role: name.clone() }, reason);
}

/// Who can help is asked for by name; the superuser of RDS cannot be.
fn refuse_without_admin(context: &Context<'_>, role: &Role, findings: &mut Findings) {
    let (name, master) = (&context.entry.username, &context.actual.server.master);
    let names: Vec<_> = role.administrators.iter().map(|name| format!("\"{name}\"")).collect();
    let who = match names.as_slice() {
        [] => "a superuser".to_owned(),
        names => format!("{} (or a superuser)", names.join(" or ")),
    };
    let lacks = if role.master.admin {
        "has ADMIN OPTION on it only through a role whose privileges it does not inherit"
    } else {
        "has no ADMIN OPTION on it"
    };
    findings.obstacle(
        ObstacleKind::NoAdminOption,
        format!("role \"{name}\" was made by someone else, and \"{master}\" {lacks}"),
        format!("{who} must run: GRANT \"{name}\" TO \"{master}\" WITH ADMIN OPTION"),
    );
}

fn compare_attributes(context: &Context<'_>, role: &Role, findings: &mut Findings) {
    let entry = context.entry;
    let attributes = RoleAttributes {
        login: (!role.can_login).then_some(true),
        createdb: (role.can_create_databases != entry.createdb).then_some(entry.createdb),
        createrole: role.can_create_roles.then_some(false),
        connection_limit: (role.connection_limit != entry.connection_limit)
            .then_some(entry.connection_limit),
        inherit: !role.inherits && !context.actual.server.has_strict_createrole(),
        never_expires: role.expires,
    };
    if attributes.is_empty() {
        return;
    }
    let reason = match attributes.createdb {
        Some(false) => {
            "differs from the entry; if the application creates databases itself, set `createdb = true`"
        }
        Some(true) | None => "differs from the entry",
    };
    findings.step(Change::AlterRole { role: entry.username.clone(), attributes }, reason);
}
