//! `rotate`: new passwords, on real servers.

use serde_json::Value;
use uuid::Uuid;

use crate::harness::{Answer, ENV, Stack, answer};

const SECRET: &str = "goldenpath/dev/app/postgres";

fn rotate(stack: &Stack, arguments: &[&str]) -> Answer {
    stack.run(&[&["rotate", "--env", ENV, "--auto-approve"][..], arguments].concat())
}

async fn password(stack: &Stack, secret: &str) -> String {
    stack.secret(secret).await["password"].as_str().unwrap().to_owned()
}

/// Stages a version of ours, as a rotation that was killed leaves it.
async fn stage(stack: &Stack, password: &str) -> String {
    let id = Uuid::now_v7().to_string();
    let mut value = stack.secret(SECRET).await;
    value["password"] = Value::String(password.to_owned());
    let request = stack.secrets.put_secret_value().secret_id(SECRET).client_request_token(&id);
    request.secret_string(value.to_string()).version_stages("AWSPENDING").send().await.unwrap();
    id
}

#[tokio::test]
async fn a_rotation_gives_a_new_password_and_keeps_the_old_version() {
    let stack = Stack::with_apps().await;
    stack.converge();
    let name = "goldenpath/dev/inventory/postgres";
    let (labels, old) = (stack.labels(name).await, password(&stack, name).await);
    let others = password(&stack, "goldenpath/dev/orders/postgres").await;

    let answer = rotate(&stack, &["inventory"]).expect(0);
    let answer = answer
        .shows("~ secret goldenpath/dev/inventory/postgres: stage a new password as AWSPENDING")
        .shows("Plan: 0 to create, 4 to change, 0 to drop.")
        .shows("Rotation complete: 4 done, 0 dropped.")
        .shows("inventory: inventory_user has a new password; the old one was refused ")
        .shows("force-sync");
    assert!(!answer.stdout.contains("sessions on the old login"), "{}", answer.stdout);

    let now = stack.labels(name).await;
    assert_ne!(now["AWSCURRENT"], labels["AWSCURRENT"]);
    assert_eq!((&now["AWSPREVIOUS"], now.get("AWSPENDING")), (&labels["AWSCURRENT"], None));
    stack.login_with_secret(name).await.unwrap();
    let refused = stack.login("inventory_user", &old, "inventory").await.map(drop);
    assert_eq!(refused, Err("28P01".to_owned()));
    assert_eq!(others, password(&stack, "goldenpath/dev/orders/postgres").await);
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn every_effect_of_a_rotation_has_its_row() {
    let stack = Stack::with_app().await;
    stack.converge();
    let before = stack.audit().len();
    rotate(&stack, &["app", "--terminate-sessions"]).expect(0);
    assert_eq!(
        stack.audit()[before..],
        [
            "app,app_user,rotate,started",
            "app,app_user,stage_version,success",
            "app,app_user,set_password,success",
            "app,app_user,publish_version,success",
            "app,app_user,clear_pending,success",
            "app,app_user,end_sessions,success",
            "app,app_user,rotate,success",
        ]
    );
}

#[tokio::test]
async fn all_entries_are_rotated_and_nothing_else_is_touched() {
    let stack = Stack::with_apps().await;
    stack.converge();
    stack.sql("postgres", "ALTER ROLE orders_user CONNECTION LIMIT 3").await;
    rotate(&stack, &["--all"]).expect(0).shows("Rotation complete: 12 done");
    for name in ["inventory", "orders", "portal"] {
        stack.login_with_secret(&format!("goldenpath/dev/{name}/postgres")).await.unwrap();
    }
    stack.plan().expect(0).shows("role \"orders_user\": CONNECTION LIMIT 20");
}

#[tokio::test]
async fn sessions_on_the_old_login_are_counted_and_ended_only_on_request() {
    let stack = Stack::with_app().await;
    stack.converge();
    let first = stack.login_with_secret(SECRET).await.unwrap();
    rotate(&stack, &["app"]).expect(0).shows("1 session on the old login goes on");
    first.batch_execute("SELECT 1").await.unwrap();

    let second = stack.login_with_secret(SECRET).await.unwrap();
    let answer = rotate(&stack, &["app", "--terminate-sessions"]).expect(0);
    answer.shows("end the sessions that were").shows("2 sessions on the old login ended");
    assert!(first.batch_execute("SELECT 1").await.is_err());
    assert!(second.batch_execute("SELECT 1").await.is_err());
    stack.login_with_secret(SECRET).await.unwrap();
}

/// Who holds an old password may call its session what it likes.
#[tokio::test]
async fn a_session_by_our_name_is_ended_as_well() {
    let stack = Stack::with_app().await;
    stack.converge();
    let thief = stack.login_with_secret(SECRET).await.unwrap();
    let spy = stack.login_with_secret(SECRET).await.unwrap();
    let disguise = tokio::spawn(async move {
        let sql = "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'goldenpath-rds rotate%'";
        let name = loop {
            let rows = spy.query(sql, &[]).await.unwrap();
            if let Some(row) = rows.first() {
                break row.get::<_, String>(0);
            }
        };
        thief.batch_execute(&format!("SET application_name = '{name}'")).await.unwrap();
        (thief, spy)
    });
    let mut command = stack.command(&["rotate", "--env", ENV, "app", "--auto-approve"]);
    command.arg("--terminate-sessions");
    let run = tokio::task::spawn_blocking(move || answer(command.output().unwrap()));
    run.await.unwrap().expect(0).shows("2 sessions on the old login ended");
    let (thief, _spy) = disguise.await.unwrap();
    assert!(thief.batch_execute("SELECT 1").await.is_err());
}

#[tokio::test]
async fn an_unfinished_rotation_is_told_by_plan_and_finished_without_a_second_one() {
    let stack = Stack::with_app().await;
    stack.converge();
    for how in ["apply", "rotate"] {
        let next = format!("the-next-password-by-{how}");
        let id = stage(&stack, &next).await;
        let (seconds, _) = Uuid::parse_str(&id).unwrap().get_timestamp().unwrap().to_unix();
        let since = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap();
        let note = format!("note: rotation of app_user is unfinished since {since}");
        stack.plan().expect(0).shows(&note).shows("Plan: 0 to create, 3 to change");
        let answer = if how == "apply" { stack.apply() } else { rotate(&stack, &["app"]) };
        answer.expect(0).shows(&note);
        let labels = stack.labels(SECRET).await;
        assert_eq!((&labels["AWSCURRENT"], labels.get("AWSPENDING")), (&id, None));
        stack.login("app_user", &next, "app").await.unwrap();
    }
}

#[tokio::test]
async fn a_rotation_cut_off_before_each_call_of_its_own_is_finished() {
    for step in 1..=3 {
        let stack = Stack::with_app().await;
        stack.converge();
        let id = stage(&stack, "the-next-password").await;
        if step >= 2 {
            let marker =
                format!("managed by goldenpath-rds; env=dev; entry=app; secret-version={id}");
            let sql = format!(
                "ALTER ROLE app_user PASSWORD 'the-next-password'; COMMENT ON ROLE app_user IS '{marker}'"
            );
            stack.sql("postgres", &sql).await;
        }
        if step == 3 {
            let labels = stack.labels(SECRET).await;
            let request = stack.secrets.update_secret_version_stage().secret_id(SECRET);
            let request = request.version_stage("AWSCURRENT").move_to_version_id(&id);
            request.remove_from_version_id(&labels["AWSCURRENT"]).send().await.unwrap();
        }
        stack.plan().expect(0).shows("rotation of app_user is unfinished since");
        let left = format!("Rotation complete: {} done", 4 - step);
        rotate(&stack, &["app"]).expect(0).shows(&left);
        stack.login("app_user", "the-next-password", "app").await.unwrap();
        stack.plan().expect(0).shows("No changes:");
    }
}

#[tokio::test]
async fn what_cannot_be_rotated_is_an_obstacle_and_the_others_go_on() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.entries(
        r#"
  app   = { database_name = "app", username = "app_user" }
  off   = { database_name = "off", username = "off_user" }
  later = { database_name = "later", username = "later_user" }"#,
    );
    stack.make_foreign_role("off_user", "NOLOGIN").await;
    let old = password(&stack, SECRET).await;
    let answer = rotate(&stack, &["--all"]).expect(3).shows("Rotation complete: 4 done");
    answer
        .shows("! later: there is no role \"later_user\" yet")
        .shows("hint: run `goldenpath-rds apply --env dev` first")
        .shows("! off: role \"off_user\" was made by someone else");
    assert_ne!(old, password(&stack, SECRET).await);
    assert!(stack.audit().contains(&"later,later_user,blocked,warning".to_owned()));
}

