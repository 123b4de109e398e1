//! What each change does, or why the real server or Secrets Manager would refuse it.

use std::collections::{BTreeMap, BTreeSet};

use goldenpath_rds::actual::{
    Database, DatabasePrivilege, Grantee, Login, Membership, PublicSchema, Role,
};
use goldenpath_rds::desired::{Desired, Entry};
use goldenpath_rds::marker::Marker;
use goldenpath_rds::name::{EntryKey, RoleName, SecretName};
use goldenpath_rds::plan::{Change, Connection, RoleAttributes, Step};
use goldenpath_rds::version_id::VersionId;

use super::{Stored, World, half_made, new_password, plain_role};

/// `Err` is what a plan must never come to.
pub type Played = Result<(), String>;

impl World {
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
            Change::RevokeFromPublic { database, owner, privileges } => {
                self.becomes(owner, database)?;
                let open = &mut self.owned_database(database)?.privileges;
                if let Some(held) = open.get_mut(&Grantee::Public) {
                    held.retain(|privilege| !privileges.contains(privilege));
                }
                open.retain(|_, held| !held.is_empty());
                Ok(())
            }
            Change::RevokeGrantOption { database, owner, role, privileges } => {
                self.becomes(owner.as_str(), database.as_str())?;
                let database = self.owned_database(database.as_str())?;
                let used = database.passed_on.get(role);
                if used.is_some_and(|used| !used.is_disjoint(privileges)) {
                    return Err("dependent privileges exist".to_owned());
                }
                let held = database.grant_options.get_mut(role).ok_or("nothing to revoke")?;
                held.retain(|privilege| !privileges.contains(privilege));
                database.grant_options.retain(|_, held| !held.is_empty());
                Ok(())
            }
            Change::GrantConnect { database, owner, to } => {
                self.becomes(owner.as_str(), database.as_str())?;
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
            Change::GrantToOwner { database, owner, privileges } => {
                self.becomes(owner.as_str(), database.as_str())?;
                let database = self.owned_database(database.as_str())?;
                let held = database.privileges.entry(Grantee::Role(owner.to_string()));
                held.or_default().extend(privileges);
                Ok(())
            }
            Change::CommentOnDatabase { database } => {
                let entry = entry.ok_or("no entry")?;
                let comment = entry.database_comment(&desired.environment);
                self.owned_database(database.as_str())?.comment = Some(comment);
                Ok(())
            }
            Change::UnmarkTemplate { database } => {
                let database = self.owned_database(database)?;
                if database.is_invalid {
                    return Err("FATAL: invalid database".to_owned());
                }
                database.is_template = false;
                Ok(())
            }
            Change::LiftConnectionLimit { database } => {
                let database = self.owned_database(database.as_str())?;
                if database.is_invalid {
                    return Err("FATAL: invalid database".to_owned());
                }
                database.connection_limit = -1;
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
                let schema = self.schema(database.as_str())?;
                if schema.creators.remove(schema.owner) {
                    schema.creators.insert(owner.to_string());
                }
                owner.as_str().clone_into(schema.owner);
                let database = self.databases.get_mut(database.as_str()).ok_or("gone")?;
                let contents = database.contents.as_mut().ok_or("gone")?;
                let public = contents.schemas.get_mut("public").ok_or("no schema public")?;
                owner.as_str().clone_into(&mut public.owner);
                Ok(())
            }
            Change::GrantPublicSchema { database, owner, to } => {
                self.becomes(owner, database.as_str())?;
                self.schema_of(database.as_str(), owner)?.creators.insert(to.to_string());
                let database = self.databases.get_mut(database.as_str()).ok_or("gone")?;
                let contents = database.contents.as_mut().ok_or("gone")?;
                let public = contents.schemas.get_mut("public").ok_or("no schema public")?;
                public.owner_may_use = true;
                Ok(())
            }
            Change::ClosePublicSchema { database, owner } => {
                self.becomes(owner, database.as_str())?;
                *self.schema_of(database.as_str(), owner)?.open = false;
                Ok(())
            }
            Change::CreateExtension { database, owner, extension, schema: _ } => {
                self.create_extension(database, owner, extension)
            }
            Change::GrantPrivileges(to) => self.grant(to),
            Change::RevokePrivileges(from) => self.revoke(from),
            Change::GrantDefaultPrivileges(to) => self.grant_default(to),
            Change::RevokeDefaultPrivileges(from) => self.revoke_default(from),
            Change::RevokeGrantOptionInside(from) => self.revoke_option(from),
            Change::RevokeDefaultGrantOption(from) => self.revoke_default_option(from),
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
            // Neither sessions nor the master's secret are in this world.
            Change::EndSessions { .. } => Ok(()),
            Change::StageMasterPassword { .. }
            | Change::SetMasterPassword { .. }
            | Change::PublishMasterPassword { .. } => Err("no secret of the master".to_owned()),
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
        if strict && !role.master.may_grant {
            return Err("no possible grantors".to_owned());
        }
        let admin = role.master.admin || !strict;
        role.master = Membership { admin, may_grant: admin, inherit: true, set: true };
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
            master: Membership { admin: true, may_grant: true, inherit: true, set: true },
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

    /// Whether the master can SET ROLE to whoever does a GRANT or REVOKE.
    pub(super) fn becomes(&self, role: &str, database: &str) -> Played {
        let owner = &self.databases.get(database).ok_or("no such database")?.owner;
        let role = if role == "pg_database_owner" { owner } else { role };
        let may_set = self.roles.get(role).is_some_and(|role| role.master.set);
        if role == self.server.master || may_set {
            Ok(())
        } else {
            Err(format!("permission denied to set role {role}"))
        }
    }

    /// A database that the master has the owner's privileges on.
    fn owned_database(&mut self, name: &str) -> Result<&mut Database, String> {
        let owner = self.databases.get(name).ok_or("no such database")?.owner.clone();
        if !self.master_acts_as(&owner) {
            return Err(format!("not the owner of database {name}"));
        }
        self.databases.get_mut(name).ok_or_else(|| "no such database".to_owned())
    }

    /// Schema `public` where it belongs to this role.
    fn schema_of(&mut self, name: &str, owner: &str) -> Result<PublicSchemaOf<'_>, String> {
        let schema = self.schema(name)?;
        if schema.owner != owner {
            return Err(format!("{owner} does not own schema public"));
        }
        Ok(schema)
    }

