//! The crash-safety specification: after any part of a plan has been carried out, the diff gives the
//! rest of it. Over generated worlds, without a server.

mod model;
mod worlds;

use std::collections::BTreeMap;

use goldenpath_rds::actual::{DatabasePrivilege, Grantee, PublicSchema};
use goldenpath_rds::diff::diff;
use goldenpath_rds::marker::Marker;
use goldenpath_rds::plan::{Change, Plan};
use goldenpath_rds::render;
use proptest::prelude::*;

use model::{World, play, seen};
use worlds::{Case, Tape};

fn changes(plan: &Plan) -> Vec<&Change> {
    plan.steps.iter().map(|step| &step.change).collect()
}

fn plan_of(case: &Case, world: &World) -> Plan {
    diff(&case.desired, &seen(world, &case.desired), &case.new)
}

/// Every prefix, and so also the whole plan, after which there is nothing left.
fn every_prefix_leaves_the_rest(case: &Case) {
    let plan = plan_of(case, &case.world);
    let mut world = case.world.clone();
    for (done, step) in plan.steps.iter().enumerate() {
        play(&mut world, &case.desired, step);
        let rest = plan_of(case, &world);
        assert_eq!(
            changes(&rest),
            changes(&plan)[done + 1..],
            "after {} of {plan:#?}\nin {:#?}",
            done + 1,
            case.world
        );
    }
}

/// What an entry that nothing holds up has in the end.
fn the_whole_plan_reaches_the_goal(case: &Case) {
    let plan = plan_of(case, &case.world);
    let mut world = case.world.clone();
    plan.steps.iter().for_each(|step| play(&mut world, &case.desired, step));
    for entry in case.desired.entries.values() {
        if plan.obstacles.iter().any(|obstacle| obstacle.entry.as_ref() == Some(&entry.key)) {
            continue;
        }
        let secret = &world.secrets[entry.secret.as_str()];
        let current = secret.current.as_ref().unwrap();
        assert!(secret.pending.is_none() && !secret.is_scheduled_for_deletion, "{secret:?}");
        assert_eq!(secret.tags, entry.tags(&world.server.endpoint, &case.desired.environment));
        let role = &world.roles[entry.username.as_str()];
        let marker = Marker::parse(role.comment.as_ref().unwrap()).unwrap();
        assert_eq!((&marker.entry, marker.version.as_ref()), (&entry.key, Some(&current.id)));
        assert!(role.can_login && !role.can_create_roles && role.master.inherit && !role.expires);
        assert_eq!(role.can_create_databases, entry.createdb);
        assert_eq!(role.connection_limit, entry.connection_limit);
        let database = &world.databases[entry.database.as_str()];
        assert!(database.allows_connections);
        assert_eq!(database.privileges_of(&Grantee::Public).count(), 0);
        for role in [entry.username.as_str(), world.server.master.as_str()] {
            let grantee = Grantee::Role(role.to_owned());
            let mut held = database.privileges_of(&grantee);
            assert!(held.any(|privilege| privilege == DatabasePrivilege::Connect), "{role}");
        }
        if let PublicSchema::Present { public_may_create, .. } = database.public_schema {
            assert!(!public_may_create);
        }
    }
}

fn rules_hold(case: &Case) {
    let plan = plan_of(case, &case.world);
    assert!(plan.steps.is_sorted_by_key(|step| step.change.phase()));
    for step in &plan.steps {
        assert!(plan.obstacles.iter().all(|obstacle| obstacle.entry != step.entry), "{step:?}");
        never_older_over_newer(case, &step.change);
        never_a_reserved_name(case, &step.change);
    }
}

fn never_older_over_newer(case: &Case, change: &Change) {
    if let Change::SetPassword { role, version, .. } = change {
        let comment = case.world.roles.get(role.as_str()).and_then(|role| role.comment.as_deref());
        let said = comment.and_then(Marker::parse).and_then(|marker| marker.version);
        if let (Some(said), Some(new)) = (said.and_then(|said| said.born()), version.born()) {
            assert!(new >= said, "{change:?}");
        }
    }
}

fn never_a_reserved_name(case: &Case, change: &Change) {
    let master = case.world.server.master.as_str();
    match change {
        Change::CreateRole { role, .. }
        | Change::AlterRole { role, .. }
        | Change::GrantMembership { role }
        | Change::WriteMarker { role, .. }
        | Change::SetPassword { role, .. } => assert_ne!(role.as_str(), master),
        Change::RevokeFromPublic { database, .. } => {
            let entry =
                case.desired.entries.values().any(|entry| entry.database.as_str() == database);
            assert!(entry || case.desired.isolate_server, "{change:?}");
        }
        Change::RestoreSecret { .. }
        | Change::CreateSecret { .. }
        | Change::StageVersion { .. }
        | Change::CreateDatabase { .. }
        | Change::GrantConnect { .. }
        | Change::CommentOnDatabase { .. }
        | Change::AllowConnections { .. }
        | Change::OwnPublicSchema { .. }
        | Change::ClosePublicSchema { .. }
        | Change::PublishVersion { .. }
        | Change::ClearPending { .. }
        | Change::TagSecret { .. } => {}
    }
}

fn the_same_input_gives_the_same_bytes(case: &Case) {
    let all = || {
        let plan = plan_of(case, &case.world);
        let json = render::document(&plan, &case.desired, &case.new, None).unwrap();
        [render::human(&plan, false), render::markdown(&plan), json]
    };
    assert_eq!(all(), all());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_prefix_of_a_plan_leaves_the_rest(choices in proptest::collection::vec(any::<u8>(), 0..260)) {
        let case = Tape::new(&choices).case();
        every_prefix_leaves_the_rest(&case);
        the_whole_plan_reaches_the_goal(&case);
        rules_hold(&case);
        the_same_input_gives_the_same_bytes(&case);
    }
}

/// A property says nothing of what is never generated.
#[test]
fn every_change_and_every_obstacle_is_generated() {
    let mut seen_names: BTreeMap<String, usize> = BTreeMap::new();
    let mut state = 1_u64;
    for _ in 0..6_000 {
        let choices: Vec<u8> = (0..260)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as u8
            })
            .collect();
        let case = Tape::new(&choices).case();
        let plan = plan_of(&case, &case.world);
        for step in &plan.steps {
            *seen_names.entry(step.change.name().to_owned()).or_default() += 1;
        }
        for obstacle in &plan.obstacles {
            *seen_names.entry(format!("obstacle {:?}", obstacle.kind)).or_default() += 1;
        }
    }
    println!("{seen_names:#?}");
    assert_eq!(seen_names.len(), 18 + 12, "{seen_names:#?}");
    assert!(seen_names.values().all(|count| *count >= 20), "{seen_names:#?}");
}
