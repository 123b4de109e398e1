//! Who uses the database of another entry, and what is granted inside databases.

use std::collections::{BTreeMap, BTreeSet};

use goldenpath_rds::access::{AccessLevel, ObjectClass, Privilege};
use goldenpath_rds::actual::{
    Contents, DatabasePrivilege, DefaultPrivileges, Grantee, ObjectName, Relation, Schema,
};
use goldenpath_rds::desired::Entry;
use goldenpath_rds::name::ExtensionName;
use proptest::collection::btree_set;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::world::contents_of_template;
use super::{STRANGER, Scenario};

/// How an entry's role stands to what is inside databases.
#[derive(Clone, Debug)]
pub struct AccessState {
    /// Not an owner, but this of the first entry's database.
    pub shares: Option<AccessLevel>,
    /// May connect to it already.
    connects: bool,
    /// May pass that on.
    may_grant: bool,
    /// Has passed it on.
    has_granted: bool,
    /// Holds all that it holds inside with the option to pass it on.
    may_grant_inside: bool,
    /// Holds these, where the objects are there.
    held: BTreeSet<(usize, Privilege)>,
    future: BTreeSet<(ObjectClass, Privilege)>,
    /// Holds this in the master's own database.
    left: BTreeSet<(ObjectClass, Privilege)>,
    /// Of an owner: what is asked for, and whether it is there.
    extensions: BTreeSet<&'static str>,
    has_extensions: bool,
    /// Of an owner: the database has something in it.
    has_objects: bool,
}

pub fn access_state() -> impl Strategy<Value = AccessState> {
    use Privilege::{Create, Insert, Select, Usage};
    let level = select(vec![AccessLevel::Editor, AccessLevel::Reader]);
    let privilege = || select(vec![Select, Insert, Usage, Create]);
    let class = || select(ObjectClass::ALL.to_vec());
    let extension = prop_oneof![8 => Just("hstore"), 1 => Just("dblink"), 1 => Just("nope")];
    let left =
        prop_oneof![3 => Just(BTreeSet::new()), 1 => btree_set((class(), privilege()), 1..=2)];
    (
        option::weighted(0.5, level),
        any::<bool>(),
        btree_set((0..OBJECTS.len(), privilege()), 0..=4),
        btree_set((class(), privilege()), 0..=3),
        left,
        prop_oneof![3 => Just(BTreeSet::new()), 1 => btree_set(extension, 1..=2)],
        [0.5, 0.5, 0.9, 0.25, 0.6].map(prop::bool::weighted),
    )
        .prop_map(|(shares, connects, held, future, left, extensions, flags)| {
            let [has_extensions, has_objects, may_grant, has_granted, may_grant_inside] = flags;
            AccessState {
                shares,
                connects,
                may_grant,
                has_granted,
                may_grant_inside,
                held,
                future,
                left,
                extensions,
                has_extensions,
                has_objects,
            }
        })
}

/// Schema, name and class of what an owner may have made; the last schema is a stranger's.
const OBJECTS: [(&str, Option<&str>, ObjectClass); 6] = [
    ("public", None, ObjectClass::Schema),
    ("sales", None, ObjectClass::Schema),
    ("theirs", None, ObjectClass::Schema),
    ("public", Some("orders"), ObjectClass::Table),
    ("sales", Some("offers"), ObjectClass::Table),
    ("sales", Some("offers_id"), ObjectClass::Sequence),
];

impl Scenario {
    /// What is inside the database of an owner.
    pub(super) fn contents(&self, entry: &Entry, state: &AccessState) -> Contents {
        let mut contents = contents_of_template(&self.world.server);
        if state.has_extensions {
            contents.extensions.insert("hstore".to_owned());
        }
        if !state.has_objects {
            return contents;
        }
        let user = entry.username.to_string();
        for (name, owner) in [("sales", user), ("theirs", STRANGER.to_owned())] {
            let schema = Schema { owner, owner_may_use: true, privileges: Default::default() };
            contents.schemas.insert(name.to_owned(), schema);
        }
        for (schema, name, class) in OBJECTS {
            if let Some(name) = name {
                let relation = Relation { class, privileges: Default::default() };
                contents.relations.insert(ObjectName::within(schema, name), relation);
            }
        }
        contents
    }

