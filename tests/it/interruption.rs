//! Runs that are killed, stopped, or in each other's way.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{ENV, Stack, answer};

const APPLY: [&str; 4] = ["apply", "--env", ENV, "--auto-approve"];

/// By the system's own program: the project has no unsafe code.
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

pub fn start(stack: &Stack) -> Child {
    let mut command = stack.command(&APPLY);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Lines of the audit, the header and a line that is being written included.
pub fn lines(stack: &Stack) -> usize {
    let path = stack.root().join("governance/dev/rds_request_audit.csv");
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

/// Waits until the audit has that many lines, or the run has ended.
pub fn wait_for_lines(stack: &Stack, run: &mut Child, wanted: usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while lines(stack) < wanted && run.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "{} lines instead of {wanted}", lines(stack));
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// What an undisturbed run leaves, apart from passwords and version ids.
async fn end_state(stack: &Stack) -> String {
    let databases = "SELECT string_agg(concat_ws(' ', datname, datdba::regrole, datallowconn, datacl, shobj_description(oid, 'pg_database')), E'\\n' ORDER BY datname) FROM pg_database WHERE NOT datistemplate";
    let roles = "SELECT string_agg(concat_ws(' ', rolname, rolcanlogin, rolcreatedb, rolconnlimit), E'\\n' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE '%user'";
    format!(
        "{}\n{}",
        stack.value("postgres", databases).await,
        stack.value("postgres", roles).await
    )
}

async fn assert_all_log_in(stack: &Stack) {
    for name in ["inventory", "orders", "portal"] {
        let secret = format!("goldenpath/dev/{name}/postgres");
        stack.login_with_secret(&secret).await.unwrap();
        assert!(!stack.labels(&secret).await.contains_key("AWSPENDING"));
    }
}

#[tokio::test]
async fn killed_after_any_row_of_the_audit_the_next_run_ends_like_an_undisturbed_one() {
    let undisturbed = Stack::with_apps().await;
    undisturbed.converge();
    let wanted = end_state(&undisturbed).await;
    let stack = Stack::with_apps().await;
    // A round lives for one to five more lines; what it has done stays done. Together the rounds
    // see every step.
    for round in 0..12 {
        let (mut run, since) = (start(&stack), lines(&stack));
        wait_for_lines(&stack, &mut run, since + 1 + round % 5);
        let _ = run.kill();
        let _ = run.wait();
    }
    stack.converge();
    assert_eq!(wanted, end_state(&stack).await);
    assert_all_log_in(&stack).await;
    let audit = stack.audit();
    let count = |status: &str| audit.iter().filter(|row| row.ends_with(status)).count();
    let ends = audit.iter().filter(|row| row.contains(",apply,") && !row.ends_with(",started"));
    let ends = ends.filter(|row| !row.starts_with(",,")).count();
    assert_eq!(count(",apply,started"), ends, "{audit:#?}");
    assert!(count(",interrupted") > 0, "{audit:#?}");
}

#[tokio::test]
async fn sigterm_finishes_the_step_and_closes_the_audit() {
    let stack = Stack::with_apps().await;
    let mut run = start(&stack);
    wait_for_lines(&stack, &mut run, 4);
    signal(&run, "TERM");
    let answer = answer(run.wait_with_output().unwrap()).expect(143);
    let answer = answer.says("stopping after this step").shows("Apply incomplete");
    answer.shows(
        "hint: run `goldenpath-rds apply --env dev` again; it goes on where this run stopped",
    );
    assert!(stack.audit().last().unwrap().ends_with(",apply,interrupted"));
    stack.converge();
    assert_all_log_in(&stack).await;
}

#[tokio::test]
async fn two_runs_wait_for_each_other() {
    let stack = Stack::with_apps().await;
    let runs = [start(&stack), start(&stack)];
    let answers = runs.map(|run| answer(run.wait_with_output().unwrap()).expect(0));
    let created =
        answers.iter().filter(|answer| answer.stdout.contains("Apply complete: ")).count();
    let idle = answers.iter().filter(|answer| answer.stdout.contains("No changes:")).count();
    assert_eq!((created, idle), (1, 1));
    assert_all_log_in(&stack).await;
}

#[tokio::test]
async fn a_held_lock_is_waited_for_and_its_holder_named() {
    let stack = Stack::with_app().await;
    let holder = stack.login("platform_admin", "Master-0123456789", "postgres").await.unwrap();
    let key = i64::from_be_bytes(*b"goldenpa");
    holder
        .batch_execute(&format!(
            "SET application_name = 'a colleague'; SELECT pg_advisory_lock({key})"
        ))
        .await
        .unwrap();
    let answer = stack.run(&[&APPLY[..], &["--lock-timeout", "1"]].concat()).expect(1);
    answer
        .says("waiting for the lock, which \"platform_admin\" (a colleague, pid ")
        .says("error: waited 1 s for the lock")
        .says("hint: wait for that run to end, or give --lock-timeout more seconds");
    assert!(stack.audit().is_empty());
    let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'a colleague'";
    stack.sql("postgres", end).await;
    stack.converge();
}

#[tokio::test]
async fn a_step_that_fails_ends_its_entry_and_the_others_go_on() {
    let entries = r#"
  app   = { database_name = "app", username = "app_user" }
  other = { database_name = "other", username = "other_user" }"#;
    let stack = Stack::new(entries).await;
    stack.converge();
    stack.sql("postgres", "DROP DATABASE other").await;
    stack.sql("postgres", "COMMENT ON DATABASE app IS NULL").await;
    stack.sql("postgres", "ALTER ROLE platform_admin NOCREATEDB").await;
    let answer = stack.apply().expect(1).says("permission denied to create database");
    answer.shows("Apply incomplete: 1 done, 1 failed, ").shows("  other: create_database failed: ");
    let audit = stack.audit();
    assert_eq!(
        audit[audit.len() - 6..],
        [
            "other,other_user,apply,started",
            "other,other_user,create_database,error",
            "other,other_user,apply,error",
            "app,app_user,apply,started",
            "app,app_user,comment_on_database,success",
            "app,app_user,apply,success",
        ]
    );
    stack.sql("postgres", "ALTER ROLE platform_admin CREATEDB").await;
    stack.converge();
    stack.login_with_secret("goldenpath/dev/other/postgres").await.unwrap();
}

#[tokio::test]
async fn a_server_that_goes_away_ends_the_run_clearly_and_the_next_one_finishes() {
    let mut stack = Stack::with_apps().await;
    let mut run = start(&stack);
    wait_for_lines(&stack, &mut run, 6);
    let Some(server) = stack.local_server() else { return };
    server.pause();
    let answer = answer(run.wait_with_output().unwrap()).expect(1);
    answer.shows("Apply incomplete").says(" was lost");
    stack.local_server().unwrap().resume();
    stack.converge();
    assert_all_log_in(&stack).await;
}
