//! The same for `rotate`: whatever part of a rotation was carried out, the rest is what finishes it.

use std::cell::Cell;
use std::collections::BTreeSet;

use goldenpath_rds::desired::Desired;
use goldenpath_rds::diff::Rotation;
use goldenpath_rds::name::EntryKey;
use goldenpath_rds::plan::{Change, Phase, Plan, Step};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::generate::{Scenario, scenario};
use super::world::Label::{Current, Pending};
use super::{another_run, names};
use crate::harness::cases;

#[test]
fn any_prefix_of_a_rotation_is_finished_by_the_next_run() {
    let published = Cell::new(0);
    let held = TestRunner::new(cases(1_500)).run(&scenario(), |scenario| {
        published.set(published.get() + check(&scenario)?);
        Ok(())
    });
    held.unwrap_or_else(|why| panic!("{why}"));
    println!("{} passwords were published", published.get());
    assert!(published.get() > 100);
}

fn check(scenario: &Scenario) -> Result<usize, TestCaseError> {
    let Scenario { desired, world, new } = scenario;
    let desired = &Desired { reset_passwords: BTreeSet::new(), ..desired.clone() };
    let entries: BTreeSet<EntryKey> = desired.entries.keys().cloned().collect();
    let begin =
        Rotation { entries: entries.clone(), begins: true, master: false, ends_sessions: false };
    let finish = Rotation { entries, begins: false, master: false, ends_sessions: false };
    let mut world = world.clone();
    world.believe_comments(desired);
    let plan = world.rotate(desired, new, &begin);
    for (at, step) in plan.steps.iter().enumerate() {
        prop_assert!(
            matches!(step.change.phase(), Phase::Secrets | Phase::Credentials)
                || matches!(step.change, Change::WriteMarker { .. }),
            "not a credential: {step:?}"
        );
        let before = world.clone();
        let played = world.play(desired, step);
        prop_assert!(played.is_ok(), "step {} would fail: {played:?}: {step:?}", at + 1);
        for entry in desired.entries.values() {
            let lost = before.password_stands_in(entry, &[Current])
                && !world.password_stands_in(entry, &[Current, Pending]);
            prop_assert!(!lost, "step {} loses the password of {}: {step:?}", at + 1, entry.key);
            prop_assert!(world.marker_is_true(entry), "step {} lies: {step:?}", at + 1);
        }
        let mut rest = Plan { steps: begun(&plan, at + 1), ..plan.clone() };
        for (how, next) in [("finish", &finish), ("rotate", &begin)] {
            let mut next = world.rotate(desired, &another_run(), next);
            next.steps.retain(|step| rest.steps.iter().any(|left| left.entry == step.entry));
            prop_assert_eq!(names(&next), names(&rest), "{} after step {}", how, at + 1);
            // Where only this is left the rotation is over, and the next one would be another.
            rest.steps = unfinished(&rest.steps);
        }
    }
    let kept = |step: &&Step| matches!(step.change, Change::PublishVersion { .. });
    let published = plan.steps.iter().filter(kept);
    for entry in published.clone().filter_map(|step| desired.entries.get(step.entry.as_ref()?)) {
        prop_assert!(world.password_stands_in(entry, &[Current]), "{} is not current", entry.key);
    }
    Ok(published.count())
}

/// What is left of the entries whose first steps, those on secrets, are all done.
fn begun(plan: &Plan, done: usize) -> Vec<Step> {
    let left = &plan.steps[done..];
    let waits = |step: &&Step| {
        left.iter().any(|other| other.entry == step.entry && other.change.phase() == Phase::Secrets)
    };
    left.iter().filter(|step| !waits(step)).cloned().collect()
}

fn unfinished(steps: &[Step]) -> Vec<Step> {
    let tidies = |step: &Step| {
        matches!(step.change, Change::TagSecret { .. })
            || (step.change.name() == "clear_pending" && step.reason.starts_with("overtaken"))
    };
    let more = |step: &&Step| steps.iter().any(|o| o.entry == step.entry && !tidies(o));
    steps.iter().filter(more).cloned().collect()
}
