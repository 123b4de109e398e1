//! The master's own password: the table of the password protocol, with the login in the place of the
//! marker.

use jiff::Timestamp;

use super::findings::Findings;
use super::secret::{Known, other_manager};
use crate::actual::{Actual, Secret};
use crate::name::SecretName;
use crate::new_versions::NewVersions;
use crate::plan::{Change, Note, ObstacleKind};
use crate::version_id::VersionId;

/// The tag of the master's secret that names the version that its password is from.
const TAG: &str = "PasswordVersion";

/// Plans the master's credentials: finishes what is on its way, and begins a rotation if asked to.
pub(super) fn compare(actual: &Actual, new: &NewVersions, begins: bool) -> Findings {
    let mut findings = Findings::of(None);
    let master = &actual.master;
    let Some(secret) = &master.secret else {
        if begins {
            refuse(&mut findings, &master.name, "cannot be found", "see --master-secret");
        }
        return findings;
    };
    if let Some(why) = &secret.unreadable {
        if begins {
            let hint = "allow the call on it; the policies are in docs/iam";
            refuse(&mut findings, &master.name, &format!("cannot be read: {why}"), hint);
        }
        return findings;
    }
    if let Some((why, hint)) = other_manager(secret) {
        if begins {
            refuse(&mut findings, &master.name, &why, hint);
        }
        return findings;
    }
    let names = (SecretName::parse(&master.name).ok(), secret.current.as_ref());
    match (names, &master.logged_in_with) {
        ((Some(name), Some(current)), Some(says)) => {
            let facts = Facts { name, secret, current: Known::from(current), says };
            compare_versions(actual, &facts, new, begins, &mut findings);
        }
        _ if begins => {
            let hint = "put the value again with a UUID as ClientRequestToken";
            refuse(&mut findings, &master.name, "has a name or versions of an unknown form", hint);
        }
        _ => {}
    }
    findings
}

struct Facts<'a> {
    name: SecretName,
    secret: &'a Secret,
    current: Known,
    says: &'a VersionId,
}

impl Facts<'_> {
    /// The version was read by its label.
    fn says_born(&self) -> Option<Timestamp> {
        let labelled = self.secret.labelled(self.says);
        labelled.map_or_else(|| self.says.born(), |version| version.born)
    }
}

fn compare_versions(
    actual: &Actual,
    facts: &Facts<'_>,
    new: &NewVersions,
    begins: bool,
    findings: &mut Findings,
) {
    let Facts { name, current, says, .. } = facts;
    let role = &actual.server.master;
    let pending = facts.secret.pending.as_ref().map(Known::from);
    // Where it is the one that logs in, only its label keeps us from being locked out.
    let is_overtaken =
        |pending: &Known| pending.id != **says && pending.is_older_than(current.born);
    let (left, latest) = match pending {
        Some(pending) if is_overtaken(&pending) || !pending.id.is_ours() => {
            (Some(pending.id), None)
        }
        pending => (None, pending),
    };
    let target = match (latest, begins) {
        (Some(latest), _) => {
            let (entry, role, since) = (None, role.clone(), latest.born);
            findings.note(Note::UnfinishedRotation { entry, role, since });
            latest.id
        }
        (None, true) => {
            let version = new.new_master_password(current.born.max(facts.says_born()));
            let change =
                Change::StageMasterPassword { secret: name.clone(), version: version.clone() };
            findings.step(change, "AWSCURRENT stays as it is until the new password has logged in");
            version
        }
        (None, false) => return clear_left(facts, left, findings),
    };
    if target != **says {
        let change = Change::SetMasterPassword {
            role: role.clone(),
            secret: name.clone(),
            version: target.clone(),
            replaces: (*says).clone(),
        };
        findings.step(change, "the secret has a newer version than the one that logs in");
    }
    publish(role, facts, target, findings);
}

/// A label of no rotation under way: another program's, on the version that is current, or one that is too
/// old.
fn clear_left(facts: &Facts<'_>, left: Option<VersionId>, findings: &mut Findings) {
    let Some(version) = left else { return };
    let is_current = version == facts.current.id;
    let change = Change::ClearPending { secret: facts.name.clone(), version };
    findings.step(change, if is_current { "published" } else { "overtaken by AWSCURRENT" });
}

/// The tag comes before the last step, so that an interrupted run is seen as long as it is not written.
fn publish(role: &str, facts: &Facts<'_>, version: VersionId, findings: &mut Findings) {
    let secret = || facts.name.clone();
    if version != facts.current.id {
        let change = Change::PublishMasterPassword {
            secret: secret(),
            version: version.clone(),
            replaces: facts.current.id.clone(),
            role: role.to_owned(),
        };
        findings.step(change, "the next run reads AWSCURRENT first");
    }
    if facts.secret.tags.get(TAG).is_none_or(|tag| tag != version.as_str()) {
        let tags = [(TAG.to_owned(), version.to_string())].into();
        let reason = "nobody can write a comment on the master's role";
        findings.step(Change::TagSecret { secret: secret(), tags }, reason);
    }
    findings.step(Change::ClearPending { secret: secret(), version }, "published");
}

fn refuse(findings: &mut Findings, name: &str, why: &str, hint: &str) {
    let message = format!("the master's secret `{name}` {why}");
    findings.obstacle(ObstacleKind::ForeignSecret, message, hint);
}
