//! Environments in every state that can be met, with few names so that they collide.

mod access;
mod build;

use std::collections::{BTreeMap, BTreeSet};

use goldenpath_rds::access::AccessLevel;
use goldenpath_rds::actual::{AvailableExtension, DatabasePrivilege, Endpoint, Membership, Server};
use goldenpath_rds::desired::{Desired, Entry, Governance};
use goldenpath_rds::name::{DatabaseName, EntryKey, Environment, Label, RoleName, SecretName};
use goldenpath_rds::new_versions::NewVersions;
use goldenpath_rds::risk::Risk;
use goldenpath_rds::version_id::VersionId;
use jiff::{SignedDuration, Timestamp};
use proptest::collection::btree_set;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use uuid::{Builder, Uuid};

use super::world::{World, plain_role};
use access::{AccessState, access_state};

pub const MASTER: &str = "platform_admin";
pub const MASTER_DATABASE: &str = "main";
const STRANGER: &str = "stranger";
const KEYS: [&str; 3] = ["a", "b", "c"];
/// Usernames and databases share their names; one of each is the master's.
const USERNAMES: [&str; 4] = ["app", "bill", "crm", MASTER];
const DATABASES: [&str; 4] = ["app", "bill", "crm", MASTER_DATABASE];

/// What is wanted, what is there, and the ids of versions to come.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub desired: Desired,
    pub world: World,
    pub new: NewVersions,
}

pub fn scenario() -> impl Strategy<Value = Scenario> {
    let entries = proptest::collection::vec(entry_state(), 0..=3);
    let names = (orders(), orders());
    (entries, names, server(), any::<bool>(), select(vec![0_u8, 9])).prop_map(
        |(entries, (usernames, databases), server, isolate_server, at)| {
            let world = World {
                roles: BTreeMap::from([
                    (server.server.master.clone(), plain_role()),
                    (STRANGER.to_owned(), plain_role()),
                ]),
                passwords: BTreeMap::new(),
                databases: BTreeMap::new(),
                secrets: BTreeMap::new(),
                server: server.server.clone(),
            };
            let desired = Desired {
                environment: environment("dev"),
                entries: BTreeMap::new(),
                isolate_server,
                reset_passwords: BTreeSet::new(),
            };
            let new = NewVersions { at: time(at), seed: Uuid::from_u128(7) };
            let mut scenario = Scenario { desired, world, new };
            scenario.add_master_database();
            for (at, state) in entries.into_iter().enumerate() {
                let shares = at > 0 && state.access.shares.is_some();
                let database = DATABASES[databases[if shares { 0 } else { at }]];
                scenario.add_entry(KEYS[at], USERNAMES[usernames[at]], database, &state);
            }
            scenario.add_server_databases(&server);
            if server.has_leftovers {
                scenario.add_leftovers();
            }
            scenario
        },
    )
}

/// Which of four names each entry has; the last is the master's and comes up less often.
fn orders() -> impl Strategy<Value = [usize; 3]> {
    prop_oneof![
        8 => select(vec![[0, 1, 2], [1, 0, 2], [2, 1, 0]]),
        1 => select(vec![[3, 0, 1], [0, 3, 1]]),
    ]
}

#[derive(Clone, Debug)]
struct ServerState {
    server: Server,
    owners: [Owner; 2],
    public: [BTreeSet<DatabasePrivilege>; 2],
    has_leftovers: bool,
}

fn server() -> impl Strategy<Value = ServerState> {
    let owner = || prop_oneof![8 => Just(Owner::Master), 1 => any_owner()];
    let version = select(vec![140_023, 150_018, 170_010]);
    let flags = (any::<bool>(), any::<bool>());
    (version, [owner(), owner()], [public(), public()], flags).prop_map(
        |(version, owners, public, (has_own_database, has_leftovers))| ServerState {
            server: server_of(version, has_own_database.then(|| MASTER_DATABASE.to_owned())),
            owners,
            public,
            has_leftovers,
        },
    )
}

pub fn server_of(version: u32, master_database: Option<String>) -> Server {
    let endpoint = Endpoint { host: "db.example.com".to_owned(), port: 5432 };
    let extension = |needs_superuser| AvailableExtension { needs_superuser, schema: None };
    let extensions = BTreeMap::from([
        ("hstore".to_owned(), extension(false)),
        ("dblink".to_owned(), extension(true)),
    ]);
    Server { version, master: MASTER.to_owned(), master_database, endpoint, extensions }
}

