//! `rotate`: new passwords, on real servers.

use serde_json::Value;
use uuid::Uuid;

use crate::harness::{Answer, ENV, Recorder, Stack, answer, minted};

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

/// A changed host stages a version of the same password and age.
#[tokio::test]
async fn a_pending_copy_of_the_password_does_not_pass_for_a_new_one() {
    let stack = Stack::with_app().await;
    stack.converge();
    let current = stack.labels(SECRET).await["AWSCURRENT"].clone();
    let old = password(&stack, SECRET).await;
    let copy = of_the_same_age(&current);
    let value = stack.secret(SECRET).await.to_string();
    let put = stack.secrets.put_secret_value().secret_id(SECRET).client_request_token(&copy);
    put.secret_string(value).version_stages("AWSPENDING").send().await.unwrap();

    let answer = rotate(&stack, &["app"]).expect(0).shows("Rotation complete: 4 done");
    answer.shows("app: app_user has a new password");
    assert_ne!(old, password(&stack, SECRET).await);
    assert!(!stack.labels(SECRET).await.contains_key("AWSPENDING"));
    stack.login_with_secret(SECRET).await.unwrap();
    stack.plan().expect(0).shows("No changes:");
}

fn of_the_same_age(id: &str) -> String {
    let (seconds, nanos) = Uuid::parse_str(id).unwrap().get_timestamp().unwrap().to_unix();
    let millis = seconds * 1000 + u64::from(nanos / 1_000_000);
    uuid::Builder::from_unix_timestamp_millis(millis, &[5; 10]).into_uuid().to_string()
}

/// The server was restored from a snapshot, so the role has the password before the last.
#[tokio::test]
async fn a_role_behind_its_secret_gets_a_new_password_all_the_same() {
    let stack = Stack::with_app().await;
    stack.converge();
    let hashed = "SELECT rolpassword FROM pg_authid WHERE rolname = 'app_user'";
    let comment = "SELECT shobj_description('app_user'::regrole, 'pg_authid')";
    let (hashed, comment) =
        (stack.value("postgres", hashed).await, stack.value("postgres", comment).await);
    rotate(&stack, &["app"]).expect(0);
    let seen = password(&stack, SECRET).await;
    let restored =
        format!("ALTER ROLE app_user PASSWORD '{hashed}'; COMMENT ON ROLE app_user IS '{comment}'");
    stack.sql("postgres", &restored).await;

    rotate(&stack, &["app"]).expect(0).shows("Rotation complete: 4 done");
    assert_ne!(seen, password(&stack, SECRET).await);
    stack.login_with_secret(SECRET).await.unwrap();
    stack.plan().expect(0).shows("No changes:");
}

/// The secret was lost, made anew with a new password, and the run was killed before the role had it.
#[tokio::test]
async fn a_secret_that_was_made_anew_is_what_the_role_gets() {
    let stack = Stack::with_app().await;
    stack.converge();
    let value = stack.secret(SECRET).await.to_string();
    let delete = stack.secrets.delete_secret().secret_id(SECRET);
    delete.force_delete_without_recovery(true).send().await.unwrap();
    let value = value.replace("\"password\":\"", "\"password\":\"another-");
    let create = stack.secrets.create_secret().name(SECRET).client_request_token(minted(1));
    create.secret_string(value).send().await.unwrap();
    let made_anew = password(&stack, SECRET).await;
    rotate(&stack, &["app"]).expect(0).shows("role \"app_user\": password from the secret");
    assert_eq!(made_anew, password(&stack, SECRET).await);
    stack.login_with_secret(SECRET).await.unwrap();
}

