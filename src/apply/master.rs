//! The master changes its own password. At any moment one of the labelled versions of its secret logs
//! in: AWSCURRENT until the password is set, AWSPENDING until AWSCURRENT has moved, then both.

use std::sync::Arc;

use super::Effects;
use crate::error::{Error, Result};
use crate::name::SecretName;
use crate::password::Password;
use crate::postgres::MAINTENANCE_DATABASE;
use crate::secrets_manager::Which;
use crate::sql;
use crate::version_id::VersionId;

impl Effects<'_> {
    /// All keys of the secret but the password stay: there may be more than ours.
    pub(super) async fn stage_master_password(
        &self,
        secret: &SecretName,
        version: &VersionId,
    ) -> Result<()> {
        let mut document = self.secrets.document(secret.as_str(), Which::Current).await?;
        document.password = Password::generate()?;
        self.secrets.stage(secret, version, &document).await
    }

    /// The session goes on; connections opened from here on need the new password.
    pub(super) async fn set_master_password(
        &self,
        secret: &SecretName,
        version: &VersionId,
    ) -> Result<()> {
        let password = self.password(secret, version).await?;
        let sql = sql::set_own_password(&password.verifier()?);
        self.hand_over(version, &sql).await?;
        self.handovers.set(version, None);
        self.master_password.replace(Arc::new(password));
        Ok(())
    }

    /// Where an earlier run has set the password, we are logged in with it.
    pub(super) async fn publish_master_password(
        &self,
        secret: &SecretName,
        version: &VersionId,
        replaces: &VersionId,
    ) -> Result<()> {
        self.handovers.before_publishing(version);
        let password = if self.handovers.is_uncertain(version) {
            Arc::new(self.password(secret, version).await?)
        } else {
            self.master_password.get()
        };
        let user = self.server.master.as_str();
        self.prove(version, user, &password, MAINTENANCE_DATABASE).await.map_err(|missing| {
            Error::new(format!("the master cannot log in with version {version}: {}", missing.why))
        })?;
        self.master_password.replace(password);
        self.secrets.publish(secret, version, replaces).await?;
        self.handovers.published(version);
        Ok(())
    }
}
