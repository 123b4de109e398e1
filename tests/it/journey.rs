//! One entry's whole way: from the variable file to a login, and back to "no changes".

use crate::harness::{ENV, Stack};

#[tokio::test]
async fn an_entry_becomes_a_database_that_its_secret_opens() {
    let stack = Stack::with_apps().await;
    let steps = 3 * (7 + stack.steps_inside().await);
    stack.converge().shows(&format!("Apply complete: {steps} done, 0 dropped."));

    let client = stack.login_with_secret("goldenpath/dev/inventory/postgres").await.unwrap();
    client.batch_execute("CREATE TABLE t (i serial); INSERT INTO t DEFAULT VALUES").await.unwrap();

    let secret = stack.secret("goldenpath/dev/inventory/postgres").await;
    let keys: Vec<&String> = secret.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["username", "host", "port", "dbname", "engine", "password"]);
    assert_eq!(secret["password"].as_str().unwrap().len(), 32);

    let role = "SELECT rolcreatedb::text || rolconnlimit FROM pg_roles WHERE rolname = ";
    assert_eq!(stack.value("postgres", &format!("{role}'orders_user'")).await, "false20");
    assert_eq!(stack.value("postgres", &format!("{role}'portal_user'")).await, "true-1");
}

#[tokio::test]
async fn the_role_says_which_secret_version_its_password_came_from() {
    let stack = Stack::with_app().await;
    stack.converge();
    let current = &stack.labels("goldenpath/dev/app/postgres").await["AWSCURRENT"];
    let comment = "SELECT shobj_description('app_user'::regrole, 'pg_authid')";
    assert_eq!(
        stack.value("postgres", comment).await,
        format!("managed by goldenpath-rds; env=dev; entry=app; secret-version={current}")
    );
    assert_eq!(uuid::Uuid::parse_str(current).unwrap().get_version_num(), 7);
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_says_so() {
    let stack = Stack::with_app().await;
    stack.converge();
    let rows = "SELECT string_agg(xmin::text, ',' ORDER BY oid) FROM pg_database";
    let roles = "SELECT string_agg(xmin::text, ',' ORDER BY oid) FROM pg_authid";
    let before = (stack.value("postgres", rows).await, stack.value("postgres", roles).await);
    let labels = stack.labels("goldenpath/dev/app/postgres").await;

    stack.apply().expect(0).shows("No changes: the server and the secrets match the 1 entry.");
    let after = (stack.value("postgres", rows).await, stack.value("postgres", roles).await);
    assert_eq!(before, after);
    assert_eq!(labels, stack.labels("goldenpath/dev/app/postgres").await);
    assert_eq!(stack.audit().last().unwrap(), ",,apply,no_change");
}

#[tokio::test]
async fn a_plan_writes_nothing_anywhere() {
    let stack = Stack::with_apps().await;
    // The next transaction id moves with every transaction that writes.
    let next = "SELECT pg_snapshot_xmax(pg_current_snapshot())";
    let before = stack.value("postgres", next).await;
    let change = 3 * (4 + stack.steps_inside().await);
    stack.plan().expect(0).shows(&format!("Plan: 9 to create, {change} to change, 0 to drop."));
    stack.run(&["plan", "--env", ENV, "--detailed-exitcode"]).expect(2);
    assert_eq!(before, stack.value("postgres", next).await);
    assert!(!stack.root().join("governance").exists());
    let secrets = stack.secrets.list_secrets().send().await.unwrap();
    assert_eq!(secrets.secret_list().len(), 1, "only the master's");
}

#[tokio::test]
async fn every_effect_has_its_row_in_the_audit() {
    let stack = Stack::with_app().await;
    let arguments = ["apply", "--env", ENV, "--auto-approve", "--build-id", "b7", "--run-id", "r9"];
    stack.run(&arguments).expect(0);
    let mut wanted = vec![
        "app,app_user,apply,started",
        "app,app_user,create_secret,success",
        "app,app_user,create_role,success",
        "app,app_user,create_database,success",
        "app,app_user,revoke_from_public,success",
        "app,app_user,grant_connect,success",
        "app,app_user,comment_on_database,success",
        "app,app_user,allow_connections,success",
        "app,app_user,own_public_schema,success",
        "app,app_user,close_public_schema,success",
        "app,app_user,apply,success",
    ];
    if stack.steps_inside().await == 0 {
        wanted.retain(|row| !row.contains("public_schema"));
    }
    assert_eq!(stack.audit(), wanted);
    let path = stack.root().join("governance/dev/rds_request_audit.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "timestamp_utc,environment,build_id,run_id,database,username,action,status,duration_ms,message"
    );
    assert!(lines.all(|line| line.contains("Z,dev,b7,r9,app,app_user,")), "{text}");
}

#[tokio::test]
async fn an_empty_map_is_accepted_and_said() {
    let stack = Stack::new("").await;
    stack.apply().expect(0).shows("note: `application_databases` is empty").shows("No changes:");
}
