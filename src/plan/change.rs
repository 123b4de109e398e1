//! The changes: a closed list.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::parts::{
    Connection, FuturePrivileges, ObjectPrivileges, PasswordSource, RoleAttributes,
};
use crate::actual::DatabasePrivilege;
use crate::name::{DatabaseName, ExtensionName, RoleName, SecretName};
use crate::version_id::VersionId;

/// A change to the server or to Secrets Manager. Each is one transaction or one API call, and leaves
/// something that the next reading sees; all but [`Change::EndSessions`], which is planned on request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Take a secret out of its recovery window.
    RestoreSecret {
        /// The secret.
        secret: SecretName,
    },
    /// Create a secret with a new password; the version becomes AWSCURRENT.
    CreateSecret {
        /// The secret.
        secret: SecretName,
        /// The id of its first version.
        version: VersionId,
        /// What applications read beside the password.
        connection: Connection,
        /// The tags it gets.
        tags: BTreeMap<String, String>,
    },
    /// Put a version as AWSPENDING.
    StageVersion {
        /// The secret.
        secret: SecretName,
        /// The id of the new version.
        version: VersionId,
        /// Where its password comes from.
        password: PasswordSource,
        /// What applications read beside the password.
        connection: Connection,
    },
    /// Make the master a member of a role, with its privileges and the right to SET ROLE.
    GrantMembership {
        /// The role.
        role: RoleName,
    },
    /// Create a login role.
    CreateRole {
        /// The role.
        role: RoleName,
        /// CREATEDB.
        createdb: bool,
        /// CONNECTION LIMIT.
        connection_limit: i32,
        /// The secret that its password is in.
        secret: SecretName,
        /// The version that its password is in.
        version: VersionId,
    },
    /// Change attributes of a role.
    AlterRole {
        /// The role.
        role: RoleName,
        /// Only those that differ.
        attributes: RoleAttributes,
    },
    /// Note in the role's comment which secret version its password came from.
    WriteMarker {
        /// The role.
        role: RoleName,
        /// The version.
        version: VersionId,
    },
    /// Create a database, closed to connections until it is isolated.
    CreateDatabase {
        /// The database.
        database: DatabaseName,
        /// Its owner.
        owner: RoleName,
    },
    /// Take privileges on a database from PUBLIC.
    RevokeFromPublic {
        /// The database; not always an application's.
        database: String,
        /// Its owner, as whom it is done.
        owner: String,
        /// The privileges.
        privileges: BTreeSet<DatabasePrivilege>,
    },
    /// Take from a role the right to pass its privileges on a database on; the privileges stay.
    RevokeGrantOption {
        /// The database.
        database: DatabaseName,
        /// Its owner, as whom it is done.
        owner: RoleName,
        /// Who holds the privileges.
        role: String,
        /// The privileges.
        privileges: BTreeSet<DatabasePrivilege>,
    },
    /// Grant CONNECT on a database.
    GrantConnect {
        /// The database.
        database: DatabaseName,
        /// Its owner, as whom it is done.
        owner: RoleName,
        /// The roles.
        to: BTreeSet<String>,
    },
    /// Give the owner of a database back what it owns it with.
    GrantToOwner {
        /// The database.
        database: DatabaseName,
        /// Its owner, as whom it is done.
        owner: RoleName,
        /// What it lacks, without CONNECT.
        privileges: BTreeSet<DatabasePrivilege>,
    },
    /// Write the database's marker comment.
    CommentOnDatabase {
        /// The database.
        database: DatabaseName,
    },
    /// Make a database that every role with CREATEDB may copy an ordinary one.
    UnmarkTemplate {
        /// The database; not always an entry's.
        database: String,
    },
    /// Take away the limit on a database's connections: its owner's role has one.
    LiftConnectionLimit {
        /// The database.
        database: DatabaseName,
    },
    /// Open a database to those who may connect.
    AllowConnections {
        /// The database.
        database: DatabaseName,
    },
    /// Give schema `public` to the owner of the database (PostgreSQL 14).
    OwnPublicSchema {
        /// The database.
        database: DatabaseName,
        /// The new owner.
        owner: RoleName,
    },
    /// Let the owner of the database use schema `public` and create in it.
    GrantPublicSchema {
        /// The database.
        database: DatabaseName,
        /// The schema's owner, as whom it is done.
        owner: String,
        /// The owner of the database.
        to: RoleName,
    },
    /// Take CREATE on schema `public` from PUBLIC.
    ClosePublicSchema {
        /// The database.
        database: DatabaseName,
        /// The schema's owner, as whom it is done.
        owner: String,
    },
    /// Install an extension, as the owner of the database.
    CreateExtension {
        /// The database.
        database: DatabaseName,
        /// Its owner, and so the extension's.
        owner: RoleName,
        /// The extension.
        extension: ExtensionName,
        /// Where its objects go, where the extension itself does not say it.
        schema: Option<&'static str>,
    },
    /// Grant privileges on objects of the database's owner.
    GrantPrivileges(ObjectPrivileges),
    /// Take privileges on objects of the database's owner.
    RevokePrivileges(ObjectPrivileges),
    /// Take from a role the right to pass its privileges on objects of the database's owner on; the
    /// privileges stay.
    RevokeGrantOptionInside(ObjectPrivileges),
    /// Grant privileges on what the database's owner will make.
    GrantDefaultPrivileges(FuturePrivileges),
    /// Take privileges on what the database's owner will make.
    RevokeDefaultPrivileges(FuturePrivileges),
    /// The same as [`Self::RevokeGrantOptionInside`] for what the database's owner will make.
    RevokeDefaultGrantOption(FuturePrivileges),
    /// Set the password of an existing role from a secret version, and the marker with it.
    SetPassword {
        /// The role.
        role: RoleName,
        /// The secret.
        secret: SecretName,
        /// The version.
        version: VersionId,
        /// The version that the role's password came from until now.
        replaces: Option<VersionId>,
    },
    /// Prove a login with a version, then move AWSCURRENT to it.
    PublishVersion {
        /// The secret.
        secret: SecretName,
        /// The version that becomes AWSCURRENT.
        version: VersionId,
        /// The version that is AWSCURRENT until then.
        replaces: VersionId,
        /// Who logs in.
        role: RoleName,
    },
    /// Take AWSPENDING off a version.
    ClearPending {
        /// The secret.
        secret: SecretName,
        /// The version.
        version: VersionId,
    },
    /// Put a version with a new password of the master as AWSPENDING; the other keys stay.
    StageMasterPassword {
        /// The master's secret.
        secret: SecretName,
        /// The id of the new version.
        version: VersionId,
    },
    /// Set the master's own password from a secret version.
    SetMasterPassword {
        /// The master.
        role: String,
        /// Its secret.
        secret: SecretName,
        /// The version.
        version: VersionId,
        /// The version that its password came from until now.
        replaces: VersionId,
    },
    /// Prove that the master logs in with a version, then move AWSCURRENT to it.
    PublishMasterPassword {
        /// The master's secret.
        secret: SecretName,
        /// The version that becomes AWSCURRENT.
        version: VersionId,
        /// The version that is AWSCURRENT until then.
        replaces: VersionId,
        /// The master.
        role: String,
    },
    /// End the sessions of a role that were opened before its password became AWSCURRENT.
    EndSessions {
        /// The role; the master's name need not be one of ours.
        role: String,
        /// The version that its password is from.
        version: VersionId,
    },
    /// Add or change tags of a secret.
    TagSecret {
        /// The secret.
        secret: SecretName,
        /// Only those that differ.
        tags: BTreeMap<String, String>,
    },
}

