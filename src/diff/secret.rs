//! The secret of an entry: which versions there are, and which one the role's password will be from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Context;
use super::findings::Findings;
use super::role::{Says, Standing};
use crate::actual::{ConnectionFields, Content, Secret, Version};
use crate::plan::{Change, Connection, Note, ObstacleKind, PasswordSource};
use crate::version_id::VersionId;

/// The versions of a secret once the steps planned so far are done.
pub(super) struct Planned {
    pub(super) current: Known,
    pub(super) pending: Option<Known>,
    /// Whether AWSCURRENT stands already, so that a login with it could be tried.
    pub(super) current_exists: bool,
    /// A pending version that a newer AWSCURRENT has overtaken.
    overtaken: Option<VersionId>,
}

/// A version and the age of its password.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) id: VersionId,
    pub(super) born: Option<Timestamp>,
}

impl Known {
    fn new(id: VersionId) -> Self {
        let born = id.born();
        Self { id, born }
    }

    /// Strictly older; what carries no time is never called older.
    pub(super) fn is_older_than(&self, born: Option<Timestamp>) -> bool {
        matches!((self.born, born), (Some(mine), Some(other)) if mine < other)
    }
}

impl From<&Version> for Known {
    fn from(version: &Version) -> Self {
        Self { id: version.id.clone(), born: version.born }
    }
}

impl Planned {
    /// The version that the role's password will come from.
    pub(super) fn target(&self) -> &Known {
        self.pending.as_ref().unwrap_or(&self.current)
    }
}

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
    for version in [Some(current), secret.pending.as_ref()].into_iter().flatten() {
        refuse_malformed(context, version, findings)?;
    }
    let latest = secret.pending.as_ref().filter(|p| !Known::from(*p).is_older_than(current.born));
    let overtaken = secret.pending.as_ref().filter(|_| latest.is_none());
    let carrier = latest.unwrap_or(current);
    if let Some(pending) = latest {
        findings.note(unfinished(context, current, pending));
    }
    let staged = if needs_reset(context, role, carrier) {
        let version = new_password(context, role, carrier.born);
        let reason = "--reset-password: the role's password is newer than the secret's";
        findings.step(stage(context, version.clone(), PasswordSource::New), reason);
        Some(version)
    } else if context.rotates && latest.is_none() && !is_on_its_way(role, current) {
        let version = new_password(context, role, carrier.born);
        let reason = "AWSCURRENT stays as it is until the new password has logged in";
        findings.step(stage(context, version.clone(), PasswordSource::New), reason);
        Some(version)
    } else if let Some(difference) = drift(context, secret, carrier) {
        let version = context.new.same_password(&context.entry.key, carrier.born);
        let source = PasswordSource::CopyOf(carrier.id.clone());
        findings.step(stage(context, version.clone(), source), difference);
        Some(version)
    } else {
        None
    };
    Some(Planned {
        current: Known::from(current),
        overtaken: overtaken.map(|version| version.id.clone()),
        pending: staged.map(Known::new).or_else(|| latest.map(Known::from)),
        current_exists: true,
    })
}

/// Whether the role gets a password of ours from AWSCURRENT anyway: the secret was lost, and made anew.
fn is_on_its_way(role: Option<&Standing<'_>>, current: &Version) -> bool {
    match role.map(|role| &role.says) {
        Some(Says::Version(version)) => {
            *version != current.id
                && current.id.is_ours()
                && !Known::from(current).is_older_than(version.born())
        }
        Some(Says::Nothing) | None => false,
    }
}

/// A copy of the password is as old as the password, so its id does not say when it was staged.
fn unfinished(context: &Context<'_>, current: &Version, pending: &Version) -> Note {
    let is_copy = pending.id != current.id && pending.born == current.born;
    Note::UnfinishedRotation {
        entry: Some(context.entry.key.clone()),
        role: context.entry.username.to_string(),
        since: pending.born.filter(|_| !is_copy),
    }
}

