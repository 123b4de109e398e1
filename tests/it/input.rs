//! Bad input: a clear error, and nothing changed.

use std::time::Instant;

use serde_json::json;

use crate::harness::{Answer, ENV, Stack};

/// Applies and checks that nothing came of it.
async fn refused(stack: &Stack, arguments: &[&str]) -> Answer {
    let before = fingerprint(stack).await;
    let answer = stack.run(&[&["apply", "--env", ENV, "--auto-approve"], arguments].concat());
    assert_eq!(before, fingerprint(stack).await, "something was changed");
    assert_eq!(answer.stdout, "");
    answer
}

async fn fingerprint(stack: &Stack) -> String {
    let catalogs =
        "SELECT (SELECT count(*) FROM pg_roles) || ',' || (SELECT count(*) FROM pg_database)";
    let secrets = stack.secrets.list_secrets().send().await.unwrap().secret_list().len();
    format!("{} {secrets} {:?}", stack.value("postgres", catalogs).await, stack.audit())
}

async fn put_master(stack: &Stack, value: &str) {
    let request = stack.secrets.put_secret_value().secret_id("goldenpath/dev/rds/master");
    request.secret_string(value).send().await.unwrap();
}

#[tokio::test]
async fn an_environment_without_a_folder_lists_those_there_are() {
    let stack = Stack::with_app().await;
    stack.write("envs/test-rds/terraform.tfvars", "");
    let answer = stack.run(&["plan", "--env", "prod"]).expect(1);
    answer.says("there is no folder").says("hint: there are: dev, test");
    stack.run(&["plan"]).expect(64).says("no environment is given").says("dev, test");
    stack.run(&["plan", "--env", "Prod!"]).expect(64).says("environment `Prod!`");
    stack.run(&["plam"]).expect(64);
}

#[tokio::test]
async fn a_missing_map_is_an_error_and_never_empty() {
    let stack = Stack::with_app().await;
    stack.write("envs/dev-rds/terraform.tfvars", "environment = \"dev\"\n");
    let answer = refused(&stack, &[]).await.expect(1);
    answer.says("nothing sets `application_databases`").says("application_databases = {}");
}

#[tokio::test]
async fn all_bad_names_are_shown_at_once_with_their_places() {
    let stack = Stack::new(&format!(
        r#"
  a = {{ database_name = "postgres", username = "a_user" }}
  b = {{ database_name = "b", username = "rdsadmin" }}
  c = {{ database_name = "{}", username = "c_user" }}
  d = {{ database_name = "My-App", username = "d_user" }}
  e = {{ database_name = "e", username = "pg_e" }}"#,
        "x".repeat(64)
    ))
    .await;
    let answer = refused(&stack, &[]).await.expect(1);
    let answer = answer
        .says("envs/dev-rds/terraform.tfvars:4:25: `postgres` cannot be a database_name: the name is reserved by PostgreSQL")
        .says("terraform.tfvars:5:41: `rdsadmin` cannot be a username: the name is reserved by Amazon RDS")
        .says("it has 64 bytes, at most 63 are allowed")
        .says("`My-App` cannot be a database_name: allowed are lower-case letters")
        .says("`pg_e` cannot be a username");
    answer.says("envs/dev-rds: 5 problems; nothing was done");
}

#[tokio::test]
async fn one_database_or_role_in_two_entries_is_refused_with_both_places() {
    let stack = Stack::new(
        r#"
  a = { database_name = "app", username = "a_user" }
  b = { database_name = "app", username = "b_user" }
  c = { database_name = "c", username = "a_user" }"#,
    )
    .await;
    let answer = refused(&stack, &[]).await.expect(1);
    let answer = answer.says(":5:25: database `app` is in two entries, `a` and `b`");
    answer.says(":6:41: username `a_user` is in two entries, `a` and `c`").says("entry `a`");
}

#[tokio::test]
async fn files_of_another_environment_are_refused() {
    let stack = Stack::with_app().await;
    let text = "environment = \"prod\"\napplication_databases = {}\n";
    stack.write("envs/dev-rds/terraform.tfvars", text);
    refused(&stack, &[]).await.expect(1).says("`environment` is \"prod\", but --env is `dev`");
}

#[tokio::test]
async fn other_environments_than_dev_need_permission() {
    let stack = Stack::with_app().await;
    stack.write("envs/prod-rds/terraform.tfvars", "application_databases = {}\n");
    let arguments = ["apply", "--env", "prod", "--auto-approve"];
    stack.run(&arguments).expect(1).says("set ALLOW_DB_PROVISION=true");
    stack.put_secret("goldenpath/prod/rds/master", &stack.master_secret()).await;
    let allowed = stack.command(&arguments).env("ALLOW_DB_PROVISION", "true").output().unwrap();
    assert!(allowed.status.success(), "{}", String::from_utf8_lossy(&allowed.stderr));
}

