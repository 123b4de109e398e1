//! Somebody who keeps trying to log in while passwords are rotated.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::flow::{Flow, Who};
use super::world::World;

const ROTATIONS: usize = 50;
const WORLDS: usize = 2;

/// Labels are read one after another and may move in between, so a poll that found nothing looks again
/// as long as they moved.
async fn somebody_logs_in(world: &World) -> bool {
    loop {
        let before = world.stack.labels(world.who.secret()).await;
        if world.first_label_that_logs_in().await.is_some() {
            return true;
        }
        if before == world.stack.labels(world.who.secret()).await {
            return false;
        }
    }
}

async fn observe(rotations: usize, polls: &AtomicUsize) {
    let mut world = World::new(Flow::Rotate, Who::Owner).await;
    for _ in 0..rotations {
        world.prepare().await;
        let (run, ended) = (world.start(5), AtomicBool::new(false));
        let watch = async {
            while !ended.load(Ordering::SeqCst) {
                assert!(somebody_logs_in(&world).await, "no labelled version logs in");
                polls.fetch_add(1, Ordering::SeqCst);
            }
        };
        let end = async {
            let answer = world.end(run).await;
            ended.store(true, Ordering::SeqCst);
            answer
        };
        let (answer, ()) = tokio::join!(end, watch);
        answer.expect(0);
    }
}

#[test]
fn during_rotations_a_labelled_version_logs_in_at_every_moment() {
    let polls = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORLDS {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let polls = &polls;
            scope.spawn(move || runtime.block_on(observe(ROTATIONS / WORLDS, polls)));
        }
    });
    let polls = polls.into_inner();
    println!("{ROTATIONS} rotations, {polls} polls, each found a version that logs in");
    assert!(polls > ROTATIONS);
}
