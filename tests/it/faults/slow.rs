//! Answers that never come, that come from another time, and a service that is not there.

use std::time::{Duration, Instant};

use super::all_are_wanted;
use super::world::{Flow, Who, World};
use crate::harness::{ENV, Fault, Hit, Stack, answer};

/// Each write of a rotation, and a read: the client gives up after its deadline, not later.
#[tokio::test]
async fn a_request_that_is_never_answered_ends_at_its_deadline() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    std::thread::scope(|scope| {
        for (operation, nth) in [
            ("ListSecrets", 0),
            ("PutSecretValue", 0),
            ("UpdateSecretVersionStage", 0),
            ("UpdateSecretVersionStage", 1),
        ] {
            let faults = [Fault::Mute, Fault::Stuck].into_iter();
            for fault in faults.take(if all_are_wanted() { 2 } else { 1 }) {
                let runtime = runtime();
                scope.spawn(move || runtime.block_on(unanswered(fault, operation, nth)));
            }
        }
    });
}

async fn unanswered(fault: Fault, operation: &str, nth: usize) {
    let mut world = World::new(Flow::Rotate, Who::Owner).await;
    let _ = world.undisturbed().await;
    let (requests, wanted) = world.undisturbed().await;
    let mut places = requests.iter().enumerate().filter(|(_, name)| *name == operation);
    let (at, _) = places.nth(nth).expect("it is asked for");
    let began = Instant::now();
    world.disturbed(fault, Hit::Only(at), 1).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(25), "{operation} {fault:?}: {took:?}");
    world.recover(&wanted).await;
}

/// ListSecrets as it was before the secret was there, before it was rotated, before it was changed.
#[tokio::test]
async fn a_list_that_lags_leads_nowhere_else() {
    let whose = [Who::Owner, Who::Reader];
    for flow in [Flow::Create, Flow::Adopt, Flow::Rotate, Flow::Update] {
        for who in whose.into_iter().take(if all_are_wanted() { 2 } else { 1 }) {
            lagging(flow, who).await;
        }
    }
}

async fn lagging(flow: Flow, who: Who) {
    let mut world = World::new(flow, who).await;
    let _ = world.undisturbed().await;
    let (_, wanted) = world.undisturbed().await;
    world.disturbed(Fault::Lagging, Hit::From(0), 5).await.expect(0);
    assert_eq!(wanted, world.state().await, "{flow:?}");
    world.recover(&wanted).await;
}

#[tokio::test]
async fn a_service_that_is_not_there_is_named() {
    let stack = Stack::with_app().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = stack.command(&["apply", "--env", ENV, "--auto-approve"]);
    command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{free}"));
    command.env("AWS_MAX_ATTEMPTS", "2");
    answer(command.output().unwrap())
        .expect(1)
        .says("cannot read the master's secret: GetSecretValue `goldenpath/dev/rds/master`: ")
        .says("Connection refused")
        .says("hint: check the network and AWS_ENDPOINT_URL_SECRETS_MANAGER");
}
