//! From a generated state to the world that is in it.

use std::collections::{BTreeMap, BTreeSet};

use goldenpath_rds::access::AccessLevel;
use goldenpath_rds::actual::{
    ConnectionFields, Database, DatabasePrivilege, Grantee, PublicSchema, Role, Server,
};
use goldenpath_rds::desired::Entry;
use goldenpath_rds::marker::Marker;
use goldenpath_rds::plan::Connection;
use goldenpath_rds::version_id::VersionId;

use super::super::world::{
    Stored, StoredVersion, closed_or_open, fields_of, half_made, new_password, plain_role,
    schema_of_template, vouched,
};
use super::{
    AccessState, Comment, DatabaseComment, DatabaseState, EntryState, Fields, MASTER, Owner,
    Pending, RoleState, STRANGER, Says, Scenario, SchemaState, SecretState, ServerState, Tags,
    created, entry, environment, key, ours,
};

impl Scenario {
    pub(super) fn add_entry(
        &mut self,
        name: &str,
        username: &str,
        database: &str,
        state: &EntryState,
    ) {
        let mut entry = entry(name, username, database);
        entry.createdb = state.wants_createdb;
        state.access.ask(&mut entry, self.desired.entries.is_empty());
        if state.resets {
            self.desired.reset_passwords.insert(entry.key.clone());
        }
        let secret = state.secret.as_ref().map(|secret| self.secret(&entry, secret));
        if let Some(role) = state.role.as_ref().filter(|_| username != MASTER) {
            self.add_role(&entry, role, secret.as_ref());
        }
        if let Some(mut secret) = secret {
            self.tell_the_truth(&entry, state.role.as_ref(), &mut secret);
            self.world.secrets.insert(entry.secret.to_string(), secret);
        }
        if let Some(found) = state.database.as_ref().filter(|_| entry.access == AccessLevel::Owner)
        {
            let database = self.database(&entry, found, &state.access);
            self.world.databases.insert(entry.database.to_string(), database);
        }
        self.add_access(&entry, &state.access);
        if let Some((public, is_template)) = state.made.as_ref().filter(|_| username != MASTER) {
            self.add_made(&entry, public, *is_template);
        }
        self.desired.entries.insert(entry.key.clone(), entry);
    }

    fn secret(&self, entry: &Entry, state: &SecretState) -> Stored {
        let tags = tags(entry, &self.world.server, state.tags);
        let mut stored = Stored {
            is_scheduled_for_deletion: state.is_scheduled,
            tags,
            rotation_enabled: state.is_rotated,
            owning_service: state.is_owned.then(|| "rds".to_owned()),
            ..Stored::default()
        };
        if let Some(id) = &state.previous {
            stored.previous = Some(id.clone());
            stored.versions.insert(id.clone(), self.version(entry, id, Fields::Right));
        }
        if let Some((id, content)) = &state.pending {
            let current = state.current.as_ref().map(|(id, _)| id);
            stored.pending = match id {
                Pending::SameAsCurrent => current.cloned(),
                Pending::Version(id) => Some(id.clone()),
            };
            if let Some(id) = &stored.pending {
                // Tags say nothing of it.
                stored.versions.insert(id.clone(), self.version(entry, id, *content));
            }
        }
        if let Some((id, content)) = &state.current {
            stored.current = Some(id.clone());
            stored.versions.insert(id.clone(), self.version(entry, id, *content));
        }
        // Labels on one version are AWSCURRENT and AWSPENDING at most.
        let taken = [&stored.current, &stored.pending].map(Clone::clone);
        stored.previous = stored.previous.filter(|id| !taken.contains(&Some(id.clone())));
        stored
    }

    /// What is not read is as the tags say it: what a role has its password from, and what cannot be read.
    fn tell_the_truth(&self, entry: &Entry, role: Option<&RoleState>, secret: &mut Stored) {
        let Some(current) = secret.current.clone() else { return };
        let is_not_read = match role {
            Some(role) => said(role, Some(secret)).as_ref() == Some(&current),
            None => secret.is_scheduled_for_deletion,
        };
        if is_not_read && vouched(entry, &self.world.server, &secret.tags) {
            let version = self.version(entry, &current, Fields::Right);
            secret.versions.insert(current, version);
        }
    }

    fn version(&self, entry: &Entry, id: &VersionId, fields: Fields) -> StoredVersion {
        let right = fields_of(&Connection {
            username: entry.username.clone(),
            dbname: entry.database.clone(),
            endpoint: self.world.server.endpoint.clone(),
        });
        let fields = match fields {
            Fields::Right => Some(right),
            Fields::OtherHost => {
                Some(ConnectionFields { host: Some("old.example.com".to_owned()), ..right })
            }
            Fields::NoUsername => Some(ConnectionFields { username: None, ..right }),
            Fields::LivingUser => {
                Some(ConnectionFields { username: Some(STRANGER.to_owned()), ..right })
            }
            Fields::GoneUser => {
                Some(ConnectionFields { username: Some("gone_user".to_owned()), ..right })
            }
            Fields::Malformed => None,
        };
        StoredVersion { created: created(id), password: new_password(id), fields }
    }