/// Only `--reset-password` makes a new password for a role whose password is newer than the secret.
fn needs_reset(context: &Context<'_>, role: Option<&Standing<'_>>, carrier: &Version) -> bool {
    let known = match role.map(|role| &role.says) {
        Some(Says::Version(version)) => version,
        Some(Says::Nothing) | None => return false,
    };
    context.reset_asked() && Known::from(carrier).is_older_than(known.born())
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
        Some(Says::Version(version)) => Some(format!(
            "{lack} any more; the role's password was in version {version} and cannot be read back"
        )),
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

fn refuse_other_managers(
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
pub(super) fn other_manager(secret: &Secret) -> Option<(String, &'static str)> {
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
fn refuse_unknown(
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

fn refuse_malformed(
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

/// Younger than the role's password and than the secret's, whatever the clocks say.
fn new_password(
    context: &Context<'_>,
    role: Option<&Standing<'_>>,
    carried: Option<Timestamp>,
) -> VersionId {
    let known = match role.map(|role| &role.says) {
        Some(Says::Version(version)) => version.born(),
        Some(Says::Nothing) | None => None,
    };
    context.new.new_password(&context.entry.key, known.max(carried))
}

fn stage(context: &Context<'_>, version: VersionId, password: PasswordSource) -> Change {
    Change::StageVersion {
        secret: context.entry.secret.clone(),
        version,
        password,
        connection: connection(context),
    }
}

fn connection(context: &Context<'_>) -> Connection {
    Connection {
        username: context.entry.username.clone(),
        dbname: context.entry.database.clone(),
        endpoint: context.actual.server.endpoint.clone(),
    }
}

/// What differs between the fields of a version and the entry, in words.
fn drift(context: &Context<'_>, secret: &Secret, version: &Version) -> Option<String> {
    let wanted = connection(context);
    let found = match &version.content {
        Content::Connection(fields) => fields.clone(),
        Content::NotRead => fields_of_tags(&secret.tags, &wanted),
        Content::Malformed(_) => return None,
    };
    let port = wanted.endpoint.port.to_string();
    let fields = [
        ("username", found.username, wanted.username.as_str()),
        ("host", found.host, &wanted.endpoint.host),
        ("port", found.port, &port),
        ("dbname", found.dbname, wanted.dbname.as_str()),
    ];
    let differing: Vec<_> = fields
        .into_iter()
        .filter(|(_, found, wanted)| found.as_deref() != Some(wanted))
        .map(|(name, found, wanted)| match found {
            Some(found) => format!("{name} `{found}` -> `{wanted}`"),
            None => format!("{name} `{wanted}` is missing"),
        })
        .collect();
    (!differing.is_empty()).then(|| format!("{}, the password stays", differing.join(", ")))
}

/// What the tags claim of a version that was not read; a tag that is missing claims nothing false.
fn fields_of_tags(tags: &BTreeMap<String, String>, wanted: &Connection) -> ConnectionFields {
    let tag = |name: &str, otherwise: String| Some(tags.get(name).cloned().unwrap_or(otherwise));
    let endpoint = tags.get("Endpoint").and_then(|endpoint| endpoint.rsplit_once(':'));
    let part = |part: Option<&str>, otherwise: String| Some(part.map_or(otherwise, str::to_owned));
    ConnectionFields {
        username: tag("Username", wanted.username.to_string()),
        host: part(endpoint.map(|(host, _)| host), wanted.endpoint.host.clone()),
        port: part(endpoint.map(|(_, port)| port), wanted.endpoint.port.to_string()),
        dbname: tag("Database", wanted.dbname.to_string()),
    }
}

fn wanted_tags(context: &Context<'_>) -> BTreeMap<String, String> {
    context.entry.tags(&context.actual.server.endpoint, &context.desired.environment)
}

fn differing_tags(context: &Context<'_>, secret: &Secret) -> BTreeMap<String, String> {
    let mut tags = wanted_tags(context);
    tags.retain(|name, value| secret.tags.get(name) != Some(value));
    tags
}
