//! A server and a Secrets Manager in memory: what each change does to them, and what a reading shows.
//!
//! `Err` is what the real ones would refuse: a plan must not hold such a step.

use std::collections::{BTreeMap, BTreeSet};

use goldenpath_rds::actual::{
    Actual, ConnectionFields, Content, Database, DatabasePrivilege, Grantee, Login, Membership,
    PublicSchema, Role, Secret, Server, Version,
};
use goldenpath_rds::desired::{Desired, Entry};
use goldenpath_rds::diff::diff;
use goldenpath_rds::marker::Marker;
use goldenpath_rds::name::{EntryKey, RoleName, SecretName};
use goldenpath_rds::new_versions::NewVersions;
use goldenpath_rds::plan::{Change, Connection, PasswordSource, Plan, RoleAttributes, Step};
use goldenpath_rds::version_id::VersionId;
use jiff::Timestamp;

/// All that there is, the passwords and what is inside the databases included.
#[derive(Clone, Debug)]
pub struct World {
    pub server: Server,
    pub roles: BTreeMap<String, Role>,
    /// The password of each role, by the role's name.
    pub passwords: BTreeMap<String, String>,
    /// `public_schema` is what stands in them, whether or not a reading gets that far.
    pub databases: BTreeMap<String, Database>,
    pub secrets: BTreeMap<String, Stored>,
}

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
}

/// A version of a secret. Without fields it is malformed.
#[derive(Clone, Debug)]
pub struct StoredVersion {
    pub created: Timestamp,
    pub password: String,
    pub fields: Option<ConnectionFields>,
}

type Played = Result<(), String>;

impl World {
    /// Reads and compares as `plan` does.
    pub fn plan(&self, desired: &Desired, new: &NewVersions) -> Plan {
        diff(desired, &self.read(desired, new), new)
    }

    /// What a reading shows: the list first, then what a draft of the plan leaves open.
    pub fn read(&self, desired: &Desired, new: &NewVersions) -> Actual {
        let listed = |(name, secret): (&String, &Stored)| (name.clone(), secret.listed());
        let mut actual = Actual {
            server: self.server.clone(),
            roles: self.roles.clone(),
            databases: self.visible_databases(desired),
            secrets: self.secrets.iter().map(listed).collect(),
        };
        let draft = diff(desired, &actual, new);
        for entry in desired.entries.values() {
            let key = Some(&entry.key);
            if draft.steps.iter().any(|step| step.entry.as_ref() == key)
                || draft.obstacles.iter().any(|obstacle| obstacle.entry.as_ref() == key)
            {
                self.look_closer(entry, &mut actual);
            }
        }
        actual
    }

    fn look_closer(&self, entry: &Entry, actual: &mut Actual) {
        let Some(stored) = self.secrets.get(entry.secret.as_str()) else { return };
        if stored.is_scheduled_for_deletion {
            return;
        }
        let mut secret = stored.listed();
        let vouched = vouched(entry, &self.server, &secret.tags);
        for version in [&mut secret.current, &mut secret.pending].into_iter().flatten() {
            let stored = &stored.versions[&version.id];
            version.born = version.born.or(Some(stored.created));
            if !vouched {
                version.content = stored.content();
            }
        }
        let unmarked = |role: &&mut Role| {
            role.comment.as_deref().and_then(Marker::parse).and_then(|m| m.version).is_none()
        };
        if let Some(role) = actual.roles.get_mut(entry.username.as_str()).filter(unmarked)
            && let Some(current) = &secret.current
            && !matches!(current.content, Content::Malformed(_))
        {
            role.login = self.login(entry.username.as_str(), &stored.versions[&current.id]);
        }
        actual.secrets.insert(entry.secret.to_string(), secret);
    }

    fn visible_databases(&self, desired: &Desired) -> BTreeMap<String, Database> {
        let mut databases = self.databases.clone();
        for (name, database) in &mut databases {
            let asked = desired.entries.values().any(|entry| entry.database.as_str() == name);
            let open = database.allows_connections && !database.is_invalid;
            if !(asked && open && self.master_may(database, DatabasePrivilege::Connect)) {
                database.public_schema = PublicSchema::NotRead;
            }
        }
        databases
    }

