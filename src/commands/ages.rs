//! How old the passwords of an environment are, from the list of its secrets. No value is read.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::master::secret_name;
use super::variables;
use crate::actual::Secret;
use crate::audit::Names;
use crate::cli::Global;
use crate::desired::Desired;
use crate::error::{Error, ErrorKind, Result};
use crate::name::SecretName;
use crate::output::Output;
use crate::rotation::{Age, Ages, Policy, Read, judge};
use crate::secrets_manager::{IN_FLIGHT, SecretsManager};
use crate::tfvars::Argument;

/// What the ages of an environment are judged by.
pub(super) struct Measure {
    policy: Policy,
    master_secret: String,
}

impl Measure {
    pub(super) fn of(
        global: &Global,
        desired: &Desired,
        arguments: &[Argument],
        output: Output,
    ) -> Result<Self> {
        let environment = &desired.environment;
        Ok(Self {
            policy: variables::rotation_policy(global, environment, arguments, output)?,
            master_secret: secret_name(global, environment),
        })
    }

    fn judge(&self, desired: &Desired, secrets: &BTreeMap<String, Secret>) -> Ages {
        let master = (None, self.master_secret.as_str());
        let entries = desired.entries.values().map(|entry| (Some(entry), entry.secret.as_str()));
        let read = [master].into_iter().chain(entries);
        let read = read.map(|(entry, name)| Read { entry, name, secret: secrets.get(name) });
        judge(desired, &self.policy, read, Timestamp::now())
    }
}

/// Lists the secrets. The list may be minutes behind, so whatever is not in order is looked at again, and
/// what the last run was killed at.
pub(super) async fn ages(
    secrets: &SecretsManager,
    desired: &Desired,
    measure: &Measure,
    unsettled: &BTreeSet<Names>,
) -> Result<Ages> {
    let is_unsettled = |age: &Age| {
        let (database, username) = desired.names_of(age.entry.as_ref());
        unsettled.contains(&(database.to_owned(), username.to_owned()))
    };
    let mut found = secrets.list(&SecretName::prefix(&desired.environment)).await?;
    let draft = measure.judge(desired, &found);
    let doubtful = draft.ages.into_iter().filter(|age| !age.is_in_order() || is_unsettled(age));
    let listed = &found;
    let looked: Vec<(String, Option<Secret>)> = stream::iter(doubtful)
        .map(|age| async move {
            let secret = match see(secrets, &age.secret).await {
                // What may not be looked at does not hide the others.
                Err(error) if error.kind() == ErrorKind::Denied => {
                    let listed = listed.get(&age.secret).cloned().unwrap_or_default();
                    Some(Secret { unreadable: Some(error.message().to_owned()), ..listed })
                }
                seen => seen?,
            };
            Ok::<_, Error>((age.secret, secret))
        })
        .buffer_unordered(IN_FLIGHT)
        .try_collect()
        .await?;
    for (name, secret) in looked {
        match secret {
            Some(secret) => found.insert(name, secret),
            None => found.remove(&name),
        };
    }
    Ok(measure.judge(desired, &found))
}

async fn see(secrets: &SecretsManager, name: &str) -> Result<Option<Secret>> {
    let mut secret = secrets.describe(name).await?;
    if let Some(secret) = &mut secret {
        secrets.date(name, secret, None).await?;
    }
    Ok(secret)
}
