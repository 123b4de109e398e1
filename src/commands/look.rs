//! A closer look at the secrets of some entries: the list may be minutes behind, and says nothing of
//! values.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::connections::Connections;
use crate::actual::{Actual, Content, Login, Secret, Version};
use crate::desired::{Desired, Entry};
use crate::error::{ErrorKind, Result};
use crate::marker::Marker;
use crate::postgres::{LoginOutcome, MAINTENANCE_DATABASE, try_login};
use crate::secrets_manager::{IN_FLIGHT, Which};
use crate::version_id::VersionId;

/// Looks at the entries that `open` names.
pub(super) async fn look_closer(
    connections: &Connections,
    desired: &Desired,
    open: impl Fn(&Entry) -> bool,
    actual: &mut Actual,
) -> Result<()> {
    let seen = &*actual;
    let looked: Vec<(&Entry, Option<Secret>, Login)> =
        stream::iter(desired.entries.values().filter(|entry| open(entry)))
            .map(|entry| look(connections, seen, desired, entry))
            .buffer_unordered(IN_FLIGHT)
            .try_collect()
            .await?;
    for (entry, secret, login) in looked {
        match secret {
            Some(secret) => actual.secrets.insert(entry.secret.to_string(), secret),
            None => actual.secrets.remove(entry.secret.as_str()),
        };
        if let Some(role) = actual.roles.get_mut(entry.username.as_str()) {
            role.login = login;
        }
    }
    Ok(())
}

async fn look<'a>(
    connections: &Connections,
    actual: &Actual,
    desired: &Desired,
    entry: &'a Entry,
) -> Result<(&'a Entry, Option<Secret>, Login)> {
    match see(connections, actual, desired, entry).await {
        Ok((secret, login)) => Ok((entry, secret, login)),
        // What may not be looked at holds up its own entry, not the others.
        Err(error) if error.kind() == ErrorKind::Denied => {
            let listed = actual.secrets.get(entry.secret.as_str()).cloned().unwrap_or_default();
            let unreadable = Some(error.message().to_owned());
            Ok((entry, Some(Secret { unreadable, ..listed }), Login::NotTried))
        }
        Err(error) => Err(error),
    }
}

async fn see(
    connections: &Connections,
    actual: &Actual,
    desired: &Desired,
    entry: &Entry,
) -> Result<(Option<Secret>, Login)> {
    let name = entry.secret.as_str();
    let Some(mut secret) = connections.secrets.describe(name).await? else {
        return Ok((None, Login::NotTried));
    };
    if secret.is_scheduled_for_deletion {
        return Ok((Some(secret), Login::NotTried));
    }
    let said = said(actual, entry);
    connections.secrets.date(name, &mut secret, said.as_ref()).await?;
    read_values(connections, actual, entry, said.as_ref(), &mut secret).await?;
    let resets = desired.reset_passwords.contains(&entry.key);
    let has_role = actual.roles.contains_key(entry.username.as_str());
    let login = match tried(&secret, said.as_ref(), resets).filter(|_| has_role) {
        Some(version) => probe(connections, actual, entry, version).await?,
        None => Login::NotTried,
    };
    Ok((Some(secret), login))
}

/// Values of which nothing says what stands in them. Tags do, and only of a current version from which the
/// role has its password: they are written last, so they never speak of one that is pending, and somebody
/// else may have put any other.
async fn read_values(
    connections: &Connections,
    actual: &Actual,
    entry: &Entry,
    said: Option<&VersionId>,
    secret: &mut Secret,
) -> Result<()> {
    let name = entry.secret.as_str();
    let tags_vouch = entry
        .vouching_tags(&actual.server.endpoint)
        .iter()
        .all(|(name, value)| secret.tags.get(name) == Some(value));
    let current = secret.current.as_ref().map(|version| version.id.clone());
    let vouched = said.filter(|said| tags_vouch && Some(*said) == current.as_ref());
    for version in [&mut secret.current, &mut secret.pending].into_iter().flatten() {
        if Some(&version.id) != vouched {
            version.content = connections.secrets.content(name, &version.id).await?;
        }
    }
    Ok(())
}

/// The version that the comment of the entry's role names.
fn said(actual: &Actual, entry: &Entry) -> Option<VersionId> {
    let role = actual.roles.get(entry.username.as_str())?;
    role.comment.as_deref().and_then(Marker::parse)?.version
}

/// The version whose password is tried: where the comment does not say which it is, and where it is to be
/// reset, since the role may have been given another one by hand.
fn tried<'a>(secret: &'a Secret, said: Option<&VersionId>, resets: bool) -> Option<&'a Version> {
    let mut versions = [&secret.current, &secret.pending].into_iter().flatten();
    match said {
        None => secret.current.as_ref(),
        Some(said) => versions.find(|version| version.id == *said).filter(|_| resets),
    }
}

async fn probe(
    connections: &Connections,
    actual: &Actual,
    entry: &Entry,
    version: &Version,
) -> Result<Login> {
    if let Content::Malformed(_) = version.content {
        return Ok(Login::NotTried);
    }
    let which = Which::Version(&version.id);
    let document = connections.secrets.document(entry.secret.as_str(), which).await?;
    let exists = actual.databases.contains_key(entry.database.as_str());
    let database = if exists { entry.database.as_str() } else { MAINTENANCE_DATABASE };
    let user = entry.username.as_str();
    Ok(match try_login(&connections.connector, user, &document.password, database).await {
        LoginOutcome::Accepted | LoginOutcome::AtLimit | LoginOutcome::TurnedAway(_) => {
            Login::Accepted
        }
        LoginOutcome::Refused(why) => Login::Refused(why),
        LoginOutcome::Failed(why) => Login::Failed(why),
    })
}
