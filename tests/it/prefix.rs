//! The crash-safety specification: for every plan and every prefix of it, playing the prefix and
//! comparing again gives the rest of the plan.

mod examples;
mod generate;
mod master;
mod rotation;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use goldenpath_rds::desired::Entry;
use goldenpath_rds::diff::diff;
use goldenpath_rds::marker::Marker;
use goldenpath_rds::name::EntryKey;
use goldenpath_rds::new_versions::NewVersions;
use goldenpath_rds::plan::{Change, ObstacleKind, PasswordSource, Plan, Step};
use goldenpath_rds::render;
use goldenpath_rds::version_id::VersionId;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use uuid::Uuid;

use crate::harness::cases;
use crate::plans::problems;
use generate::{MASTER, Scenario, created, scenario, time};
use world::Label::{Current, Pending};

const CHANGES: [&str; 30] = [
    "restore_secret",
    "create_secret",
    "stage_version",
    "grant_membership",
    "create_role",
    "alter_role",
    "write_marker",
    "create_database",
    "revoke_from_public",
    "revoke_grant_option",
    "grant_connect",
    "grant_to_owner",
    "comment_on_database",
    "unmark_template",
    "lift_connection_limit",
    "allow_connections",
    "own_public_schema",
    "grant_public_schema",
    "close_public_schema",
    "create_extension",
    "grant_privileges",
    "revoke_privileges",
    "revoke_grant_option_inside",
    "grant_default_privileges",
    "revoke_default_privileges",
    "revoke_default_grant_option",
    "set_password",
    "publish_version",
    "clear_pending",
    "tag_secret",
];

const OBSTACLES: [ObstacleKind; 16] = [
    ObstacleKind::ReservedName,
    ObstacleKind::OtherEnvironment,
    ObstacleKind::ForeignRole,
    ObstacleKind::PrivilegedRole,
    ObstacleKind::IamRole,
    ObstacleKind::NoAdminOption,
    ObstacleKind::OlderSecret,
    ObstacleKind::WrongOwner,
    ObstacleKind::InvalidDatabase,
    ObstacleKind::ForeignSchema,
    ObstacleKind::ForeignSecret,
    ObstacleKind::MalformedSecret,
    ObstacleKind::Extension,
    ObstacleKind::OwnerHeldUp,
    ObstacleKind::ForeignGrant,
    ObstacleKind::PassedOn,
];

const HANDOVER: &str = "a step that an obstacle does not hold up";

