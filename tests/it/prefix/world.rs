//! A server and a Secrets Manager in memory: what a reading shows of them, and (in `play`) what each
//! change does to them.

mod grants;
mod play;
mod stored;

use std::collections::{BTreeMap, BTreeSet};

use goldenpath_rds::actual::{
    Actual, ConnectionFields, Content, Contents, Database, DatabasePrivilege, Grantee, Login,
    MasterSecret, Membership, PublicSchema, Role, Schema, Server,
};
use goldenpath_rds::desired::{Desired, Entry};
use goldenpath_rds::diff::{Rotation, diff, rotation};
use goldenpath_rds::marker::Marker;
use goldenpath_rds::name::Environment;
use goldenpath_rds::new_versions::NewVersions;
use goldenpath_rds::plan::{Connection, Plan};
use goldenpath_rds::version_id::VersionId;

pub use stored::{Stored, StoredVersion};

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

impl World {
    /// Reads and compares as `plan` does.
    pub fn plan(&self, desired: &Desired, new: &NewVersions) -> Plan {
        diff(desired, &self.read(desired, new), new)
    }

    /// Reads and compares as `rotate` does.
    pub fn rotate(&self, desired: &Desired, new: &NewVersions, wanted: &Rotation) -> Plan {
        let compare = |actual: &Actual| rotation(desired, actual, new, wanted);
        compare(&self.read_for(desired, compare))
    }

    /// What a reading shows: the list first, then what a draft of the plan leaves open.
    pub fn read(&self, desired: &Desired, new: &NewVersions) -> Actual {
        self.read_for(desired, |actual| diff(desired, actual, new))
    }

    fn read_for(&self, desired: &Desired, draft: impl Fn(&Actual) -> Plan) -> Actual {
        let listed = |(name, secret): (&String, &Stored)| (name.clone(), secret.listed());
        let mut actual = Actual {
            server: self.server.clone(),
            roles: self.roles.clone(),
            databases: self.visible_databases(desired),
            secrets: self.secrets.iter().map(listed).collect(),
            master: MasterSecret::default(),
        };
        let draft = draft(&actual);
        for entry in desired.entries.values() {
            let key = Some(&entry.key);
            if draft.steps.iter().any(|step| step.entry.as_ref() == key)
                || draft.obstacles.iter().any(|obstacle| obstacle.entry.as_ref() == key)
                || desired.reset_passwords.contains(&entry.key)
            {
                self.look_closer(desired, entry, &mut actual);
            }
        }
        actual
    }

    fn look_closer(&self, desired: &Desired, entry: &Entry, actual: &mut Actual) {
        let Some(stored) = self.secrets.get(entry.secret.as_str()) else { return };
        if stored.is_scheduled_for_deletion {
            return;
        }
        let mut secret = stored.listed();
        let vouched = vouched(entry, &self.server, &secret.tags);
        let current = secret.current.as_ref().map(|version| version.id.clone());
        let said = actual.roles.get(entry.username.as_str()).and_then(|role| {
            role.comment.as_deref().and_then(Marker::parse).and_then(|marker| marker.version)
        });
        let previous =
            secret.previous.as_mut().filter(|previous| Some(&previous.id) == said.as_ref());
        for version in
            [secret.current.as_mut(), secret.pending.as_mut(), previous].into_iter().flatten()
        {
            version.born = version.born.or(Some(stored.versions[&version.id].created));
        }
        for version in [&mut secret.current, &mut secret.pending].into_iter().flatten() {
            let stored = &stored.versions[&version.id];
            let is_current = Some(&version.id) == current.as_ref();
            if !(vouched && is_current && Some(&version.id) == said.as_ref()) {
                version.content = stored.content();
            }
        }
        let resets = desired.reset_passwords.contains(&entry.key);
        let labelled = |id: &VersionId| secret.labelled(id).filter(|_| resets);
        let is_previous = said.is_some() && said == secret.previous.as_ref().map(|v| v.id.clone());
        let tried = match &said {
            None => secret.current.clone(),
            Some(said) => labelled(said).filter(|_| !is_previous).cloned(),
        };
        if let Some(role) = actual.roles.get_mut(entry.username.as_str())
            && let Some(tried) = tried
            && !matches!(tried.content, Content::Malformed(_))
        {
            role.login = self.login(entry.username.as_str(), &stored.versions[&tried.id]);
        }
        actual.secrets.insert(entry.secret.to_string(), secret);
    }