/// A label that another program's rotation left behind is no rotation under way.
#[tokio::test]
async fn a_current_version_that_is_pending_too_is_rotated() {
    let stack = Stack::with_app().await;
    stack.converge();
    let (value, old) = (stack.secret(SECRET).await.to_string(), password(&stack, SECRET).await);
    let put = stack.secrets.put_secret_value().secret_id(SECRET).secret_string(value);
    put.version_stages("AWSCURRENT").version_stages("AWSPENDING").send().await.unwrap();
    let answer = stack.plan().expect(0);
    assert!(!answer.stdout.contains("unfinished"), "{}", answer.stdout);
    rotate(&stack, &["app"]).expect(0).shows("Rotation complete: 4 done");
    assert_ne!(old, password(&stack, SECRET).await);
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn a_rotation_that_another_program_began_meanwhile_is_not_disturbed() {
    let stack = Stack::with_app().await;
    stack.converge();
    let (recorder, client) = (Recorder::start(), stack.secrets.clone());
    let (value, theirs) = (stack.secret(SECRET).await.to_string(), Uuid::new_v4().to_string());
    let id = theirs.clone();
    let put = client.put_secret_value().secret_id(SECRET).client_request_token(id);
    let put = put.secret_string(value).version_stages("AWSPENDING");
    // The plan is made by then: this reads the document that the new password is put into.
    let runtime = tokio::runtime::Handle::current();
    recorder.before_reading(SECRET, move || {
        runtime.block_on(async { put.send().await.unwrap() });
    });
    let mut command = stack.command(&["rotate", "--env", ENV, "app", "--auto-approve"]);
    command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
    let run = tokio::task::spawn_blocking(move || answer(command.output().unwrap()));
    let refused = format!("version {theirs} of secret `{SECRET}` became AWSPENDING since the plan");
    run.await.unwrap().expect(1).says(&refused);
    assert_eq!(stack.labels(SECRET).await["AWSPENDING"], theirs);
    stack.login_with_secret(SECRET).await.unwrap();
}

/// A runner's clock was far ahead when it made a version.
#[tokio::test]
async fn a_version_of_the_future_is_rotated_into_the_present() {
    let stack = Stack::with_app().await;
    stack.converge();
    let (future, mut value) = (minted(24 * 400), stack.secret(SECRET).await);
    value["password"] = "of-the-future".into();
    let put = stack.secrets.put_secret_value().secret_id(SECRET).client_request_token(&future);
    put.secret_string(value.to_string()).version_stages("AWSCURRENT").send().await.unwrap();
    stack.apply().expect(0);
    let status = stack.run(&["rotation-status", "--env", ENV]).expect(0);
    status.shows("= app         0 days old, within the 30 days");
    rotate(&stack, &["app"]).expect(0).shows("Rotation complete: 4 done");
    let now = stack.labels(SECRET).await["AWSCURRENT"].clone();
    assert!(now < minted(1), "{now} is of the future too");
    stack.login_with_secret(SECRET).await.unwrap();
    stack.plan().expect(0).shows("No changes:");
}

/// Nothing but the comment knows of that version any more, so nobody can tell when it was made.
#[tokio::test]
async fn a_password_of_an_unknown_future_version_is_not_overwritten_by_itself() {
    let stack = Stack::with_app().await;
    stack.converge();
    let marker = format!(
        "managed by goldenpath-rds; env=dev; entry=app; secret-version={}",
        minted(24 * 400)
    );
    let sql = format!("ALTER ROLE app_user PASSWORD 'x'; COMMENT ON ROLE app_user IS '{marker}'");
    stack.sql("postgres", &sql).await;
    stack.apply().expect(3).shows("but AWSCURRENT is the older").shows("--reset-password app");
    rotate(&stack, &["app"]).expect(0).shows("Rotation complete: 4 done");
    stack.login_with_secret(SECRET).await.unwrap();
    rotate(&stack, &["app"]).expect(0);
    assert!(stack.labels(SECRET).await["AWSCURRENT"] < minted(1));
    stack.login_with_secret(SECRET).await.unwrap();
}

#[tokio::test]
async fn keys_of_others_stay_to_the_letter() {
    let stack = Stack::with_app().await;
    stack.converge();
    let value = stack.secret(SECRET).await.to_string();
    let value = value.replacen('{', r#"{"account":12345678901234567890123,"#, 1);
    let put = stack.secrets.put_secret_value().secret_id(SECRET).secret_string(value);
    put.client_request_token(minted(1)).version_stages("AWSCURRENT").send().await.unwrap();
    stack.apply().expect(0);
    rotate(&stack, &["app"]).expect(0);
    let read = stack.secrets.get_secret_value().secret_id(SECRET).version_stage("AWSCURRENT");
    let text = read.send().await.unwrap().secret_string().unwrap().to_owned();
    assert!(text.contains(r#""account":12345678901234567890123"#), "{text}");
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

/// By then the password is published, and another rotation would only publish the next one.
#[tokio::test]
async fn a_last_login_that_fails_is_no_reason_to_rotate_again() {
    let stack = Stack::with_app().await;
    stack.converge();
    for closed in [
        "REVOKE CONNECT ON DATABASE app FROM app_user",
        "ALTER DATABASE app ALLOW_CONNECTIONS false",
    ] {
        stack.sql("postgres", closed).await;
        let answer = rotate(&stack, &["app"]).expect(1);
        let answer = answer
            .shows("Rotation incomplete: 4 done, 1 failed, 0 skipped")
            .shows("app: verify failed: role \"app_user\" cannot log in with its secret: ")
            .shows("hint: the password is AWSCURRENT; `goldenpath-rds verify --env dev` shows what keeps it from logging in\n");
        assert!(!answer.stdout.contains("rotate --env"), "{}", answer.stdout);
        let found = stack.run(&["verify", "--env", ENV]).expect(2);
        found.shows("! app: secret `goldenpath/dev/app/postgres` does not log in: ");
        stack.converge();
        stack.login_with_secret(SECRET).await.unwrap();
    }
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
