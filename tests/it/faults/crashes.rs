//! SIGKILL while Secrets Manager is asked, at any row of the audit, and at random moments.

use std::process::Child;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::all_are_wanted;
use super::world::{Flow, Who, World};
use crate::harness::{Fault, Hit};

/// Random moments of each flow.
const MOMENTS: usize = 10;

/// Where the run is killed.
#[derive(Clone, Copy, Debug)]
enum Crash {
    /// A request is under way: it has not come through, or it was carried out.
    Asking(Fault, usize),
    /// The audit has this many lines more.
    Row(usize),
    /// After a time.
    After(Duration),
}

/// Kills flows in all places (`make test-faults`), or in every seventh, and counts them.
async fn crash(flows: [Flow; 2], who: Who) {
    for flow in flows {
        let mut world = World::new(flow, who).await;
        let _ = world.undisturbed().await;
        let before = world.lines();
        let began = Instant::now();
        let (requests, wanted) = world.undisturbed().await;
        let (rows, took) = (world.lines() - before, began.elapsed());
        let mut crashes = Vec::new();
        for at in 0..requests.len() {
            crashes.push(Crash::Asking(Fault::Stuck, at));
            crashes.push(Crash::Asking(Fault::Mute, at));
        }
        crashes.extend((1..rows).map(Crash::Row));
        let mut dice = rand::rng();
        crashes.extend((0..MOMENTS).map(|_| Crash::After(took.mul_f64(dice.random()))));
        let crashes: Vec<_> =
            crashes.iter().step_by(if all_are_wanted() { 1 } else { 7 }).collect();
        let mut killed = 0;
        for crash in &crashes {
            killed += usize::from(killed_at(&mut world, **crash).await);
            world.recover(&wanted).await;
        }
        println!("{flow:?} of {who:?}: {} crash points, {killed} runs killed", crashes.len());
        // A row may be the run's last, and a random moment after its end.
        assert!(killed * 2 > crashes.len(), "{killed} of {}", crashes.len());
    }
}

/// Whether the run was killed before its end.
async fn killed_at(world: &mut World, crash: Crash) -> bool {
    world.prepare().await;
    let had_role = world.has_role().await;
    if let Crash::Asking(fault, at) = crash {
        world.recorder.trouble(Some((fault, Hit::Only(at))));
    }
    let lines = world.lines();
    let mut run = world.start(5);
    match crash {
        Crash::Asking(..) => assert!(world.recorder.wait_until_stuck(&mut run), "{crash:?}"),
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
async fn readers_are_created_and_adopted_through_any_crash() {
    crash([Flow::Create, Flow::Adopt], Who::Reader).await;
}

#[tokio::test]
async fn readers_are_rotated_and_updated_through_any_crash() {
    crash([Flow::Rotate, Flow::Update], Who::Reader).await;
}
