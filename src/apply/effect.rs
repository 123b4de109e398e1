//! One step's effect. Everything was decided in the plan.

use super::handover::Handovers;
use crate::actual::Server;
use crate::desired::{Desired, Entry};
use crate::error::{Error, Result};
use crate::marker::Marker;
use crate::name::SecretName;
use crate::password::{MasterPassword, Password};
use crate::plan::{Change, Connection, PasswordSource, Step};
use crate::postgres::{
    Access, Connector, LoginOutcome, Session, SessionsOf, end_sessions, try_login,
};
use crate::secret_document::SecretDocument;
use crate::secrets_manager::{SecretsManager, Which};
use crate::sql::{self, Taken};
use crate::version_id::VersionId;

/// What effects are made with.
pub struct Effects<'a> {
    /// The entries, for their names.
    pub desired: &'a Desired,
    /// The server.
    pub server: &'a Server,
    /// The session that holds the lock.
    pub session: &'a Session,
    /// For connections to other databases.
    pub connector: &'a Connector,
    /// The master's password.
    pub master_password: &'a MasterPassword,
    /// The secrets.
    pub secrets: &'a SecretsManager,
    /// Passwords on their way to AWSCURRENT.
    pub handovers: Handovers,
}

/// What came of logging in as an application would.
pub enum Proof {
    /// It got in.
    Given,
    /// It did not; a moment later it may.
    Missing(Error),
    /// The server, or its database, could not be asked.
    NotAsked(Error),
}

