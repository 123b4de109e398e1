//! SIGKILL at every request and every statement, at any row of the audit, and at random moments.

use std::process::Child;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::flow::{Flow, Place, Who};
use super::part;
use super::world::World;
use crate::harness::{Fault, Hit};

/// Random moments of each flow.
const MOMENTS: usize = 10;

/// How many crashes of a flow the default run has.
const PART: usize = 5;

/// Where the run is killed.
#[derive(Clone, Copy, Debug)]
pub enum Crash {
    /// A request or a statement is under way: it has not come through, or it was carried out.
    Asking(Place, Fault, usize),
    /// The audit has this many lines more.
    Row(usize),
    /// After a time.
    After(Duration),
}

impl Crash {
    /// Whether no run can come to its end before it is killed. Rows are looked for every fifth of a
    /// millisecond: after the last but one the run may be over, as it may be at a random moment.
    fn is_sure(self, rows: usize) -> bool {
        match self {
            Self::Asking(..) => true,
            Self::Row(more) => more + 2 < rows,
            Self::After(_) => false,
        }
    }
}

/// Kills flows in all places (`make test-faults`), or in some, and counts them.
async fn crash<const N: usize>(flows: [Flow; N], who: Who) {
    for flow in flows {
        let mut world = World::new(flow, who).await;
        let _ = world.undisturbed().await;
        let (before, began) = (world.lines(), Instant::now());
        let undisturbed = world.undisturbed().await;
        let (rows, took) = (world.lines() - before, began.elapsed());
        let mut crashes = asking(Place::Request, undisturbed.requests.len());
        crashes.extend(asking(Place::Statement, undisturbed.statements.len()));
        crashes.extend((1..rows).map(Crash::Row));
        let mut dice = rand::rng();
        crashes.extend((0..MOMENTS).map(|_| Crash::After(took.mul_f64(dice.random()))));
        let (crashes, began) = (part(&crashes, PART), Instant::now());
        let (mut killed, mut sure) = (0, 0);
        for crash in &crashes {
            let is_killed = killed_at(&mut world, *crash).await;
            assert!(is_killed || !crash.is_sure(rows), "{crash:?}: the run came to its end");
            killed += usize::from(is_killed);
            sure += usize::from(crash.is_sure(rows));
            world.recover(&undisturbed.state).await;
        }
        println!(
            "{flow:?} of {who:?}: {} crash points, {killed} runs killed, {sure} where none can escape, {:.1} s",
            crashes.len(),
            began.elapsed().as_secs_f64()
        );
        assert!(sure > 0);
    }
}

fn asking(place: Place, count: usize) -> Vec<Crash> {
    let at = |at| [Fault::Stuck, Fault::Mute].map(|fault| Crash::Asking(place, fault, at));
    (0..count).flat_map(at).collect()
}

/// Whether the run was killed before its end.
pub async fn killed_at(world: &mut World, crash: Crash) -> bool {
    world.prepare().await;
    let had_role = world.has_role().await;
    if let Crash::Asking(place, fault, at) = crash {
        world.trouble(place, (fault, Hit::Only(at)));
    }
    let lines = world.lines();
    let mut run = world.start(5);
    match crash {
        Crash::Asking(place, ..) => {
            assert!(world.wait_until_stuck(place, &mut run), "{crash:?} was not reached");
        }
        Crash::Row(more) => wait_for(&mut run, || world.lines() >= lines + more),
        Crash::After(time) => tokio::time::sleep(time).await,
    }
    run.kill().unwrap();
    let killed = run.wait().unwrap().code().is_none();
    world.trail.note(&world.recorder);
    world.check_passwords(had_role).await;
    killed
}

fn wait_for(run: &mut Child, mut done: impl FnMut() -> bool) {
    while !done() && run.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[tokio::test]
async fn owners_are_created_and_adopted_through_any_crash() {
    crash([Flow::Create, Flow::Adopt], Who::Owner).await;
}

#[tokio::test]
async fn owners_are_rotated_and_updated_through_any_crash() {
    crash([Flow::Rotate, Flow::Update], Who::Owner).await;
}

#[tokio::test]
async fn the_master_is_rotated_through_any_crash() {
    crash([Flow::Master], Who::Master).await;
}

#[tokio::test]
async fn roles_are_taken_over_and_secrets_restored_through_any_crash() {
    crash([Flow::Reset, Flow::Restore, Flow::Lost], Who::Owner).await;
}

#[tokio::test]
async fn readers_are_created_and_adopted_through_any_crash() {
    crash([Flow::Create, Flow::Adopt], Who::Reader).await;
}

#[tokio::test]
async fn readers_are_rotated_and_updated_through_any_crash() {
    crash([Flow::Rotate, Flow::Update], Who::Reader).await;
}
