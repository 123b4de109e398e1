//! Whatever Secrets Manager and PostgreSQL do, a run ends, and the next one ends where an undisturbed one
//! does.

mod crashes;
mod flow;
mod observer;
mod slow;
mod state;
mod trail;
mod world;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::harness::{Fault, Hit};
use flow::{Flow, Place, Who};
use world::{Undisturbed, World};

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    place: Place,
    fault: Fault,
    hit: Hit,
    /// How often a request is made before it is given up.
    attempts: usize,
    /// The limit of a statement, in seconds.
    statement_timeout: u32,
}

impl Scenario {
    fn request(fault: Fault, hit: Hit, attempts: usize) -> Self {
        Self { place: Place::Request, fault, hit, attempts, statement_timeout: 300 }
    }

    fn statement(fault: Fault, hit: Hit) -> Self {
        Self { place: Place::Statement, fault, hit, attempts: 5, statement_timeout: 300 }
    }

    /// A statement that is not answered before its limit.
    fn slow(fault: Fault, hit: Hit) -> Self {
        Self { statement_timeout: 1, ..Self::statement(fault, hit) }
    }
}

/// `make test-faults` asks for all.
fn all_are_wanted() -> bool {
    std::env::var_os("GOLDENPATH_TEST_FAULTS").is_some_and(|value| value == "all")
}

/// All, or as many of them, from everywhere.
fn part<T: Copy>(all: &[T], wanted: usize) -> Vec<T> {
    let step = if all_are_wanted() { 1 } else { (all.len() / wanted).max(1) };
    all.iter().copied().step_by(step).collect()
}

/// For each request of an undisturbed run every fault, or some; and a lost answer for each of them.
fn at_requests(requests: &[String]) -> Vec<Scenario> {
    let faults = [Fault::Throttled, Fault::ServerError, Fault::Dropped, Fault::LostAnswer];
    let mut scenarios = Vec::new();
    for at in 0..requests.len() {
        let (once, from_there) = (Hit::Only(at), Hit::From(at));
        for fault in faults {
            for (hit, attempts) in [(once, 5), (once, 1), (from_there, 1)] {
                scenarios.push(Scenario::request(fault, hit, attempts));
            }
        }
        scenarios.push(Scenario::request(Fault::Refused, from_there, 1));
    }
    if all_are_wanted() {
        return scenarios;
    }
    // Seventeen and the number of faults and hits have no common factor, so a flow sees them all.
    let in_turns = scenarios.iter().step_by(17).copied();
    // What was written unseen and is written again is where most can go wrong.
    let lost = requests.iter().enumerate().flat_map(|(at, operation)| {
        let is_read = ["List", "Describe", "Get"].iter().any(|verb| operation.starts_with(verb));
        let attempts: &[usize] = if is_read { &[1] } else { &[1, 5] };
        let lost = |attempts| Scenario::request(Fault::LostAnswer, Hit::Only(at), attempts);
        attempts.iter().copied().map(lost).collect::<Vec<_>>()
    });
    in_turns.chain(lost).collect()
}

/// For each statement: the connection ends before the server has seen it, before we have seen the answer, or
/// after it; that one alone, or all from there on, or nobody lets us in any more.
fn at_statements(statements: &[String]) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for at in 0..statements.len() {
        for fault in [Fault::Dropped, Fault::LostAnswer, Fault::CutAfter] {
            for hit in [Hit::Only(at), Hit::From(at)] {
                scenarios.push(Scenario::statement(fault, hit));
            }
        }
        scenarios.push(Scenario::statement(Fault::Refused, Hit::From(at)));
    }
    part(&scenarios, 6)
}

/// Plays scenarios in some worlds at once.
fn play(
    flow: Flow,
    who: Who,
    worlds: usize,
    longest: Duration,
    scenarios: impl Fn(&Undisturbed) -> Vec<Scenario>,
) {
    let began = Instant::now();
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let first = runtime();
    let mut world = first.block_on(World::new(flow, who));
    // The first rotation finds no AWSPREVIOUS.
    let _ = first.block_on(world.undisturbed());
    let undisturbed = first.block_on(world.undisturbed());
    let left = Mutex::new(scenarios(&undisturbed));
    let count = left.lock().unwrap().len();
    let next = || left.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..worlds.min(count) {
            scope.spawn(|| {
                runtime().block_on(async {
                    let mut world = World::new(flow, who).await;
                    let _ = world.undisturbed().await;
                    while let Some(scenario) = next() {
                        one(&mut world, scenario, longest, &undisturbed.state).await;
                    }
                });
            });
        }
    });
    println!(
        "{flow:?} of {who:?}: {count} disturbed runs over {} requests and {} statements, {:.1} s",
        undisturbed.requests.len(),
        undisturbed.statements.len(),
        began.elapsed().as_secs_f64()
    );
}

