//! The password of a role that exists, by the table of the password protocol.

use super::{Says, Standing};
use crate::actual::Login;
use crate::diff::Context;
use crate::diff::findings::Findings;
use crate::diff::secret::Planned;
use crate::marker::Marker;
use crate::plan::{Change, Note, ObstacleKind};
use crate::version_id::VersionId;

/// The table of the password protocol, for a role that exists.
///
/// With `--reset-password` a role without our marker gets its password from the secret whatever came
/// of the login: an earlier step, such as LOGIN, may let it succeed.
pub(super) fn compare_password(
    context: &Context<'_>,
    standing: &Standing<'_>,
    secret: &Planned,
    findings: &mut Findings,
) {
    let target = secret.target();
    let said = match &standing.says {
        Says::Version(version) => version.clone(),
        Says::Nothing => match (&standing.role.login, secret.current_exists) {
            (Login::Accepted, true) if !context.reset_asked() => {
                adopt(context, standing, secret, findings)
            }
            (Login::Accepted | Login::NotTried | Login::Refused(_) | Login::Failed(_), _) => {
                return take_over(context, standing, secret, findings);
            }
        },
    };
    if said == target.id {
        refresh_marker(context, standing, &said, findings);
        if context.reset_asked() {
            nothing_to_reset(context, standing, findings);
        }
    } else if context.is_older(target, &said) {
        refuse_older(context, &said, &secret.current.id, findings);
    } else {
        let reason = format!("the secret has a newer version than the role's, {said}");
        set_password(context, &target.id, Some(said), reason, findings);
    }
}

fn adopt(
    context: &Context<'_>,
    standing: &Standing<'_>,
    secret: &Planned,
    findings: &mut Findings,
) -> VersionId {
    let version = secret.current.id.clone();
    let mut reason = "adopted: the password in the secret logs in".to_owned();
    if let Some(comment) = standing.role.comment.as_ref().filter(|comment| !comment.is_empty()) {
        reason.push_str(&format!("; replaces the comment '{comment}'"));
    }
    let role = context.entry.username.clone();
    findings.step(Change::WriteMarker { role, version: version.clone() }, reason);
    version
}

fn take_over(
    context: &Context<'_>,
    standing: &Standing<'_>,
    secret: &Planned,
    findings: &mut Findings,
) {
    let (key, name) = (&context.entry.key, &context.entry.username);
    if context.reset_asked() {
        let reason = "--reset-password takes the role over";
        return set_password(context, &secret.target().id, None, reason, findings);
    }
    let why = match &standing.role.login {
        Login::Failed(why) => return refuse_untried(context, why, findings),
        Login::Refused(why) => {
            format!("the password in `{}` is refused: {why}", context.entry.secret)
        }
        Login::NotTried | Login::Accepted => {
            format!("nothing proves the password in `{}`", context.entry.secret)
        }
    };
    findings.obstacle(
        ObstacleKind::ForeignRole,
        format!("role \"{name}\" was made by someone else, and {why}"),
        format!(
            "put the right password into the secret, or run with `--reset-password {key}` to set the role's password from it"
        ),
    );
}

/// A password that is refused was seen to before.
fn nothing_to_reset(context: &Context<'_>, standing: &Standing<'_>, findings: &mut Findings) {
    match &standing.role.login {
        Login::Accepted => {
            findings.note(Note::NothingToReset { entry: context.entry.key.clone() });
        }
        Login::Failed(why) => refuse_untried(context, why, findings),
        Login::NotTried | Login::Refused(_) => {}
    }
}

fn refuse_untried(context: &Context<'_>, why: &str, findings: &mut Findings) {
    findings.obstacle(
        ObstacleKind::LoginNotTried,
        format!("the password in `{}` could not be tried: {why}", context.entry.secret),
        "plan again once the server can be reached",
    );
}

/// The marker may name another entry: the key was changed, the role and its database were not. (A
/// marker without a version is written anew when the role is adopted.)
fn refresh_marker(
    context: &Context<'_>,
    standing: &Standing<'_>,
    version: &VersionId,
    findings: &mut Findings,
) {
    let renamed = |marker: &&Marker| marker.version.is_some() && marker.entry != context.entry.key;
    if let Some(marker) = standing.marker.as_ref().filter(renamed) {
        let reason = format!("the entry was called `{}`", marker.entry);
        let (role, version) = (context.entry.username.clone(), version.clone());
        findings.step(Change::WriteMarker { role, version }, reason);
    }
}

fn refuse_older(
    context: &Context<'_>,
    said: &VersionId,
    current: &VersionId,
    findings: &mut Findings,
) {
    let (key, secret) = (&context.entry.key, &context.entry.secret);
    findings.obstacle(
        ObstacleKind::OlderSecret,
        format!(
            "the password of role \"{}\" is from version {said} of `{secret}`, but AWSCURRENT is the older {current}",
            context.entry.username
        ),
        format!(
            "move AWSCURRENT back to version {said}, or run with `--reset-password {key}` to make a new password"
        ),
    );
}

fn set_password(
    context: &Context<'_>,
    version: &VersionId,
    replaces: Option<VersionId>,
    reason: impl Into<String>,
    findings: &mut Findings,
) {
    let change = Change::SetPassword {
        role: context.entry.username.clone(),
        secret: context.entry.secret.clone(),
        version: version.clone(),
        replaces,
    };
    findings.step(change, reason);
}
