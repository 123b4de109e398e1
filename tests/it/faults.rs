//! Whatever Secrets Manager does, a run ends, and the next one ends where an undisturbed one does.

mod crashes;
mod observer;
mod slow;
mod trail;
mod world;

use std::sync::Mutex;
use std::time::Instant;

use crate::harness::{Fault, Hit};
use world::{Flow, Who, World};

/// Worlds at once for each flow: the SDK's pauses between attempts leave the processor free.
const WORKERS: usize = 2;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    fault: Fault,
    hit: Hit,
    attempts: usize,
}

/// For each request of an undisturbed run a lost answer, and another fault: in turns, unless all are wanted
/// (`make test-faults`).
fn scenarios(requests: &[String]) -> Vec<Scenario> {
    let faults = [Fault::Throttled, Fault::ServerError, Fault::Dropped, Fault::LostAnswer];
    let mut scenarios = Vec::new();
    for at in 0..requests.len() {
        let (once, from_there) = (Hit::Only(at), Hit::From(at));
        for fault in faults {
            for (hit, attempts) in [(once, 5), (once, 1), (from_there, 1)] {
                scenarios.push(Scenario { fault, hit, attempts });
            }
        }
    }
    if all_are_wanted() {
        return scenarios;
    }
    // Eleven and the number of faults and hits have no common factor, so a flow sees them all.
    let in_turns = scenarios.iter().step_by(11).copied();
    // What was written unseen and is written again is where most can go wrong.
    let lost = requests.iter().enumerate().flat_map(|(at, operation)| {
        let is_read = ["List", "Describe", "Get"].iter().any(|verb| operation.starts_with(verb));
        let attempts: &[usize] = if is_read { &[1] } else { &[1, 5] };
        let lost = |attempts| Scenario { fault: Fault::LostAnswer, hit: Hit::Only(at), attempts };
        attempts.iter().copied().map(lost).collect::<Vec<_>>()
    });
    in_turns.chain(lost).collect()
}

fn all_are_wanted() -> bool {
    std::env::var_os("GOLDENPATH_TEST_FAULTS").is_some_and(|value| value == "all")
}

/// Plays all scenarios in some worlds at once.
fn play(flow: Flow, who: Who) {
    let began = Instant::now();
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let first = runtime();
    let mut world = first.block_on(World::new(flow, who));
    // The first rotation finds no AWSPREVIOUS.
    let _ = first.block_on(world.undisturbed());
    let (requests, wanted) = first.block_on(world.undisturbed());
    let left = Mutex::new(scenarios(&requests));
    let count = left.lock().unwrap().len();
    let next = || left.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let runtime = runtime();
                runtime.block_on(async {
                    let mut world = World::new(flow, who).await;
                    let _ = world.undisturbed().await;
                    while let Some(scenario) = next() {
                        one(&mut world, scenario, &wanted).await;
                    }
                });
            });
        }
    });
    println!(
        "{flow:?}: {count} disturbed runs over {} requests, {:.1} s: {requests:?}",
        requests.len(),
        began.elapsed().as_secs_f64()
    );
}

async fn one(world: &mut World, scenario: Scenario, wanted: &str) {
    let answer = world.disturbed(scenario.fault, scenario.hit, scenario.attempts).await;
    if scenario.attempts > 1 {
        assert_eq!(answer.code, 0, "{scenario:?}: {}{}", answer.stdout, answer.stderr);
    }
    world.recover(wanted).await;
}

#[test]
fn create_stands_every_fault_at_every_request() {
    play(Flow::Create, Who::Owner);
}

#[test]
fn adopt_stands_every_fault_at_every_request() {
    play(Flow::Adopt, Who::Owner);
}

#[test]
fn rotate_stands_every_fault_at_every_request() {
    play(Flow::Rotate, Who::Owner);
}

#[test]
fn an_update_stands_every_fault_at_every_request() {
    play(Flow::Update, Who::Owner);
}
