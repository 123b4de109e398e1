//! Worlds and wishes out of a tape of choices, so that they can be generated and shrunk. Names are few, so
//! that things meet.

use std::collections::BTreeMap;

use goldenpath_rds::actual::{
    Actual, Content, Database, DatabasePrivilege, Endpoint, Grantee, Login, Membership,
    PublicSchema, Role, Secret, Server, Version,
};
use goldenpath_rds::desired::{Desired, Entry};
use goldenpath_rds::name::{DatabaseName, EntryKey, Environment, RoleName, SecretName};
use goldenpath_rds::new_versions::NewVersions;
use goldenpath_rds::plan::Connection;
use goldenpath_rds::version_id::VersionId;
use jiff::Timestamp;
use uuid::Uuid;

use super::model::{World, fresh_database, fresh_schema, plain_role, version_of};

/// What is wanted, what there is, and the ids to come.
pub struct Case {
    pub desired: Desired,
    pub world: World,
    pub new: NewVersions,
}

/// Choices, one after the other; zeros when it is used up.
pub struct Tape<'a>(std::slice::Iter<'a, u8>);

impl<'a> Tape<'a> {
    pub fn new(choices: &'a [u8]) -> Self {
        Self(choices.iter())
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        let choice = usize::from(*self.0.next().unwrap_or(&0));
        among[choice % among.len()].clone()
    }

    /// True once in so many times.
    fn once_in(&mut self, times: u8) -> bool {
        self.0.next().unwrap_or(&0) % times == times - 1
    }

    pub fn case(&mut self) -> Case {
        let server = Server {
            version: self.pick(&[150_018, 140_023, 170_010]),
            master: "platform_admin".to_owned(),
            master_database: self.pick(&[Some("platform".to_owned()), None]),
            endpoint: Endpoint { host: "db.example".to_owned(), port: 5432 },
        };
        let desired = self.desired();
        let mut world = Actual {
            server,
            roles: BTreeMap::new(),
            databases: BTreeMap::new(),
            secrets: BTreeMap::new(),
        };
        for name in ["postgres", "template1", "platform", "a", "b", "c"] {
            if !self.once_in(3) {
                let database = self.database(&world, name);
                world.databases.insert(name.to_owned(), database);
            }
        }
        for name in ["u", "v", "w"] {
            if !self.once_in(3) {
                world.roles.insert(name.to_owned(), self.role());
            }
        }
        for entry in desired.entries.values() {
            if !self.once_in(3) {
                let secret = self.secret(&world, entry);
                world.secrets.insert(entry.secret.to_string(), secret);
            }
        }
        let at = time(self.pick(&[20, 3]));
        Case { desired, world, new: NewVersions { at, seed: Uuid::from_u128(7) } }
    }

    fn desired(&mut self) -> Desired {
        let environment = Environment::parse("dev").unwrap();
        let triples = [("one", "a", "u"), ("two", "b", "v"), ("three", "c", "platform_admin")];
        let count = self.pick(&[1, 2, 2, 1, 3, 0]);
        let mut entries = BTreeMap::new();
        for (key, database, username) in triples.into_iter().take(count) {
            let database = DatabaseName::parse(database).unwrap();
            let entry = Entry {
                key: EntryKey::parse(key).unwrap(),
                secret: SecretName::of_database(&environment, &database),
                database,
                username: RoleName::parse(username).unwrap(),
                connection_limit: self.pick(&[-1, 5]),
                createdb: self.pick(&[false, true]),
            };
            entries.insert(entry.key.clone(), entry);
        }
        let reset = entries.keys().filter(|_| self.once_in(3)).cloned().collect();
        Desired::new(environment, entries, self.once_in(3), reset).unwrap()
    }

    fn database(&mut self, world: &World, name: &str) -> Database {
        use DatabasePrivilege::{Connect, Create, Temporary};
        let usual = match name {
            "a" => "u",
            "b" => "v",
            "c" => "platform_admin",
            _ => "platform_admin",
        };
        let owner = if self.once_in(8) { "somebody" } else { usual };
        let mut database = fresh_database(owner);
        database.allows_connections = !self.once_in(4);
        database.is_invalid = self.once_in(12);
        database.encoding = self.pick(&["UTF8", "UTF8", "LATIN1"]).to_owned();
        let other = if self.once_in(4) { "test" } else { "dev" };
        database.comment = self.pick(&[
            None,
            Some("managed by goldenpath-rds; env=dev; entry=one".to_owned()),
            Some("managed by goldenpath-rds; env=dev; entry=two".to_owned()),
            Some("by hand".to_owned()),
            Some(format!("managed by goldenpath-rds; env={other}; entry=x")),
        ]);
        let public =
            self.pick(&[vec![Connect, Temporary], vec![], vec![Create], vec![Connect, Create]]);
        database.privileges.insert(Grantee::Public, public.into_iter().collect());
        if self.once_in(2) {
            database
                .privileges
                .insert(Grantee::Role("platform_admin".to_owned()), [Connect].into());
        }
        if self.once_in(5) {
            database.privileges.remove(&Grantee::Role(owner.to_owned()));
        }
        let fresh = !database.allows_connections;
        database.public_schema =
            if fresh { fresh_schema(world) } else { self.schema(world, owner) };
        database
    }