    /// An expired role and one without LOGIN are refused whatever the password.
    fn login(&self, role: &str, version: &StoredVersion) -> Login {
        match self.roles.get(role) {
            Some(found)
                if found.can_login
                    && !found.expires
                    && self.passwords.get(role) == Some(&version.password) =>
            {
                Login::Accepted
            }
            Some(_) | None => Login::Refused("password authentication failed".to_owned()),
        }
    }

    /// Whether the password of the entry's role stands in AWSCURRENT or AWSPENDING.
    pub fn password_stands_in(&self, entry: &Entry, labels: &[Label]) -> bool {
        let password = self.passwords.get(entry.username.as_str());
        let Some(secret) = self.secrets.get(entry.secret.as_str()) else { return false };
        labels.iter().any(|label| {
            let id = match label {
                Label::Current => &secret.current,
                Label::Pending => &secret.pending,
            };
            id.as_ref().is_some_and(|id| password == Some(&secret.versions[id].password))
        })
    }

    /// Whether the role's password is that of the version in its comment.
    pub fn marker_is_true(&self, entry: &Entry) -> bool {
        let role = self.roles.get(entry.username.as_str());
        let marker = role.and_then(|role| Marker::parse(role.comment.as_deref()?));
        let secret = self.secrets.get(entry.secret.as_str());
        let version = marker.and_then(|marker| secret?.versions.get(&marker.version?));
        let password = self.passwords.get(entry.username.as_str());
        version.is_none_or(|version| password == Some(&version.password))
    }

    /// Does what a step does.
    pub fn play(&mut self, desired: &Desired, step: &Step) -> Played {
        let entry = step.entry.as_ref().and_then(|key| desired.entries.get(key));
        let marker = |version: &VersionId| Marker {
            environment: desired.environment.clone(),
            entry: entry.map_or_else(no_key, |entry| entry.key.clone()),
            version: Some(version.clone()),
        };
        match &step.change {
            Change::RestoreSecret { secret } => {
                let secret = self.secrets.get_mut(secret.as_str()).ok_or("no such secret")?;
                secret.is_scheduled_for_deletion = false;
                Ok(())
            }
            Change::CreateSecret { secret, version, connection, tags } => {
                self.create_secret(secret, version, connection, tags)
            }
            Change::StageVersion { secret, version, password, connection } => {
                self.secret(secret)?.stage(version, password, connection)
            }
            Change::GrantMembership { role } => self.grant_membership(role),
            Change::CreateRole { role, createdb, connection_limit, secret, version } => {
                let password = self.secret(secret)?.password_of(version)?;
                let comment = marker(version).to_string();
                self.create_role(role, *createdb, *connection_limit, comment, password)
            }
            Change::AlterRole { role, attributes } => {
                alter(self.administered(role)?, attributes);
                Ok(())
            }
            Change::WriteMarker { role, version } => {
                self.administered(role)?.comment = Some(marker(version).to_string());
                Ok(())
            }
            Change::CreateDatabase { database, owner } => {
                self.create_database(database.as_str(), owner)
            }
            Change::RevokeFromPublic { database, privileges } => {
                let open = &mut self.owned_database(database)?.privileges;
                if let Some(held) = open.get_mut(&Grantee::Public) {
                    held.retain(|privilege| !privileges.contains(privilege));
                }
                open.retain(|_, held| !held.is_empty());
                Ok(())
            }
            Change::GrantConnect { database, to } => {
                if let Some(name) = to.iter().find(|name| !self.roles.contains_key(*name)) {
                    return Err(format!("role {name} does not exist"));
                }
                let database = self.owned_database(database.as_str())?;
                for name in to {
                    let held = database.privileges.entry(Grantee::Role(name.clone()));
                    held.or_default().insert(DatabasePrivilege::Connect);
                }
                Ok(())
            }
            Change::CommentOnDatabase { database } => {
                let entry = entry.ok_or("no entry")?;
                let comment = entry.database_comment(&desired.environment);
                self.owned_database(database.as_str())?.comment = Some(comment);
                Ok(())
            }
            Change::AllowConnections { database } => {
                let database = self.owned_database(database.as_str())?;
                if database.is_invalid {
                    return Err("FATAL: invalid database".to_owned());
                }
                database.allows_connections = true;
                Ok(())
            }
            Change::OwnPublicSchema { database, owner } => {
                let (found, _) = self.schema(database.as_str())?;
                owner.as_str().clone_into(found);
                Ok(())
            }
            Change::ClosePublicSchema { database } => {
                *self.schema(database.as_str())?.1 = false;
                Ok(())
            }
            Change::SetPassword { role, secret, version, replaces: _ } => {
                let password = self.secret(secret)?.password_of(version)?;
                self.administered(role)?.comment = Some(marker(version).to_string());
                self.passwords.insert(role.to_string(), password);
                Ok(())
            }
            Change::PublishVersion { secret, version, replaces, role } => {
                self.prove_login(entry.ok_or("no entry")?, role, version)?;
                self.secret(secret)?.publish(version, replaces)
            }
            Change::ClearPending { secret, version } => {
                let pending = &mut self.secret(secret)?.pending;
                match pending.take() {
                    Some(id) if id == *version => Ok(()),
                    other => Err(format!("AWSPENDING is on {other:?}")),
                }
            }
            Change::TagSecret { secret, tags } => {
                self.secret(secret)?.tags.extend(tags.clone());
                Ok(())
            }
        }
    }

