//! The plan: what will be done, in order, and what stands in the way. Data only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::actual::{DatabasePrivilege, Endpoint};
use crate::name::{DatabaseName, EntryKey, Environment, RoleName, SecretName};
use crate::version_id::VersionId;

/// Everything that `diff` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The environment.
    pub environment: Environment,
    /// The server.
    pub endpoint: Endpoint,
    /// How many entries were compared.
    pub entries: usize,
    /// What will be done, in this order.
    pub steps: Vec<Step>,
    /// What needs a person; each holds up its own entry only.
    pub obstacles: Vec<Obstacle>,
    /// What carries our marker or tag and is in no variable file. It is never touched.
    pub unclaimed: Vec<Unclaimed>,
    /// What the reader should know.
    pub notes: Vec<Note>,
}

/// One change and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The entry that asks for it; `None` for the server itself.
    pub entry: Option<EntryKey>,
    /// What will be done.
    #[serde(flatten)]
    pub change: Change,
    /// Why, for the reader.
    pub reason: String,
}

/// A change to the server or to Secrets Manager. Each is one transaction or one API call, and leaves
/// something that the next reading sees.
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
        /// The privileges.
        privileges: BTreeSet<DatabasePrivilege>,
    },
    /// Grant CONNECT on a database.
    GrantConnect {
        /// The database.
        database: DatabaseName,
        /// The roles.
        to: BTreeSet<String>,
    },
    /// Write the database's marker comment.
    CommentOnDatabase {
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
    /// Take CREATE on schema `public` from PUBLIC.
    ClosePublicSchema {
        /// The database.
        database: DatabaseName,
    },
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
            Self::RestoreSecret { .. } | Self::CreateSecret { .. } | Self::StageVersion { .. } => {
                Phase::Secrets
            }
            Self::GrantMembership { .. }
            | Self::CreateRole { .. }
            | Self::AlterRole { .. }
            | Self::WriteMarker { .. } => Phase::Roles,
            Self::CreateDatabase { .. } => Phase::Databases,
            Self::RevokeFromPublic { .. }
            | Self::GrantConnect { .. }
            | Self::CommentOnDatabase { .. }
            | Self::AllowConnections { .. } => Phase::Isolation,
            Self::OwnPublicSchema { .. } | Self::ClosePublicSchema { .. } => Phase::InDatabase,
            Self::SetPassword { .. }
            | Self::PublishVersion { .. }
            | Self::ClearPending { .. }
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
            Self::GrantConnect { .. } => "grant_connect",
            Self::CommentOnDatabase { .. } => "comment_on_database",
            Self::AllowConnections { .. } => "allow_connections",
            Self::OwnPublicSchema { .. } => "own_public_schema",
            Self::ClosePublicSchema { .. } => "close_public_schema",
            Self::SetPassword { .. } => "set_password",
            Self::PublishVersion { .. } => "publish_version",
            Self::ClearPending { .. } => "clear_pending",
            Self::TagSecret { .. } => "tag_secret",
        }
    }
}

/// Where the password of a staged version comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordSource {
    /// It is generated.
    New,
    /// It is the one of this version.
    CopyOf(VersionId),
}

/// What a secret tells an application beside the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// `username`.
    pub username: RoleName,
    /// `dbname`.
    pub dbname: DatabaseName,
    /// `host` and `port`.
    pub endpoint: Endpoint,
}

/// Attributes of a role that differ from what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoleAttributes {
    /// LOGIN or NOLOGIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<bool>,
    /// CREATEDB or NOCREATEDB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub createdb: Option<bool>,
    /// CREATEROLE or NOCREATEROLE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub createrole: Option<bool>,
    /// CONNECTION LIMIT; -1 is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_limit: Option<i32>,
    /// VALID UNTIL 'infinity'.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub never_expires: bool,
}

impl RoleAttributes {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for RoleAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keyword = |value: Option<bool>, on: &'static str, off: &'static str| {
            value.map(|value| (if value { on } else { off }).to_owned())
        };
        let words = [
            keyword(self.login, "LOGIN", "NOLOGIN"),
            keyword(self.createdb, "CREATEDB", "NOCREATEDB"),
            keyword(self.createrole, "CREATEROLE", "NOCREATEROLE"),
            self.connection_limit.map(|limit| format!("CONNECTION LIMIT {limit}")),
            self.never_expires.then(|| "VALID UNTIL 'infinity'".to_owned()),
        ];
        f.write_str(&words.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

/// Something that needs a person. It holds up its entry; the other entries go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// The entry that is held up; `None` for the server itself.
    pub entry: Option<EntryKey>,
    /// What is in the way.
    pub kind: ObstacleKind,
    /// What is in the way, in words.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// The kinds of obstacle, for programs that read the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObstacleKind {
    /// A name that belongs to the master or to the server.
    ReservedName,
    /// The role carries another environment's marker.
    OtherEnvironment,
    /// The role was made by someone else, and nothing proves its password.
    ForeignRole,
    /// The role has an attribute that only a superuser can take away.
    PrivilegedRole,
    /// The role is in `rds_iam`: it logs in with IAM tokens, passwords are refused.
    IamRole,
    /// The master lacks ADMIN OPTION on the role (PostgreSQL 16 and later).
    NoAdminOption,
    /// The role's password is newer than the secret.
    OlderSecret,
    /// The database belongs to another role.
    WrongOwner,
    /// The database is what an interrupted DROP DATABASE left.
    InvalidDatabase,
    /// Schema `public` belongs to a role that the master has no rights of.
    ForeignSchema,
    /// The secret is rotated or owned by an AWS service, or by another program.
    ForeignSecret,
    /// The secret is not a JSON object with a password.
    MalformedSecret,
}

/// Something marked as ours that no variable file has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Unclaimed {
    /// A role.
    Role(String),
    /// A database.
    Database(String),
    /// A secret.
    Secret(String),
}

/// Something the reader should know that calls for no step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Note {
    /// The map has no entries.
    NoEntries,
    /// PUBLIC may connect to these databases of the server, so every tenant can.
    ServerIsOpen {
        /// The databases.
        databases: BTreeSet<String>,
    },
    /// A database whose encoding is not UTF8; it cannot be changed in place.
    Encoding {
        /// The database.
        database: DatabaseName,
        /// Its encoding.
        encoding: String,
    },
    /// A database that allows no connections, so that what is inside it could not be read.
    NotRead {
        /// The database.
        database: DatabaseName,
    },
    /// `--reset-password` named an entry whose password is known to be right.
    NothingToReset {
        /// The entry.
        entry: EntryKey,
    },
}
