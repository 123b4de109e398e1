//! What each change does to the world, as the next reading sees it.

use goldenpath_rds::actual::{
    Actual, ConnectionFields, Content, Database, DatabasePrivilege, Grantee, Login, Membership,
    PublicSchema, Role, Secret, Version,
};
use goldenpath_rds::desired::Desired;
use goldenpath_rds::marker::Marker;
use goldenpath_rds::name::EntryKey;
use goldenpath_rds::plan::{Change, Connection, RoleAttributes, Step};
use goldenpath_rds::version_id::VersionId;

/// The world as it is. What a reading gives of it is [`seen`].
pub type World = Actual;

/// What the program reads: no value whose tags vouch for it or that waits for deletion, no login
/// where the marker says it, nothing inside a database that lets nobody in.
pub fn seen(world: &World, desired: &Desired) -> Actual {
    let mut actual = world.clone();
    for (name, secret) in &mut actual.secrets {
        let entry = desired.entries.values().find(|entry| entry.secret.as_str() == name);
        let vouched = entry.is_none_or(|entry| {
            let tags = entry.vouching_tags(&world.server.endpoint);
            tags.iter().all(|(name, value)| secret.tags.get(name) == Some(value))
        });
        if vouched || secret.is_scheduled_for_deletion {
            for version in [&mut secret.current, &mut secret.pending].into_iter().flatten() {
                version.content = Content::NotRead;
            }
        }
    }
    for entry in desired.entries.values() {
        let readable = actual.secrets.get(entry.secret.as_str()).is_some_and(|secret| {
            let malformed = |version: &Version| matches!(version.content, Content::Malformed(_));
            !secret.is_scheduled_for_deletion
                && secret.current.as_ref().is_some_and(|version| !malformed(version))
        });
        if let Some(role) = actual.roles.get_mut(entry.username.as_str()) {
            let marker = role.comment.as_deref().and_then(Marker::parse);
            if !readable || marker.and_then(|marker| marker.version).is_some() {
                role.login = Login::NotTried;
            }
        }
    }
    for database in actual.databases.values_mut() {
        if !database.allows_connections || database.is_invalid {
            database.public_schema = PublicSchema::NotRead;
        }
    }
    actual
}

/// Carries a step out.
pub fn play(world: &mut World, desired: &Desired, step: &Step) {
    match &step.change {
        Change::RestoreSecret { secret } => {
            secret_of(world, secret.as_str()).is_scheduled_for_deletion = false;
        }
        Change::CreateSecret { secret, version, connection, tags } => {
            let current = Some(version_of(version, connection));
            let made = Secret { tags: tags.clone(), current, ..Secret::default() };
            assert!(
                world.secrets.insert(secret.to_string(), made).is_none(),
                "it is there already"
            );
        }
        Change::StageVersion { secret, version, password: _, connection } => {
            let secret = secret_of(world, secret.as_str());
            secret.pending = Some(version_of(version, connection));
            secret.current = secret.current.clone().or_else(|| secret.pending.clone());
        }
        Change::GrantMembership { role } => {
            role_of(world, role.as_str()).master =
                Membership { admin: true, inherit: true, set: true };
        }
        Change::CreateRole { role, createdb, connection_limit, secret: _, version } => {
            let made = Role {
                can_create_databases: *createdb,
                connection_limit: *connection_limit,
                comment: Some(marker(desired, step, version)),
                ..plain_role()
            };
            assert!(world.roles.insert(role.to_string(), made).is_none(), "it is there already");
        }
        Change::AlterRole { role, attributes } => alter(role_of(world, role.as_str()), attributes),
        Change::WriteMarker { role, version }
        | Change::SetPassword { role, secret: _, version, replaces: _ } => {
            role_of(world, role.as_str()).comment = Some(marker(desired, step, version));
        }
        Change::CreateDatabase { database, owner } => {
            let public_schema = fresh_schema(world);
            let made = Database { public_schema, ..fresh_database(owner.as_str()) };
            assert!(world.databases.insert(database.to_string(), made).is_none(), "it is there");
        }
        Change::RevokeFromPublic { database, privileges } => {
            let held = database_of(world, database).privileges.get_mut(&Grantee::Public).unwrap();
            held.retain(|privilege| !privileges.contains(privilege));
        }
        Change::GrantConnect { database, to } => {
            for role in to {
                let privileges = &mut database_of(world, database.as_str()).privileges;
                let held = privileges.entry(Grantee::Role(role.clone())).or_default();
                held.insert(DatabasePrivilege::Connect);
            }
        }
        Change::CommentOnDatabase { database } => {
            let entry = &desired.entries[step.entry.as_ref().unwrap()];
            let comment = entry.database_comment(&desired.environment);
            database_of(world, database.as_str()).comment = Some(comment);
        }
        Change::AllowConnections { database } => {
            database_of(world, database.as_str()).allows_connections = true;
        }
        Change::OwnPublicSchema { database, owner: new } => {
            let PublicSchema::Present { owner, .. } = schema_of(world, database.as_str()) else {
                panic!("there is no schema public")
            };
            *owner = new.to_string();
        }
        Change::ClosePublicSchema { database } => {
            let PublicSchema::Present { public_may_create, .. } =
                schema_of(world, database.as_str())
            else {
                panic!("there is no schema public")
            };
            *public_may_create = false;
        }
        Change::PublishVersion { secret, version, replaces, role: _ } => {
            let secret = secret_of(world, secret.as_str());
            assert_eq!(secret.current.as_ref().map(|current| &current.id), Some(replaces));
            assert_eq!(secret.pending.as_ref().map(|pending| &pending.id), Some(version));
            secret.current.clone_from(&secret.pending);
        }
        Change::ClearPending { secret, version } => {
            let pending = &mut secret_of(world, secret.as_str()).pending;
            assert_eq!(pending.take().map(|pending| pending.id).as_ref(), Some(version));
        }
        Change::TagSecret { secret, tags } => {
            secret_of(world, secret.as_str()).tags.extend(tags.clone());
        }
    }
}

