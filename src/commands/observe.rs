//! Reading what is there: the catalogs and the list of secrets at once, then what they leave open.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::connections::Connections;
use super::look::look_closer;
use crate::actual::{Actual, Database, MasterSecret, Secret, Server};
use crate::audit::Names;
use crate::desired::{Desired, Entry};
use crate::diff::{Rotation, diff, rotation};
use crate::error::{ErrorKind, Result};
use crate::name::{DatabaseName, EntryKey, SecretName};
use crate::new_versions::NewVersions;
use crate::plan::Plan;
use crate::postgres::{Depth, Inside, Session, available_extensions, read_inside, snapshot};

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

    /// Whether the list may say too little of the master's secret.
    fn is_about_the_master(&self, scene: &Scene<'_>, master: &MasterSecret) -> bool {
        match self {
            Self::Match => {
                let is_settled =
                    scene.connections.master.is_by_current() && !scene.is_unsettled(None);
                !is_settled || master.secret.as_ref().is_some_and(|s| s.pending.is_some())
            }
            Self::Rotate(rotation) => rotation.master,
        }
    }
}

/// Where is looked, and what for.
pub(super) struct Scene<'a> {
    pub(super) connections: &'a Connections,
    pub(super) session: &'a Session,
    pub(super) desired: &'a Desired,
    /// Whose last run came to no good end.
    pub(super) unsettled: &'a BTreeSet<Names>,
    pub(super) parallelism: usize,
}

/// Reads, and compares with what is wanted. What would lead to a step, or stands in its way, is looked at
/// more closely; so is what the last run was killed at, since the list may hide what it did.
pub(super) async fn plan(
    scene: &Scene<'_>,
    goal: &Goal,
    new: &NewVersions,
) -> Result<(Actual, Plan)> {
    let Scene { connections, desired, .. } = scene;
    let mut actual = read(scene).await?;
    if matches!(goal, Goal::Match) {
        read_more(scene, &mut actual).await?;
    }
    if goal.is_about_the_master(scene, &actual.master) {
        look_at_master(connections, &mut actual.master).await?;
    }
    let draft = goal.compare(desired, &actual, new);
    let open = |entry: &Entry| {
        let key = Some(&entry.key);
        draft.steps.iter().any(|step| step.entry.as_ref() == key)
            || draft.obstacles.iter().any(|obstacle| obstacle.entry.as_ref() == key)
            || desired.reset_passwords.contains(&entry.key)
            || scene.is_unsettled(key)
    };
    look_closer(connections, desired, open, &mut actual).await?;
    let plan = goal.compare(desired, &actual, new);
    Ok((actual, plan))
}

impl Scene<'_> {
    fn is_unsettled(&self, entry: Option<&EntryKey>) -> bool {
        let (database, username) = self.desired.names_of(entry);
        self.unsettled.contains(&(database.to_owned(), username.to_owned()))
    }
}

async fn read(scene: &Scene<'_>) -> Result<Actual> {
    let Scene { connections, session, desired, .. } = scene;
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

async fn look_at_master(connections: &Connections, master: &mut MasterSecret) -> Result<()> {
    match see_master(connections, master).await {
        Ok(secret) => master.secret = secret,
        // It lets us in, and that is all that most runs need of it.
        Err(error) if error.kind() == ErrorKind::Denied => {
            let listed = master.secret.take().unwrap_or_default();
            let unreadable = Some(error.message().to_owned());
            master.secret = Some(Secret { unreadable, ..listed });
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn see_master(connections: &Connections, master: &MasterSecret) -> Result<Option<Secret>> {
    let mut secret = connections.secrets.describe(&master.name).await?;
    if let Some(secret) = &mut secret {
        connections.secrets.date(&master.name, secret, master.logged_in_with.as_ref()).await?;
    }
    Ok(secret)
}

/// What only the comparison of everything needs: what is inside the databases, and the extensions that
/// the server has.
async fn read_more(scene: &Scene<'_>, actual: &mut Actual) -> Result<()> {
    let Scene { connections, session, desired, parallelism, .. } = scene;
    let inside = look_inside(connections, desired, &actual.databases, *parallelism).await?;
    for (name, inside) in inside {
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
