//! What is granted inside databases.

use goldenpath_rds::access::{AccessLevel, ObjectClass, Privilege};
use goldenpath_rds::actual::{
    Contents, Database, DatabasePrivilege, DefaultPrivileges, Grantee, ObjectName,
};
use goldenpath_rds::desired::Entry;
use goldenpath_rds::name::{DatabaseName, ExtensionName, RoleName};
use goldenpath_rds::plan::{FuturePrivileges, ObjectPrivileges};
use std::collections::{BTreeMap, BTreeSet};

use super::World;
use super::play::Played;

type Held = BTreeMap<Grantee, BTreeSet<Privilege>>;

impl World {
    pub(super) fn grant(&mut self, granted: &ObjectPrivileges) -> Played {
        self.each_object(granted, |held| held.extend(&granted.privileges))
    }

    pub(super) fn revoke(&mut self, revoked: &ObjectPrivileges) -> Played {
        self.each_object(revoked, |held| held.retain(|one| !revoked.privileges.contains(one)))?;
        let (_, contents) = self.inside(&revoked.database)?;
        let grantee = Grantee::Role(revoked.role.to_string());
        for object in &revoked.objects {
            let columns = contents.on_columns.get_mut(object);
            if let Some(held) = columns.and_then(|columns| columns.get_mut(&grantee)) {
                held.retain(|one| !revoked.privileges.contains(one));
            }
        }
        self.take_options(revoked)
    }

    pub(super) fn revoke_option(&mut self, revoked: &ObjectPrivileges) -> Played {
        self.each_object(revoked, |_| ())?;
        self.take_options(revoked)
    }

    fn take_options(&mut self, revoked: &ObjectPrivileges) -> Played {
        let (_, contents) = self.inside(&revoked.database)?;
        let role = revoked.role.as_str();
        for object in &revoked.objects {
            if contents.has_passed_on(object, role, &revoked.privileges) {
                return Err("dependent privileges exist".to_owned());
            }
            let options = contents.grant_options.get_mut(object);
            if let Some(held) = options.and_then(|options| options.get_mut(role)) {
                held.retain(|one| !revoked.privileges.contains(one));
            }
        }
        Ok(())
    }

    fn each_object(
        &mut self,
        what: &ObjectPrivileges,
        change: impl Fn(&mut BTreeSet<Privilege>),
    ) -> Played {
        self.becomes(&what.owner, &what.database)?;
        if !self.roles.contains_key(what.role.as_str()) {
            return Err(format!("role {} does not exist", what.role));
        }
        let (database_owner, contents) = self.inside(&what.database)?;
        for object in &what.objects {
            let held: &mut Held = match &object.name {
                None => {
                    let schema =
                        contents.schemas.get_mut(&object.schema).ok_or("no such schema")?;
                    if schema.owner != what.owner {
                        return Err(format!("WARNING 01007: not the owner of schema {object}"));
                    }
                    &mut schema.privileges
                }
                Some(_) => {
                    if database_owner != what.owner {
                        return Err(format!("WARNING 01007: not the owner of {object}"));
                    }
                    if !contents.owner_may_use(&object.schema) {
                        return Err(format!("permission denied for schema {}", object.schema));
                    }
                    let relation = contents.relations.get_mut(object).ok_or("no such relation")?;
                    if relation.class != what.class {
                        return Err(format!("{object} is a {:?}", relation.class));
                    }
                    &mut relation.privileges
                }
            };
            change(held.entry(Grantee::Role(what.role.to_string())).or_default());
            held.retain(|_, privileges| !privileges.is_empty());
        }
        Ok(())
    }

    pub(super) fn grant_default(&mut self, granted: &FuturePrivileges) -> Played {
        let held = self.future(granted)?;
        held.extend(&granted.privileges);
        Ok(())
    }

    pub(super) fn revoke_default(&mut self, revoked: &FuturePrivileges) -> Played {
        let held = self.future(revoked)?;
        held.retain(|privilege| !revoked.privileges.contains(privilege));
        let (_, contents) = self.inside(&revoked.database)?;
        contents.default_privileges.retain(|_, privileges| !privileges.is_empty());
        self.revoke_default_option(revoked)
    }

    pub(super) fn revoke_default_option(&mut self, revoked: &FuturePrivileges) -> Played {
        let key = self.future_key(revoked)?;
        let (_, contents) = self.inside(&revoked.database)?;
        if let Some(held) = contents.default_grant_options.get_mut(&key) {
            held.retain(|privilege| !revoked.privileges.contains(privilege));
        }
        Ok(())
    }

    fn future(&mut self, what: &FuturePrivileges) -> Result<&mut BTreeSet<Privilege>, String> {
        let key = self.future_key(what)?;
        let (_, contents) = self.inside(&what.database)?;
        Ok(contents.default_privileges.entry(key).or_default())
    }

