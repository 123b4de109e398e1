//! Secrets that are not ours to change, or that say too little.

use crate::actual::{Content, Secret, Version};
use crate::diff::Context;
use crate::diff::findings::Findings;
use crate::diff::role::{Says, Standing};
use crate::plan::ObstacleKind;

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
pub(in crate::diff) fn other_manager(secret: &Secret) -> Option<(String, &'static str)> {
    let foreign_pending = secret.pending.as_ref().filter(|version| !version.id.is_ours());
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
        foreign_pending.map(|version| {
            (format!("has a version {} that is AWSPENDING and not ours", version.id), hint)
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
    let vouching = context.entry.vouching_tags(&context.actual.server.endpoint);
    let vouched = vouching.iter().all(|(name, value)| secret.tags.get(name) == Some(value));
    let mut versions = [&secret.current, &secret.pending].into_iter().flatten();
    let dated = versions.all(|version| version.born.is_some());
    let needs_login = role.is_some_and(|role| matches!(role.says, Says::Nothing));
    let known = vouched && dated && (!needs_login || context.reset_asked());
    if known || secret.current.is_none() {
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

pub(super) fn refuse_malformed(
    context: &Context<'_>,
    version: &Version,
    findings: &mut Findings,
) -> Option<()> {
    match &version.content {
        Content::NotRead | Content::Connection(_) => Some(()),
        Content::Malformed(why) => {
            findings.obstacle(
                ObstacleKind::MalformedSecret,
                format!("version {} of secret `{}`: {why}", version.id, context.entry.secret),
                "a secret is a JSON object with the string `password`; put the right value, or delete the secret",
            );
            None
        }
    }
}
