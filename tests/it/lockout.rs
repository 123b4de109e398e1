//! What must not keep applications locked out, once the password of a role was replaced.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::concurrency::{transaction, wait_until_blocked};
use crate::harness::{Answer, ENV, Fault, Hit, Recorder, Stack, Statements, answer};

const SECRET: &str = "goldenpath/dev/app/postgres";
const MASTER_SECRET: &str = "goldenpath/dev/rds/master";
const ROTATE: [&str; 5] = ["rotate", "--env", ENV, "--auto-approve", "app"];
const MASTER: [&str; 5] = ["rotate", "--env", ENV, "--auto-approve", "--master"];

fn audit_of(stack: &Stack) -> std::path::PathBuf {
    stack.root().join("governance/dev/rds_request_audit.csv")
}

/// A run that may make no file longer than so many blocks of 512 bytes: beyond it writing fails as it
/// does on a full disk.
fn limited(stack: &Stack, arguments: &[&str], blocks: usize) -> Answer {
    let script = "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"";
    answer(wrapped(stack, &["-c", script, &blocks.to_string()], arguments).output().unwrap())
}

/// A run that a shell starts.
fn wrapped(stack: &Stack, shell: &[&str], arguments: &[&str]) -> Command {
    let inner = stack.command(arguments);
    let mut command = Command::new("sh");
    command.args(shell).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(stack.root()).stdin(Stdio::null()).env_clear();
    command.envs(stack.environment());
    command
}

fn length(path: &Path) -> usize {
    usize::try_from(std::fs::metadata(path).unwrap().len()).unwrap()
}

/// Makes the audit so long that a rotation's third row, `set_password`, ends half in the last block. Says
/// how many blocks there are then.
fn fill_up_to_the_set_password_row(stack: &Stack) -> usize {
    let path = audit_of(stack);
    let before = length(&path);
    stack.run(&ROTATE).expect(0);
    let text = std::fs::read(&path).unwrap();
    let rows: Vec<usize> =
        text[before..].split_inclusive(|b| *b == b'\n').map(<[u8]>::len).collect();
    let begin = "2026-11-22T00:00:00Z,dev,,,app,app_user,verify,warning,,";
    let needed = text.len() + begin.len() + 1 + rows[0] + rows[1] + rows[2] / 2;
    let filler = "x".repeat(512 - needed % 512);
    let row = format!("{begin}{filler}\n");
    std::fs::write(&path, [&text[..], row.as_bytes()].concat()).unwrap();
    (needed + filler.len()) / 512
}

#[tokio::test]
async fn a_disk_that_is_full_once_the_password_is_set_keeps_nobody_out() {
    let stack = Stack::with_app().await;
    stack.converge();
    let blocks = fill_up_to_the_set_password_row(&stack);
    let failed = limited(&stack, &ROTATE, blocks).expect(1);
    assert!(failed.stdout.contains("cannot be kept"), "{}{}", failed.stdout, failed.stderr);
    failed.says("rows that could not be written").says(",set_password,success,");
    stack.login_with_secret(SECRET).await.unwrap();

    let full = std::fs::read(audit_of(&stack)).unwrap();
    assert_eq!(full.len(), blocks * 512);
    assert!(full.windows(14).any(|text| text == b",set_password,"));
    let _ = limited(&stack, &["apply", "--env", ENV, "--auto-approve"], blocks).expect(1);
    assert_eq!(full, std::fs::read(audit_of(&stack)).unwrap(), "what was there is gone");
    stack.converge();
    assert!(std::fs::read(audit_of(&stack)).unwrap().starts_with(&full));
    assert!(!stack.labels(SECRET).await.contains_key("AWSPENDING"));
    stack.login_with_secret(SECRET).await.unwrap();
    assert!(stack.audit().contains(&"app,app_user,rotate,interrupted".to_owned()));
}

fn through(stack: &Stack, statements: &Statements, arguments: &[&str]) -> Answer {
    let port = statements.port.to_string();
    stack.run(&[arguments, &["--port", &port]].concat())
}

/// Where the statement that sets the password is, among all of a rotation.
async fn place_of_set(stack: &Stack, statements: &Statements, arguments: &[&str]) -> usize {
    statements.trouble(None);
    through(stack, statements, arguments).expect(0);
    let seen = statements.seen();
    let is_set = |text: &String| text.starts_with("ALTER ROLE") && text.contains("PASSWORD");
    seen.iter().position(is_set).expect("a password is set")
}