    fn add_role(&mut self, entry: &Entry, state: &RoleState, secret: Option<&Stored>) {
        let current = secret.and_then(|secret| secret.current.clone());
        let mut password = match &current {
            Some(current) if state.has_current_password => new_password(current),
            Some(_) | None => "known to someone else".to_owned(),
        };
        let comment = match &state.comment {
            Comment::None => None,
            Comment::Foreign => Some("application role".to_owned()),
            Comment::Marker { other_environment, other_entry, says: _ } => {
                // Without a reset no step of ours gets past such a password.
                let resets = self.desired.reset_passwords.contains(&entry.key);
                let set_by_hand = state.set_by_hand && resets;
                let version = said(state, secret);
                if let Some(version) = version.as_ref().filter(|_| !set_by_hand) {
                    password = new_password(version);
                }
                Some(marker(entry, *other_environment, *other_entry, version))
            }
        };
        let role = self.role(entry, state, comment);
        self.world.roles.insert(entry.username.to_string(), role);
        self.world.passwords.insert(entry.username.to_string(), password);
    }

    fn role(&self, entry: &Entry, state: &RoleState, comment: Option<String>) -> Role {
        let differs = |what| state.differs.contains(what);
        let mut master = state.membership;
        if !self.world.server.has_strict_createrole() {
            // A membership carries everything but ADMIN, and ADMIN comes with a membership.
            master.inherit |= master.admin;
            master.set = master.inherit;
        }
        Role {
            can_login: !differs("login"),
            can_create_databases: entry.createdb != differs("createdb"),
            can_create_roles: differs("createrole"),
            superuser_attributes: state.privileged.into_iter().collect(),
            connection_limit: if differs("limit") { -1 } else { entry.connection_limit },
            expires: differs("expires"),
            inherits: !differs("inherit"),
            comment,
            master,
            parents: state
                .is_iam
                .then(|| ("rds_iam".to_owned(), BTreeSet::new()))
                .into_iter()
                .collect(),
            member_of: state.is_iam.then(|| "rds_iam".to_owned()).into_iter().collect(),
            ..plain_role()
        }
    }

    /// An owner exists; the role of the entry may not.
    fn owner(&self, entry: Option<&Entry>, owner: Owner) -> String {
        let name = match owner {
            Owner::User => entry.map_or(MASTER, |entry| entry.username.as_str()),
            Owner::Master => MASTER,
            Owner::Stranger => STRANGER,
            Owner::Neighbour(name) => name,
        };
        let exists = self.world.roles.contains_key(name);
        if exists { name } else { STRANGER }.to_owned()
    }

    fn database(&self, entry: &Entry, state: &DatabaseState, access: &AccessState) -> Database {
        let server = &self.world.server;
        let mut database = half_made(server, &self.owner(Some(entry), state.owner));
        database.comment = database_comment(entry, state.comment);
        if state.is_half_made {
            return database;
        }
        database.allows_connections = true;
        database.is_invalid = state.is_invalid;
        database.is_template = state.is_template;
        database.connection_limit = match (state.is_invalid, state.is_limited) {
            (true, _) => -2,
            (false, true) => 7,
            (false, false) => -1,
        };
        if state.is_latin1 {
            "LATIN1".clone_into(&mut database.encoding);
        }
        if state.lacks_create
            && let Some(held) = database.privileges.get_mut(&Grantee::Role(database.owner.clone()))
        {
            held.remove(&DatabasePrivilege::Create);
        }
        database.privileges.remove(&Grantee::Public);
        if !state.public.is_empty() {
            database.privileges.insert(Grantee::Public, state.public.clone());
            if state.has_foreign_grant {
                database.public_by_others.insert(STRANGER.to_owned(), state.public.clone());
            }
        }
        let connects = [MASTER, entry.username.as_str()].into_iter().zip(state.connects);
        for (role, _) in connects.filter(|(role, may)| *may && self.world.roles.contains_key(*role))
        {
            let held = database.privileges.entry(Grantee::Role(role.to_owned())).or_default();
            held.insert(DatabasePrivilege::Connect);
        }
        database.public_schema = match state.schema {
            SchemaState::Template => schema_of_template(server),
            SchemaState::Absent => PublicSchema::Absent,
            SchemaState::Of(owner, open, creates) => {
                let owner = self.owner(Some(entry), owner);
                let mut schema = closed_or_open(&owner, open);
                if let PublicSchema::Present { creators, .. } = &mut schema {
                    creators.retain(|_| creates);
                }
                schema
            }
        };
        if !self.world.master_may(&database, DatabasePrivilege::Connect) {
            // What is planned in a database that was not read is a guess; it is not wrong here.
            database.public_schema = schema_of_template(server);
            return database;
        }
        let mut contents = self.contents(entry, access);
        match (&database.public_schema, contents.schemas.get_mut("public")) {
            (PublicSchema::Present { owner, creators, .. }, Some(public)) => {
                public.owner.clone_from(owner);
                public.owner_may_use = !creators.is_empty();
            }
            (PublicSchema::Absent | PublicSchema::NotRead, _) | (_, None) => {
                contents.schemas.remove("public");
                contents.relations.retain(|name, _| name.schema != "public");
            }
        }
        database.contents = Some(contents);
        database
    }

