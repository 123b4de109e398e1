//! The table of the password protocol, and the states around it: this is wanted, this is there, this
//! is the plan.

use std::collections::{BTreeMap, BTreeSet};

use goldenpath_rds::actual::{ConnectionFields, DatabasePrivilege, Grantee, Membership, Role};
use goldenpath_rds::desired::{Desired, Entry};
use goldenpath_rds::marker::Marker;
use goldenpath_rds::new_versions::NewVersions;
use goldenpath_rds::plan::{Change, Connection, ObstacleKind, PasswordSource, Plan};
use goldenpath_rds::version_id::VersionId;
use uuid::Uuid;

use super::generate::{
    MASTER, created, entry, environment, foreign, future, ours, server_of, terraform, time,
};
use super::world::{Stored, StoredVersion, World, fields_of, half_made, new_password, plain_role};

const POSTGRES_14: u32 = 140_023;
const POSTGRES_17: u32 = 170_010;

/// The versions v1, v2, v3: each a minute younger than the one before.
fn v(minute: u8) -> VersionId {
    ours(minute, 0)
}

/// One entry, `app`, whose database stands and is as wanted. Role and secret are the test's.
struct Case {
    desired: Desired,
    world: World,
    entry: Entry,
}

fn case() -> Case {
    on(POSTGRES_17)
}

fn on(version: u32) -> Case {
    let entry = entry("app", "app_user", "app");
    let desired = Desired {
        environment: environment("dev"),
        entries: BTreeMap::from([(entry.key.clone(), entry.clone())]),
        isolate_server: false,
        reset_passwords: BTreeSet::new(),
    };
    let server = server_of(version, None);
    let mut database = half_made(&server, "app_user");
    database.allows_connections = true;
    database.privileges.remove(&Grantee::Public);
    let connect = BTreeSet::from([DatabasePrivilege::Connect]);
    database.privileges.insert(Grantee::Role(MASTER.to_owned()), connect);
    database.comment = Some(entry.database_comment(&desired.environment));
    let world = World {
        roles: BTreeMap::from([(MASTER.to_owned(), plain_role())]),
        passwords: BTreeMap::new(),
        databases: BTreeMap::from([("app".to_owned(), database)]),
        secrets: BTreeMap::new(),
        server,
    };
    Case { desired, world, entry }
}

impl Case {
    /// No database yet: the role that would own it is not there either.
    fn without_database(mut self) -> Self {
        self.world.databases.clear();
        self
    }

    /// The role says that its password is from this version.
    fn role_says(self, version: &VersionId) -> Self {
        let marker = self.marker("app", Some(version.clone()));
        self.role(Some(marker), &new_password(version))
    }

    /// The role was made by someone else, with this password.
    fn unmarked_role(self, password: &str) -> Self {
        self.role(Some("orders service".to_owned()), password)
    }

    fn role(mut self, comment: Option<String>, password: &str) -> Self {
        let master = Membership { admin: true, may_grant: true, inherit: true, set: true };
        let role = Role { comment, connection_limit: 20, master, ..plain_role() };
        self.world.roles.insert("app_user".to_owned(), role);
        self.world.passwords.insert("app_user".to_owned(), password.to_owned());
        self
    }

    fn marker(&self, key: &str, version: Option<VersionId>) -> String {
        let entry = super::generate::key(key);
        Marker { environment: self.desired.environment.clone(), entry, version }.to_string()
    }

    fn current(mut self, version: &VersionId) -> Self {
        self.add_version(version);
        self.secret().current = Some(version.clone());
        self
    }

    fn pending(mut self, version: &VersionId) -> Self {
        self.add_version(version);
        self.secret().pending = Some(version.clone());
        self
    }

    fn add_version(&mut self, id: &VersionId) {
        let (created, password) = (created(id), new_password(id));
        let fields = Some(fields_of(&self.connection()));
        self.secret().versions.insert(id.clone(), StoredVersion { created, password, fields });
    }

    /// The secret, with our tags.
    fn secret(&mut self) -> &mut Stored {
        let tags = self.entry.tags(&self.world.server.endpoint, &self.desired.environment);
        let name = self.entry.secret.to_string();
        self.world.secrets.entry(name).or_insert_with(|| Stored { tags, ..Stored::default() })
    }