    /// What is closed cannot be looked into, so there it is as a new database has it.
    fn schema(&mut self, world: &World, owner: &str) -> PublicSchema {
        let fresh = fresh_schema(world);
        let other = |owner: &str, public_may_create| PublicSchema::Present {
            owner: owner.to_owned(),
            public_may_create,
        };
        self.pick(&[
            fresh,
            other(owner, true),
            other("pg_database_owner", true),
            other(owner, false),
            PublicSchema::Absent,
            other("somebody", true),
        ])
    }

    fn role(&mut self) -> Role {
        let mut role = plain_role();
        role.can_login = !self.once_in(6);
        role.can_create_databases = self.once_in(3);
        role.can_create_roles = self.once_in(5);
        role.connection_limit = self.pick(&[-1, 5, 9]);
        role.expires = self.once_in(6);
        let environment = if self.once_in(12) { "test" } else { "dev" };
        let entry = self.pick(&["one", "two"]);
        let version = self.version_id();
        role.comment = self.pick(&[
            Some(format!("managed by goldenpath-rds; env={environment}; entry={entry}; secret-version={version}")),
            Some(format!("managed by goldenpath-rds; env={environment}; entry={entry}; secret-version={version}")),
            None,
            Some("by hand".to_owned()),
            Some("managed by goldenpath-rds; env=dev; entry=one".to_owned()),
        ]);
        if self.once_in(3) {
            let (admin, inherit, set) = (self.once_in(2), self.once_in(2), self.once_in(2));
            role.master = Membership { admin, inherit, set };
        }
        if self.once_in(14) {
            role.member_of.insert("rds_iam".to_owned());
        }
        if self.once_in(14) {
            role.superuser_attributes.insert("REPLICATION");
        }
        role.login = self.pick(&[Login::Accepted, Login::Refused("28P01".to_owned())]);
        role
    }

    fn secret(&mut self, world: &World, entry: &Entry) -> Secret {
        let environment = Environment::parse("dev").unwrap();
        let endpoint = &world.server.endpoint;
        let wanted = entry.tags(endpoint, &environment);
        let mut drifted = wanted.clone();
        drifted.insert("Endpoint".to_owned(), "old.example:5432".to_owned());
        let tags = self.pick(&[wanted, drifted, BTreeMap::new()]);
        let scheduled = self.once_in(5);
        let current = (!self.once_in(7)).then(|| self.version(entry, endpoint, &tags, scheduled));
        let pending = match &current {
            Some(current) if self.once_in(3) => {
                let other = self.version(entry, endpoint, &tags, scheduled);
                let same = other.id == current.id || self.once_in(4);
                Some(if same { current.clone() } else { other })
            }
            Some(_) | None => None,
        };
        Secret {
            is_scheduled_for_deletion: scheduled,
            tags,
            rotation_enabled: self.once_in(20),
            owning_service: self.once_in(20).then(|| "rds".to_owned()),
            current,
            pending,
        }
    }

    /// A value that waits for deletion cannot be read, so there it is what the tags say.
    fn version(
        &mut self,
        entry: &Entry,
        endpoint: &Endpoint,
        tags: &BTreeMap<String, String>,
        scheduled: bool,
    ) -> Version {
        let claims_old = tags.get("Endpoint").is_some_and(|claim| claim.starts_with("old"));
        let vouched = tags.contains_key("Endpoint") && !claims_old;
        let old = if scheduled || vouched { claims_old } else { self.once_in(2) };
        let host = if old { "old.example" } else { &endpoint.host }.to_owned();
        let connection = Connection {
            username: entry.username.clone(),
            dbname: entry.database.clone(),
            endpoint: Endpoint { host, port: endpoint.port },
        };
        let mut version = version_of(&self.version_id(), &connection);
        if !scheduled && !vouched && self.once_in(9) {
            version.content = Content::Malformed("it has no `password`".to_owned());
        }
        version
    }

    fn version_id(&mut self) -> VersionId {
        let hour = self.pick(&[1, 2, 3, 9]);
        let variant = self.pick(&[1, 2]);
        let millis = u64::try_from(time(hour).as_millisecond()).unwrap();
        let ours = uuid::Builder::from_unix_timestamp_millis(millis, &[variant; 10]).into_uuid();
        let terraform = "terraform-20260101020000000000000001";
        match self.pick(&[0, 0, 0, 0, 0, 1, 2]) {
            0 => VersionId::from_uuid(ours),
            1 => VersionId::parse(terraform).unwrap(),
            _ => VersionId::parse("7c9e6679-7425-40de-944b-e07fc1f90ae7").unwrap(),
        }
    }
}

fn time(hour: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + hour * 3600).unwrap()
}
