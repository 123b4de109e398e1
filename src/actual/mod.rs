//! What is there: facts read from PostgreSQL and Secrets Manager, with no judgement.

mod by_hand;
mod contents;
mod memberships;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::version_id::VersionId;
pub use contents::{AvailableExtension, Contents, DefaultPrivileges, ObjectName, Relation, Schema};
pub use memberships::Ways;

/// The state of the server and of the environment's secrets at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actual {
    /// The server itself.
    pub server: Server,
    /// All roles by name.
    pub roles: BTreeMap<String, Role>,
    /// All databases by name.
    pub databases: BTreeMap<String, Database>,
    /// The secrets under `goldenpath/<env>/`, by name, those scheduled for deletion included.
    pub secrets: BTreeMap<String, Secret>,
    /// The secret that we log in with.
    pub master: MasterSecret,
}

/// The master's secret. Nobody can write a comment on the master's role, so it is the login that says
/// which version its password is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MasterSecret {
    /// Its name.
    pub name: String,
    /// What there is to it, where it was listed or looked at.
    pub secret: Option<Secret>,
    /// The version that we logged in with, where its id has a known form.
    pub logged_in_with: Option<VersionId>,
    /// The label that let us in, where AWSCURRENT was refused.
    pub stands_in: Option<&'static str>,
}

/// The server, and who we are on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `server_version_num`, 150018 for 15.18.
    pub version: u32,
    /// The role we are logged in as.
    pub master: String,
    /// The `dbname` of the master's secret: the database that RDS made for the master.
    pub master_database: Option<String>,
    /// Where applications reach the server; it is written into their secrets.
    pub endpoint: Endpoint,
    /// The extensions that it could install, by name; read only if an entry asks for one.
    pub extensions: BTreeMap<String, AvailableExtension>,
}

impl Server {
    /// Whether roles are granted by PostgreSQL 16's rules: ADMIN OPTION needed, INHERIT and SET apart.
    #[must_use]
    pub fn has_strict_createrole(&self) -> bool {
        self.version >= 160_000
    }

    /// Whether schema `public` of a new database is closed to PUBLIC and belongs to
    /// `pg_database_owner` (PostgreSQL 15 release notes).
    #[must_use]
    pub fn has_closed_public_schema(&self) -> bool {
        self.version >= 150_000
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Endpoint {
    /// The host's name.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// One row of `pg_roles`, and what was found about its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// LOGIN.
    pub can_login: bool,
    /// CREATEDB.
    pub can_create_databases: bool,
    /// CREATEROLE.
    pub can_create_roles: bool,
    /// SUPERUSER, REPLICATION and BYPASSRLS as words: what only a superuser can take away.
    pub superuser_attributes: BTreeSet<&'static str>,
    /// CONNECTION LIMIT; -1 is none.
    pub connection_limit: i32,
    /// INHERIT. From PostgreSQL 16 on each membership says for itself whether its rights count.
    pub inherits: bool,
    /// Whether VALID UNTIL is set to something other than `infinity`.
    pub expires: bool,
    /// COMMENT ON ROLE.
    pub comment: Option<String>,
    /// What the master may do with the role.
    pub master: Membership,
    /// Who else was granted the role WITH ADMIN OPTION.
    pub administrators: BTreeSet<String>,
    /// The roles that this one was made a member of, and from PostgreSQL 16 on by whom: only a REVOKE …
    /// GRANTED BY these ends it.
    pub parents: BTreeMap<String, BTreeSet<String>>,
    /// The roles that this one is a member of, directly or through others.
    pub member_of: BTreeSet<String>,
    /// Whether its password in the secret was accepted: the version that the comment names, else AWSCURRENT.
    /// Tried only where no marker says which it is, and where it is to be reset.
    pub login: Login,
}

/// What the master may do with a role as its member, directly or through others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// ADMIN OPTION, of its own or of a role that it is a member of: ALTER ROLE and COMMENT need it from
    /// PostgreSQL 16 on.
    pub admin: bool,
    /// ADMIN OPTION, of its own or of a role whose privileges it inherits: GRANT takes no other.
    pub may_grant: bool,
    /// The role's privileges count without SET ROLE.
    pub inherit: bool,
    /// SET ROLE is allowed, and with it `OWNER` clauses that name the role.
    pub set: bool,
}

/// What came of logging in with a password in the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// There was no need to try.
    NotTried,
    /// The server took the password.
    Accepted,
    /// The server did not take it; its words.
    Refused(String),
    /// The server could not be asked; why.
    Failed(String),
}

