//! What AWS is asked for, and how fast.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{Answer, ENV, Recorder, Request, Stack, answer};

fn run(stack: &Stack, recorder: &Recorder, arguments: &[&str]) -> Answer {
    let mut command = stack.command(arguments);
    command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
    answer(command.output().expect("the executable runs"))
}

fn operations(recorder: &Recorder) -> BTreeSet<String> {
    recorder.seen().into_iter().map(|request| request.operation).collect()
}

/// Requests that were under way at once, at most.
fn most_at_once(requests: &[Request]) -> usize {
    let during = |at: &Request| {
        requests.iter().filter(|other| other.began <= at.began && at.began < other.ended).count()
    };
    requests.iter().map(during).max().unwrap_or(0)
}

/// Writes in the busiest second.
fn most_writes_a_second(requests: &[Request]) -> usize {
    let writes: Vec<_> =
        requests.iter().filter(|request| !is_read(request)).map(|write| write.began).collect();
    let second = Duration::from_secs(1);
    let within = |from| writes.iter().filter(|at| **at >= from && **at < from + second).count();
    writes.iter().map(|from| within(*from)).max().unwrap_or(0)
}

fn is_read(request: &Request) -> bool {
    ["List", "Describe", "Get"].iter().any(|verb| request.operation.starts_with(verb))
}

/// Entries whose roles use one database, so that no time goes into making others.
fn one_owner_and_readers(readers: usize) -> String {
    let reader = |n| {
        format!(
            "  r{n} = {{ database_name = \"app\", username = \"r{n}_user\", access_level = \"reader\" }}\n"
        )
    };
    let owner = "  app = { database_name = \"app\", username = \"app_user\" }\n".to_owned();
    [owner].into_iter().chain((1..=readers).map(reader)).collect()
}

#[tokio::test]
async fn writes_are_at_most_40_a_second_and_requests_at_most_8_at_once() {
    let stack = Stack::new(&one_owner_and_readers(40)).await;
    let recorder = Recorder::start();
    run(&stack, &recorder, &["apply", "--env", ENV, "--auto-approve"]).expect(0);
    run(&stack, &recorder, &["rotate", "--env", ENV, "--all", "--auto-approve"]).expect(0);
    let requests = recorder.seen();
    let writes = requests.iter().filter(|request| !is_read(request)).count();
    let (rate, at_once) = (most_writes_a_second(&requests), most_at_once(&requests));
    println!("{} requests, {writes} writes, {rate} in a second, {at_once} at once", requests.len());
    assert_eq!(writes, 41 + 3 * 41);
    // The relay may see a late request and the one after it closer together than they were sent.
    assert!(rate <= 42, "{rate} writes in a second");
    assert!((2..=8).contains(&at_once), "{at_once} requests at once");
}

#[tokio::test]
async fn rotation_status_reads_no_value() {
    let stack = Stack::with_apps().await;
    stack.converge();
    let recorder = Recorder::start();
    // Its id carries no time.
    let portal = "goldenpath/dev/portal/postgres";
    let value = stack.secret(portal).await.to_string();
    let put = stack.secrets.put_secret_value().secret_id(portal).secret_string(value);
    put.version_stages("AWSCURRENT").send().await.unwrap();
    let delete = stack.secrets.delete_secret().secret_id("goldenpath/dev/orders/postgres");
    delete.force_delete_without_recovery(true).send().await.unwrap();
    run(&stack, &recorder, &["rotation-status", "--env", ENV]).expect(1);
    let wanted = ["DescribeSecret", "ListSecretVersionIds", "ListSecrets"].map(str::to_owned);
    assert_eq!(operations(&recorder), BTreeSet::from(wanted));
}
