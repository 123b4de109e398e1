//! The plan: what will be done, in order, and what stands in the way. Data only.

mod change;
mod parts;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::access::Privilege;
use crate::actual::{Actual, DatabasePrivilege, Endpoint};
use crate::desired::Desired;
use crate::name::{DatabaseName, EntryKey, Environment, RoleName};
pub use change::{Change, Phase};
pub use parts::{Connection, FuturePrivileges, ObjectPrivileges, PasswordSource, RoleAttributes};

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

impl Plan {
    /// A plan of nothing yet.
    #[must_use]
    pub fn empty(desired: &Desired, actual: &Actual, entries: usize) -> Self {
        Self {
            environment: desired.environment.clone(),
            endpoint: actual.server.endpoint.clone(),
            entries,
            steps: Vec::new(),
            obstacles: Vec::new(),
            unclaimed: Vec::new(),
            notes: Vec::new(),
        }
    }
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

/// Something that needs a person. It holds up its entry, but for a password that is on its way already where
/// only the database is concerned; the other entries go on.
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
    /// The server could not be asked whether the password in the secret is the role's.
    LoginNotTried,
    /// The role has an attribute that only a superuser can take away, or the master's own rights.
    PrivilegedRole,
    /// The role is in `rds_iam`: it logs in with IAM tokens, passwords are refused.
    IamRole,
    /// The master lacks ADMIN OPTION on the role (PostgreSQL 16 and later).
    NoAdminOption,
    /// The role's password is newer than the secret.
    OlderSecret,
    /// The database belongs to another role.
    WrongOwner,
    /// PUBLIC holds privileges on the database, or on its schema `public`, by a grant of someone else than
    /// its owner.
    ForeignGrant,
    /// The role granted others what it is to lose.
    PassedOn,
    /// The database is what an interrupted DROP DATABASE left.
    InvalidDatabase,
    /// The template of new databases, or a copy of it that nobody entered yet, holds something of another
    /// role (PostgreSQL 14).
    ForeignTemplate,
    /// Somebody holds locks on the catalogs of the database, so that nothing in it can be read.
    Stuck,
    /// An extension is not on the server, or only a superuser may create it.
    Extension,
    /// The entry of the database's owner is held up, and this one needs the database.
    OwnerHeldUp,
    /// Schema `public` belongs to a role that the master has no rights of.
    ForeignSchema,
    /// The secret is rotated or owned by an AWS service, or by another program.
    ForeignSecret,
    /// The secret may not be looked at, or cannot be decrypted.
    UnreadableSecret,
    /// The secret is not a JSON object with a password.
    MalformedSecret,
    /// A rotation was asked for, and the role may not log in, so that no password could be proved.
    CannotLogIn,
    /// A rotation was asked for, and there is no role yet whose password it could be.
    NothingToRotate,
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
    /// A database that does not let us in, so that what is inside it could not be read.
    NotRead {
        /// The database.
        database: DatabaseName,
    },
    /// A rotation of what is due was asked for, and nothing is.
    NothingDue,
    /// A rotation was begun and cut off; the plan finishes it.
    UnfinishedRotation {
        /// The entry; `None` for the master.
        entry: Option<EntryKey>,
        /// Whose password it is.
        role: String,
        /// When the new password was staged, where that is known.
        since: Option<Timestamp>,
    },
    /// A rotation was begun and cut off, and an obstacle keeps the plan from finishing it.
    RotationHeldUp {
        /// The entry; `None` for the master.
        entry: Option<EntryKey>,
        /// Whose password it is.
        role: String,
        /// When the new password was staged, where that is known.
        since: Option<Timestamp>,
    },
    /// A role that no entry of the database names holds privileges on it.
    OtherAccess {
        /// The database.
        database: DatabaseName,
        /// The role.
        role: String,
        /// What it holds.
        privileges: BTreeSet<DatabasePrivilege>,
    },
    /// Somebody without an entry for the database holds privileges on what its owner made in it.
    OtherAccessInside {
        /// The database.
        database: DatabaseName,
        /// The role; `None` for PUBLIC, of which only what readers do not have anyway is told.
        role: Option<String>,
        /// What it holds.
        privileges: BTreeSet<Privilege>,
        /// On how many schemas, tables and sequences.
        objects: usize,
        /// What it will hold on future ones.
        future: BTreeSet<Privilege>,
    },
    /// Somebody else's schema `public` in which the owner of the database may not create.
    PublicSchemaClosedToOwner {
        /// The database.
        database: DatabaseName,
        /// Whose the schema is.
        owner: String,
        /// The owner of the database.
        role: RoleName,
    },
    /// A schema that the owner of the database may not use, so that it can grant nothing in it.
    UnusableSchema {
        /// The database.
        database: DatabaseName,
        /// The schema.
        schema: String,
    },
    /// A role without an entry may pass on what it holds on a database.
    GrantOption {
        /// The database.
        database: DatabaseName,
        /// The role.
        role: String,
        /// What it may pass on.
        privileges: BTreeSet<DatabasePrivilege>,
    },
    /// A role has the rights of other roles, and one of the two is an entry's.
    Memberships {
        /// The member.
        role: String,
        /// The other roles.
        of: BTreeSet<String>,
    },
    /// `--reset-password` named an entry whose password logs in.
    NothingToReset {
        /// The entry.
        entry: EntryKey,
    },
}
