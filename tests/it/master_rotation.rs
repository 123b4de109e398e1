//! `rotate --master`: the master changes its own password, and is never locked out.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, ENV, Fault, Hit, Recorder, Stack, answer, minted};

const SECRET: &str = "goldenpath/dev/rds/master";
const ROTATE: [&str; 5] = ["rotate", "--env", ENV, "--master", "--auto-approve"];

async fn password(stack: &Stack) -> String {
    stack.secret(SECRET).await["password"].as_str().unwrap().to_owned()
}

async fn logs_in(stack: &Stack, password: &str) -> bool {
    stack.login("platform_admin", password, "platform").await.is_ok()
}

/// Stages a version of the master's secret with this password.
async fn stage(stack: &Stack, id: &str, password: &str) {
    let mut value = stack.master_secret();
    value["password"] = Value::String(password.to_owned());
    let request = stack.secrets.put_secret_value().secret_id(SECRET).client_request_token(id);
    request.secret_string(value.to_string()).version_stages("AWSPENDING").send().await.unwrap();
}

#[tokio::test]
async fn the_master_gets_a_new_password_and_its_secret_keeps_the_rest() {
    let stack = Stack::with_app().await;
    stack.converge();
    let mut value = stack.master_secret();
    value["team"] = json!("platform");
    let put = stack.secrets.put_secret_value().secret_id(SECRET).secret_string(value.to_string());
    put.send().await.unwrap();
    let before = stack.labels(SECRET).await;

    let answer = stack.run(&ROTATE).expect(0);
    answer
        .shows("~ role \"platform_admin\", the master: password from the secret")
        .shows("Rotation complete: 5 done")
        .shows("the server: platform_admin has a new password; the old one was refused ");
    let (after, labels) = (stack.secret(SECRET).await, stack.labels(SECRET).await);
    assert_eq!(
        (&after["team"], &after["username"]),
        (&json!("platform"), &json!("platform_admin"))
    );
    assert!(!logs_in(&stack, "Master-0123456789").await);
    assert!(logs_in(&stack, after["password"].as_str().unwrap()).await);
    assert_eq!((&labels["AWSPREVIOUS"], labels.get("AWSPENDING")), (&before["AWSCURRENT"], None));
    let secret = stack.secrets.describe_secret().secret_id(SECRET).send().await.unwrap();
    let tag = secret.tags().iter().find(|tag| tag.key() == Some("PasswordVersion")).unwrap();
    assert_eq!(tag.value(), Some(labels["AWSCURRENT"].as_str()));
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn the_master_and_all_entries_in_one_run() {
    let stack = Stack::with_app().await;
    stack.converge();
    let old = [password(&stack).await, app_password(&stack).await];
    let answer = stack.run(&[&ROTATE[..], &["--all"]].concat()).expect(0);
    answer.shows("Rotation complete: 9 done");
    assert!(old[0] != password(&stack).await && old[1] != app_password(&stack).await);
    stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
    stack.plan().expect(0).shows("No changes:");
}

async fn app_password(stack: &Stack) -> String {
    stack.secret("goldenpath/dev/app/postgres").await["password"].as_str().unwrap().to_owned()
}

/// Kills a rotation as soon as the audit has this many lines more.
async fn killed_after(stack: &Stack, lines: usize) {
    let count = || {
        let path = stack.root().join("governance/dev/rds_request_audit.csv");
        std::fs::read_to_string(path).unwrap_or_default().lines().count()
    };
    let wanted = count() + lines;
    let mut command = stack.command(&ROTATE);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while count() < wanted && run.try_wait().unwrap().is_none() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

#[tokio::test]
async fn killed_at_any_row_of_the_audit_it_is_finished_and_nobody_is_locked_out() {
    let stack = Stack::with_app().await;
    stack.converge();
    for lines in 1..=7 {
        killed_after(&stack, lines).await;
        let answer = if lines % 2 == 0 { stack.apply() } else { stack.run(&ROTATE) };
        answer.expect(0);
        assert!(logs_in(&stack, &password(&stack).await).await, "killed after {lines} lines");
        assert!(!stack.labels(SECRET).await.contains_key("AWSPENDING"));
        stack.plan().expect(0).shows("No changes:");
    }
}

/// The lock is waited for as long as another run rotates the master.
#[tokio::test]
async fn a_run_that_waited_for_the_lock_logs_in_with_the_newest_password() {
    let stack = Stack::with_app().await;
    let old = password(&stack).await;
    let holder = stack.login("platform_admin", &old, "postgres").await.unwrap();
    let key = i64::from_be_bytes(*b"goldenpa");
    holder.batch_execute(&format!("SELECT pg_advisory_lock({key})")).await.unwrap();
    let mut command = stack.command(&["apply", "--env", ENV, "--auto-approve"]);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let waiting =
        "SELECT count(*)::text FROM pg_stat_activity WHERE application_name LIKE 'goldenpath-rds%'";
    while stack.value("postgres", waiting).await == "0" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let new = "Another-0123456789";
    let mut value = stack.secret(SECRET).await;
    value["password"] = json!(new);
    let put = stack.secrets.put_secret_value().secret_id(SECRET);
    put.secret_string(value.to_string()).send().await.unwrap();
    holder.batch_execute(&format!("ALTER ROLE platform_admin PASSWORD '{new}'")).await.unwrap();
    // It tries every half second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(holder);
    let run = tokio::task::spawn_blocking(move || run.wait_with_output().unwrap());
    answer(run.await.unwrap()).expect(0).says("waiting for the lock");
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn a_password_that_was_set_and_not_published_still_lets_us_in() {
    let stack = Stack::with_app().await;
    stack.converge();
    let next = Uuid::now_v7().to_string();
    stage(&stack, &next, "Master-the-next-one").await;
    stack.plan().expect(0).shows("note: rotation of platform_admin is unfinished since ");
    stack.sql("postgres", "ALTER ROLE platform_admin PASSWORD 'Master-the-next-one'").await;

    let warning = "is refused, AWSPENDING logs in";
    stack.plan().expect(0).says(warning).shows("Plan: 0 to create, 3 to change");
    stack.run(&["verify", "--env", ENV]).expect(2).shows(warning);
    stack.run(&ROTATE).expect(0).says(warning).shows("an earlier run had set it");
    assert_eq!(stack.labels(SECRET).await["AWSCURRENT"], next);
    assert_eq!(password(&stack).await, "Master-the-next-one");
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn a_current_version_that_was_never_set_is_put_right() {
    let stack = Stack::with_app().await;
    stack.converge();
    let mut value = stack.master_secret();
    value["password"] = json!("never-set");
    let put = stack.secrets.put_secret_value().secret_id(SECRET).secret_string(value.to_string());
    put.send().await.unwrap();
    let warning = "is refused, AWSPREVIOUS logs in";
    stack.plan().expect(0).says(warning).shows("No changes:");
    let verify = ["verify", "--env", ENV];
    stack
        .run(&verify)
        .expect(2)
        .shows("! the server: the master's password in AWSCURRENT of `goldenpath/dev/rds/master` is refused, AWSPREVIOUS logs in\n    hint: `goldenpath-rds rotate --env dev --master` puts it right: ")
        .shows("1 thing is wrong: 1 of 1 secrets log in.");
    stack.run(&ROTATE).expect(0).says(warning).shows("Rotation complete: 5 done");
    assert!(logs_in(&stack, &password(&stack).await).await);
    stack.run(&verify).expect(0);
    let answer: Answer = stack.plan().expect(0);
    assert!(!answer.stderr.contains("is refused"), "{}", answer.stderr);
}

/// Makes this the master's password, and AWSCURRENT a version with it, as somebody does by hand.
async fn set_by_hand(stack: &Stack, password: &str) {
    let mut value = stack.master_secret();
    value["password"] = json!(password);
    let put = stack.secrets.put_secret_value().secret_id(SECRET).version_stages("AWSCURRENT");
    put.secret_string(value.to_string()).send().await.unwrap();
    stack.sql("postgres", &format!("ALTER ROLE platform_admin PASSWORD '{password}'")).await;
}

#[tokio::test]
async fn a_pending_password_is_never_set_over_a_newer_one() {
    let stack = Stack::with_app().await;
    stack.converge();
    stage(&stack, &minted(-1), "Master-of-a-rotation-cut-off").await;
    set_by_hand(&stack, "Master-a-newer-one").await;
    let answer = stack.plan().expect(0).shows("remove AWSPENDING  # overtaken by AWSCURRENT");
    answer.shows("Plan: 0 to create, 1 to change");
    stack.apply().expect(0);
    assert!(logs_in(&stack, "Master-a-newer-one").await);
    assert!(!stack.labels(SECRET).await.contains_key("AWSPENDING"));
    stack.plan().expect(0).shows("No changes:");
}

/// AWSCURRENT is younger, but it is the pending one that lets us in: the label must not leave it.
#[tokio::test]
async fn a_pending_password_that_is_the_masters_becomes_current() {
    let stack = Stack::with_app().await;
    stack.converge();
    let pending = minted(-1);
    stage(&stack, &pending, "Master-the-next-one").await;
    set_by_hand(&stack, "never-set").await;
    stack.sql("postgres", "ALTER ROLE platform_admin PASSWORD 'Master-the-next-one'").await;
    stack.apply().expect(0).says("is refused, AWSPENDING logs in");
    assert_eq!(stack.labels(SECRET).await["AWSCURRENT"], pending);
    assert!(logs_in(&stack, "Master-the-next-one").await);
    stack.plan().expect(0).shows("No changes:");
}

/// ListSecrets may be five minutes behind; that we came in by AWSPENDING is known all the same.
#[tokio::test]
async fn a_list_that_lags_hides_no_rotation_that_a_killed_run_left() {
    let stack = Stack::with_app().await;
    stack.converge();
    let recorder = Recorder::start();
    let run = |arguments: &[&str]| {
        let mut command = stack.command(arguments);
        command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
        answer(command.output().unwrap())
    };
    run(&["plan", "--env", ENV]).expect(0);
    recorder.trouble(Some((Fault::Lagging, Hit::From(0))));
    let next = Uuid::now_v7().to_string();
    stage(&stack, &next, "Master-the-next-one").await;
    run(&["plan", "--env", ENV]).expect(0).shows("No changes:");
    stack.write(
        "governance/dev/rds_request_audit.csv",
        "timestamp_utc,environment,build_id,run_id,database,username,action,status,duration_ms,message\n2026-11-22T00:00:00Z,dev,,,,,rotate,started,,\n",
    );
    run(&["plan", "--env", ENV]).expect(0).shows("Plan: 0 to create, 4 to change");

    stack.write("governance/dev/rds_request_audit.csv", "");
    stack.sql("postgres", "ALTER ROLE platform_admin PASSWORD 'Master-the-next-one'").await;
    let apply = ["apply", "--env", ENV, "--auto-approve"];
    run(&apply).expect(0).says("AWSPENDING logs in").shows("Apply complete: 3 done");
    assert_eq!(stack.labels(SECRET).await["AWSCURRENT"], next);
}

/// A label that another program's rotation left behind is no rotation under way.
#[tokio::test]
async fn a_current_version_that_is_pending_too_is_rotated() {
    let stack = Stack::with_app().await;
    stack.converge();
    let id = Uuid::new_v4().to_string();
    let put = stack.secrets.put_secret_value().secret_id(SECRET).client_request_token(&id);
    let put = put.secret_string(stack.master_secret().to_string());
    put.version_stages("AWSCURRENT").version_stages("AWSPENDING").send().await.unwrap();
    stack.run(&ROTATE).expect(0).shows("Rotation complete: 5 done");
    assert!(!logs_in(&stack, "Master-0123456789").await);
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn only_a_secret_that_cannot_be_had_hints_at_another_one() {
    let stack = Stack::with_app().await;
    let other = ["plan", "--env", ENV, "--master-secret", "goldenpath/dev/other"];
    stack.run(&other).expect(1).says("hint: --master-secret names another secret");
    let recorder = Recorder::start();
    recorder.trouble(Some((Fault::Throttled, Hit::From(0))));
    let mut command = stack.command(&["plan", "--env", ENV]);
    command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
    command.env("AWS_MAX_ATTEMPTS", "1");
    let answer = answer(command.output().unwrap()).expect(1).says("ThrottlingException");
    assert!(!answer.stderr.contains("--master-secret"), "{}", answer.stderr);
}

#[tokio::test]
async fn a_malformed_pending_version_does_not_hide_the_previous_one() {
    let stack = Stack::with_app().await;
    stack.converge();
    set_by_hand(&stack, "never-set").await;
    stack.sql("postgres", "ALTER ROLE platform_admin PASSWORD 'Master-0123456789'").await;
    for odd in ["no JSON", r#"{"username":"platform_admin"}"#] {
        let put = stack.secrets.put_secret_value().secret_id(SECRET).secret_string(odd);
        put.version_stages("AWSPENDING").send().await.unwrap();
        stack.plan().expect(0).says("is refused, AWSPREVIOUS logs in");
    }
}

#[tokio::test]
async fn a_master_that_another_program_rotates_is_left_alone() {
    let stack = Stack::with_app().await;
    stack.converge();
    stage(&stack, &Uuid::new_v4().to_string(), "by-a-lambda").await;
    let answer = stack.run(&ROTATE).expect(3);
    answer.shows("the master's secret `goldenpath/dev/rds/master` has a version ");
    assert!(logs_in(&stack, "Master-0123456789").await);
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn when_no_version_logs_in_the_error_says_so() {
    let stack = Stack::with_app().await;
    stack.sql("postgres", "ALTER ROLE platform_admin PASSWORD 'another'").await;
    let answer = stack.run(&ROTATE).expect(1);
    answer.says("refuses role \"platform_admin\"").says("hint: the password in the secret is not");
}
