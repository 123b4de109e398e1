//! Answers that never come, that come from another time, and a service that is not there.

use std::time::Duration;

use super::crashes::{Crash, killed_at};
use super::flow::{Flow, Place, Who};
use super::world::World;
use super::{Scenario, all_are_wanted, part, play};
use crate::harness::{ENV, Fault, Hit, Stack, answer};

/// The client gives up after its deadline, not later.
fn requests_are_never_answered(flow: Flow) {
    play(flow, Who::Owner, 12, Duration::from_secs(25), |run| {
        let unanswered = |at| {
            let fault = |fault| Scenario::request(fault, Hit::Only(at), 1);
            [fault(Fault::Stuck), fault(Fault::Mute)]
        };
        part(&(0..run.requests.len()).flat_map(unanswered).collect::<Vec<_>>(), 2)
    });
}

#[test]
fn create_ends_at_the_deadline_of_every_request() {
    requests_are_never_answered(Flow::Create);
}

#[test]
fn adopt_ends_at_the_deadline_of_every_request() {
    requests_are_never_answered(Flow::Adopt);
}

#[test]
fn rotate_ends_at_the_deadline_of_every_request() {
    requests_are_never_answered(Flow::Rotate);
}

/// A server that says nothing is given up some seconds after the statement's own limit, a login after ten.
fn statements_are_never_answered(flow: Flow, who: Who) {
    play(flow, who, 12, Duration::from_secs(60), |run| {
        let unanswered =
            |at| [Fault::Stuck, Fault::Mute].map(|fault| Scenario::slow(fault, Hit::Only(at)));
        part(&(0..run.statements.len()).flat_map(unanswered).collect::<Vec<_>>(), 2)
    });
}

#[test]
fn create_ends_at_the_limit_of_every_statement() {
    statements_are_never_answered(Flow::Create, Who::Owner);
}

#[test]
fn rotate_ends_at_the_limit_of_every_statement() {
    statements_are_never_answered(Flow::Rotate, Who::Reader);
}

#[test]
fn the_masters_rotation_ends_at_the_limit_of_every_statement() {
    statements_are_never_answered(Flow::Master, Who::Master);
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
    let wanted = world.undisturbed().await.state;
    world.disturbed(Place::Request, (Fault::Lagging, Hit::From(0)), 5).await.expect(0);
    assert_eq!(wanted, world.state().await, "{flow:?}");
    world.recover(&wanted).await;
}

/// The run after a crash is told what the killed one was told, though that one has written since.
#[tokio::test]
async fn a_list_that_lags_hides_nothing_that_a_killed_run_did() {
    for flow in [Flow::Create, Flow::Adopt, Flow::Rotate, Flow::Update] {
        let mut world = World::new(flow, Who::Owner).await;
        let _ = world.undisturbed().await;
        let undisturbed = world.undisturbed().await;
        let writes = undisturbed.requests.iter().enumerate().filter(|(_, operation)| {
            ["Put", "Create", "Update", "Tag"].iter().any(|verb| operation.starts_with(verb))
        });
        for (at, operation) in writes {
            world.recorder.forget_list();
            let crash = Crash::Asking(Place::Request, Fault::Mute, at);
            assert!(killed_at(&mut world, crash).await, "{flow:?}: {operation}");
            world.recover_behind(&undisturbed.state).await;
        }
    }
}

#[tokio::test]
async fn a_plan_sees_what_a_killed_run_staged_though_the_list_does_not() {
    let mut world = World::new(Flow::Rotate, Who::Owner).await;
    let undisturbed = world.undisturbed().await;
    let stages = undisturbed.requests.iter().position(|operation| operation == "PutSecretValue");
    world.recorder.forget_list();
    let crash = Crash::Asking(Place::Request, Fault::Mute, stages.unwrap());
    assert!(killed_at(&mut world, crash).await);
    world.trouble(Place::Request, (Fault::Lagging, Hit::From(0)));
    let mut plan = world.stack.command(&["plan", "--env", ENV]);
    plan.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", world.recorder.endpoint());
    let answer = answer(plan.output().unwrap()).expect(0);
    answer
        .shows("rotation of app_user is unfinished since")
        .shows("Plan: 0 to create, 3 to change");
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