    fn connection(&self) -> Connection {
        Connection {
            username: self.entry.username.clone(),
            dbname: self.entry.database.clone(),
            endpoint: self.world.server.endpoint.clone(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Stored)) -> Self {
        change(self.secret());
        self
    }

    /// As Terraform left it: no tags of ours.
    fn without_tags(self) -> Self {
        self.with(|secret| secret.tags.clear())
    }

    fn reset_password(mut self) -> Self {
        self.desired.reset_passwords.insert(self.entry.key.clone());
        self
    }

    fn plan(&self) -> Plan {
        let new = NewVersions { at: time(9), seed: Uuid::from_u128(1) };
        self.world.plan(&self.desired, &new)
    }

    /// The changes in short, with versions by their number; 9 is the time of planning.
    #[track_caller]
    fn gives(self, wanted: &[&str]) {
        let plan = self.plan();
        assert_eq!(plan.obstacles, []);
        let steps: Vec<String> = plan.steps.iter().map(|step| short(&step.change)).collect();
        assert_eq!(steps, wanted);
    }

    #[track_caller]
    fn meets(self, kind: ObstacleKind) {
        let plan = self.plan();
        assert_eq!(plan.steps, []);
        assert_eq!(plan.obstacles.iter().map(|found| found.kind).collect::<Vec<_>>(), [kind]);
    }
}

fn short(change: &Change) -> String {
    let name = change.name();
    match change {
        Change::CreateSecret { version, .. }
        | Change::CreateRole { version, .. }
        | Change::WriteMarker { version, .. }
        | Change::SetPassword { version, .. }
        | Change::PublishVersion { version, .. }
        | Change::StageMasterPassword { version, .. }
        | Change::SetMasterPassword { version, .. }
        | Change::PublishMasterPassword { version, .. }
        | Change::EndSessions { version, .. }
        | Change::ClearPending { version, .. }
        | Change::StageVersion { version, password: PasswordSource::New, .. } => {
            format!("{name} v{}", number(version))
        }
        Change::StageVersion { version, password: PasswordSource::CopyOf(from), .. } => {
            let kept = if version.born() == Some(created(from)) { "of the same age" } else { "" };
            format!("{name} copy of v{} {kept}", number(from))
        }
        Change::RestoreSecret { .. }
        | Change::GrantMembership { .. }
        | Change::AlterRole { .. }
        | Change::CreateDatabase { .. }
        | Change::RevokeFromPublic { .. }
        | Change::RevokeGrantOption { .. }
        | Change::GrantConnect { .. }
        | Change::GrantToOwner { .. }
        | Change::CommentOnDatabase { .. }
        | Change::UnmarkTemplate { .. }
        | Change::LiftConnectionLimit { .. }
        | Change::AllowConnections { .. }
        | Change::OwnPublicSchema { .. }
        | Change::GrantPublicSchema { .. }
        | Change::ClosePublicSchema { .. }
        | Change::CreateExtension { .. }
        | Change::GrantPrivileges(_)
        | Change::RevokePrivileges(_)
        | Change::RevokeGrantOptionInside(_)
        | Change::RevokeDefaultGrantOption(_)
        | Change::GrantDefaultPrivileges(_)
        | Change::RevokeDefaultPrivileges(_)
        | Change::TagSecret { .. } => name.to_owned(),
    }
}

fn number(version: &VersionId) -> i64 {
    (created(version).as_second() - time(0).as_second()) / 60
}

#[test]
fn nothing_there_is_made_secret_first() {
    case().without_database().gives(&[
        "create_secret v9",
        "create_role v9",
        "create_database",
        "revoke_from_public",
        "grant_connect",
        "comment_on_database",
        "allow_connections",
    ]);
}

#[test]
fn on_postgresql_14_schema_public_is_closed_too() {
    on(POSTGRES_14).without_database().gives(&[
        "create_secret v9",
        "create_role v9",
        "create_database",
        "revoke_from_public",
        "grant_connect",
        "comment_on_database",
        "allow_connections",
        "own_public_schema",
        "close_public_schema",
    ]);
}

#[test]
fn a_secret_without_a_role_gives_the_role_its_password() {
    case().without_database().current(&v(1)).gives(&[
        "create_role v1",
        "create_database",
        "revoke_from_public",
        "grant_connect",
        "comment_on_database",
        "allow_connections",
    ]);
}

#[test]
fn role_from_current_needs_nothing() {
    case().current(&v(1)).role_says(&v(1)).gives(&[]);
}

#[test]
fn rotation_sets_then_publishes_then_clears() {
    case().current(&v(1)).pending(&v(2)).role_says(&v(1)).gives(&[
        "set_password v2",
        "publish_version v2",
        "clear_pending v2",
    ]);
}

#[test]
fn rotation_resumes_after_the_password() {
    let wanted = ["publish_version v2", "clear_pending v2"];
    case().current(&v(1)).pending(&v(2)).role_says(&v(2)).gives(&wanted);
}

#[test]
fn rotation_resumes_after_the_publication() {
    case().current(&v(2)).pending(&v(2)).role_says(&v(2)).gives(&["clear_pending v2"]);
}

#[test]
fn a_newer_current_is_what_applications_read() {
    case().current(&v(3)).role_says(&v(1)).gives(&["set_password v3"]);
}

#[test]
fn current_v1_older_than_v2_is_blocked() {
    case().current(&v(1)).role_says(&v(2)).meets(ObstacleKind::OlderSecret);
}

/// AWS dates a version by its own clock, and may cut that to whole seconds.
#[test]
fn a_current_of_others_is_older_by_more_than_a_second_or_not_at_all() {
    let after_v2 = |millis| {
        let birth = v(2).born().unwrap().as_millisecond().cast_unsigned() + millis;
        let uuid = uuid::Builder::from_unix_timestamp_millis(birth, &[0; 10]).into_uuid();
        VersionId::parse(&uuid.to_string()).unwrap()
    };
    let same_second = case().current(&foreign(2)).role_says(&after_v2(999));
    same_second.gives(&["set_password v2"]);
    let copied = case().current(&foreign(2)).role_says(&after_v2(999)).with(moved);
    copied.gives(&[
        "stage_version copy of v2 of the same age",
        "set_password v2",
        "publish_version v2",
        "clear_pending v2",
        "tag_secret",
    ]);
    case().current(&foreign(2)).role_says(&after_v2(1001)).meets(ObstacleKind::OlderSecret);
}

#[test]
fn current_v1_older_than_v2_is_left_behind_by_reset_password() {
    case().current(&v(1)).role_says(&v(2)).reset_password().gives(&[
        "stage_version v9",
        "set_password v9",
        "publish_version v9",
        "clear_pending v9",
    ]);
}

#[test]
fn lost_secret_of_our_role_gets_a_new_password() {
    case().role_says(&v(1)).gives(&["create_secret v9", "set_password v9"]);
}

#[test]
fn unmarked_role_that_logs_in_is_adopted() {
    let password = new_password(&v(1));
    case().current(&v(1)).unmarked_role(&password).gives(&["write_marker v1"]);
}

#[test]
fn unmarked_role_that_does_not_log_in_is_blocked() {
    case().current(&v(1)).unmarked_role("other").meets(ObstacleKind::ForeignRole);
}

#[test]
fn unmarked_role_that_does_not_log_in_is_taken_over_by_reset_password() {
    case().current(&v(1)).unmarked_role("other").reset_password().gives(&["set_password v1"]);
}

#[test]
fn unmarked_role_that_logs_in_gets_the_same_password_by_reset_password() {
    let password = new_password(&v(1));
    case().current(&v(1)).unmarked_role(&password).reset_password().gives(&["set_password v1"]);
}

#[test]
fn unmarked_role_without_a_secret_is_blocked() {
    case().unmarked_role("other").meets(ObstacleKind::ForeignRole);
}

#[test]
fn unmarked_role_without_a_secret_is_taken_over_by_reset_password() {
    let wanted = ["create_secret v9", "set_password v9"];
    case().unmarked_role("other").reset_password().gives(&wanted);
}

#[test]
fn deleted_secret_is_restored_and_then_compared() {
    let deleted = |secret: &mut Stored| secret.is_scheduled_for_deletion = true;
    case().current(&v(1)).role_says(&v(1)).with(deleted).gives(&["restore_secret"]);
    let published = case().current(&v(3)).pending(&v(3)).role_says(&v(3));
    published.with(deleted).gives(&["restore_secret", "clear_pending v3"]);
}

#[test]
fn deleted_secret_that_nothing_vouches_for_is_blocked() {
    let deleted = |secret: &mut Stored| secret.is_scheduled_for_deletion = true;
    let untagged = case().current(&v(1)).role_says(&v(1)).without_tags();
    untagged.with(deleted).meets(ObstacleKind::ForeignSecret);
    let password = new_password(&v(1));
    let unproven = case().current(&v(1)).unmarked_role(&password);
    unproven.with(deleted).meets(ObstacleKind::ForeignSecret);
    let by_hand = case().current(&v(3)).role_says(&v(1));
    by_hand.with(deleted).meets(ObstacleKind::ForeignSecret);
}

/// Somebody put a version of this id that has no password.
fn spoiled(version: &VersionId) -> impl FnOnce(&mut Stored) {
    move |secret| secret.versions.get_mut(version).expect("a version").fields = None
}

const NEW_PASSWORD: [&str; 4] =
    ["stage_version v9", "set_password v9", "publish_version v9", "clear_pending v9"];

#[test]
fn a_spoiled_current_is_blocked_until_a_new_password_is_asked_for() {
    let newer = || case().current(&v(3)).role_says(&v(1)).with(spoiled(&v(3)));
    newer().meets(ObstacleKind::MalformedSecret);
    newer().reset_password().gives(&NEW_PASSWORD);
    let older = || case().current(&v(1)).role_says(&v(3)).with(spoiled(&v(1)));
    older().meets(ObstacleKind::MalformedSecret);
    older().reset_password().gives(&NEW_PASSWORD);
    let unmarked = || case().current(&v(1)).unmarked_role("other").with(spoiled(&v(1)));
    unmarked().meets(ObstacleKind::MalformedSecret);
    unmarked().reset_password().gives(&NEW_PASSWORD);
}

#[test]
fn a_role_is_not_made_from_a_spoiled_secret_but_from_a_new_password() {
    let no_role = || case().current(&v(1)).with(spoiled(&v(1))).without_database();
    no_role().meets(ObstacleKind::MalformedSecret);
    let plan = no_role().reset_password().plan();
    assert_eq!(plan.obstacles, []);
    let steps: Vec<_> = plan.steps.iter().map(|step| short(&step.change)).collect();
    assert_eq!(steps[..2], ["stage_version v9", "create_role v9"]);
    assert_eq!(steps[steps.len() - 2..], NEW_PASSWORD[2..]);
}

#[test]
fn a_spoiled_version_that_gives_no_password_is_in_nobodys_way() {
    let current = case().current(&v(1)).pending(&v(2)).role_says(&v(2)).with(spoiled(&v(1)));
    current.gives(&["publish_version v2", "clear_pending v2"]);
    let pending = case().current(&v(2)).pending(&v(1)).role_says(&v(2)).with(spoiled(&v(1)));
    pending.gives(&["clear_pending v1"]);
}

/// Its own value says nothing, and its tags do.
#[test]
fn a_spoiled_secret_of_a_living_role_is_not_taken_from_it() {
    let of_the_master = |secret: &mut Stored| {
        secret.tags.insert("Username".to_owned(), MASTER.to_owned());
    };
    let taken = case().current(&v(3)).role_says(&v(1)).with(spoiled(&v(3))).with(of_the_master);
    taken.reset_password().meets(ObstacleKind::ForeignSecret);
}

/// Changes what stands in a version beside the password; the tags say what stood there before.
fn put_by_hand(version: &VersionId, change: fn(&mut ConnectionFields)) -> impl FnOnce(&mut Stored) {
    move |secret| {
        let version = secret.versions.get_mut(version).expect("a version");
        change(version.fields.as_mut().expect("fields"));
    }
}

#[test]
fn a_newer_current_with_other_fields_is_put_right_before_the_role_gets_it() {
    let found = |change| case().current(&v(3)).role_says(&v(1)).with(put_by_hand(&v(3), change));
    let corrected = [
        "stage_version copy of v3 of the same age",
        "set_password v3",
        "publish_version v3",
        "clear_pending v3",
    ];
    found(|fields| fields.host = Some("by.hand".to_owned())).gives(&corrected);
    found(|fields| fields.port = None).gives(&corrected);
    found(|fields| fields.dbname = Some("postgres".to_owned())).gives(&corrected);
    found(|fields| fields.username = None).gives(&corrected);
    found(|fields| fields.username = Some("nobody".to_owned())).gives(&NEW_PASSWORD);
    found(|fields| fields.username = Some(MASTER.to_owned())).meets(ObstacleKind::ForeignSecret);
}

#[test]
fn secret_of_terraform_is_taken_over_with_its_password() {
    let version = terraform(1);
    let password = new_password(&version);
    let found = case().current(&version).without_tags();
    found.unmarked_role(&password).gives(&["write_marker v1", "tag_secret"]);
}

/// The server had another host when the secret was written.
fn moved(secret: &mut Stored) {
    secret.tags.insert("Endpoint".to_owned(), "old.example.com:5432".to_owned());
    for version in secret.versions.values_mut() {
        let host = Some("old.example.com".to_owned());
        version.fields = version.fields.take().map(|f| ConnectionFields { host, ..f });
    }
}

#[test]
fn changed_host_in_the_middle_of_a_rotation_keeps_the_password_of_the_role() {
    case().current(&v(1)).pending(&v(2)).role_says(&v(2)).with(moved).gives(&[
        "stage_version copy of v2 of the same age",
        "set_password v2",
        "publish_version v2",
        "clear_pending v2",
        "tag_secret",
    ]);
}

#[test]
fn changed_host_keeps_the_password_and_its_age() {
    case().current(&v(1)).role_says(&v(1)).with(moved).gives(&[
        "stage_version copy of v1 of the same age",
        "set_password v1",
        "publish_version v1",
        "clear_pending v1",
        "tag_secret",
    ]);
}

/// A copy would be called older than the role's password, once the label that dates that one is gone.
#[test]
fn changed_host_over_a_password_of_the_future_gives_a_new_one() {
    let behind = case().current(&v(3)).pending(&future(1)).role_says(&future(1));
    behind.with(moved).gives(&[
        "stage_version v9",
        "set_password v9",
        "publish_version v9",
        "clear_pending v9",
        "tag_secret",
    ]);
}

#[test]
fn pending_version_of_someone_else_is_blocked() {
    let rotated = case().current(&v(1)).pending(&foreign(2)).role_says(&v(1));
    rotated.meets(ObstacleKind::ForeignSecret);
}

#[test]
fn secret_of_another_rotation_is_blocked() {
    let rotated = |secret: &mut Stored| secret.rotation_enabled = true;
    case().current(&v(1)).role_says(&v(1)).with(rotated).meets(ObstacleKind::ForeignSecret);
    let owned = |secret: &mut Stored| secret.owning_service = Some("rds".to_owned());
    case().current(&v(1)).role_says(&v(1)).with(owned).meets(ObstacleKind::ForeignSecret);
}

#[test]
fn overtaken_pending_version_is_cleared() {
    case().current(&v(2)).pending(&v(1)).role_says(&v(2)).gives(&["clear_pending v1"]);
}

#[test]
fn label_that_another_rotation_left_on_current_is_taken_off() {
    let left = case().current(&foreign(1)).pending(&foreign(1)).role_says(&foreign(1));
    left.gives(&["clear_pending v1"]);
}

#[test]
fn password_by_hand_over_ours_is_found_by_reset_password_alone() {
    let by_hand = |case: Case| {
        let marker = case.marker("app", Some(v(1)));
        case.role(Some(marker), "by hand")
    };
    by_hand(case().current(&v(1))).gives(&[]);
    by_hand(case().current(&v(1))).reset_password().gives(&[
        "stage_version v9",
        "set_password v9",
        "publish_version v9",
        "clear_pending v9",
    ]);
    case().current(&v(1)).role_says(&v(1)).reset_password().gives(&[]);
}

#[test]
fn secret_without_a_value_gets_its_first_version() {
    let wanted = ["stage_version v9", "set_password v9", "clear_pending v9"];
    case().with(|_| ()).role_says(&v(1)).gives(&wanted);
}

#[test]
fn renamed_entry_refreshes_the_marker_once() {
    let mut renamed = case().current(&v(1)).role_says(&v(1));
    let marker = renamed.marker("former", Some(v(1)));
    renamed = renamed.role(Some(marker), &new_password(&v(1)));
    renamed.gives(&["write_marker v1"]);
    let unversioned = case().marker("former", None);
    let adopted = case().current(&v(1)).role(Some(unversioned), &new_password(&v(1)));
    adopted.gives(&["write_marker v1"]);
}