/// What there is of one entry.
#[derive(Clone, Debug)]
struct EntryState {
    wants_createdb: bool,
    resets: bool,
    role: Option<RoleState>,
    database: Option<DatabaseState>,
    secret: Option<SecretState>,
    access: AccessState,
    /// A database that its role made for itself, what PUBLIC holds on it, and whether it is a template.
    made: Option<(BTreeSet<DatabasePrivilege>, bool)>,
}

fn entry_state() -> impl Strategy<Value = EntryState> {
    (
        any::<bool>(),
        prop::bool::weighted(0.3),
        option::weighted(0.7, role_state()),
        option::weighted(0.7, database_state()),
        option::weighted(0.8, secret_state()),
        access_state(),
        option::weighted(0.3, (public(), any::<bool>())),
    )
        .prop_map(|(wants_createdb, resets, role, database, secret, access, made)| {
            EntryState { access, made, wants_createdb, resets, role, database, secret }
        })
}

/// The version that a role's comment names.
#[derive(Clone, Debug)]
enum Says {
    NoVersion,
    Current,
    Pending,
    Version(VersionId),
}

#[derive(Clone, Debug)]
enum Comment {
    None,
    Foreign,
    Marker { other_environment: bool, other_entry: bool, says: Says },
}

#[derive(Clone, Debug)]
struct RoleState {
    comment: Comment,
    /// For a role whose comment does not say it.
    has_current_password: bool,
    /// Somebody gave it another than its comment says.
    set_by_hand: bool,
    differs: BTreeSet<&'static str>,
    privileged: Option<&'static str>,
    is_iam: bool,
    membership: Membership,
}

fn role_state() -> impl Strategy<Value = RoleState> {
    let says = prop_oneof![
        1 => Just(Says::NoVersion),
        4 => Just(Says::Current),
        3 => Just(Says::Pending),
        3 => version_id().prop_map(Says::Version),
    ];
    let marker = (rarely(), prop::bool::weighted(0.2), says).prop_map(
        |(other_environment, other_entry, says)| Comment::Marker {
            other_environment,
            other_entry,
            says,
        },
    );
    let comment = prop_oneof![2 => Just(Comment::None), 1 => Just(Comment::Foreign), 6 => marker];
    let attributes = vec!["login", "createdb", "createrole", "limit", "expires", "inherit"];
    let differs =
        prop_oneof![2 => Just(BTreeSet::new()), 1 => btree_set(select(attributes), 1..=3)];
    let privileged = option::weighted(0.05, select(vec!["SUPERUSER", "REPLICATION", "BYPASSRLS"]));
    let full = Membership { admin: true, may_grant: true, inherit: true, set: true };
    let membership = prop_oneof![
        2 => Just(full),
        1 => [any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()].prop_map(
            |[admin, may_grant, inherit, set]| Membership {
                admin,
                may_grant: admin && may_grant,
                inherit,
                set,
            },
        ),
    ];
    let password = (any::<bool>(), prop::bool::weighted(0.1));
    (comment, password, differs, privileged, rarely(), membership).prop_map(
        |(comment, password, differs, privileged, is_iam, membership)| RoleState {
            comment,
            has_current_password: password.0,
            set_by_hand: password.1,
            differs,
            privileged,
            is_iam,
            membership,
        },
    )
}