    fn create_secret(
        &mut self,
        name: &SecretName,
        version: &VersionId,
        connection: &Connection,
        tags: &BTreeMap<String, String>,
    ) -> Played {
        if self.secrets.contains_key(name.as_str()) {
            return Err(format!("secret {name} exists"));
        }
        let mut secret = Stored { tags: tags.clone(), ..Stored::default() };
        secret.add(version, new_password(version), connection)?;
        secret.current = Some(version.clone());
        self.secrets.insert(name.to_string(), secret);
        Ok(())
    }

    /// A secret that takes calls: one in its recovery window does not.
    fn secret(&mut self, name: &SecretName) -> Result<&mut Stored, String> {
        match self.secrets.get_mut(name.as_str()) {
            Some(secret) if !secret.is_scheduled_for_deletion => Ok(secret),
            Some(_) => Err(format!("secret {name} is scheduled for deletion")),
            None => Err(format!("secret {name} does not exist")),
        }
    }

    /// Before PostgreSQL 16 CREATEROLE was enough for any role that is not a superuser's.
    fn administered(&mut self, name: &RoleName) -> Result<&mut Role, String> {
        let strict = self.server.has_strict_createrole();
        let role = self.roles.get_mut(name.as_str()).ok_or("no such role")?;
        if strict && !role.master.admin {
            return Err(format!("no ADMIN OPTION on {name}"));
        }
        if !role.superuser_attributes.is_empty() {
            return Err(format!("{name} is privileged"));
        }
        Ok(role)
    }

    fn grant_membership(&mut self, name: &RoleName) -> Played {
        let strict = self.server.has_strict_createrole();
        let role = self.administered(name)?;
        let admin = role.master.admin || !strict;
        role.master = Membership { admin, inherit: true, set: true };
        Ok(())
    }

    fn create_role(
        &mut self,
        name: &RoleName,
        createdb: bool,
        connection_limit: i32,
        comment: String,
        password: String,
    ) -> Played {
        if self.roles.contains_key(name.as_str()) {
            return Err(format!("role {name} exists"));
        }
        let role = Role {
            can_create_databases: createdb,
            connection_limit,
            comment: Some(comment),
            master: Membership { admin: true, inherit: true, set: true },
            ..plain_role()
        };
        self.roles.insert(name.to_string(), role);
        self.passwords.insert(name.to_string(), password);
        Ok(())
    }