    /// What the role of an entry holds already: in the database that it shares, and in the master's.
    pub(super) fn add_access(&mut self, entry: &Entry, state: &AccessState) {
        if !self.world.roles.contains_key(entry.username.as_str()) {
            return;
        }
        let grantee = Grantee::Role(entry.username.to_string());
        let master_enters = self.master_enters(entry.database.as_str());
        if entry.access != AccessLevel::Owner
            && let Some(database) = self.world.databases.get_mut(entry.database.as_str())
            && master_enters
        {
            if state.connects {
                let held = database.privileges.entry(grantee.clone()).or_default();
                held.insert(DatabasePrivilege::Connect);
            }
            if state.connects && state.may_grant && database.owner != entry.username.as_str() {
                let role = entry.username.to_string();
                let connect = BTreeSet::from([DatabasePrivilege::Connect]);
                if state.has_granted {
                    database.passed_on.insert(role.clone(), connect.clone());
                }
                database.grant_options.insert(role, connect);
            }
            if let Some(contents) = &mut database.contents {
                state.add_held(contents, &grantee, entry.username.as_str());
                state.add_future(&state.future, None, contents, &grantee);
                if contents.schemas.contains_key("sales") {
                    state.add_future(&state.future, Some("sales"), contents, &grantee);
                }
            }
        }
        let masters = self.world.server.master_database.clone().unwrap_or_default();
        if let Some(database) = self.world.databases.get_mut(&masters)
            && let Some(contents) = &mut database.contents
        {
            state.add_future(&state.left, Some("public"), contents, &grantee);
            if let (Some(public), Some((_, privilege))) =
                (contents.schemas.get_mut("public"), state.left.first())
            {
                public.privileges.insert(grantee, BTreeSet::from([*privilege]));
            }
        }
    }

    /// What is planned in a database that was not read is a guess; it is not to be wrong here.
    fn master_enters(&self, name: &str) -> bool {
        self.world.databases.get(name).is_some_and(|database| {
            database.allows_connections
                && self.world.master_may(database, DatabasePrivilege::Connect)
        })
    }
}

impl AccessState {
    /// The entry as it asks for the extensions, or for a share in the first entry's database.
    pub(super) fn ask(&self, entry: &mut Entry, is_first: bool) {
        match self.shares.filter(|_| !is_first) {
            Some(level) => {
                entry.access = level;
                let environment = super::environment("dev");
                entry.secret = goldenpath_rds::name::SecretName::of_entry(&environment, &entry.key);
            }
            None => {
                let names = self.extensions.iter();
                entry.extensions =
                    names.map(|name| ExtensionName::parse(name).expect("a name")).collect();
            }
        }
    }

    fn add_held(&self, contents: &mut Contents, grantee: &Grantee, role: &str) {
        for (at, privilege) in &self.held {
            let (schema, name, _) = OBJECTS[*at];
            let object = match name {
                None => ObjectName::schema(schema),
                Some(name) => ObjectName::within(schema, name),
            };
            let privileges = match name {
                None => contents.schemas.get_mut(schema).map(|found| &mut found.privileges),
                Some(_) => contents.relations.get_mut(&object).map(|found| &mut found.privileges),
            };
            if let Some(privileges) = privileges {
                privileges.entry(grantee.clone()).or_default().insert(*privilege);
                if self.may_grant_inside {
                    self.add_option(contents, &object, role, *privilege);
                }
            }
            // The first table of all, and of its columns the same.
            if name == Some("orders") && contents.relations.contains_key(&object) {
                let columns = contents.on_columns.entry(object).or_default();
                columns.entry(grantee.clone()).or_default().insert(Privilege::Update);
            }
        }
    }

    fn add_option(
        &self,
        contents: &mut Contents,
        object: &ObjectName,
        role: &str,
        privilege: Privilege,
    ) {
        let add = |of: &mut BTreeMap<ObjectName, BTreeMap<String, BTreeSet<Privilege>>>| {
            let of_object = of.entry(object.clone()).or_default();
            of_object.entry(role.to_owned()).or_default().insert(privilege);
        };
        add(&mut contents.grant_options);
        if self.has_granted {
            add(&mut contents.passed_on);
        }
    }

    fn add_future(
        &self,
        held: &BTreeSet<(ObjectClass, Privilege)>,
        schema: Option<&str>,
        contents: &mut Contents,
        grantee: &Grantee,
    ) {
        // There are no schemas in schemas.
        let fits = |class| schema.is_none() || class != ObjectClass::Schema;
        for (class, privilege) in held.iter().filter(|(class, _)| fits(*class)) {
            let schema = schema.map(str::to_owned);
            let key = DefaultPrivileges { schema, class: *class, grantee: grantee.clone() };
            if self.may_grant_inside {
                let options = &mut contents.default_grant_options;
                options.entry(key.clone()).or_default().insert(*privilege);
            }
            contents.default_privileges.entry(key).or_default().insert(*privilege);
        }
    }
}
