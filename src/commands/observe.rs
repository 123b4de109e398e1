//! Reading what is there: the catalogs and the list of secrets at once, then what they leave open.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::connections::Connections;
use crate::actual::{Actual, Content, Database, Login, Secret, Server, Version};
use crate::desired::{Desired, Entry};
use crate::diff::{Rotation, diff, rotation};
use crate::error::Result;
use crate::marker::Marker;
use crate::name::{DatabaseName, SecretName};
use crate::new_versions::NewVersions;
use crate::plan::{Note, Plan};
use crate::postgres::{
    Depth, Inside, LoginOutcome, MAINTENANCE_DATABASE, Session, available_extensions, read_inside,
    snapshot, try_login,
};
use crate::secrets_manager::{IN_FLIGHT, Which};

/// What a run is about.
#[derive(Clone, Debug)]
pub(super) enum Goal {
    /// Everything is to match.
    Match,
    /// Some entries get new passwords.
    Rotate(Rotation),
}

impl Goal {
    fn compare(&self, desired: &Desired, actual: &Actual, new: &NewVersions) -> Plan {
        match self {
            Self::Match => diff(desired, actual, new),
            Self::Rotate(wanted) => rotation(desired, actual, new, wanted),
        }
    }

    fn is_about_the_master(&self, draft: &Plan) -> bool {
        match self {
            Self::Match => draft
                .notes
                .iter()
                .any(|note| matches!(note, Note::UnfinishedRotation { entry: None, .. })),
            Self::Rotate(rotation) => rotation.master,
        }
    }
}

/// Reads, and compares with what is wanted.
pub(super) async fn plan(
    connections: &Connections,
    session: &Session,
    desired: &Desired,
    goal: &Goal,
    new: &NewVersions,
    parallelism: usize,
) -> Result<(Actual, Plan)> {
    let mut actual = read(connections, session, desired).await?;
    if matches!(goal, Goal::Match) {
        read_more(connections, session, desired, parallelism, &mut actual).await?;
    }
    let draft = goal.compare(desired, &actual, new);
    if goal.is_about_the_master(&draft) {
        actual.master.secret = connections.secrets.describe(&actual.master.name).await?;
    }
    refine(connections, desired, &draft, &mut actual).await?;
    let plan = goal.compare(desired, &actual, new);
    Ok((actual, plan))
}

async fn read(connections: &Connections, session: &Session, desired: &Desired) -> Result<Actual> {
    let prefix = SecretName::prefix(&desired.environment);
    let (shared, secrets) = tokio::try_join!(snapshot(session), connections.secrets.list(&prefix))?;
    let server = Server {
        version: session.server_version(),
        master: shared.master,
        master_database: connections.master.database.clone(),
        endpoint: connections.master.endpoint.clone(),
        extensions: BTreeMap::new(),
    };
    let mut master = connections.master.facts();
    master.secret = secrets.get(&master.name).cloned();
    Ok(Actual { server, roles: shared.roles, databases: shared.databases, secrets, master })
}

/// What only the comparison of everything needs: what is inside the databases, and the extensions that
/// the server has.
async fn read_more(
    connections: &Connections,
    session: &Session,
    desired: &Desired,
    parallelism: usize,
    actual: &mut Actual,
) -> Result<()> {
    for (name, inside) in look_inside(connections, desired, &actual.databases, parallelism).await? {
        if let Some(database) = actual.databases.get_mut(&name) {
            database.public_schema = inside.public_schema;
            database.contents = inside.contents;
            database.stuck = inside.stuck;
        }
    }
    if desired.entries.values().any(|entry| !entry.extensions.is_empty()) {
        actual.server.extensions = available_extensions(session).await?;
    }
    Ok(())
}

