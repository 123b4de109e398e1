//! Reading: lists, labels, tags; values only where asked for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::{
    GetSecretValueError, GetSecretValueOutput,
};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use jiff::Timestamp;

use super::SecretsManager;
use super::error::from_sdk;
use crate::actual::{Content, Secret, Version};
use crate::error::{Error, Result};
use crate::password::Password;
use crate::secret_document::SecretDocument;
use crate::version_id::VersionId;

/// Which version of a secret to read. Always said: an emulator's default may be another one.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// The version labelled AWSCURRENT.
    Current,
    /// The version labelled AWSPENDING.
    Pending,
    /// The version labelled AWSPREVIOUS.
    Previous,
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

    /// Adds the times of versions whose ids carry none, or one that is to come: of those labelled
    /// AWSCURRENT and AWSPENDING, and of the one that `said` names.
    ///
    /// # Errors
    /// The error of the call.
    pub async fn date(
        &self,
        name: &str,
        secret: &mut Secret,
        said: Option<&VersionId>,
    ) -> Result<()> {
        let Secret { current, pending, previous, .. } = secret;
        let previous = previous.as_mut().filter(|version| Some(&version.id) == said);
        let versions = [current.as_mut(), pending.as_mut(), previous].into_iter().flatten();
        let undated: Vec<_> = versions.filter(|version| version.born.is_none()).collect();
        if undated.is_empty() {
            return Ok(());
        }
        let times = self.version_times(name).await?;
        for version in undated {
            version.born = times.get(version.id.as_str()).copied();
        }
        Ok(())
    }

    async fn version_times(&self, name: &str) -> Result<BTreeMap<String, Timestamp>> {
        let mut pages =
            self.client.list_secret_version_ids().secret_id(name).into_paginator().send();
        let mut times = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| from_sdk("ListSecretVersionIds", name, &error))?;
            for version in page.versions() {
                let created = version.created_date().and_then(|time| time.to_millis().ok());
                // To the millisecond, as the id of a copy of the password will carry it.
                if let (Some(id), Some(millis)) = (version.version_id(), created)
                    && let Ok(time) = Timestamp::from_millisecond(millis)
                {
                    times.insert(id.to_owned(), time);
                }
            }
        }
        Ok(times)
    }

    /// A version of a secret, to be parsed and forgotten.
    ///
    /// # Errors
    /// The error of the call; also that there is no such secret or version.
    pub async fn value(&self, name: &str, which: Which<'_>) -> Result<Value> {
        match self.get(name, which).await {
            Ok(answer) => Ok(value_of(answer)),
            Err(error) => Err(from_sdk("GetSecretValue", name, &error)),
        }
    }

    /// The same where it is no error that there is no such version.
    ///
    /// # Errors
    /// The error of the call.
    pub async fn value_if_any(&self, name: &str, which: Which<'_>) -> Result<Option<Value>> {
        match self.get(name, which).await {
            Ok(answer) => Ok(Some(value_of(answer))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(from_sdk("GetSecretValue", name, &error)),
        }
    }

    /// A version that was just written may not show up for a few seconds.
    async fn get(
        &self,
        name: &str,
        which: Which<'_>,
    ) -> Result<GetSecretValueOutput, SdkError<GetSecretValueError>> {
        let request = self.client.get_secret_value().secret_id(name);
        let (request, attempts) = match which {
            Which::Current => (request.version_stage("AWSCURRENT"), 1),
            Which::Pending => (request.version_stage("AWSPENDING"), 1),
            Which::Previous => (request.version_stage("AWSPREVIOUS"), 1),
            Which::Version(id) => (request.version_id(id.as_str()), READ_ATTEMPTS),
        };
        for attempt in 1..attempts {
            match request.clone().send().await {
                Err(error) if is_absent(&error) => {
                    tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                }
                answer => return answer,
            }
        }
        request.send().await
    }

    /// A version's document.
    ///
    /// # Errors
    /// The error of the call, or why the value is no such document.
    pub async fn document(&self, name: &str, which: Which<'_>) -> Result<SecretDocument> {
        self.value(name, which).await?.document(name)
    }

    /// What stands in a version beside the password. RotateSecret makes one without a value, for its function
    /// to put.
    ///
    /// # Errors
    /// The error of the call.
    pub async fn content(&self, name: &str, id: &VersionId) -> Result<Content> {
        let value = self.value_if_any(name, Which::Version(id)).await?;
        Ok(match value.as_ref().map_or(Err("it has no value"), Value::parse) {
            Ok(document) => Content::Connection(document.connection()),
            Err(why) => Content::Malformed(why.to_owned()),
        })
    }
}

/// The value of a version.
pub struct Value {
    /// The version's id, where it has a known form.
    pub version: Option<VersionId>,
    /// None where it holds bytes.
    text: Option<zeroize::Zeroizing<String>>,
}

impl Value {
    /// The document that it is.
    ///
    /// # Errors
    /// Why it is none.
    pub fn document(&self, name: &str) -> Result<SecretDocument> {
        self.parse().map_err(|why| {
            Error::new(format!("secret `{name}`: {why}")).hint(
                "it must be a JSON object with `username`, `password`, `host`, `port` and `dbname`",
            )
        })
    }

    /// A document for a new password that keeps what others put there, as far as it can be read.
    #[must_use]
    pub fn with_password(&self, password: Password) -> SecretDocument {
        let text = self.text.as_ref().map_or("", |text| text.as_str());
        SecretDocument::in_place_of(text, password)
    }

    fn parse(&self) -> Result<SecretDocument, &'static str> {
        let text = self.text.as_ref().ok_or("it holds bytes instead of text")?;
        SecretDocument::parse(text)
    }
}

fn is_absent(error: &SdkError<GetSecretValueError>) -> bool {
    error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception())
}

fn value_of(answer: GetSecretValueOutput) -> Value {
    let version = answer.version_id.as_deref().and_then(VersionId::parse);
    Value { version, text: answer.secret_string.map(zeroize::Zeroizing::new) }
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
    let versions = ["AWSCURRENT", "AWSPENDING"].map(|label| labelled(facts.stages, label));
    let odd_version = versions.iter().find_map(|version| version.clone().err());
    let [current, pending] = versions.map(|version| version.ok().flatten());
    // Nothing is done with that one, so its id may have any form.
    let previous = labelled(facts.stages, "AWSPREVIOUS").ok().flatten();
    Secret {
        is_scheduled_for_deletion: facts.deleted,
        tags: facts.tags.iter().filter_map(pair).collect(),
        rotation_enabled: facts.rotation_enabled.unwrap_or(false),
        owning_service: facts.owning_service.map(str::to_owned),
        current,
        pending,
        previous,
        odd_version,
        unreadable: None,
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
    let born = id.born_by(Timestamp::now());
    Ok(Some(Version { id, born, content: Content::NotRead }))
}