#[derive(Clone, Copy, Debug)]
enum Owner {
    User,
    Master,
    Stranger,
    Neighbour(&'static str),
}

fn any_owner() -> impl Strategy<Value = Owner> {
    prop_oneof![
        Just(Owner::User),
        Just(Owner::Master),
        Just(Owner::Stranger),
        select(USERNAMES.to_vec()).prop_map(Owner::Neighbour),
    ]
}

#[derive(Clone, Copy, Debug)]
enum DatabaseComment {
    None,
    Foreign,
    Right,
    NoOwner,
    OtherEntry,
    OtherEnvironment,
}

#[derive(Clone, Debug)]
struct DatabaseState {
    owner: Owner,
    is_half_made: bool,
    is_invalid: bool,
    is_latin1: bool,
    is_limited: bool,
    is_template: bool,
    /// The owner has lost CREATE.
    lacks_create: bool,
    has_foreign_grant: bool,
    public: BTreeSet<DatabasePrivilege>,
    connects: [bool; 2],
    comment: DatabaseComment,
    schema: SchemaState,
}

#[derive(Clone, Copy, Debug)]
enum SchemaState {
    Template,
    Absent,
    /// Whose it is, whether PUBLIC may create in it, and whether its owner may.
    Of(Owner, bool, bool),
}

fn database_state() -> impl Strategy<Value = DatabaseState> {
    use DatabaseComment::{Foreign, NoOwner, None, OtherEntry, OtherEnvironment, Right};
    let owner = prop_oneof![9 => Just(Owner::User), 1 => any_owner()];
    let flags = (prop::bool::weighted(0.2), rarely(), rarely(), rarely(), rarely(), rarely());
    let is_template = prop::bool::weighted(0.1);
    let comment = prop_oneof![
        6 => Just(Right),
        4 => select(vec![None, Foreign, NoOwner, OtherEntry]),
        1 => Just(OtherEnvironment),
    ];
    let schema = prop_oneof![
        4 => Just(SchemaState::Template),
        1 => Just(SchemaState::Absent),
        4 => (any_owner(), any::<bool>(), prop::bool::weighted(0.8))
            .prop_map(|(owner, open, creates)| SchemaState::Of(owner, open, creates)),
    ];
    (owner, flags, is_template, public(), [any::<bool>(), any::<bool>()], comment, schema).prop_map(
        |(
            owner,
            (is_half_made, is_invalid, is_latin1, has_foreign_grant, is_limited, lacks_create),
            is_template,
            public,
            connects,
            comment,
            schema,
        )| {
            DatabaseState {
                owner,
                is_half_made,
                is_invalid,
                is_latin1,
                is_limited,
                is_template,
                lacks_create,
                has_foreign_grant,
                public,
                connects,
                comment,
                schema,
            }
        },
    )
}

fn public() -> impl Strategy<Value = BTreeSet<DatabasePrivilege>> {
    use DatabasePrivilege::{Connect, Create, Temporary};
    prop_oneof![
        2 => Just(BTreeSet::new()),
        2 => Just(BTreeSet::from([Connect, Temporary])),
        1 => btree_set(select(vec![Connect, Create, Temporary]), 0..=3),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Tags {
    Right,
    Absent,
    OtherEndpoint,
    OtherEnvironment,
    NoUsername,
    OtherManager,
    OtherOwner,
}

#[derive(Clone, Copy, Debug)]
enum Fields {
    Right,
    OtherHost,
    NoUsername,
    /// The role of somebody, which lives.
    LivingUser,
    GoneUser,
    Malformed,
}

#[derive(Clone, Debug)]
struct SecretState {
    is_scheduled: bool,
    is_rotated: bool,
    is_owned: bool,
    tags: Tags,
    current: Option<(VersionId, Fields)>,
    pending: Option<(Pending, Fields)>,
    previous: Option<VersionId>,
}

#[derive(Clone, Debug)]
enum Pending {
    SameAsCurrent,
    Version(VersionId),
}

fn secret_state() -> impl Strategy<Value = SecretState> {
    let tags = prop_oneof![
        5 => Just(Tags::Right),
        1 => Just(Tags::Absent),
        1 => Just(Tags::OtherEndpoint),
        1 => Just(Tags::OtherEnvironment),
        1 => Just(Tags::NoUsername),
        1 => Just(Tags::OtherOwner),
        1 => Just(Tags::OtherManager),
    ];
    let fields = || {
        prop_oneof![
            6 => Just(Fields::Right),
            2 => Just(Fields::OtherHost),
            1 => Just(Fields::NoUsername),
            1 => Just(Fields::LivingUser),
            1 => Just(Fields::GoneUser),
            1 => Just(Fields::Malformed),
        ]
    };
    let current = option::weighted(0.9, (version_id(), fields()));
    let pending = prop_oneof![
        1 => Just(Pending::SameAsCurrent),
        4 => ours_id().prop_map(Pending::Version),
        1 => version_id().prop_map(Pending::Version),
    ];
    let flags = (prop::bool::weighted(0.15), prop::bool::weighted(0.03), rarely());
    let pending = option::weighted(0.5, (pending, fields()));
    (flags, tags, current, pending, option::of(version_id())).prop_map(
        |((is_scheduled, is_rotated, is_owned), tags, current, pending, previous)| SecretState {
            previous: previous.filter(|_| current.is_some()),
            is_scheduled,
            is_rotated,
            is_owned,
            tags,
            pending: pending.filter(|_| current.is_some()),
            current,
        },
    )
}

fn version_id() -> impl Strategy<Value = VersionId> {
    prop_oneof![
        4 => ours_id(),
        1 => (1..=3_u8).prop_map(terraform),
        1 => (1..=3_u8).prop_map(foreign),
        1 => (1..=4_u8).prop_map(future),
    ]
}

/// Two for each moment: a copy has the birth time of the version whose password it keeps.
fn ours_id() -> impl Strategy<Value = VersionId> {
    (1..=4_u8, any::<Index>()).prop_map(|(at, which)| ours(at, u8::from(which.index(2) == 1)))
}

/// A version made by this program at that minute.
pub fn ours(minute: u8, which: u8) -> VersionId {
    let millis = u64::try_from(time(minute).as_millisecond()).expect("after 1970");
    VersionId::from_uuid(Builder::from_unix_timestamp_millis(millis, &[which; 10]).into_uuid())
}

/// A version made by Terraform at that minute.
pub fn terraform(minute: u8) -> VersionId {
    id(&format!("terraform-2026112220{minute:02}00000000000001"))
}

/// A version made by hand: its id carries no time.
pub fn foreign(minute: u8) -> VersionId {
    id(&format!("7c9e6679-7425-40de-944b-e07fc1f90ae{minute}"))
}

fn id(text: &str) -> VersionId {
    VersionId::parse(text).expect("a valid version id")
}

pub fn time(minute: u8) -> Timestamp {
    let start: Timestamp = "2026-11-22T20:00:00Z".parse().expect("a valid time");
    Timestamp::from_second(start.as_second() + 60 * i64::from(minute)).expect("a valid time")
}

/// The time of the latest run. Nothing here was made later, whatever the ids say.
pub fn now() -> Timestamp {
    time(9)
}

/// A version made by this program at that minute, on a machine whose clock was far ahead.
pub fn future(minute: u8) -> VersionId {
    future_of(time(minute).checked_add(AHEAD).expect("a valid time"))
}

fn future_of(at: Timestamp) -> VersionId {
    let millis = u64::try_from(at.as_millisecond()).expect("after 1970");
    VersionId::from_uuid(Builder::from_unix_timestamp_millis(millis, &[2; 10]).into_uuid())
}

const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 400);

/// When a version was created, for ids that do not carry it, or a time to come.
pub fn created(id: &VersionId) -> Timestamp {
    let minute = id.as_str().bytes().next_back().map_or(0, |digit| digit.saturating_sub(b'0'));
    match id.born() {
        // Generated, or minted since.
        Some(born) if *id == future_of(born) => born.checked_sub(AHEAD).expect("a valid time"),
        Some(_) if id.born_by(now()).is_none() => now(),
        Some(born) => born,
        None => time(minute),
    }
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.04)
}

pub fn environment(name: &str) -> Environment {
    Environment::parse(name).expect("a valid environment")
}

pub fn key(name: &str) -> EntryKey {
    EntryKey::parse(name).expect("a valid key")
}

pub fn entry(name: &str, username: &str, database: &str) -> Entry {
    let database = DatabaseName::parse(database).expect("a valid name");
    Entry {
        key: key(name),
        secret: SecretName::of_database(&environment("dev"), &database),
        database,
        username: RoleName::parse(username).expect("a valid name"),
        access: AccessLevel::Owner,
        extensions: BTreeSet::new(),
        connection_limit: 20,
        createdb: false,
        governance: governance(),
    }
}

fn governance() -> Governance {
    let label = |text: &str| Some(Label::parse(text).expect("a valid label"));
    Governance {
        owner: label("app-team"),
        domain: label("catalog"),
        risk: Some(Risk::Medium),
        requested_by: label("daniel-deans"),
        id: label("DATABASE_ORDERS"),
    }
}