#[test]
fn any_prefix_of_a_plan_leaves_the_rest_of_it() {
    let mut seen = BTreeMap::new();
    let counts = std::cell::RefCell::new(&mut seen);
    let result = TestRunner::new(cases(2_500)).run(&scenario(), |scenario| {
        let plan = check(&scenario)?;
        count(&plan, &mut counts.borrow_mut());
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, scenario)) => {
            let plan = scenario.world.plan(&scenario.desired, &scenario.new);
            panic!("{why}\n\n{scenario:?}\n\n{}", render::human(&plan, false));
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
    println!("in the cases that held: {seen:?}");
    let names = CHANGES.into_iter().chain([HANDOVER]).map(str::to_owned);
    for name in names.chain(OBSTACLES.map(|kind| format!("{kind:?}"))) {
        assert!(seen.contains_key(&name), "no case has {name}");
    }
}

fn count(plan: &Plan, seen: &mut BTreeMap<String, usize>) {
    let steps = plan.steps.iter().map(|step| step.change.name().to_owned());
    let obstacles = plan.obstacles.iter().map(|obstacle| format!("{:?}", obstacle.kind));
    let clean = plan.steps.is_empty() && plan.obstacles.is_empty();
    let is_held_up = |step: &&Step| plan.obstacles.iter().any(|found| found.entry == step.entry);
    let goes_on = plan.steps.iter().filter(is_held_up).map(|_| HANDOVER.to_owned());
    let others = goes_on.chain(clean.then(|| "no changes".to_owned()));
    for what in steps.chain(obstacles).chain(others) {
        *seen.entry(what).or_default() += 1;
    }
}

fn check(scenario: &Scenario) -> Result<Plan, TestCaseError> {
    let Scenario { desired, world, new } = scenario;
    let plan = world.plan(desired, new);
    same_bytes(scenario, &plan)?;
    well_formed(scenario, &plan)?;
    let mut world = world.clone();
    for (at, step) in plan.steps.iter().enumerate() {
        let before = world.clone();
        let played = world.play(desired, step);
        prop_assert!(played.is_ok(), "step {} would fail: {played:?}: {step:?}", at + 1);
        for entry in desired.entries.values() {
            let lost = before.password_stands_in(entry, &[Current])
                && !world.password_stands_in(entry, &[Current, Pending]);
            prop_assert!(!lost, "step {} loses the password of {}: {step:?}", at + 1, entry.key);
            let lies = before.marker_is_true(entry) && !world.marker_is_true(entry);
            prop_assert!(!lies, "step {} lies: {step:?}", at + 1);
        }
        let rest = world.plan(desired, new);
        prop_assert_eq!(changes(&rest.steps), changes(&plan.steps[at + 1..]), "after {}", at + 1);
        prop_assert_eq!(obstacles(&rest), obstacles(&plan), "after step {}", at + 1);
        let later = world.plan(desired, &another_run());
        prop_assert_eq!(names(&later), names(&rest), "a later run after step {}", at + 1);
    }
    let held_up: BTreeSet<_> = plan.obstacles.iter().map(|found| found.entry.as_ref()).collect();
    let is_held_up = |entry: &Entry| {
        let owner = desired.owner_of(&entry.database).expect("every database has one");
        [entry, owner].iter().any(|entry| held_up.contains(&Some(&entry.key)))
    };
    for entry in desired.entries.values().filter(|entry| !is_held_up(entry)) {
        prop_assert_eq!(world.differs(desired, entry), None, "in the end, of {}", entry.key);
    }
    Ok(plan)
}

/// A run that was started again makes ids of its own.
fn another_run() -> NewVersions {
    NewVersions { at: time(10), seed: Uuid::from_u128(8) }
}

/// Reasons and notes may differ.
fn changes(steps: &[Step]) -> Vec<(Option<EntryKey>, Change)> {
    steps.iter().map(|step| (step.entry.clone(), step.change.clone())).collect()
}

fn names(plan: &Plan) -> Vec<(Option<EntryKey>, &'static str)> {
    plan.steps.iter().map(|step| (step.entry.clone(), step.change.name())).collect()
}

fn obstacles(plan: &Plan) -> Vec<(Option<EntryKey>, ObstacleKind)> {
    plan.obstacles.iter().map(|found| (found.entry.clone(), found.kind)).collect()
}

fn same_bytes(scenario: &Scenario, plan: &Plan) -> Result<(), TestCaseError> {
    let Scenario { desired, world, new } = scenario;
    let actual = world.read(desired, new);
    let again = diff(&desired.clone(), &actual.clone(), &new.clone());
    prop_assert_eq!(&again, plan);
    prop_assert_eq!(render::human(&again, true), render::human(plan, true));
    prop_assert_eq!(render::markdown(&again), render::markdown(plan));
    let document =
        |plan: &Plan| render::document(plan, desired, new, None).map_err(|why| why.to_string());
    let text = document(plan);
    if let Ok(text) = &text {
        let problems = problems(&serde_json::from_str(text).expect("JSON"));
        prop_assert!(problems.is_empty(), "not of the schema: {problems:#?}");
    }
    prop_assert_eq!(&document(&again), &text);
    let saved = text.and_then(|text| render::Saved::parse(&text));
    prop_assert!(saved.is_ok_and(|saved| saved.agrees_with(plan)), "a saved plan is stale at once");
    Ok(())
}

fn well_formed(scenario: &Scenario, plan: &Plan) -> Result<(), TestCaseError> {
    let Scenario { desired, world, new: _ } = scenario;
    prop_assert!(plan.steps.is_sorted_by_key(|step| step.change.phase()));
    for step in &plan.steps {
        let held_up = || plan.obstacles.iter().filter(|found| found.entry == step.entry);
        let may_go_on = held_up().all(|found| is_about_the_database(found.kind))
            && (held_up().count() == 0 || finishes_handover(scenario, step));
        prop_assert!(may_go_on, "an obstacle, and yet {step:?}");
        let Some(entry) = step.entry.as_ref().map(|key| &desired.entries[key]) else {
            let closes = matches!(step.change, Change::RevokeFromPublic { .. });
            prop_assert!(closes && desired.isolate_server, "{step:?}");
            continue;
        };
        let (object, reserved) = match touched(&step.change) {
            Touched::Role(name) => (name, name == MASTER),
            Touched::Database(name) => {
                (name, Some(name) == world.server.master_database.as_deref())
            }
            // What was left in the master's database is taken away there.
            Touched::Privileges(name) if Some(name) == world.server.master_database.as_deref() => {
                (entry.database.as_str(), false)
            }
            Touched::Privileges(name) => (name, false),
            Touched::Secret(name) => (name, false),
        };
        let own = [entry.username.as_str(), entry.database.as_str(), entry.secret.as_str()];
        // All that is done to a database that no entry names is to close it.
        let closes =
            matches!(step.change, Change::RevokeFromPublic { .. } | Change::UnmarkTemplate { .. })
                && world.is_made_by(desired, entry, object);
        prop_assert!(
            (own.contains(&object) || closes) && !reserved,
            "entry {}: {step:?}",
            entry.key
        );
        if let Some(secret) = world.secrets.get(entry.secret.as_str()) {
            let pending_is_ours = secret
                .pending
                .as_ref()
                .is_none_or(|id| id.is_ours() || secret.current.as_ref() == Some(id));
            let is_free = !secret.rotation_enabled && secret.owning_service.is_none();
            prop_assert!(is_free && pending_is_ours, "another manages it: {step:?}");
        }
        // A role of ours may be a reader of a database that its owner's entry may not touch.
        let is_foreign = world.is_of_another(&desired.environment, entry);
        prop_assert!(!is_foreign || held_up().count() > 0, "of another environment: {step:?}");
        let reset = desired.reset_passwords.contains(&entry.key);
        prop_assert!(goes_forward(&step.change, reset), "backwards: {step:?}");
    }
    Ok(())
}

fn is_about_the_database(kind: ObstacleKind) -> bool {
    [
        ObstacleKind::WrongOwner,
        ObstacleKind::ForeignGrant,
        ObstacleKind::PassedOn,
        ObstacleKind::InvalidDatabase,
        ObstacleKind::Extension,
        ObstacleKind::OwnerHeldUp,
        ObstacleKind::ForeignSchema,
    ]
    .contains(&kind)
}

/// A step of a password's way to AWSCURRENT, whose own password the role does not have any more.
fn finishes_handover(scenario: &Scenario, step: &Step) -> bool {
    let Scenario { desired, world, new: _ } = scenario;
    let entry = &desired.entries[step.entry.as_ref().expect("an entry's")];
    let is_credential = matches!(
        step.change,
        Change::StageVersion { .. }
            | Change::SetPassword { .. }
            | Change::PublishVersion { .. }
            | Change::ClearPending { .. }
    );
    let secret = &world.secrets[entry.secret.as_str()];
    let role = &world.roles[entry.username.as_str()];
    let marker = role.comment.as_deref().and_then(Marker::parse).and_then(|marker| marker.version);
    is_credential && (marker == secret.pending || marker != secret.current)
}

/// What a change is made to. None of them drops anything.
enum Touched<'a> {
    Role(&'a str),
    Database(&'a str),
    /// Privileges of the entry's role in this database are taken away.
    Privileges(&'a str),
    Secret(&'a str),
}

fn touched(change: &Change) -> Touched<'_> {
    match change {
        Change::RestoreSecret { secret }
        | Change::CreateSecret { secret, .. }
        | Change::StageVersion { secret, .. }
        | Change::PublishVersion { secret, .. }
        | Change::ClearPending { secret, .. }
        | Change::StageMasterPassword { secret, .. }
        | Change::PublishMasterPassword { secret, .. }
        | Change::TagSecret { secret, .. } => Touched::Secret(secret.as_str()),
        Change::SetMasterPassword { role, .. } | Change::EndSessions { role, .. } => {
            Touched::Role(role)
        }
        Change::GrantMembership { role }
        | Change::CreateRole { role, .. }
        | Change::AlterRole { role, .. }
        | Change::WriteMarker { role, .. }
        | Change::SetPassword { role, .. } => Touched::Role(role.as_str()),
        Change::RevokeFromPublic { database, .. } | Change::UnmarkTemplate { database } => {
            Touched::Database(database)
        }
        Change::CreateDatabase { database, .. }
        | Change::RevokeGrantOption { database, .. }
        | Change::GrantConnect { database, .. }
        | Change::GrantToOwner { database, .. }
        | Change::CommentOnDatabase { database }
        | Change::LiftConnectionLimit { database }
        | Change::AllowConnections { database }
        | Change::CreateExtension { database, .. }
        | Change::OwnPublicSchema { database, .. }
        | Change::GrantPublicSchema { database, .. }
        | Change::ClosePublicSchema { database, .. } => Touched::Database(database.as_str()),
        Change::GrantPrivileges(to) => Touched::Database(&to.database),
        Change::GrantDefaultPrivileges(to) => Touched::Database(&to.database),
        Change::RevokePrivileges(from) | Change::RevokeGrantOptionInside(from) => {
            Touched::Privileges(&from.database)
        }
        Change::RevokeDefaultPrivileges(from) | Change::RevokeDefaultGrantOption(from) => {
            Touched::Privileges(&from.database)
        }
    }
}

/// No password gives way to an older one, a copy keeps its age, and a password that nothing proves is
/// only replaced on request.
fn goes_forward(change: &Change, reset: bool) -> bool {
    let born = |id: &VersionId| id.born().map(|_| created(id));
    let is_older = |version: &VersionId, than: &VersionId| matches!((born(version), born(than)), (Some(a), Some(b)) if a < b);
    match change {
        Change::SetPassword { version, replaces, .. } => {
            replaces.as_ref().map_or(reset, |replaced| !is_older(version, replaced))
        }
        Change::PublishVersion { version, replaces, .. } => !is_older(version, replaces),
        Change::StageVersion { version, password: PasswordSource::CopyOf(source), .. } => {
            version.born() == Some(source.born().unwrap_or_else(|| created(source)))
        }
        Change::StageVersion { password: PasswordSource::New, .. }
        | Change::RestoreSecret { .. }
        | Change::CreateSecret { .. }
        | Change::GrantMembership { .. }
        | Change::CreateRole { .. }
        | Change::AlterRole { .. }
        | Change::WriteMarker { .. }
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
        | Change::ClearPending { .. }
        | Change::StageMasterPassword { .. }
        | Change::SetMasterPassword { .. }
        | Change::PublishMasterPassword { .. }
        | Change::EndSessions { .. }
        | Change::TagSecret { .. } => true,
    }
}