impl Effects<'_> {
    /// Carries one step out.
    pub(super) async fn carry_out(&self, step: &Step) -> Result<()> {
        // To move AWSCURRENT is a compare-and-swap, which needs no lock.
        if self.session.is_lost() && !self.ends_lockout(&step.change) {
            let message = "the connection that holds the lock was lost, so nothing more is done";
            return Err(Error::new(message));
        }
        match &step.change {
            Change::RestoreSecret { secret } => self.secrets.restore(secret).await,
            Change::CreateSecret { secret, version, connection, tags } => {
                let document = SecretDocument::new(Password::generate()?, connection);
                self.secrets.create(secret, version, &document, tags).await
            }
            Change::StageVersion { secret, version, password, connection } => {
                self.stage(secret, version, password, connection).await
            }
            Change::GrantMembership { role } => {
                self.session.execute(&sql::grant_membership(self.server, role)).await
            }
            Change::CreateRole { role, createdb, connection_limit, secret, version } => {
                let verifier = self.password(secret, version).await?.verifier()?;
                let marker = self.marker(step, version)?;
                let (createdb, limit) = (*createdb, *connection_limit);
                let sql = sql::create_role(self.server, role, createdb, limit, &verifier, &marker);
                self.session.execute(&sql).await
            }
            Change::AlterRole { role, attributes } => {
                self.session.execute(&sql::alter_role(role, attributes)).await
            }
            Change::WriteMarker { role, version } => {
                let marker = self.marker(step, version)?;
                self.session.execute(&sql::comment_on_role(role, &marker)).await
            }
            Change::CreateDatabase { database, owner } => {
                self.session.execute(&sql::create_database(self.server, database, owner)).await?;
                self.refuse_what_others_put_in(database, owner).await
            }
            Change::RevokeFromPublic { database, owner, privileges } => {
                self.session.execute(&sql::revoke_from_public(database, owner, privileges)).await
            }
            Change::RevokeGrantOption { database, owner, role, privileges } => {
                let sql = sql::revoke_grant_option(database, owner, role, privileges);
                self.session.execute(&sql).await
            }
            Change::GrantConnect { database, owner, to } => {
                self.session.execute(&sql::grant_connect(database, owner, to)).await
            }
            Change::GrantToOwner { database, owner, privileges } => {
                self.session.execute(&sql::grant_to_owner(database, owner, privileges)).await
            }
            Change::CommentOnDatabase { database } => {
                let comment = self.entry(step)?.database_comment(&self.desired.environment);
                self.session.execute(&sql::comment_on_database(database, &comment)).await
            }
            Change::UnmarkTemplate { database } => {
                self.session.execute(&sql::unmark_template(database)).await
            }
            Change::LiftConnectionLimit { database } => {
                self.session.execute(&sql::lift_connection_limit(database)).await
            }
            Change::AllowConnections { database } => {
                self.session.execute(&sql::allow_connections(database)).await
            }
            Change::OwnPublicSchema { database, owner } => {
                self.execute_in(database.as_str(), &sql::own_public_schema(owner)).await
            }
            Change::GrantPublicSchema { database, owner, to } => {
                let sql = sql::as_role(owner, &sql::grant_public_schema(to));
                self.execute_in(database.as_str(), &sql).await
            }
            Change::ClosePublicSchema { database, owner } => {
                self.execute_in(database.as_str(), &sql::close_public_schema(owner)).await
            }
            Change::CreateExtension { database, owner, extension, schema } => {
                let sql = sql::create_extension(owner, extension, *schema);
                self.execute_in(database.as_str(), &sql).await
            }
            Change::GrantPrivileges(to) => self.execute_in(&to.database, &sql::grant(to)).await,
            Change::RevokePrivileges(from) => {
                self.execute_in(&from.database, &sql::revoke(Taken::Privileges, from)).await
            }
            Change::RevokeGrantOptionInside(from) => {
                self.execute_in(&from.database, &sql::revoke(Taken::GrantOption, from)).await
            }
            Change::GrantDefaultPrivileges(to) => {
                self.execute_in(&to.database, &sql::grant_default(to)).await
            }
            Change::RevokeDefaultPrivileges(from) => {
                let sql = sql::revoke_default(Taken::Privileges, from);
                self.execute_in(&from.database, &sql).await
            }
            Change::RevokeDefaultGrantOption(from) => {
                let sql = sql::revoke_default(Taken::GrantOption, from);
                self.execute_in(&from.database, &sql).await
            }
            Change::SetPassword { role, secret, version, replaces: _ } => {
                let password = self.password(secret, version).await?;
                let marker = self.marker(step, version)?;
                let sql = sql::set_password(role, &password.verifier()?, &marker);
                self.hand_over(version, &sql).await?;
                self.handovers.set(version, Some(password));
                Ok(())
            }
            Change::PublishVersion { secret, version, replaces, role: _ } => {
                self.handovers.before_publishing(version);
                self.prove_password(self.entry(step)?, version).await?;
                self.secrets.publish(secret, version, replaces).await?;
                self.handovers.published(version);
                Ok(())
            }
            Change::StageMasterPassword { secret, version } => {
                self.stage_master_password(secret, version).await
            }
            Change::SetMasterPassword { secret, version, role: _, replaces: _ } => {
                self.set_master_password(secret, version).await
            }
            Change::PublishMasterPassword { secret, version, replaces, role: _ } => {
                self.publish_master_password(secret, version, replaces).await
            }
            Change::ClearPending { secret, version } => {
                self.secrets.clear_pending(secret, version).await
            }
            Change::EndSessions { role, version } => self.end_sessions(role, version).await,
            Change::TagSecret { secret, tags } => self.secrets.tag(secret, tags).await,
        }
    }

    /// Sends a statement that sets a password.
    pub(super) async fn hand_over(&self, version: &VersionId, sql: &str) -> Result<()> {
        self.handovers.sent(version);
        let answer = self.session.execute(sql).await;
        if answer.is_err() && !self.session.is_lost() {
            self.handovers.not_set(version);
        }
        answer
    }

    /// Proves that the password is the role's. An application that holds all connections that the role
    /// may have does not keep its next password from becoming current.
    async fn prove_password(&self, entry: &Entry, version: &VersionId) -> Result<()> {
        let password = match self.handovers.take_password(version) {
            Some(password) => password,
            None => self.password(&entry.secret, version).await?,
        };
        let (user, database) = (entry.username.as_str(), entry.database.as_str());
        self.prove(version, user, &password, database).await.map_err(|missing| {
            let error = no_login(entry, &missing.why);
            if !missing.is_refusal {
                return error;
            }
            error.hint(format!(
                "somebody gave the role another password: `goldenpath-rds apply --env {} --reset-password {}` gives the role a new password",
                self.desired.environment, entry.key
            ))
        })
    }

    /// Logs in as an application would: with what the secret says. One that holds all connections that
    /// its role may have got in.
    pub async fn prove_login(&self, entry: &Entry, which: Which<'_>) -> Proof {
        match self.try_secret(entry, which).await {
            Ok(LoginOutcome::Accepted | LoginOutcome::AtLimit) => Proof::Given,
            Ok(LoginOutcome::Refused(why) | LoginOutcome::TurnedAway(why)) => {
                Proof::Missing(no_login(entry, &why))
            }
            Ok(LoginOutcome::Failed(why)) => Proof::NotAsked(no_login(entry, &why)),
            Err(error) => Proof::Missing(error),
        }
    }

    async fn try_secret(&self, entry: &Entry, which: Which<'_>) -> Result<LoginOutcome> {
        let document = self.secrets.document(entry.secret.as_str(), which).await?;
        Ok(self.try_password(entry, &document.password).await)
    }

    async fn try_password(&self, entry: &Entry, password: &Password) -> LoginOutcome {
        let (user, database) = (entry.username.as_str(), entry.database.as_str());
        try_login(self.connector, user, password, database).await
    }

    async fn end_sessions(&self, role: &str, version: &VersionId) -> Result<()> {
        let Some(older_than) = self.handovers.age(version) else { return Ok(()) };
        let count = end_sessions(self.session, &SessionsOf { role, older_than }).await?;
        self.handovers.ended_sessions(version, count);
        Ok(())
    }

    async fn stage(
        &self,
        secret: &SecretName,
        version: &VersionId,
        password: &PasswordSource,
        connection: &Connection,
    ) -> Result<()> {
        let document = match password {
            PasswordSource::New => self.document_with_new_password(secret, connection).await?,
            PasswordSource::CopyOf(source) => {
                let which = Which::Version(source);
                let mut document = self.secrets.document(secret.as_str(), which).await?;
                document.set_connection(connection);
                document
            }
        };
        self.secrets.stage(secret, version, &document).await
    }

    /// Keys that others put into the secret stay, also where somebody spoiled the password beside them.
    async fn document_with_new_password(
        &self,
        secret: &SecretName,
        connection: &Connection,
    ) -> Result<SecretDocument> {
        let password = Password::generate()?;
        let current = self.secrets.describe(secret.as_str()).await?.and_then(|found| found.current);
        let Some(current) = current else { return Ok(SecretDocument::new(password, connection)) };
        let value = self.secrets.value(secret.as_str(), Which::Version(&current.id)).await?;
        let mut document = value.with_password(password);
        document.set_connection(connection);
        Ok(document)
    }

    /// A password that is durable: it is read back from where applications read it.
    pub(super) async fn password(
        &self,
        secret: &SecretName,
        version: &VersionId,
    ) -> Result<Password> {
        let document = self.secrets.document(secret.as_str(), Which::Version(version)).await?;
        Ok(document.password)
    }

    fn marker(&self, step: &Step, version: &VersionId) -> Result<Marker> {
        Ok(Marker {
            environment: self.desired.environment.clone(),
            entry: self.entry(step)?.key.clone(),
            version: Some(version.clone()),
        })
    }

    fn entry(&self, step: &Step) -> Result<&Entry> {
        let entry = step.entry.as_ref().and_then(|key| self.desired.entries.get(key));
        entry.ok_or_else(|| Error::new(format!("step `{}` has no entry", step.change.name())))
    }

    async fn execute_in(&self, database: &str, sql: &str) -> Result<()> {
        let (user, password) = (self.server.master.as_str(), self.master_password.get());
        let session = self.connector.connect(user, &password, database, Access::Write).await?;
        session.execute(sql).await
    }
}

fn no_login(entry: &Entry, why: &str) -> Error {
    Error::new(format!("role \"{}\" cannot log in with its secret: {why}", entry.username))
}
