//! Secrets Manager's side of a secret: versions and labels.

use std::collections::BTreeMap;

use goldenpath_rds::actual::{ConnectionFields, Content, Secret, Version};
use goldenpath_rds::plan::{Connection, PasswordSource};
use goldenpath_rds::version_id::VersionId;
use jiff::Timestamp;

use super::super::generate::now;
use super::play::Played;
use super::{fields_of, new_password};

/// A secret.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub is_scheduled_for_deletion: bool,
    pub tags: BTreeMap<String, String>,
    pub rotation_enabled: bool,
    pub owning_service: Option<String>,
    pub versions: BTreeMap<VersionId, StoredVersion>,
    pub current: Option<VersionId>,
    pub pending: Option<VersionId>,
    pub previous: Option<VersionId>,
}

/// A version of a secret. Without fields it is malformed.
#[derive(Clone, Debug)]
pub struct StoredVersion {
    pub created: Timestamp,
    pub password: String,
    pub fields: Option<ConnectionFields>,
}

impl Stored {
    pub(super) fn listed(&self) -> Secret {
        let version = |id: &VersionId| Version {
            id: id.clone(),
            born: id.born_by(now()),
            content: Content::NotRead,
        };
        Secret {
            is_scheduled_for_deletion: self.is_scheduled_for_deletion,
            tags: self.tags.clone(),
            rotation_enabled: self.rotation_enabled,
            owning_service: self.owning_service.clone(),
            current: self.current.as_ref().map(version),
            pending: self.pending.as_ref().map(version),
            previous: self.previous.as_ref().map(version),
            odd_version: None,
            unreadable: None,
        }
    }

    pub(super) fn add(
        &mut self,
        id: &VersionId,
        password: String,
        connection: &Connection,
    ) -> Played {
        if self.versions.contains_key(id) {
            return Err(format!("version {id} exists"));
        }
        // Secrets Manager's clock is right.
        let created = id.born_by(now()).unwrap_or_else(now);
        let fields = Some(fields_of(connection));
        self.versions.insert(id.clone(), StoredVersion { created, password, fields });
        Ok(())
    }

    /// The label leaves the version that had it. A first version becomes AWSCURRENT as well (AWS API
    /// reference, PutSecretValue).
    pub(super) fn stage(
        &mut self,
        id: &VersionId,
        source: &PasswordSource,
        connection: &Connection,
    ) -> Played {
        let password = match source {
            PasswordSource::New => new_password(id),
            PasswordSource::CopyOf(from) => self.password_of(from)?,
        };
        self.add(id, password, connection)?;
        self.pending = Some(id.clone());
        if self.current.is_none() {
            self.current = Some(id.clone());
        }
        Ok(())
    }

    /// AWSPENDING stays where it is.
    pub(super) fn publish(&mut self, id: &VersionId, replaces: &VersionId) -> Played {
        if self.current.as_ref() != Some(replaces) {
            return Err(format!("AWSCURRENT is not on {replaces}"));
        }
        self.previous = self.current.replace(id.clone());
        Ok(())
    }

    /// A version without a label may be gone.
    pub(super) fn password_of(&self, id: &VersionId) -> Result<String, String> {
        let labelled = [&self.current, &self.pending].into_iter().flatten().any(|held| held == id);
        match self.versions.get(id) {
            Some(version) if labelled && version.fields.is_some() => Ok(version.password.clone()),
            Some(_) | None => Err(format!("version {id} cannot be read")),
        }
    }
}

impl StoredVersion {
    pub(super) fn content(&self) -> Content {
        match &self.fields {
            Some(fields) => Content::Connection(fields.clone()),
            None => Content::Malformed("it has no `password`".to_owned()),
        }
    }
}