#[tokio::test]
async fn a_role_that_may_not_log_in_keeps_its_password() {
    let stack = Stack::with_app().await;
    stack.converge();
    let old = password(&stack, SECRET).await;
    stack.sql("postgres", "ALTER ROLE app_user NOLOGIN").await;
    rotate(&stack, &["app"]).expect(3).shows("role \"app_user\" has NOLOGIN");
    assert_eq!(old, password(&stack, SECRET).await);
}

#[tokio::test]
async fn a_rotation_asks_and_says_what_it_is_for() {
    let stack = Stack::with_app().await;
    stack.converge();
    let labels = stack.labels(SECRET).await;
    stack.run(&["rotate", "--env", ENV]).expect(64).says("<KEY|--all");
    stack.run(&["rotate", "--env", ENV, "ap"]).expect(64).says("there is no entry `ap`");
    stack.run(&["rotate", "--env", ENV, "app"]).expect(64).says("give --auto-approve");
    assert_eq!(labels, stack.labels(SECRET).await);
}

#[tokio::test]
async fn the_document_says_what_became_of_the_old_password() {
    let stack = Stack::with_app().await;
    stack.converge();
    let _held = stack.login_with_secret(SECRET).await.unwrap();
    let answer = rotate(&stack, &["app", "--format", "json"]).expect(0);
    let document: Value = serde_json::from_str(&answer.stdout).unwrap();
    crate::plans::assert_valid(&document);
    let rotated = &document["outcome"]["rotated"][0];
    assert_eq!((&rotated["role"], &rotated["sessions_left"]), (&"app_user".into(), &1.into()));
    assert!(rotated["refused_ms"].as_u64().is_some_and(|millis| millis < 5_000), "{rotated}");
}

#[tokio::test]
async fn editors_and_readers_rotate_too_and_keep_their_access() {
    let stack = Stack::new(
        r#"
  app    = { database_name = "app", username = "app_user" }
  writer = { database_name = "app", username = "app_writer", access_level = "editor" }
  report = { database_name = "app", username = "app_report", access_level = "reader" }"#,
    )
    .await;
    stack.converge();
    let owner = stack.login_with_secret(SECRET).await.unwrap();
    owner.batch_execute("CREATE TABLE t (i int); INSERT INTO t VALUES (7)").await.unwrap();
    let names = ["goldenpath/dev/writer/postgres", "goldenpath/dev/report/postgres"];
    let old = [password(&stack, names[0]).await, password(&stack, names[1]).await];
    rotate(&stack, &["writer", "report"]).expect(0).shows("Rotation complete: 8 done");
    for (name, old) in names.iter().zip(old) {
        assert_ne!(old, password(&stack, name).await);
        let client = stack.login_with_secret(name).await.unwrap();
        client.batch_execute("SELECT i FROM t").await.unwrap();
    }
    stack.plan().expect(0).shows("No changes:");
}
