//! A host with several addresses, of which only one leads to the server.

use std::process::Command;

use crate::harness::{Answer, Stack, answer};

/// Runs the executable where `dual` stands for the server and, after it, for an address that leads nowhere.
/// `None` where this user may not have a mount namespace of its own.
fn run_with_dual(stack: &Stack, arguments: &[&str]) -> Option<Answer> {
    stack.write("hosts", "127.0.0.1 localhost dual\n2001:db8::1 dual\n");
    let unshare = ["--mount", "--map-root-user"];
    let possible = Command::new("unshare").args(unshare).arg("true").output();
    if !possible.is_ok_and(|tried| tried.status.success()) {
        return None;
    }
    let script = "mount --bind hosts /etc/hosts && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(unshare).args(["sh", "-c", script, "sh"]);
    command.arg(env!("CARGO_BIN_EXE_goldenpath-rds")).args(arguments);
    command.args(["--host", "dual"]).current_dir(stack.root());
    command.env_clear().envs(stack.environment());
    Some(answer(command.output().expect("unshare runs")))
}

#[tokio::test]
async fn what_the_server_says_is_not_lost_behind_another_address() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.sql("postgres", "ALTER ROLE app_user PASSWORD 'another one'").await;
    let verify = ["verify", "--env", "dev"];
    let Some(found) = run_with_dual(&stack, &verify) else { return };
    found.expect(2).shows("password authentication failed for user \"app_user\"");
    let untrusted = ["plan", "--env", "dev", "--sslrootcert", "system"];
    run_with_dual(&stack, &untrusted).unwrap().expect(1).says("is not trusted: ");
}

#[tokio::test]
async fn a_cut_off_rotation_of_the_master_is_finished_through_any_address() {
    let stack = Stack::with_app().await;
    stack.converge();
    let secret = "goldenpath/dev/rds/master";
    let mut next = stack.master_secret();
    next["password"] = "Next-0123456789".into();
    let put = stack.secrets.put_secret_value().secret_id(secret).secret_string(next.to_string());
    let put = put.client_request_token("01a206b8-fc27-75ca-98c9-419a5abd83e7");
    put.version_stages("AWSPENDING").send().await.unwrap();
    stack.sql("postgres", "ALTER ROLE platform_admin PASSWORD 'Next-0123456789'").await;
    let Some(planned) = run_with_dual(&stack, &["plan", "--env", "dev"]) else { return };
    planned.expect(0).says("is refused, AWSPENDING logs in");
}