#[tokio::test]
async fn without_a_terminal_somebody_must_have_said_yes() {
    let stack = Stack::with_app().await;
    let answer = stack.run(&["apply", "--env", ENV]).expect(64);
    answer.says("nobody can be asked, without a terminal").says("--auto-approve");
    assert!(stack.audit().is_empty());
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let stack = Stack::with_app().await;
    let answer = refused(&stack, &["--port", "1"]).await.expect(1);
    answer.says("cannot connect to server localhost:1").says("Connection refused").says("--host");
    let answer = refused(&stack, &["--host", "no-such-host.invalid"]).await.expect(1);
    answer.says("host `no-such-host.invalid` has no address");
}

#[tokio::test]
async fn a_wrong_password_of_the_master_is_said_so() {
    let stack = Stack::with_app().await;
    let mut master = stack.master_secret();
    master["password"] = json!("wrong-and-secret");
    // Twice, since the version before is tried too.
    put_master(&stack, &master.to_string()).await;
    put_master(&stack, &master.to_string()).await;
    let answer = refused(&stack, &[]).await.expect(1);
    let answer = answer.says("refuses role \"platform_admin\"").says("28P01");
    assert!(!answer.stderr.contains("wrong-and-secret"));
}

#[tokio::test]
async fn an_untrusted_certificate_is_named_with_the_flag_that_mends_it() {
    let stack = Stack::with_app().await;
    let answer = refused(&stack, &["--sslrootcert", "system"]).await.expect(1);
    answer.says("is not trusted: ").says("give --sslrootcert the authority's PEM file");

    let mut master = stack.master_secret();
    master["host"] = json!("127.0.0.1");
    put_master(&stack, &master.to_string()).await;
    let answer = refused(&stack, &[]).await.expect(1);
    answer.says("is not for `127.0.0.1`").says("--sslmode verify-ca");
    stack.run(&["plan", "--env", ENV, "--sslmode", "verify-ca"]).expect(0);

    stack.write("empty.pem", "");
    refused(&stack, &["--sslrootcert", "empty.pem"]).await.expect(1).says("holds no certificate");
}

#[tokio::test]
async fn a_tunnel_keeps_the_servers_name() {
    let stack = Stack::with_app().await;
    let mut master = stack.master_secret();
    master["port"] = json!("1");
    put_master(&stack, &master.to_string()).await;
    let port = stack.port().to_string();
    let arguments = ["--host", "127.0.0.1", "--port", &port];
    stack.run(&[&["apply", "--env", ENV, "--auto-approve"][..], &arguments].concat()).expect(0);
    let secret = stack.secret("goldenpath/dev/app/postgres").await;
    assert_eq!((&secret["host"], &secret["port"]), (&json!("localhost"), &json!("1")));
}

#[tokio::test]
async fn missing_credentials_and_region_are_found_at_once() {
    let stack = Stack::with_app().await;
    for (variable, text) in
        [("AWS_ACCESS_KEY_ID", "no AWS credentials: "), ("AWS_REGION", "no AWS region is set")]
    {
        let since = Instant::now();
        let output = stack.command(&["plan", "--env", ENV]).env_remove(variable).output().unwrap();
        assert!(since.elapsed().as_secs_f64() < 2.0, "{variable}: {:?}", since.elapsed());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr.contains(text) && stderr.contains("hint: "), "{stderr}");
    }
}

#[tokio::test]
async fn a_missing_or_malformed_master_secret_is_named() {
    let stack = Stack::with_app().await;
    let answer = refused(&stack, &["--master-secret", "nothing/here"]).await.expect(1);
    answer.says("cannot read the master's secret").says("ResourceNotFoundException");
    put_master(&stack, "hunter2-in-plain").await;
    let answer = refused(&stack, &[]).await.expect(1).says("it is not a JSON object");
    assert!(!answer.stderr.contains("hunter2"));
    put_master(&stack, r#"{"username": "platform_admin", "password": "p"}"#).await;
    for flags in [&[][..], &["--host", "127.0.0.1"]] {
        let answer = refused(&stack, flags).await.expect(1).says("has no `host`");
        answer.says("--host only says where to connect from here");
    }
}

#[tokio::test]
async fn an_audit_that_cannot_be_written_is_found_before_the_first_effect() {
    let stack = Stack::with_app().await;
    // A file where the folder would be: also root cannot write there.
    stack.write("governance", "");
    let answer = refused(&stack, &[]).await.expect(1);
    answer.says("the audit ").says("cannot be written").says("nothing is done");
}

#[tokio::test]
async fn a_misspelt_access_level_is_refused_not_taken_for_an_owner() {
    let stack =
        Stack::new(r#"a = { database_name = "app", username = "a_user", acess_level = "reader" }"#)
            .await;
    refused(&stack, &[]).await.expect(1).says("acess_level").says("access_level");
}