    fn future_key(&self, what: &FuturePrivileges) -> Result<DefaultPrivileges, String> {
        if !self.master_acts_as(&what.owner) || !self.roles.contains_key(what.role.as_str()) {
            return Err("permission denied to change default privileges".to_owned());
        }
        let grantee = Grantee::Role(what.role.to_string());
        Ok(DefaultPrivileges { schema: what.schema.clone(), class: what.class, grantee })
    }

    pub(super) fn create_extension(
        &mut self,
        database: &DatabaseName,
        owner: &RoleName,
        extension: &ExtensionName,
    ) -> Played {
        if !self.roles.get(owner.as_str()).is_some_and(|role| role.master.set) {
            return Err(format!("cannot SET ROLE {owner}"));
        }
        match self.server.extensions.get(extension.as_str()) {
            None => return Err("could not open extension control file".to_owned()),
            Some(available) if available.needs_superuser => {
                return Err("permission denied to create extension".to_owned());
            }
            Some(_) => {}
        }
        let (_, contents) = self.inside(database.as_str())?;
        contents.extensions.insert(extension.to_string());
        Ok(())
    }

    /// The owner and the contents of a database that the master can enter.
    fn inside(&mut self, name: &str) -> Result<(String, &mut Contents), String> {
        let database = self.databases.get(name).ok_or("no such database")?;
        if !database.allows_connections || !self.master_may(database, DatabasePrivilege::Connect) {
            return Err(format!("cannot connect to {name}"));
        }
        let database = self.databases.get_mut(name).ok_or("no such database")?;
        let owner = database.owner.clone();
        database.contents.as_mut().map(|contents| (owner, contents)).ok_or_else(|| "?".to_owned())
    }

    /// Whether the entry has all that its access level says, and nothing more, on what the owner made.
    pub(super) fn has_access(&self, entry: &Entry, owner: &Entry) -> bool {
        if entry.access == AccessLevel::Owner {
            return entry.extensions.iter().all(|extension| {
                contents(&self.databases[entry.database.as_str()])
                    .extensions
                    .contains(extension.as_str())
            });
        }
        let database = &self.databases[entry.database.as_str()];
        let role = Grantee::Role(entry.username.to_string());
        let connects = database.privileges_of(&role).any(|p| p == DatabasePrivilege::Connect);
        let contents = contents(database);
        let is_foreign = |object: &ObjectName| {
            object.name.is_none()
                && !["pg_database_owner", owner.username.as_str()]
                    .contains(&contents.schemas[&object.schema].owner.as_str())
        };
        let objects = ObjectClass::ALL.into_iter().all(|class| {
            let is_within_reach = |(object, _): &(ObjectName, _)| {
                !is_foreign(object)
                    && (object.name.is_none() || contents.owner_may_use(&object.schema))
            };
            let mut held = contents.held(class, &role).filter(is_within_reach);
            held.all(|(object, held)| {
                let wanted = entry.access.privileges(class);
                held == wanted
                    && contents.held_on_columns(&object, &role).is_subset(&wanted)
                    && contents.may_pass_on(&object, entry.username.as_str()).is_empty()
            })
        });
        let future = ObjectClass::ALL.into_iter().all(|class| {
            let key = DefaultPrivileges { schema: None, class, grantee: role.clone() };
            contents.default_privileges.get(&key) == Some(&entry.access.privileges(class))
        }) && contents
            .default_privileges
            .iter()
            .filter(|(key, _)| key.grantee == role)
            .all(|(key, held)| held.is_subset(&entry.access.privileges(key.class)));
        let mut options = contents.default_grant_options.iter();
        let may_pass_on = options.any(|(key, held)| key.grantee == role && !held.is_empty());
        connects && objects && future && !may_pass_on
    }

    /// Whether the entry's role still holds something in the master's own database.
    pub(super) fn has_traces(&self, entry: &Entry) -> bool {
        let name = self.server.master_database.as_ref();
        let Some(database) = name.and_then(|name| self.databases.get(name)) else { return false };
        let can_enter = database.allows_connections
            && !database.is_invalid
            && self.master_may(database, DatabasePrivilege::Connect);
        if database.owner != self.server.master || !can_enter {
            return false;
        }
        let role = Grantee::Role(entry.username.to_string());
        let contents = contents(database);
        let is_masters = |object: &ObjectName| {
            let owner = contents.schemas.get(&object.schema).map(|schema| schema.owner.as_str());
            object.name.is_some()
                || owner.is_some_and(|owner| {
                    ["pg_database_owner", &self.server.master].contains(&owner)
                })
        };
        ObjectClass::ALL.into_iter().any(|class| {
            let mut held = contents.held(class, &role).filter(|(object, _)| is_masters(object));
            held.any(|(_, held)| !held.is_empty())
        }) || contents.default_privileges.keys().any(|future| future.grantee == role)
    }
}

fn contents(database: &Database) -> &Contents {
    database.contents.as_ref().expect("the world knows what is inside")
}