/// The part of apply in which a change is made. See [`Change::phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Secrets come into being before anything on the server uses them.
    Secrets,
    /// All roles before any database: each new membership makes the privilege checks of the whole
    /// session dear, once (measured).
    Roles,
    /// Databases.
    Databases,
    /// Privileges on databases, and opening them.
    Isolation,
    /// What is done inside a database.
    InDatabase,
    /// Passwords of existing roles and AWSCURRENT, entry by entry: between the two steps the
    /// old password is refused and the new one not yet current.
    Credentials,
}

impl Change {
    /// When the change is made.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::RestoreSecret { .. }
            | Self::CreateSecret { .. }
            | Self::StageVersion { .. }
            | Self::StageMasterPassword { .. } => Phase::Secrets,
            Self::GrantMembership { .. }
            | Self::CreateRole { .. }
            | Self::AlterRole { .. }
            | Self::WriteMarker { .. } => Phase::Roles,
            Self::CreateDatabase { .. } => Phase::Databases,
            Self::RevokeFromPublic { .. }
            | Self::RevokeGrantOption { .. }
            | Self::GrantConnect { .. }
            | Self::GrantToOwner { .. }
            | Self::CommentOnDatabase { .. }
            | Self::UnmarkTemplate { .. }
            | Self::LiftConnectionLimit { .. }
            | Self::AllowConnections { .. } => Phase::Isolation,
            Self::OwnPublicSchema { .. }
            | Self::GrantPublicSchema { .. }
            | Self::ClosePublicSchema { .. }
            | Self::CreateExtension { .. }
            | Self::GrantPrivileges(_)
            | Self::RevokePrivileges(_)
            | Self::RevokeGrantOptionInside(_)
            | Self::GrantDefaultPrivileges(_)
            | Self::RevokeDefaultPrivileges(_)
            | Self::RevokeDefaultGrantOption(_) => Phase::InDatabase,
            Self::SetPassword { .. }
            | Self::PublishVersion { .. }
            | Self::SetMasterPassword { .. }
            | Self::PublishMasterPassword { .. }
            | Self::ClearPending { .. }
            | Self::EndSessions { .. }
            | Self::TagSecret { .. } => Phase::Credentials,
        }
    }

    /// The change as one word, as in the audit and the JSON document.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RestoreSecret { .. } => "restore_secret",
            Self::CreateSecret { .. } => "create_secret",
            Self::StageVersion { .. } => "stage_version",
            Self::GrantMembership { .. } => "grant_membership",
            Self::CreateRole { .. } => "create_role",
            Self::AlterRole { .. } => "alter_role",
            Self::WriteMarker { .. } => "write_marker",
            Self::CreateDatabase { .. } => "create_database",
            Self::RevokeFromPublic { .. } => "revoke_from_public",
            Self::RevokeGrantOption { .. } => "revoke_grant_option",
            Self::GrantConnect { .. } => "grant_connect",
            Self::GrantToOwner { .. } => "grant_to_owner",
            Self::CommentOnDatabase { .. } => "comment_on_database",
            Self::UnmarkTemplate { .. } => "unmark_template",
            Self::LiftConnectionLimit { .. } => "lift_connection_limit",
            Self::AllowConnections { .. } => "allow_connections",
            Self::OwnPublicSchema { .. } => "own_public_schema",
            Self::GrantPublicSchema { .. } => "grant_public_schema",
            Self::ClosePublicSchema { .. } => "close_public_schema",
            Self::CreateExtension { .. } => "create_extension",
            Self::GrantPrivileges(_) => "grant_privileges",
            Self::RevokePrivileges(_) => "revoke_privileges",
            Self::RevokeGrantOptionInside(_) => "revoke_grant_option_inside",
            Self::GrantDefaultPrivileges(_) => "grant_default_privileges",
            Self::RevokeDefaultPrivileges(_) => "revoke_default_privileges",
            Self::RevokeDefaultGrantOption(_) => "revoke_default_grant_option",
            Self::SetPassword { .. } => "set_password",
            Self::PublishVersion { .. } => "publish_version",
            Self::ClearPending { .. } => "clear_pending",
            Self::StageMasterPassword { .. } => "stage_master_password",
            Self::SetMasterPassword { .. } => "set_master_password",
            Self::PublishMasterPassword { .. } => "publish_master_password",
            Self::EndSessions { .. } => "end_sessions",
            Self::TagSecret { .. } => "tag_secret",
        }
    }
}