    fn create_database(&mut self, name: &str, owner: &RoleName) -> Played {
        if self.databases.contains_key(name) {
            return Err(format!("database {name} exists"));
        }
        if !self.roles.get(owner.as_str()).is_some_and(|role| role.master.set) {
            return Err(format!("cannot SET ROLE {owner}"));
        }
        self.databases.insert(name.to_owned(), half_made(&self.server, owner.as_str()));
        Ok(())
    }

    /// A database that the master has the owner's privileges on.
    fn owned_database(&mut self, name: &str) -> Result<&mut Database, String> {
        let owner = self.databases.get(name).ok_or("no such database")?.owner.clone();
        if !self.master_acts_as(&owner) {
            return Err(format!("not the owner of database {name}"));
        }
        self.databases.get_mut(name).ok_or_else(|| "no such database".to_owned())
    }

    /// Schema `public` as the master can change it: owner, and whether PUBLIC may create.
    fn schema(&mut self, name: &str) -> Result<(&mut String, &mut bool), String> {
        let database = self.databases.get(name).ok_or("no such database")?;
        if !database.allows_connections || !self.master_may(database, DatabasePrivilege::Connect) {
            return Err(format!("cannot connect to {name}"));
        }
        let PublicSchema::Present { owner, .. } = &database.public_schema else {
            return Err("no schema public".to_owned());
        };
        let owner = if owner == "pg_database_owner" { &database.owner } else { owner };
        if !self.master_acts_as(owner) {
            return Err(format!("not the owner of schema public in {name}"));
        }
        match self.databases.get_mut(name).map(|database| &mut database.public_schema) {
            Some(PublicSchema::Present { owner, public_may_create }) => {
                Ok((owner, public_may_create))
            }
            Some(PublicSchema::NotRead | PublicSchema::Absent) | None => Err(String::new()),
        }
    }

    fn master_acts_as(&self, role: &str) -> bool {
        role == self.server.master || self.roles.get(role).is_some_and(|role| role.master.inherit)
    }

    pub fn master_may(&self, database: &Database, wanted: DatabasePrivilege) -> bool {
        database.privileges.iter().any(|(grantee, held)| {
            let counts = match grantee {
                Grantee::Public => true,
                Grantee::Role(role) => self.master_acts_as(role),
            };
            counts && held.contains(&wanted)
        })
    }

    fn prove_login(&self, entry: &Entry, role: &RoleName, version: &VersionId) -> Played {
        let secret = self.secrets.get(entry.secret.as_str()).ok_or("no such secret")?;
        let database = self.databases.get(entry.database.as_str()).ok_or("no such database")?;
        let version = secret.versions.get(version).ok_or("no such version")?;
        let own = Grantee::Role(role.to_string());
        let may_connect = database.owner == role.as_str()
            || [Grantee::Public, own]
                .iter()
                .any(|who| database.privileges_of(who).any(|p| p == DatabasePrivilege::Connect));
        if !may_connect || !database.allows_connections {
            return Err(format!("{role} may not connect to {}", entry.database));
        }
        match self.login(role.as_str(), version) {
            Login::Accepted => Ok(()),
            Login::Refused(why) => Err(why),
            Login::NotTried => Err("not tried".to_owned()),
        }
    }
}

/// Where a password can stand.
#[derive(Clone, Copy, Debug)]
pub enum Label {
    Current,
    Pending,
}

impl Stored {
    fn listed(&self) -> Secret {
        let version =
            |id: &VersionId| Version { id: id.clone(), born: id.born(), content: Content::NotRead };
        Secret {
            is_scheduled_for_deletion: self.is_scheduled_for_deletion,
            tags: self.tags.clone(),
            rotation_enabled: self.rotation_enabled,
            owning_service: self.owning_service.clone(),
            current: self.current.as_ref().map(version),
            pending: self.pending.as_ref().map(version),
        }
    }

    fn add(&mut self, id: &VersionId, password: String, connection: &Connection) -> Played {
        if self.versions.contains_key(id) {
            return Err(format!("version {id} exists"));
        }
        let created = id.born().ok_or("a version of ours carries its time")?;
        let fields = Some(fields_of(connection));
        self.versions.insert(id.clone(), StoredVersion { created, password, fields });
        Ok(())
    }