async fn one(world: &mut World, scenario: Scenario, longest: Duration, wanted: &str) {
    let Scenario { place, fault, hit, attempts, statement_timeout } = scenario;
    let began = Instant::now();
    world.statement_timeout = statement_timeout;
    let answer = world.disturbed(place, (fault, hit), attempts).await;
    assert!(began.elapsed() < longest, "{scenario:?}: {:?}", began.elapsed());
    if place == Place::Request && attempts > 1 {
        assert_eq!(answer.code, 0, "{scenario:?}: {}{}", answer.stdout, answer.stderr);
    }
    world.statement_timeout = 300;
    world.recover(wanted).await;
}

/// Two worlds for each flow: the SDK's pauses between attempts leave the processor free.
fn requests_fail(flow: Flow, who: Who) {
    play(flow, who, 2, Duration::from_secs(60), |run| at_requests(&run.requests));
}

/// Those that `make test` leaves to `make test-faults` but for some.
fn a_part_of_the_requests_fail(flow: Flow, who: Who) {
    play(flow, who, 2, Duration::from_secs(60), |run| part(&at_requests(&run.requests), 5));
}

fn statements_fail(flow: Flow) {
    let whose = [Who::Owner, Who::Reader];
    for who in whose.into_iter().take(if all_are_wanted() { 2 } else { 1 }) {
        play(flow, who, 2, Duration::from_secs(60), |run| at_statements(&run.statements));
    }
}

#[test]
fn readers_stand_every_fault_at_every_request() {
    let flows = [Flow::Rotate, Flow::Create, Flow::Adopt, Flow::Update];
    for flow in flows.into_iter().take(if all_are_wanted() { 4 } else { 1 }) {
        a_part_of_the_requests_fail(flow, Who::Reader);
    }
}

#[test]
fn the_masters_rotation_stands_every_fault() {
    a_part_of_the_requests_fail(Flow::Master, Who::Master);
    play(Flow::Master, Who::Master, 2, Duration::from_secs(60), |run| {
        at_statements(&run.statements)
    });
}

#[test]
fn a_taken_over_role_stands_every_fault() {
    repair_stands_every_fault(Flow::Reset);
}

#[test]
fn a_restored_secret_stands_every_fault() {
    repair_stands_every_fault(Flow::Restore);
}

#[test]
fn a_lost_secret_stands_every_fault() {
    repair_stands_every_fault(Flow::Lost);
}

fn repair_stands_every_fault(flow: Flow) {
    let whose = [Who::Owner, Who::Reader];
    for who in whose.into_iter().take(if all_are_wanted() { 2 } else { 1 }) {
        a_part_of_the_requests_fail(flow, who);
        play(flow, who, 2, Duration::from_secs(60), |run| at_statements(&run.statements));
    }
}

#[test]
fn create_stands_every_fault_at_every_request() {
    requests_fail(Flow::Create, Who::Owner);
}

#[test]
fn adopt_stands_every_fault_at_every_request() {
    requests_fail(Flow::Adopt, Who::Owner);
}

#[test]
fn rotate_stands_every_fault_at_every_request() {
    requests_fail(Flow::Rotate, Who::Owner);
}

#[test]
fn an_update_stands_every_fault_at_every_request() {
    requests_fail(Flow::Update, Who::Owner);
}

#[test]
fn create_stands_a_cut_at_every_statement() {
    statements_fail(Flow::Create);
}

#[test]
fn adopt_stands_a_cut_at_every_statement() {
    statements_fail(Flow::Adopt);
}

#[test]
fn rotate_stands_a_cut_at_every_statement() {
    statements_fail(Flow::Rotate);
}

#[test]
fn an_update_stands_a_cut_at_every_statement() {
    statements_fail(Flow::Update);
}
