//! Reading: lists, labels, tags; values only where asked for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use jiff::Timestamp;

use super::SecretsManager;
use super::error::from_sdk;
use crate::actual::{Content, Secret, Version};
use crate::error::{Error, Result};
use crate::secret_document::SecretDocument;
use crate::version_id::VersionId;

/// Which version of a secret to read. Always said: an emulator's default may be another one.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// The version labelled AWSCURRENT.
    Current,
    /// The version with this id.
    Version(&'a VersionId),
}

/// A version just written may not be readable for a moment ("All Secrets Manager operations are
/// eventually consistent", AWS documentation).
const READ_ATTEMPTS: u32 = 6;

impl SecretsManager {
    /// All secrets whose names begin with `prefix`, those scheduled for deletion included. What was
    /// changed in the last five minutes may be missing (AWS API reference, ListSecrets).
    ///
    /// # Errors
    /// The error of the call.
    pub async fn list(&self, prefix: &str) -> Result<BTreeMap<String, Secret>> {
        let filter =
            Filter::builder().key(FilterNameStringType::Name).values(prefix.to_owned()).build();
        let mut pages = self
            .client
            .list_secrets()
            .filters(filter)
            .include_planned_deletion(true)
            .max_results(100)
            .into_paginator()
            .send();
        let mut secrets = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| from_sdk("ListSecrets", prefix, &error))?;
            for entry in page.secret_list() {
                let secret = secret(Facts {
                    tags: entry.tags(),
                    stages: entry.secret_versions_to_stages(),
                    rotation_enabled: entry.rotation_enabled(),
                    owning_service: entry.owning_service(),
                    deleted: entry.deleted_date().is_some(),
                });
                secrets.insert(entry.name().unwrap_or_default().to_owned(), secret);
            }
        }
        Ok(secrets)
    }

    /// One secret, fresher than the list.
    ///
    /// # Errors
    /// The error of the call; a secret that is not there is `None`.
    pub async fn describe(&self, name: &str) -> Result<Option<Secret>> {
        let answer = match self.client.describe_secret().secret_id(name).send().await {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_resource_not_found_exception()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(from_sdk("DescribeSecret", name, &error)),
        };
        Ok(Some(secret(Facts {
            tags: answer.tags(),
            stages: answer.version_ids_to_stages(),
            rotation_enabled: answer.rotation_enabled(),
            owning_service: answer.owning_service(),
            deleted: answer.deleted_date().is_some(),
        })))
    }

    /// When each version of a secret was created; for ids that carry no time.
    ///
    /// # Errors
    /// The error of the call.
    pub async fn version_times(&self, name: &str) -> Result<BTreeMap<String, Timestamp>> {
        let mut pages =
            self.client.list_secret_version_ids().secret_id(name).into_paginator().send();
        let mut times = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| from_sdk("ListSecretVersionIds", name, &error))?;
            for version in page.versions() {
                if let (Some(id), Some(time)) = (version.version_id(), version.created_date())
                    && let Ok(time) = Timestamp::from_second(time.secs())
                {
                    times.insert(id.to_owned(), time);
                }
            }
        }
        Ok(times)
    }

    /// The text of a secret's version, to be parsed and forgotten.
    ///
    /// # Errors
    /// The error of the call; a version that does not show up within a few seconds is one.
    pub async fn value(&self, name: &str, which: Which<'_>) -> Result<zeroize::Zeroizing<String>> {
        let request = self.client.get_secret_value().secret_id(name);
        let request = match which {
            Which::Current => request.version_stage("AWSCURRENT"),
            Which::Version(id) => request.version_id(id.as_str()),
        };
        let mut attempt = 1;
        loop {
            match request.clone().send().await {
                Ok(answer) => {
                    return answer.secret_string.map(zeroize::Zeroizing::new).ok_or_else(|| {
                        Error::new(format!("secret `{name}` holds bytes instead of text"))
                    });
                }
                Err(error)
                    if matches!(which, Which::Version(_))
                        && attempt < READ_ATTEMPTS
                        && error
                            .as_service_error()
                            .is_some_and(|error| error.is_resource_not_found_exception()) =>
                {
                    tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(from_sdk("GetSecretValue", name, &error)),
            }
        }
    }

    /// A version's document.
    ///
    /// # Errors
    /// The error of the call, or why the value is no such document.
    pub async fn document(&self, name: &str, which: Which<'_>) -> Result<SecretDocument> {
        let text = self.value(name, which).await?;
        SecretDocument::parse(&text).map_err(|why| {
            Error::new(format!("secret `{name}`: {why}")).hint(
                "it must be a JSON object with `username`, `password`, `host`, `port` and `dbname`",
            )
        })
    }

    /// What stands in a version beside the password.
    ///
    /// # Errors
    /// The error of the call.
    pub async fn content(&self, name: &str, id: &VersionId) -> Result<Content> {
        let text = self.value(name, Which::Version(id)).await?;
        Ok(match SecretDocument::parse(&text) {
            Ok(document) => Content::Connection(document.connection()),
            Err(why) => Content::Malformed(why.to_owned()),
        })
    }
}

/// What lists and descriptions have in common.
struct Facts<'a> {
    tags: &'a [Tag],
    stages: Option<&'a HashMap<String, Vec<String>>>,
    rotation_enabled: Option<bool>,
    owning_service: Option<&'a str>,
    deleted: bool,
}

fn secret(facts: Facts<'_>) -> Secret {
    let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
    let (current, pending) = ("AWSCURRENT", "AWSPENDING");
    let versions = [current, pending].map(|label| labelled(facts.stages, label));
    let odd_version = versions.iter().find_map(|version| version.clone().err());
    let [current, pending] = versions.map(|version| version.ok().flatten());
    Secret {
        is_scheduled_for_deletion: facts.deleted,
        tags: facts.tags.iter().filter_map(pair).collect(),
        rotation_enabled: facts.rotation_enabled.unwrap_or(false),
        owning_service: facts.owning_service.map(str::to_owned),
        current,
        pending,
        odd_version,
    }
}

/// The version that has a label; the text of its id where that has an unknown form.
fn labelled(
    stages: Option<&HashMap<String, Vec<String>>>,
    label: &str,
) -> Result<Option<Version>, String> {
    let mut holders = stages
        .into_iter()
        .flatten()
        .filter(|(_, labels)| labels.iter().any(|found| found == label));
    let Some((text, _)) = holders.next() else { return Ok(None) };
    let id = VersionId::parse(text).ok_or_else(|| text.clone())?;
    let born = id.born();
    Ok(Some(Version { id, born, content: Content::NotRead }))
}