    /// The label leaves the version that had it. A first version becomes AWSCURRENT as well (AWS API
    /// reference, PutSecretValue).
    fn stage(
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
    fn publish(&mut self, id: &VersionId, replaces: &VersionId) -> Played {
        if self.current.as_ref() != Some(replaces) {
            return Err(format!("AWSCURRENT is not on {replaces}"));
        }
        self.current = Some(id.clone());
        Ok(())
    }

    /// A version without a label may be gone.
    fn password_of(&self, id: &VersionId) -> Result<String, String> {
        let labelled = [&self.current, &self.pending].into_iter().flatten().any(|held| held == id);
        match self.versions.get(id) {
            Some(version) if labelled && version.fields.is_some() => Ok(version.password.clone()),
            Some(_) | None => Err(format!("version {id} cannot be read")),
        }
    }
}

impl StoredVersion {
    fn content(&self) -> Content {
        match &self.fields {
            Some(fields) => Content::Connection(fields.clone()),
            None => Content::Malformed("it has no `password`".to_owned()),
        }
    }
}

/// A role with nothing special, and without the master.
pub fn plain_role() -> Role {
    Role {
        can_login: true,
        can_create_databases: false,
        can_create_roles: false,
        superuser_attributes: BTreeSet::new(),
        connection_limit: -1,
        expires: false,
        comment: None,
        master: Membership::default(),
        member_of: BTreeSet::new(),
        login: Login::NotTried,
    }
}

/// What CREATE DATABASE … ALLOW_CONNECTIONS false leaves.
pub fn half_made(server: &Server, owner: &str) -> Database {
    use DatabasePrivilege::{Connect, Create, Temporary};
    Database {
        owner: owner.to_owned(),
        allows_connections: false,
        is_invalid: false,
        encoding: "UTF8".to_owned(),
        privileges: BTreeMap::from([
            (Grantee::Public, BTreeSet::from([Connect, Temporary])),
            (Grantee::Role(owner.to_owned()), BTreeSet::from([Connect, Create, Temporary])),
        ]),
        comment: None,
        public_schema: schema_of_template(server),
    }
}

/// Schema `public` of `template0`, and on PostgreSQL 14 of `template1` as RDS has it.
pub fn schema_of_template(server: &Server) -> PublicSchema {
    if server.has_closed_public_schema() {
        PublicSchema::Present { owner: "pg_database_owner".to_owned(), public_may_create: false }
    } else {
        PublicSchema::Present { owner: server.master.clone(), public_may_create: true }
    }
}

/// Whether the tags say what stands in the secret, so that it is not read.
pub fn vouched(entry: &Entry, server: &Server, tags: &BTreeMap<String, String>) -> bool {
    let wanted = entry.vouching_tags(&server.endpoint);
    wanted.iter().all(|(name, value)| tags.get(name) == Some(value))
}

pub fn fields_of(connection: &Connection) -> ConnectionFields {
    ConnectionFields {
        username: Some(connection.username.to_string()),
        host: Some(connection.endpoint.host.clone()),
        port: Some(connection.endpoint.port.to_string()),
        dbname: Some(connection.dbname.to_string()),
    }
}

/// The password that is generated for a version.
pub fn new_password(version: &VersionId) -> String {
    format!("password of {version}")
}

fn alter(role: &mut Role, attributes: &RoleAttributes) {
    let RoleAttributes { login, createdb, createrole, connection_limit, never_expires } =
        attributes;
    role.can_login = login.unwrap_or(role.can_login);
    role.can_create_databases = createdb.unwrap_or(role.can_create_databases);
    role.can_create_roles = createrole.unwrap_or(role.can_create_roles);
    role.connection_limit = connection_limit.unwrap_or(role.connection_limit);
    role.expires = role.expires && !never_expires;
}

fn no_key() -> EntryKey {
    EntryKey::parse("none").expect("a valid key")
}
