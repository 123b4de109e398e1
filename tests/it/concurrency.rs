//! Others change the same rows while an apply is under way.

use std::process::Child;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, Config, NoTls};

use crate::harness::{ENV, Stack, answer};
use crate::interruption::start;

/// A session of the superuser with an open transaction.
pub async fn transaction(stack: &Stack, sql: &str) -> Client {
    let mut config = Config::new();
    config.host("127.0.0.1").port(stack.port()).user("rdsadmin").dbname("postgres");
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("BEGIN; {sql}")).await.unwrap();
    client
}

/// Waits until the run waits for somebody's transaction.
pub async fn wait_until_blocked(stack: &Stack, run: &mut Child) {
    let blocked = "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'goldenpath-rds%'";
    let deadline = Instant::now() + Duration::from_secs(20);
    while stack.value("postgres", blocked).await == "0" {
        assert!(Instant::now() < deadline && run.try_wait().unwrap().is_none(), "it does not wait");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The server says `tuple concurrently updated` (XX000) when the other transaction ends.
#[tokio::test]
async fn a_row_that_another_changes_at_the_same_time_is_changed_after_it() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.sql("postgres", "GRANT CONNECT ON DATABASE app TO PUBLIC").await;
    let other = transaction(&stack, "GRANT CONNECT ON DATABASE app TO pg_monitor").await;
    let mut run = start(&stack);
    wait_until_blocked(&stack, &mut run).await;
    other.batch_execute("COMMIT").await.unwrap();
    let answer = answer(run.wait_with_output().unwrap()).expect(0);
    answer.shows("Apply complete: 1 done");
    let log = stack.server_log().await;
    assert!(log.contains("tuple concurrently updated"), "the two did not meet");
    stack.plan().expect(0).shows("role \"pg_monitor\" holds CONNECT").shows("No changes:");
}

#[tokio::test]
async fn a_role_that_another_creates_at_the_same_time_is_told_and_then_an_obstacle() {
    let stack = Stack::with_app().await;
    let other = transaction(&stack, "CREATE ROLE app_user").await;
    let mut run = start(&stack);
    wait_until_blocked(&stack, &mut run).await;
    other.batch_execute("COMMIT").await.unwrap();
    let answer = answer(run.wait_with_output().unwrap()).expect(1);
    answer.says("role \"app_user\" already exists (SQLSTATE 42710)").shows("Apply incomplete");
    let kind = if stack.major().await >= 16 {
        "has no ADMIN OPTION on it"
    } else {
        "made by someone else"
    };
    stack.plan().expect(3).shows(kind);
    stack.sql("postgres", "DROP ROLE app_user").await;
    stack.converge();
}

#[tokio::test]
async fn a_lock_that_is_held_for_long_ends_in_a_clear_error() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.sql("postgres", "GRANT CONNECT ON DATABASE app TO PUBLIC").await;
    let other = transaction(&stack, "GRANT CONNECT ON DATABASE app TO pg_monitor").await;
    let since = Instant::now();
    let answer = stack.run(&["apply", "--env", ENV, "--auto-approve"]).expect(1);
    answer.says("canceling statement due to lock timeout (SQLSTATE 55P03)").says("hint:");
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
    other.batch_execute("ROLLBACK").await.unwrap();
    stack.converge();
}
