//! Answers that never come, that come from another time, and a service that is not there.

use std::time::Duration;

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