    fn visible_databases(&self, desired: &Desired) -> BTreeMap<String, Database> {
        let mut databases = self.databases.clone();
        for (name, database) in &mut databases {
            let is_masters = self.server.master_database.as_ref() == Some(name);
            let asked =
                desired.entries.values().any(|entry| entry.database.as_str() == name) || is_masters;
            let whole = is_masters
                || desired.databases_with_contents().iter().any(|asked| asked.as_str() == name);
            let open = database.allows_connections && !database.is_invalid;
            if !(asked && open && self.master_may(database, DatabasePrivilege::Connect)) {
                database.public_schema = PublicSchema::NotRead;
                database.contents = None;
            } else if !whole {
                database.contents = None;
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

    /// Gives the roles the passwords that their comments say.
    pub fn believe_comments(&mut self, desired: &Desired) {
        for entry in desired.entries.values() {
            let role = self.roles.get(entry.username.as_str());
            let marker = role.and_then(|role| Marker::parse(role.comment.as_deref()?));
            if let Some(version) = marker.and_then(|marker| marker.version) {
                self.passwords.insert(entry.username.to_string(), new_password(&version));
            }
        }
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

    /// Whether the role or the database is another environment's.
    pub fn is_of_another(&self, environment: &Environment, entry: &Entry) -> bool {
        let role = self.roles.get(entry.username.as_str()).map(|role| &role.comment);
        let database = self.databases.get(entry.database.as_str()).map(|found| &found.comment);
        [role, database].into_iter().flatten().flatten().any(|comment| {
            Marker::parse(comment).is_some_and(|marker| marker.environment != *environment)
        })
    }

    /// Whether the entry's role made this database for itself.
    pub fn is_made_by(&self, desired: &Desired, entry: &Entry, name: &str) -> bool {
        let is_named = desired.entries.values().any(|entry| entry.database.as_str() == name);
        let is_servers = ["postgres", "template1"].contains(&name)
            || self.server.master_database.as_deref() == Some(name);
        let owner = self.databases.get(name).map(|database| database.owner.as_str());
        owner == Some(entry.username.as_str()) && !is_named && !is_servers
    }

    fn leaves_open(&self, desired: &Desired, entry: &Entry) -> bool {
        self.databases.iter().any(|(name, database)| {
            (database.privileges.contains_key(&Grantee::Public) || database.is_template)
                && !database.is_invalid
                && self.is_made_by(desired, entry, name)
        })
    }

    /// Of a schema of the master's, or of the database's owner.
    fn is_kept_out_of_public(&self, database: &Database) -> bool {
        let PublicSchema::Present { owner, creators, .. } = &database.public_schema else {
            return false;
        };
        let owners = [database.owner.as_str(), "pg_database_owner"];
        let is_ours = owners.contains(&owner.as_str()) || *owner == self.server.master;
        is_ours && !owners.iter().any(|role| creators.contains(*role))
    }

    fn may_pass_on(&self, database: &Database, entry: &Entry) -> bool {
        database.grant_options.contains_key(entry.username.as_str())
    }

    fn owner_may_create(&self, database: &Database) -> bool {
        let owner = Grantee::Role(database.owner.clone());
        database.privileges_of(&owner).any(|held| held == DatabasePrivilege::Create)
    }

    /// What differs from what the entry asks for, once its plan was carried out.
    pub fn differs(&self, desired: &Desired, entry: &Entry) -> Option<&'static str> {
        let database = &self.databases[entry.database.as_str()];
        let role = &self.roles[entry.username.as_str()];
        let secret = &self.secrets[entry.secret.as_str()];
        let schema_is_open =
            matches!(database.public_schema, PublicSchema::Present { public_may_create: true, .. });
        let tags = entry.tags(&self.server.endpoint, &desired.environment);
        let fields = secret.current.as_ref().and_then(|id| secret.versions[id].fields.clone());
        let wanted = fields_of(&Connection {
            username: entry.username.clone(),
            dbname: entry.database.clone(),
            endpoint: self.server.endpoint.clone(),
        });
        let owner = desired.owner_of(&entry.database).expect("every database has one");
        let comment = owner.database_comment(&desired.environment);
        let checks = [
            ("the owner", database.owner != owner.username.as_str()),
            ("access", !self.has_access(entry, owner)),
            ("what was left in the master's database", self.has_traces(entry)),
            ("PUBLIC's privileges", database.privileges.contains_key(&Grantee::Public)),
            ("a database that it made", self.leaves_open(desired, entry)),
            ("grant options", self.may_pass_on(database, entry)),
            ("IS_TEMPLATE", database.is_template),
            ("ALLOW_CONNECTIONS", !database.allows_connections),
            ("the owner's CREATE", !self.owner_may_create(database)),
            ("the database's comment", database.comment.as_ref() != Some(&comment)),
            ("schema public", schema_is_open),
            ("CREATE on schema public", self.is_kept_out_of_public(database)),
            ("INHERIT", !role.inherits && !self.server.has_strict_createrole()),
            ("LOGIN", !role.can_login || role.expires),
            ("CREATEDB", role.can_create_databases != entry.createdb),
            ("CREATEROLE", role.can_create_roles),
            ("CONNECTION LIMIT", role.connection_limit != entry.connection_limit),
            ("the password", !self.password_stands_in(entry, &[Label::Current])),
            ("AWSPENDING", secret.pending.is_some()),
            ("the secret's fields", fields != Some(wanted)),
            ("the tags", tags.iter().any(|(name, value)| secret.tags.get(name) != Some(value))),
        ];
        checks.into_iter().find(|(_, differs)| *differs).map(|(what, _)| what)
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
}

/// Where a password can stand.
#[derive(Clone, Copy, Debug)]
pub enum Label {
    Current,
    Pending,
}
/// A role with nothing special, and without the master.
pub fn plain_role() -> Role {
    Role {
        can_login: true,
        can_create_databases: false,
        can_create_roles: false,
        superuser_attributes: BTreeSet::new(),
        connection_limit: -1,
        inherits: true,
        expires: false,
        comment: None,
        master: Membership::default(),
        parents: BTreeMap::new(),
        administrators: BTreeSet::new(),
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
        is_template: false,
        connection_limit: -1,
        encoding: "UTF8".to_owned(),
        privileges: BTreeMap::from([
            (Grantee::Public, BTreeSet::from([Connect, Temporary])),
            (Grantee::Role(owner.to_owned()), BTreeSet::from([Connect, Create, Temporary])),
        ]),
        public_by_others: BTreeMap::new(),
        grant_options: BTreeMap::new(),
        passed_on: BTreeMap::new(),
        comment: None,
        public_schema: schema_of_template(server),
        contents: Some(contents_of_template(server)),
        stuck: None,
        owners_inside: BTreeSet::new(),
    }
}

/// What is in a new database.
pub fn contents_of_template(server: &Server) -> Contents {
    let owner =
        if server.has_closed_public_schema() { "pg_database_owner" } else { &server.master };
    let owner = owner.to_owned();
    let public = Schema { owner, owner_may_use: true, privileges: BTreeMap::new() };
    let schemas = BTreeMap::from([("public".to_owned(), public)]);
    Contents { schemas, ..Contents::default() }
}

/// Schema `public` of `template0`, and on PostgreSQL 14 of `template1` as RDS has it.
pub fn schema_of_template(server: &Server) -> PublicSchema {
    if server.has_closed_public_schema() {
        closed_or_open("pg_database_owner", false)
    } else {
        closed_or_open(&server.master, true)
    }
}

/// Schema `public`, by nobody's grants but its owner's.
pub fn closed_or_open(owner: &str, public_may_create: bool) -> PublicSchema {
    let creators = BTreeSet::from([owner.to_owned()]);
    let owner = owner.to_owned();
    PublicSchema::Present { owner, creators, public_may_create, public_by_other: None }
}

/// Whether the tags say what stands in the secret.
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
