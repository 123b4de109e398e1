//! Between the moment a password is set and the moment its version is AWSCURRENT.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::harness::{ENV, Fault, Hit, Recorder, Stack, answer};

const SECRET: &str = "goldenpath/dev/app/postgres";
const ROTATE: [&str; 5] = ["rotate", "--env", ENV, "app", "--auto-approve"];

fn start(stack: &Stack, arguments: &[&str]) -> Child {
    let mut command = stack.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(run: &Child, name: &str) {
    let pid = run.id().to_string();
    let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status();
    assert!(sent.unwrap().success());
}

/// Waits until the audit has so many rows more.
fn wait_for_rows(stack: &Stack, rows: usize, run: &mut Child) {
    while stack.audit().len() < rows && run.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(100));
    }
}

#[tokio::test]
async fn a_signal_never_leaves_a_password_that_applications_cannot_read() {
    let stack = Stack::with_app().await;
    stack.converge();
    let mut stopped = 0;
    let signals = [("INT", 130), ("TERM", 143), ("HUP", 129)];
    for (pause, (name, code)) in (0..12).zip(signals.into_iter().cycle()) {
        let rows = stack.audit().len();
        let mut run = start(&stack, &ROTATE);
        // `started` and `stage_version`: the password is set next.
        wait_for_rows(&stack, rows + 2, &mut run);
        std::thread::sleep(Duration::from_millis(pause));
        signal(&run, name);
        let answer = answer(run.wait_with_output().unwrap());
        let said = format!("{name}: {}{}", answer.stdout, answer.stderr);
        assert!([0, code].contains(&answer.code), "{said}");
        stopped += usize::from(answer.code == code);
        stack.login_with_secret(SECRET).await.unwrap();
        stack.apply().expect(0);
    }
    assert!(stopped > 0, "no run was stopped");
}

/// `nohup` and its like ask for that.
#[tokio::test]
async fn a_hangup_that_was_to_be_ignored_is() {
    let stack = Stack::with_app().await;
    let inner = stack.command(&["apply", "--env", ENV, "--auto-approve"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(stack.root());
    command.env_clear().envs(stack.environment()).stdin(Stdio::null());
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_rows(&stack, 2, &mut run);
    signal(&run, "HUP");
    answer(run.wait_with_output().unwrap()).expect(0).shows("Apply complete");
}

#[tokio::test]
async fn a_password_that_could_not_be_published_is_told_as_that() {
    let (stack, recorder) = (Stack::with_app().await, Recorder::start());
    stack.converge();
    let rotate = || {
        let mut command = stack.command(&ROTATE);
        command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
        answer(command.env("AWS_MAX_ATTEMPTS", "1").output().unwrap())
    };
    recorder.trouble(None);
    rotate().expect(0).shows("ms before it was current");
    let requests = recorder.seen();
    let publish =
        requests.iter().position(|request| request.operation == "UpdateSecretVersionStage");
    recorder.trouble(Some((Fault::ServerError, Hit::From(publish.unwrap()))));
    let failed = rotate().expect(1);
    assert!(!failed.stdout.contains("is current"), "{}", failed.stdout);
    failed.shows("app_user has a new password that is not AWSCURRENT: applications cannot log in");
    recorder.trouble(None);
    stack.converge();
    stack.login_with_secret(SECRET).await.unwrap();
}

/// A version that was staged under another address, and the address came back.
#[tokio::test]
async fn a_staged_version_of_another_address_is_not_published() {
    let stack = Stack::with_app().await;
    stack.converge();
    let wanted = stack.secret(SECRET).await;
    let mut staged = wanted.clone();
    staged["host"] = json!("db-new.example");
    let put = stack.secrets.put_secret_value().secret_id(SECRET).secret_string(staged.to_string());
    let put = put.client_request_token(uuid::Uuid::now_v7()).version_stages("AWSPENDING");
    put.send().await.unwrap();
    stack.converge().shows("host `db-new.example` -> `localhost`, the password stays");
    assert_eq!(stack.secret(SECRET).await, wanted);
    let labels = stack.labels(SECRET).await;
    assert!(!labels.contains_key("AWSPENDING"), "{labels:?}");
}