#[tokio::test]
async fn one_login_that_fails_is_tried_again() {
    let stack = Stack::with_app().await;
    stack.converge();
    let statements = Statements::start(&stack);
    for (arguments, secret) in [(&ROTATE, SECRET), (&MASTER, MASTER_SECRET)] {
        let set = place_of_set(&stack, &statements, arguments).await;
        for fault in [Fault::Dropped, Fault::Throttled] {
            statements.trouble(Some((fault, Hit::Only(set + 1))));
            let answer = through(&stack, &statements, arguments).expect(0);
            assert_eq!(statements.seen()[set + 1..set + 3], ["login", "login"], "{fault:?}");
            answer.shows("Rotation complete").shows("ms before it was current");
            assert!(!stack.labels(secret).await.contains_key("AWSPENDING"));
        }
    }
    stack.login_with_secret(SECRET).await.unwrap();
}

/// A rotation that was cut off after the password was set; the version that is AWSPENDING.
async fn set_and_not_published(stack: &Stack, secret: &str, entry: &str, role: &str) -> String {
    let id = stage(stack, secret).await;
    let marker = format!("managed by goldenpath-rds; env=dev; entry={entry}; secret-version={id}");
    let sql = format!(
        "ALTER ROLE {role} PASSWORD 'the-next-password'; COMMENT ON ROLE {role} IS '{marker}'"
    );
    stack.sql("postgres", &sql).await;
    id
}

async fn stage(stack: &Stack, secret: &str) -> String {
    let id = Uuid::now_v7().to_string();
    let mut value = stack.secret(secret).await;
    value["password"] = Value::String("the-next-password".to_owned());
    let put = stack.secrets.put_secret_value().secret_id(secret).client_request_token(&id);
    put.secret_string(value.to_string()).version_stages("AWSPENDING").send().await.unwrap();
    id
}

const NO_SUCH_EXTENSION: &str =
    r#"app = { database_name = "app", username = "app_user", extensions = ["no_such_ext"] }"#;

#[tokio::test]
async fn an_obstacle_in_the_database_does_not_hold_up_a_password_that_is_set() {
    let stack = Stack::with_app().await;
    stack.converge();
    let id = set_and_not_published(&stack, SECRET, "app", "app_user").await;
    stack.entries(NO_SUCH_EXTENSION);
    stack.plan().expect(3).shows("; this goes on with it").shows("2 to change");
    stack.apply().expect(3).shows("Apply complete: 2 done").shows("no extension \"no_such_ext\"");
    let labels = stack.labels(SECRET).await;
    assert_eq!((&labels["AWSCURRENT"], labels.get("AWSPENDING")), (&id, None));
    stack.login_with_secret(SECRET).await.unwrap();
}

#[tokio::test]
async fn a_rotation_that_an_obstacle_holds_up_is_told_as_that() {
    let stack = Stack::with_app().await;
    stack.converge();
    stage(&stack, SECRET).await;
    stack.entries(NO_SUCH_EXTENSION);
    let answer = stack.apply().expect(3);
    answer.shows("; the obstacle of `app` holds it up").shows("no extension \"no_such_ext\"");
    stack.login_with_secret(SECRET).await.unwrap();
}

#[tokio::test]
async fn a_readers_password_does_not_wait_for_what_the_owner_could_not_do() {
    let entries = r#"
  app     = { database_name = "app", username = "app_user" }
  reports = { database_name = "app", username = "reports_user", access_level = "reader" }"#;
    let stack = Stack::new(entries).await;
    stack.converge();
    let reader = "goldenpath/dev/reports/postgres";
    let id = set_and_not_published(&stack, reader, "reports", "reports_user").await;
    stack.sql("postgres", "DROP DATABASE app").await;
    stack.sql("postgres", "ALTER ROLE platform_admin NOCREATEDB").await;
    stack.apply().expect(1).shows("app: create_database failed").shows("hint: run `goldenpath-rds");
    let labels = stack.labels(reader).await;
    assert_eq!((&labels["AWSCURRENT"], labels.get("AWSPENDING")), (&id, None));
    let audit = stack.audit();
    let ends = audit.iter().filter(|row| row.starts_with("app,reports_user,apply,"));
    let ends: Vec<_> = ends.skip(2).collect();
    assert_eq!(ends, ["app,reports_user,apply,started", "app,reports_user,apply,error"]);
    stack.sql("postgres", "ALTER ROLE platform_admin CREATEDB").await;
    stack.converge();
    stack.login_with_secret(reader).await.unwrap();
}