/// One row of `pg_database`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// The owner's name.
    pub owner: String,
    /// ALLOW_CONNECTIONS.
    pub allows_connections: bool,
    /// `datconnlimit = -2`: what an interrupted DROP DATABASE leaves. No ALTER may be sent for it:
    /// the server answers FATAL and ends the session (measured on 14–18).
    pub is_invalid: bool,
    /// IS_TEMPLATE: every role with CREATEDB may copy it, and read all that is in it.
    pub is_template: bool,
    /// CONNECTION LIMIT; -1 is none.
    pub connection_limit: i32,
    /// The encoding's name.
    pub encoding: String,
    /// The privileges, PUBLIC's defaults written out where none were ever granted.
    pub privileges: BTreeMap<Grantee, BTreeSet<DatabasePrivilege>>,
    /// What PUBLIC holds by a grant of someone else than the owner, by whose: the owner's REVOKE does not
    /// take that away, and says nothing (PostgreSQL documentation, REVOKE).
    pub public_by_others: BTreeMap<String, BTreeSet<DatabasePrivilege>>,
    /// What other roles than the owner hold WITH GRANT OPTION by its grant.
    pub grant_options: BTreeMap<String, BTreeSet<DatabasePrivilege>>,
    /// What others than the owner granted, by whose: while it stands, the owner's REVOKE of that grant option
    /// fails (2BP01).
    pub passed_on: BTreeMap<String, BTreeSet<DatabasePrivilege>>,
    /// COMMENT ON DATABASE.
    pub comment: Option<String>,
    /// Schema `public` in it.
    pub public_schema: PublicSchema,
    /// What else is in it; read only where an entry asks for more than a database and its owner.
    pub contents: Option<Contents>,
    /// Why nothing in it could be read although it lets us in.
    pub stuck: Option<String>,
    /// Who owns something in it, superusers left out; known of `template1` and of databases that let
    /// nobody in.
    pub owners_inside: BTreeSet<String>,
}

impl Database {
    /// The privileges of one grantee.
    pub fn privileges_of(&self, grantee: &Grantee) -> impl Iterator<Item = DatabasePrivilege> {
        self.privileges.get(grantee).into_iter().flatten().copied()
    }

    /// Who owns something in it, beside the master and the owner.
    #[must_use]
    pub fn strangers<'a>(&'a self, master: &str, owner: &str) -> BTreeSet<&'a str> {
        strangers(&self.owners_inside, master, owner)
    }
}

/// Of those who own something in a database, the ones that are neither the master nor its owner.
#[must_use]
pub fn strangers<'a>(owners: &'a BTreeSet<String>, master: &str, owner: &str) -> BTreeSet<&'a str> {
    owners.iter().map(String::as_str).filter(|name| *name != master && *name != owner).collect()
}

/// Who holds a privilege.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// Everybody.
    Public,
    /// The role of this name.
    Role(String),
}

/// A privilege on a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DatabasePrivilege {
    /// CONNECT.
    Connect,
    /// CREATE (schemas and extensions).
    Create,
    /// TEMPORARY (tables).
    Temporary,
}

impl DatabasePrivilege {
    /// The keyword in GRANT and REVOKE.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Create => "CREATE",
            Self::Temporary => "TEMPORARY",
        }
    }
}

/// Schema `public` of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicSchema {
    /// The database was not connected to.
    NotRead,
    /// There is none.
    Absent,
    /// There is one.
    Present {
        /// Its owner.
        owner: String,
        /// The roles that may create objects in it by a grant of their own, and use it.
        creators: BTreeSet<String>,
        /// Whether PUBLIC may create objects in it.
        public_may_create: bool,
        /// Who let PUBLIC do so, where it is not the owner alone.
        public_by_other: Option<String>,
    },
}

/// One secret; never its password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// DeleteSecret was called, the recovery window is still open.
    pub is_scheduled_for_deletion: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// AWS rotates it with a Lambda function.
    pub rotation_enabled: bool,
    /// The AWS service that manages it.
    pub owning_service: Option<String>,
    /// The version labelled AWSCURRENT.
    pub current: Option<Version>,
    /// The version labelled AWSPENDING.
    pub pending: Option<Version>,
    /// The version labelled AWSPREVIOUS: a secret that was made anew has none.
    pub previous: Option<Version>,
    /// A labelled version whose id has an unknown form, so that no marker could name it.
    pub odd_version: Option<String>,
    /// Why it could not be looked at.
    pub unreadable: Option<String>,
}

impl Secret {
    /// The version with which another program rotates the secret. A label that a rotation left on the version
    /// that is current is none under way.
    #[must_use]
    pub fn pending_of_another(&self) -> Option<&VersionId> {
        let current = self.current.as_ref().map(|version| &version.id);
        let pending = self.pending.as_ref().map(|version| &version.id);
        pending.filter(|id| !id.is_ours() && Some(*id) != current)
    }

    /// The version of this id, where a label keeps it.
    #[must_use]
    pub fn labelled(&self, id: &VersionId) -> Option<&Version> {
        let versions = [&self.current, &self.pending, &self.previous].into_iter().flatten();
        versions.into_iter().find(|version| version.id == *id)
    }
}

/// A version of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// When its password came into being, where it is known: the id does not always say it, and some say
    /// a time that is to come.
    pub born: Option<Timestamp>,
    /// What stands in it.
    pub content: Content,
}

/// What stands in a version, beside the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// It was not read: the tags and the role's comment say all that is needed.
    NotRead,
    /// It was read.
    Connection(ConnectionFields),
    /// It was read and is not a secret of the known form; why.
    Malformed(String),
}

/// The fields of a secret by which an application finds its database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionFields {
    /// `username`.
    pub username: Option<String>,
    /// `host`.
    pub host: Option<String>,
    /// `port`, whether it was written as a number or as a string.
    pub port: Option<String>,
    /// `dbname`.
    pub dbname: Option<String>,
}