    /// Schema `public` as the master can change it.
    fn schema(&mut self, name: &str) -> Result<PublicSchemaOf<'_>, String> {
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
            Some(PublicSchema::Present { owner, creators, public_may_create: open, .. }) => {
                Ok(PublicSchemaOf { owner, creators, open })
            }
            Some(PublicSchema::NotRead | PublicSchema::Absent) | None => Err(String::new()),
        }
    }

    /// The password is what is proved. Being turned away by the database comes after it.
    fn prove_login(&self, entry: &Entry, role: &RoleName, version: &VersionId) -> Played {
        let secret = self.secrets.get(entry.secret.as_str()).ok_or("no such secret")?;
        let version = secret.versions.get(version).ok_or("no such version")?;
        match self.login(role.as_str(), version) {
            Login::Accepted => Ok(()),
            Login::Refused(why) | Login::Failed(why) => Err(why),
            Login::NotTried => Err("not tried".to_owned()),
        }
    }
}

/// Schema `public` of one database.
struct PublicSchemaOf<'a> {
    owner: &'a mut String,
    creators: &'a mut BTreeSet<String>,
    open: &'a mut bool,
}

fn alter(role: &mut Role, attributes: &RoleAttributes) {
    let RoleAttributes { login, createdb, createrole, connection_limit, inherit, never_expires } =
        attributes;
    role.inherits |= inherit;
    role.can_login = login.unwrap_or(role.can_login);
    role.can_create_databases = createdb.unwrap_or(role.can_create_databases);
    role.can_create_roles = createrole.unwrap_or(role.can_create_roles);
    role.connection_limit = connection_limit.unwrap_or(role.connection_limit);
    role.expires = role.expires && !never_expires;
}

fn no_key() -> EntryKey {
    EntryKey::parse("none").expect("a valid key")
}