/// The same for the entry's own database.
#[tokio::test]
async fn a_password_does_not_wait_for_a_database_that_could_not_be_made() {
    let stack = Stack::with_app().await;
    stack.converge();
    let id = set_and_not_published(&stack, SECRET, "app", "app_user").await;
    stack.sql("postgres", "DROP DATABASE app").await;
    stack.sql("postgres", "ALTER ROLE platform_admin NOCREATEDB").await;
    stack.apply().expect(1).shows("app: create_database failed");
    assert_eq!(stack.labels(SECRET).await["AWSCURRENT"], id);
    let last = stack.audit().pop().unwrap();
    assert_eq!(last, "app,app_user,apply,error");
}

/// The answer comes and then the session ends, or the session ends before the answer.
#[tokio::test]
async fn a_session_that_is_lost_once_the_password_is_set_does_not_keep_it_from_being_published() {
    let stack = Stack::with_app().await;
    stack.converge();
    let statements = Statements::start(&stack);
    for (arguments, secret) in [(&ROTATE, SECRET), (&MASTER, MASTER_SECRET)] {
        let set = place_of_set(&stack, &statements, arguments).await;
        for fault in [Fault::CutAfter, Fault::LostAnswer] {
            let before = stack.labels(secret).await;
            statements.trouble(Some((fault, Hit::Only(set))));
            let answer = through(&stack, &statements, arguments).expect(1);
            assert!(answer.stdout.contains("was lost"), "{}{}", answer.stdout, answer.stderr);
            assert!(!answer.stdout.contains("cannot log in until"), "{}", answer.stdout);
            let labels = stack.labels(secret).await;
            assert_eq!(labels["AWSPREVIOUS"], before["AWSCURRENT"], "{fault:?}: not published");
            stack.login_with_secret(SECRET).await.unwrap();
            stack.converge();
        }
    }
}

/// And a statement that did not come through leaves everything as it was.
#[tokio::test]
async fn a_password_that_was_not_set_is_not_published() {
    let stack = Stack::with_app().await;
    stack.converge();
    let statements = Statements::start(&stack);
    let set = place_of_set(&stack, &statements, &ROTATE).await;
    let before = stack.labels(SECRET).await["AWSCURRENT"].clone();
    statements.trouble(Some((Fault::Dropped, Hit::Only(set))));
    let answer = through(&stack, &statements, &ROTATE).expect(1);
    assert!(!answer.stdout.contains("cannot log in until"), "{}", answer.stdout);
    assert_eq!(stack.labels(SECRET).await["AWSCURRENT"], before);
    stack.login_with_secret(SECRET).await.unwrap();
    stack.converge();
}

#[tokio::test]
async fn a_lockout_is_told_although_the_session_is_lost_too() {
    let stack = Stack::with_app().await;
    stack.converge();
    let (statements, recorder) = (Statements::start(&stack), Recorder::start());
    let set = place_of_set(&stack, &statements, &ROTATE).await;
    statements.trouble(Some((Fault::CutAfter, Hit::Only(set))));
    let port = statements.port.to_string();
    let rotate = || {
        let mut command = stack.command(&[&ROTATE[..], &["--port", &port]].concat());
        command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
        answer(command.env("AWS_MAX_ATTEMPTS", "1").output().unwrap())
    };
    rotate().expect(1);
    let publish =
        recorder.seen().iter().position(|one| one.operation == "UpdateSecretVersionStage");
    stack.converge();
    statements.trouble(Some((Fault::CutAfter, Hit::Only(set))));
    recorder.trouble(Some((Fault::ServerError, Hit::From(publish.unwrap()))));
    rotate().expect(1).shows("not AWSCURRENT: applications cannot log in until the next run");
    recorder.trouble(None);
    stack.converge();
    stack.login_with_secret(SECRET).await.unwrap();
}

/// What the statement waited for is no time in which the old password is refused.
#[tokio::test]
async fn the_time_without_a_login_begins_when_the_password_is_set() {
    let stack = Stack::with_app().await;
    stack.converge();
    let other = transaction(&stack, "ALTER ROLE app_user CONNECTION LIMIT 7").await;
    let mut command = stack.command(&[&ROTATE[..], &["--format", "json"]].concat());
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until_blocked(&stack, &mut run).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    other.batch_execute("ROLLBACK").await.unwrap();
    let answer = answer(run.wait_with_output().unwrap());
    let document: Value = serde_json::from_str(&answer.expect(0).stdout).unwrap();
    let refused = document["outcome"]["rotated"][0]["refused_ms"].as_u64().unwrap();
    let audit = std::fs::read_to_string(audit_of(&stack)).unwrap();
    let set = audit.lines().rev().find(|row| row.contains(",set_password,success,")).unwrap();
    let took: u64 = set.split(',').nth(8).unwrap().parse().unwrap();
    assert!(took > 2_900 && refused + 900 < took, "set in {took} ms, refused for {refused} ms");
}
