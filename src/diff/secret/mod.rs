//! The secret of an entry: which versions there are, and which one the role's password will be from.

mod fields;
mod refusals;
mod staging;
mod versions;

use super::Context;
use super::findings::Findings;
use super::role::{Says, Standing};
use crate::actual::{Secret, Version};
use crate::plan::{Change, ObstacleKind, PasswordSource};
use fields::{connection, differing_tags, username, wanted_tags};
pub(crate) use refusals::other_manager;
use refusals::{
    refuse_malformed, refuse_other_managers, refuse_password_elsewhere, refuse_password_of,
    refuse_unknown, refuse_unreadable,
};
use staging::{Versions, new_password, stage};
pub(super) use versions::{Known, Planned};

/// Plans the versions. `None` when an obstacle leaves nothing to set a password from.
pub(super) fn compare(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    findings: &mut Findings,
) -> Option<Planned> {
    let name = context.entry.secret.as_str();
    let Some(secret) = context.actual.secrets.get(name) else {
        return create(context, role, findings);
    };
    refuse_unreadable(context, secret, findings)?;
    refuse_other_managers(context, secret, findings)?;
    if secret.is_scheduled_for_deletion {
        refuse_unknown(context, role, secret, findings)?;
        let reason = "scheduled for deletion, and an entry asks for it";
        findings.step(Change::RestoreSecret { secret: context.entry.secret.clone() }, reason);
    }
    match &secret.current {
        Some(current) => compare_versions(context, role, secret, current, findings),
        None => fill_empty(context, role, findings),
    }
}

/// The last steps: move AWSCURRENT, take AWSPENDING off, bring the tags up to date.
pub(super) fn finish(context: &Context<'_>, planned: &Planned, findings: &mut Findings) {
    let secret = || context.entry.secret.clone();
    let target = planned.target();
    if target.id != planned.current.id {
        let change = Change::PublishVersion {
            secret: secret(),
            version: target.id.clone(),
            replaces: planned.current.id.clone(),
            role: context.entry.username.clone(),
        };
        findings.step(change, "applications read AWSCURRENT");
    }
    let pending = planned.pending.as_ref().map(|pending| &pending.id);
    if let Some(version) = pending.or(planned.overtaken.as_ref()) {
        let reason = if pending.is_some() { "published" } else { "overtaken by AWSCURRENT" };
        findings.step(Change::ClearPending { secret: secret(), version: version.clone() }, reason);
    }
    if let Some(existing) = context.actual.secrets.get(context.entry.secret.as_str()) {
        let tags = differing_tags(context, existing);
        if !tags.is_empty() {
            let reason = if existing.tags.contains_key("ManagedBy") {
                "the tags differ from the entry"
            } else {
                "taken over: the tags say whose it is and what stands in it"
            };
            findings.step(Change::TagSecret { secret: secret(), tags }, reason);
        }
    }
}

fn create(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    findings: &mut Findings,
) -> Option<Planned> {
    let reason = reason_for_new_password(context, role, "there is no secret", findings)?;
    let version = new_password(context, role, None);
    let change = Change::CreateSecret {
        secret: context.entry.secret.clone(),
        version: version.clone(),
        connection: connection(context),
        tags: wanted_tags(context),
    };
    findings.step(change, reason);
    Some(Planned {
        current: Known::new(version),
        pending: None,
        current_exists: false,
        overtaken: None,
    })
}

/// A secret that was created without a value: the first version gets AWSCURRENT whatever label
/// is asked for (AWS API reference, PutSecretValue).
fn fill_empty(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    findings: &mut Findings,
) -> Option<Planned> {
    let reason = reason_for_new_password(context, role, "the secret has no value", findings)?;
    let version = new_password(context, role, None);
    findings.step(stage(context, version.clone(), PasswordSource::New), reason);
    Some(Planned {
        current: Known::new(version.clone()),
        pending: Some(Known::new(version)),
        current_exists: false,
        overtaken: None,
    })
}

fn compare_versions(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    secret: &Secret,
    current: &Version,
    findings: &mut Findings,
) -> Option<Planned> {
    let is_overtaken = |pending: &&Version| Known::from(*pending).is_older_than(current.born);
    let overtaken = secret.pending.as_ref().filter(is_overtaken);
    let pending = secret.pending.as_ref().filter(|_| overtaken.is_none());
    let versions = Versions { secret, current, pending };
    refuse_malformed(context, role, versions.carrier(), findings)?;
    let strange = strange_role(context, role, secret, versions.carrier());
    refuse_password_of(context, strange, findings)?;
    let staged = staging::compare(context, role, &versions, strange, findings);
    Some(Planned {
        current: Known::from(current),
        overtaken: overtaken.map(|version| version.id.clone()),
        pending: staged.map(Known::new).or_else(|| pending.map(Known::from)),
        current_exists: true,
    })
}

/// The role that a version's password is of, where that is not the entry's: who knows it would come in as the
/// entry's role. A role whose marker names the version was renamed; one without a marker is proved by a login.
fn strange_role<'a>(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    secret: &'a Secret,
    carrier: &'a Version,
) -> Option<&'a str> {
    let is_its_own = match role.map(|role| &role.says) {
        Some(Says::Version(version)) => *version == carrier.id,
        Some(Says::Nothing) => !context.reset_asked(),
        None => false,
    };
    let found = username(secret, carrier).filter(|found| *found != context.entry.username.as_str());
    found.filter(|_| !is_its_own)
}

/// A password that nobody else can know is made where there is no role, or a role of ours; a role of
/// someone else is only taken over on request.
fn reason_for_new_password(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    lack: &str,
    findings: &mut Findings,
) -> Option<String> {
    let key = &context.entry.key;
    match role.map(|role| &role.says) {
        None => Some(format!("{lack} yet")),
        Some(Says::Version(version)) => {
            refuse_password_elsewhere(context, version, findings)?;
            Some(format!(
                "{lack} any more; the role's password was in version {version} and cannot be read back"
            ))
        }
        Some(Says::Nothing) if context.reset_asked() => {
            Some(format!("{lack}, and --reset-password takes the role over"))
        }
        Some(Says::Nothing) => {
            findings.obstacle(
                ObstacleKind::ForeignRole,
                format!(
                    "role \"{}\" was made by someone else and {lack} to take its password from",
                    context.entry.username
                ),
                format!(
                    "put its password into `{}`, or run with `--reset-password {key}` to give it a new one",
                    context.entry.secret
                ),
            );
            None
        }
    }
}