    fn add_made(&mut self, entry: &Entry, public: &BTreeSet<DatabasePrivilege>, is_template: bool) {
        let role = entry.username.as_str();
        if !self.world.roles.contains_key(role) {
            return;
        }
        let mut database = half_made(&self.world.server, role);
        database.is_template = is_template;
        database.allows_connections = true;
        database.privileges.insert(Grantee::Public, public.clone());
        database.privileges.retain(|_, held| !held.is_empty());
        self.world.databases.insert(format!("{role}-plugin"), database);
    }

    pub(super) fn add_server_databases(&mut self, state: &ServerState) {
        let names = ["postgres", "template1"];
        for (name, (owner, public)) in names.iter().zip(state.owners.iter().zip(&state.public)) {
            let entry = self.desired.entries.values().next();
            let mut database = half_made(&self.world.server, &self.owner(entry, *owner));
            database.allows_connections = true;
            database.privileges.insert(Grantee::Public, public.clone());
            database.privileges.retain(|_, held| !held.is_empty());
            self.world.databases.insert((*name).to_owned(), database);
        }
    }

    /// The master's own database, if no entry claims its name.
    pub(super) fn add_master_database(&mut self) {
        let Some(name) = self.world.server.master_database.clone() else { return };
        let mut database = half_made(&self.world.server, MASTER);
        database.allows_connections = true;
        self.world.databases.insert(name, database);
    }

    /// What an entry of the past left.
    pub(super) fn add_leftovers(&mut self) {
        let old = entry("old", "old_user", "old");
        let comment = Some(marker(&old, false, false, Some(ours(1, 0))));
        let role = Role { comment, ..plain_role() };
        self.world.roles.insert("old_user".to_owned(), role);
        let mut database = half_made(&self.world.server, "old_user");
        database.comment = database_comment(&old, DatabaseComment::Right);
        self.world.databases.insert("old".to_owned(), database);
        let tags = tags(&old, &self.world.server, Tags::Right);
        self.world.secrets.insert(old.secret.to_string(), Stored { tags, ..Stored::default() });
    }
}

/// The version that the role's comment names.
fn said(role: &RoleState, secret: Option<&Stored>) -> Option<VersionId> {
    let Comment::Marker { says, .. } = &role.comment else { return None };
    let labelled = |label: fn(&Stored) -> &Option<VersionId>| secret.and_then(|s| label(s).clone());
    match says {
        Says::NoVersion => None,
        Says::Current => Some(labelled(|secret| &secret.current).unwrap_or_else(|| ours(1, 0))),
        Says::Pending => Some(labelled(|secret| &secret.pending).unwrap_or_else(|| ours(2, 0))),
        Says::Version(version) => Some(version.clone()),
    }
}

fn marker(
    entry: &Entry,
    other_environment: bool,
    other_entry: bool,
    version: Option<VersionId>,
) -> String {
    let environment = environment(if other_environment { "staging" } else { "dev" });
    let entry = if other_entry { key("former") } else { entry.key.clone() };
    Marker { environment, entry, version }.to_string()
}

fn database_comment(entry: &Entry, comment: DatabaseComment) -> Option<String> {
    match comment {
        DatabaseComment::None => None,
        DatabaseComment::Foreign => Some("orders and invoices".to_owned()),
        DatabaseComment::Right => Some(entry.database_comment(&environment("dev"))),
        DatabaseComment::NoOwner => Some(marker(entry, false, false, None)),
        DatabaseComment::OtherEntry => Some(marker(entry, false, true, None)),
        DatabaseComment::OtherEnvironment => Some(marker(entry, true, false, None)),
    }
}

fn tags(entry: &Entry, server: &Server, tags: Tags) -> BTreeMap<String, String> {
    let mut found = entry.tags(&server.endpoint, &environment("dev"));
    let mut set = |name: &str, value: &str| found.insert(name.to_owned(), value.to_owned());
    match tags {
        Tags::Right => None,
        Tags::Absent => return BTreeMap::from([("team".to_owned(), "orders".to_owned())]),
        Tags::OtherEndpoint => set("Endpoint", "old.example.com:5432"),
        Tags::OtherEnvironment => set("Environment", "development"),
        Tags::OtherManager => set("ManagedBy", "terraform"),
        Tags::OtherOwner => set("Owner", "former-team"),
        Tags::NoUsername => found.remove("Username"),
    };
    found
}
