//! Writing. Every call may be repeated: the version's id is the request's token, and a move that an
//! unanswered call has made already is recognised.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::Tag;

use super::SecretsManager;
use super::error::from_sdk;
use crate::error::{Error, Result};
use crate::name::SecretName;
use crate::secret_document::SecretDocument;
use crate::version_id::VersionId;

impl SecretsManager {
    /// Creates a secret; the version becomes AWSCURRENT.
    ///
    /// # Errors
    /// The error of the call.
    pub async fn create(
        &self,
        name: &SecretName,
        version: &VersionId,
        document: &SecretDocument,
        tags: &BTreeMap<String, String>,
    ) -> Result<()> {
        let text = text_of(document)?;
        self.client
            .create_secret()
            .name(name.as_str())
            .client_request_token(version.as_str())
            .secret_string(text.as_str())
            .set_tags(Some(sdk_tags(tags)))
            .send()
            .await
            .map_err(|error| from_sdk("CreateSecret", name.as_str(), &error))?;
        Ok(())
    }

    /// Puts a version with the label AWSPENDING. There is no compare-and-swap for that, so it is looked at
    /// once more whether another program has begun a rotation since the plan was made.
    ///
    /// # Errors
    /// The error of the call, or whose label it would take away.
    pub async fn stage(
        &self,
        name: &SecretName,
        version: &VersionId,
        document: &SecretDocument,
    ) -> Result<()> {
        let text = text_of(document)?;
        self.refuse_another_rotation(name).await?;
        self.client
            .put_secret_value()
            .secret_id(name.as_str())
            .client_request_token(version.as_str())
            .secret_string(text.as_str())
            .version_stages("AWSPENDING")
            .send()
            .await
            .map_err(|error| from_sdk("PutSecretValue", name.as_str(), &error))?;
        Ok(())
    }

    async fn refuse_another_rotation(&self, name: &SecretName) -> Result<()> {
        let Some(secret) = self.describe(name.as_str()).await? else { return Ok(()) };
        let Some(pending) = secret.pending_of_another() else { return Ok(()) };
        let message = format!(
            "version {pending} of secret `{name}` became AWSPENDING since the plan was made, and is not ours"
        );
        Err(Error::new(message).hint("plan again; two programs must not set one password"))
    }

    /// Moves AWSCURRENT from one version to another. Naming the present holder makes it a
    /// compare-and-swap: the only one there is.
    ///
    /// # Errors
    /// The error of the call, unless AWSCURRENT is where it should be.
    pub async fn publish(
        &self,
        name: &SecretName,
        version: &VersionId,
        holder: &VersionId,
    ) -> Result<()> {
        let moved = self
            .client
            .update_secret_version_stage()
            .secret_id(name.as_str())
            .version_stage("AWSCURRENT")
            .move_to_version_id(version.as_str())
            .remove_from_version_id(holder.as_str())
            .send()
            .await;
        let Err(error) = moved else { return Ok(()) };
        let now = self.describe(name.as_str()).await?.and_then(|secret| secret.current);
        if now.is_some_and(|current| current.id == *version) {
            return Ok(());
        }
        Err(from_sdk("UpdateSecretVersionStage", name.as_str(), &error))
    }

    /// Takes AWSPENDING off a version.
    ///
    /// # Errors
    /// The error of the call, unless the label is gone.
    pub async fn clear_pending(&self, name: &SecretName, version: &VersionId) -> Result<()> {
        let removed = self
            .client
            .update_secret_version_stage()
            .secret_id(name.as_str())
            .version_stage("AWSPENDING")
            .remove_from_version_id(version.as_str())
            .send()
            .await;
        let Err(error) = removed else { return Ok(()) };
        let now = self.describe(name.as_str()).await?.and_then(|secret| secret.pending);
        if now.is_none_or(|pending| pending.id != *version) {
            return Ok(());
        }
        Err(from_sdk("UpdateSecretVersionStage", name.as_str(), &error))
    }

    /// Adds or changes tags.
    ///
    /// # Errors
    /// The error of the call.
    pub async fn tag(&self, name: &SecretName, tags: &BTreeMap<String, String>) -> Result<()> {
        self.client
            .tag_resource()
            .secret_id(name.as_str())
            .set_tags(Some(sdk_tags(tags)))
            .send()
            .await
            .map_err(|error| from_sdk("TagResource", name.as_str(), &error))?;
        Ok(())
    }

    /// Takes a secret out of its recovery window; its versions and labels come back with it.
    ///
    /// # Errors
    /// The error of the call, unless the secret is not scheduled for deletion.
    pub async fn restore(&self, name: &SecretName) -> Result<()> {
        let restored = self.client.restore_secret().secret_id(name.as_str()).send().await;
        let Err(error) = restored else { return Ok(()) };
        let now = self.describe(name.as_str()).await?;
        if now.is_some_and(|secret| !secret.is_scheduled_for_deletion) {
            return Ok(());
        }
        Err(from_sdk("RestoreSecret", name.as_str(), &error))
    }
}

fn text_of(document: &SecretDocument) -> Result<zeroize::Zeroizing<String>> {
    document.to_text().map_err(|_| Error::new("the secret's document cannot be written as JSON"))
}

fn sdk_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
