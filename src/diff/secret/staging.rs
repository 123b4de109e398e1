//! Which version is staged, where one is needed: a new password, or the present one with other fields.

use jiff::Timestamp;

use super::connection;
use super::fields::drift;
use super::versions::Known;
use crate::actual::{Content, Secret, Version};
use crate::diff::Context;
use crate::diff::findings::Findings;
use crate::diff::role::{Says, Standing};
use crate::plan::{Change, Note, PasswordSource};
use crate::version_id::VersionId;

/// The versions that a new one would follow.
pub(super) struct Versions<'a> {
    pub(super) secret: &'a Secret,
    pub(super) current: &'a Version,
    /// AWSPENDING, unless AWSCURRENT has overtaken it.
    pub(super) pending: Option<&'a Version>,
}

impl<'a> Versions<'a> {
    /// The one that the role's password will be from, if none is staged.
    pub(super) fn carrier(&self) -> &'a Version {
        self.pending.unwrap_or(self.current)
    }

    /// A new password that is on its way into AWSCURRENT. A copy of the present one is none, nor is a
    /// label that another program left on the version that is current.
    fn is_rotation_under_way(&self, context: &Context<'_>) -> bool {
        self.pending.is_some_and(|pending| {
            // One that is current already needs its label taken off, unless another must follow it anyway.
            let is_over =
                || pending.id == self.current.id && drift(context, self.secret, pending).is_some();
            pending.id.is_ours() && !self.is_copy(pending) && !is_over()
        })
    }

    /// A copy is as old as the password that it keeps; its id says the same time, even one to come.
    fn is_copy(&self, pending: &Version) -> bool {
        let born = |version| Known::from(version).by_its_id().born;
        pending.id != self.current.id
            && born(pending).is_some()
            && born(pending) == born(self.current)
    }

    /// Whether the secret was lost and made anew, and the role gets that password anyway. A secret in
    /// which one version has followed another was not: there the role is behind, on a server that was
    /// restored from a snapshot, say.
    fn is_made_anew(&self, context: &Context<'_>, role: Option<&Standing<'_>>) -> bool {
        match role.map(|role| &role.says) {
            Some(Says::Version(said)) => {
                self.secret.previous.is_none()
                    && *said != self.current.id
                    && self.current.id.is_ours()
                    && !context.is_older(&Known::from(self.current), said)
            }
            Some(Says::Nothing) | None => false,
        }
    }
}

/// Stages a version where the ones that are there will not do. `strange` is the role that the password in
/// them is of, where that is another one.
pub(super) fn compare(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    versions: &Versions<'_>,
    strange: Option<&str>,
    findings: &mut Findings,
) -> Option<VersionId> {
    let carrier = versions.carrier();
    if let Some(reason) = reason_for_new_password(context, role, versions) {
        let version = new_password(context, role, carrier.born);
        findings.step(stage(context, version.clone(), PasswordSource::New), reason);
        return Some(version);
    }
    if let Some(note) = unfinished(context, versions) {
        findings.note(note);
    }
    let difference = drift(context, versions.secret, carrier)?;
    let (version, source, password) = if strange.is_some() || loses_its_age(context, role, carrier)
    {
        let version = new_password(context, role, carrier.born);
        (version, PasswordSource::New, "with a new password")
    } else {
        let birth = Known::from(carrier).by_its_id().born;
        let version = context.new.same_password(&context.entry.key, birth);
        (version, PasswordSource::CopyOf(carrier.id.clone()), "the password stays")
    };
    let reason = format!("{difference}, {password}");
    findings.step(stage(context, version.clone(), source), reason);
    Some(version)
}

/// A spoiled carrier got here only where a new password was asked for.
fn reason_for_new_password(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    versions: &Versions<'_>,
) -> Option<String> {
    let carrier = versions.carrier();
    if let Content::Malformed(why) = &carrier.content {
        Some(format!("version {} is spoiled: {why}", carrier.id))
    } else if let Some(reason) = reason_to_reset(context, role, versions) {
        Some(reason.to_owned())
    } else if context.rotates
        && !versions.is_rotation_under_way(context)
        && !versions.is_made_anew(context, role)
    {
        Some("AWSCURRENT stays as it is until the new password has logged in".to_owned())
    } else {
        None
    }
}

/// Only `--reset-password` makes a new password for a role whose password is newer than the secret, or
/// for one that was given another by hand.
fn reason_to_reset(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    versions: &Versions<'_>,
) -> Option<&'static str> {
    let role = role.filter(|_| context.reset_asked())?;
    let Says::Version(said) = &role.says else { return None };
    let carrier = versions.carrier();
    if context.is_older(&Known::from(carrier), said) {
        Some("--reset-password: the role's password is newer than the secret's")
    } else if *said == carrier.id && role.is_refused() {
        Some("--reset-password: the password in the secret is refused")
    } else {
        None
    }
}

/// A copy's id does not say when it was staged.
fn unfinished(context: &Context<'_>, versions: &Versions<'_>) -> Option<Note> {
    let pending = versions.pending.filter(|pending| pending.id.is_ours())?;
    Some(Note::UnfinishedRotation {
        entry: Some(context.entry.key.clone()),
        role: context.entry.username.to_string(),
        since: pending.born.filter(|_| !versions.is_copy(pending)),
    })
}

/// Whether a copy would take the label from the version that the role's comment names, and that one's id says
/// a time to come: the copy would be called the older one for good. Nobody uses the copied password, as the
/// role has the other.
fn loses_its_age(context: &Context<'_>, role: Option<&Standing<'_>>, carrier: &Version) -> bool {
    match role.map(|role| &role.says) {
        Some(Says::Version(said)) => {
            is_pending_alone(context, said)
                && Known::from(carrier).by_its_id().is_older_than(said.born())
        }
        Some(Says::Nothing) | None => false,
    }
}

/// Younger than the role's password and than the secret's, whatever the clocks say.
pub(super) fn new_password(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    carried: Option<Timestamp>,
) -> VersionId {
    let known = match role.map(|role| &role.says) {
        // Its label goes to the new version, and then there is only what the two ids say.
        Some(Says::Version(said)) if is_pending_alone(context, said) => said.born(),
        Some(Says::Version(said)) => context.born(said),
        Some(Says::Nothing) | None => None,
    };
    context.new.new_password(&context.entry.key, known.max(carried))
}

fn is_pending_alone(context: &Context<'_>, said: &VersionId) -> bool {
    let has = |version: &Option<Version>| version.as_ref().is_some_and(|found| found.id == *said);
    context.secret().is_some_and(|secret| has(&secret.pending) && !has(&secret.current))
}

pub(super) fn stage(context: &Context<'_>, version: VersionId, password: PasswordSource) -> Change {
    Change::StageVersion {
        secret: context.entry.secret.clone(),
        version,
        password,
        connection: connection(context),
    }
}
