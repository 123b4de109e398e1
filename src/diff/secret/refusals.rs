//! Secrets that are not ours to change, or that say too little.

use crate::actual::{Content, Secret, Version};
use crate::diff::Context;
use crate::diff::findings::Findings;
use crate::diff::role::{Says, Standing};
use crate::plan::ObstacleKind;
use crate::version_id::VersionId;

pub(super) fn refuse_other_managers(
    context: &Context<'_>,
    secret: &Secret,
    findings: &mut Findings,
) -> Option<()> {
    let Some((why, hint)) = other_manager(secret) else { return Some(()) };
    let message = format!("secret `{}` {why}", context.entry.secret);
    findings.obstacle(ObstacleKind::ForeignSecret, message, hint);
    None
}

/// Why another program sets the passwords in a secret, and what to do about it.
pub(crate) fn other_manager(secret: &Secret) -> Option<(String, &'static str)> {
    if let Some(service) = &secret.owning_service {
        let why = format!("is managed by the AWS service `{service}`");
        Some((why, "let that service rotate it, or use a secret that no service owns"))
    } else if secret.rotation_enabled {
        let hint = "run `aws secretsmanager cancel-rotate-secret` for it: two programs must not set one password";
        Some(("is rotated by AWS (RotationEnabled)".to_owned(), hint))
    } else if let Some(version) = &secret.odd_version {
        let hint =
            "put the value again with a UUID as ClientRequestToken, as the AWS CLI does by itself";
        Some((format!("has a version `{version}`, an id of an unknown form"), hint))
    } else {
        let hint = "finish that rotation, or take the label off with `aws secretsmanager update-secret-version-stage`";
        secret.pending_of_another().map(|version| {
            (format!("has a version {version} that is AWSPENDING and not ours"), hint)
        })
    }
}

/// A secret in its recovery window gives no value, no login with it and no times. Where the tags, the
/// ids and the role's marker do not say it all, the steps after its restoration cannot be planned.
pub(super) fn refuse_unknown(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    secret: &Secret,
    findings: &mut Findings,
) -> Option<()> {
    let Some(current) = &secret.current else { return Some(()) };
    let vouching = context.entry.vouching_tags(&context.actual.server.endpoint);
    let vouched = vouching.iter().all(|(name, value)| secret.tags.get(name) == Some(value));
    // Tags say nothing of a version that is still pending.
    let settled = secret.pending.as_ref().is_none_or(|pending| pending.id == current.id);
    let proven = match role.map(|role| &role.says) {
        Some(Says::Version(said)) => *said == current.id && !context.reset_asked(),
        Some(Says::Nothing) => false,
        // Nobody is kept out yet; if the tags lie, the next plan can read it.
        None => true,
    };
    if vouched && current.born.is_some() && settled && proven {
        return Some(());
    }
    let name = &context.entry.secret;
    findings.obstacle(
        ObstacleKind::ForeignSecret,
        format!("secret `{name}` is scheduled for deletion, and what stands in it cannot be read until it is restored"),
        format!("run `aws secretsmanager restore-secret --secret-id {name}`, then plan again"),
    );
    None
}

/// While the role lives that a password is of, its secret is not made another role's: its applications would
/// lose it, and who knows the password would come in as the other.
pub(super) fn refuse_password_of(
    context: &Context<'_>,
    strange: Option<&str>,
    findings: &mut Findings,
) -> Option<()> {
    let Some(strange) = strange.filter(|name| context.actual.roles.contains_key(*name)) else {
        return Some(());
    };
    let (secret, role) = (&context.entry.secret, &context.entry.username);
    findings.obstacle(
        ObstacleKind::ForeignSecret,
        format!("secret `{secret}` is of role \"{strange}\", which still exists, and the entry's role is \"{role}\""),
        format!("take the change of the entry's key or username back; if it is the same role, run `ALTER ROLE \"{strange}\" RENAME TO \"{role}\"`; if nobody uses it any more, drop it; if only the secret's `username` is wrong, put the right one"),
    );
    None
}

/// A secret is named after its entry's database or key. Where that was changed, the password is in a secret of
/// the former name, and applications still read it there.
pub(super) fn refuse_password_elsewhere(
    context: &Context<'_>,
    version: &VersionId,
    findings: &mut Findings,
) -> Option<()> {
    let holds = |secret: &Secret| {
        [&secret.current, &secret.pending].into_iter().flatten().any(|found| found.id == *version)
    };
    // Another entry's secret is that entry's matter.
    let is_free =
        |name: &str| context.desired.entries.values().all(|entry| entry.secret.as_str() != name);
    let mut secrets = context.actual.secrets.iter().filter(|(name, _)| is_free(name));
    let Some((other, _)) = secrets.find(|(_, secret)| holds(secret)) else { return Some(()) };
    if context.reset_asked() {
        return Some(());
    }
    let (key, secret, role) = (&context.entry.key, &context.entry.secret, &context.entry.username);
    findings.obstacle(
        ObstacleKind::ForeignSecret,
        format!("the password of role \"{role}\" is in `{other}`, and there is no secret `{secret}`, where the entry would have it"),
        format!("take the change of the entry's name back, or run with `--reset-password {key}`: that makes `{secret}` with a new password, and applications that read `{other}` are refused from then on"),
    );
    None
}

/// What may not be looked at, or cannot be decrypted.
pub(super) fn refuse_unreadable(
    context: &Context<'_>,
    secret: &Secret,
    findings: &mut Findings,
) -> Option<()> {
    let Some(why) = &secret.unreadable else { return Some(()) };
    findings.obstacle(
        ObstacleKind::UnreadableSecret,
        format!("secret `{}` cannot be read: {why}", context.entry.secret),
        "allow the call on it, and the use of its KMS key; the policies are in docs/iam",
    );
    None
}

/// A version that no password can be taken from. Where a new one was asked for it takes its place; otherwise
/// somebody may still have the right value.
pub(super) fn refuse_malformed(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    version: &Version,
    findings: &mut Findings,
) -> Option<()> {
    match &version.content {
        Content::NotRead | Content::Connection(_) => Some(()),
        Content::Malformed(_) if is_renewed(context, role) => Some(()),
        Content::Malformed(why) => {
            let (key, secret) = (&context.entry.key, &context.entry.secret);
            findings.obstacle(
                ObstacleKind::MalformedSecret,
                format!("version {} of secret `{secret}`: {why}", version.id),
                format!("put the right value, a JSON object with the string `password`, or run with `--reset-password {key}` to make a new password"),
            );
            None
        }
    }
}

/// Whether a new password was asked for. That of a role that someone else made is no rotation.
fn is_renewed(context: &Context<'_>, role: Option<&Standing<'_>>) -> bool {
    match role.map(|role| &role.says) {
        Some(Says::Version(_)) => context.rotates || context.reset_asked(),
        Some(Says::Nothing) | None => context.reset_asked(),
    }
}