/// A database is connected to only if it is an entry's, or the master's own, and can be.
async fn look_inside(
    connections: &Connections,
    desired: &Desired,
    databases: &BTreeMap<String, Database>,
    parallelism: usize,
) -> Result<Vec<(String, Inside)>> {
    let master = &connections.master;
    let open = |name: &str| {
        databases
            .get(name)
            .is_some_and(|database| database.allows_connections && !database.is_invalid)
    };
    let mut depths: BTreeMap<&str, Depth> = desired
        .entries
        .values()
        .map(|entry| (entry.database.as_str(), Depth::PublicSchema))
        .collect();
    let whole = desired.databases_with_contents().into_iter().map(DatabaseName::as_str);
    depths.extend(whole.chain(master.database.as_deref()).map(|name| (name, Depth::Contents)));
    stream::iter(depths.into_iter().filter(|(name, _)| open(name)))
        .map(|(name, depth)| async move {
            let (user, password) = (&master.username, master.password.get());
            let connector = &connections.connector;
            let inside = read_inside(connector, user, &password, name, depth).await?;
            Ok((name.to_owned(), inside))
        })
        .buffer_unordered(parallelism)
        .try_collect()
        .await
}

/// The list of secrets may be minutes behind, and says nothing of values. So what would lead to a step,
/// or stands in its way, is looked at again.
async fn refine(
    connections: &Connections,
    desired: &Desired,
    draft: &Plan,
    actual: &mut Actual,
) -> Result<()> {
    let open = |entry: &&Entry| {
        let key = Some(&entry.key);
        draft.steps.iter().any(|step| step.entry.as_ref() == key)
            || draft.obstacles.iter().any(|obstacle| obstacle.entry.as_ref() == key)
    };
    let seen = &*actual;
    let looked: Vec<(&Entry, Option<Secret>, Login)> =
        stream::iter(desired.entries.values().filter(open))
            .map(|entry| look(connections, seen, entry))
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
    entry: &'a Entry,
) -> Result<(&'a Entry, Option<Secret>, Login)> {
    let name = entry.secret.as_str();
    let Some(mut secret) = connections.secrets.describe(name).await? else {
        return Ok((entry, None, Login::NotTried));
    };
    if !secret.is_scheduled_for_deletion {
        complete(connections, actual, entry, &mut secret).await?;
    }
    let login = match (unmarked(actual, entry), &secret.current) {
        (true, Some(current)) if !secret.is_scheduled_for_deletion => {
            probe(connections, actual, entry, current).await?
        }
        _ => Login::NotTried,
    };
    Ok((entry, Some(secret), login))
}

/// Times that an id does not carry, and values whose tags do not say what stands in them. Tags are written
/// last, so they never speak of a version that is pending.
async fn complete(
    connections: &Connections,
    actual: &Actual,
    entry: &Entry,
    secret: &mut Secret,
) -> Result<()> {
    let name = entry.secret.as_str();
    let tags_vouch = entry
        .vouching_tags(&actual.server.endpoint)
        .iter()
        .all(|(name, value)| secret.tags.get(name) == Some(value));
    connections.secrets.date(name, secret).await?;
    let current = secret.current.as_ref().map(|version| version.id.clone());
    for version in [&mut secret.current, &mut secret.pending].into_iter().flatten() {
        if !tags_vouch || Some(&version.id) != current.as_ref() {
            version.content = connections.secrets.content(name, &version.id).await?;
        }
    }
    Ok(())
}

/// Whether there is a role whose comment does not say where its password came from.
fn unmarked(actual: &Actual, entry: &Entry) -> bool {
    actual.roles.get(entry.username.as_str()).is_some_and(|role| {
        let marker = role.comment.as_deref().and_then(Marker::parse);
        marker.and_then(|marker| marker.version).is_none()
    })
}

async fn probe(
    connections: &Connections,
    actual: &Actual,
    entry: &Entry,
    current: &Version,
) -> Result<Login> {
    if let Content::Malformed(_) = current.content {
        return Ok(Login::NotTried);
    }
    let which = Which::Version(&current.id);
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