/// A role as CREATE ROLE leaves it.
pub fn plain_role() -> Role {
    Role {
        can_login: true,
        can_create_databases: false,
        can_create_roles: false,
        superuser_attributes: [].into(),
        connection_limit: -1,
        expires: false,
        comment: None,
        master: Membership { admin: true, inherit: true, set: true },
        member_of: [].into(),
        login: Login::NotTried,
    }
}

/// A database as CREATE DATABASE leaves it.
pub fn fresh_database(owner: &str) -> Database {
    use DatabasePrivilege::{Connect, Create, Temporary};
    Database {
        owner: owner.to_owned(),
        allows_connections: false,
        is_invalid: false,
        encoding: "UTF8".to_owned(),
        privileges: [
            (Grantee::Public, [Connect, Temporary].into()),
            (Grantee::Role(owner.to_owned()), [Connect, Create, Temporary].into()),
        ]
        .into(),
        comment: None,
        public_schema: PublicSchema::NotRead,
    }
}

/// Schema `public` of a new database.
pub fn fresh_schema(world: &World) -> PublicSchema {
    let closed = world.server.has_closed_public_schema();
    let owner = if closed { "pg_database_owner" } else { &world.server.master };
    PublicSchema::Present { owner: owner.to_owned(), public_may_create: !closed }
}

pub fn version_of(id: &VersionId, connection: &Connection) -> Version {
    let fields = ConnectionFields {
        username: Some(connection.username.to_string()),
        host: Some(connection.endpoint.host.clone()),
        port: Some(connection.endpoint.port.to_string()),
        dbname: Some(connection.dbname.to_string()),
    };
    Version { id: id.clone(), born: id.born(), content: Content::Connection(fields) }
}

fn marker(desired: &Desired, step: &Step, version: &VersionId) -> String {
    let entry: EntryKey = step.entry.clone().unwrap();
    let (environment, version) = (desired.environment.clone(), Some(version.clone()));
    Marker { environment, entry, version }.to_string()
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

fn secret_of<'a>(world: &'a mut World, name: &str) -> &'a mut Secret {
    world.secrets.get_mut(name).expect("the secret is there")
}

fn role_of<'a>(world: &'a mut World, name: &str) -> &'a mut Role {
    world.roles.get_mut(name).expect("the role is there")
}

fn database_of<'a>(world: &'a mut World, name: &str) -> &'a mut Database {
    world.databases.get_mut(name).expect("the database is there")
}

fn schema_of<'a>(world: &'a mut World, name: &str) -> &'a mut PublicSchema {
    &mut database_of(world, name).public_schema
}
