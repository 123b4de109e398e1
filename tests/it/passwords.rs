//! The password protocol's table, row by row, on real servers.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{ENV, Recorder, Stack, answer, minted};

const SECRET: &str = "goldenpath/dev/app/postgres";
const COMMENT: &str = "SELECT shobj_description('app_user'::regrole, 'pg_authid')";

/// A secret as Terraform's `aws_secretsmanager_secret_version` leaves it: no tags of ours, its own id.
async fn put_by_terraform(stack: &Stack, password: &str) {
    let value = json!({
        "username": "app_user", "password": password, "host": "localhost",
        "port": stack.port().to_string(), "dbname": "app", "engine": "postgres", "team": "kept",
    });
    let request = stack.secrets.create_secret().name(SECRET).secret_string(value.to_string());
    let id = "terraform-20261122201146539200000002";
    request.client_request_token(id).send().await.unwrap();
}

async fn put_version(stack: &Stack, id: &str, password: &str, label: &str) {
    let mut value = stack.secret(SECRET).await;
    value["password"] = Value::String(password.to_owned());
    value["team"] = json!("kept");
    let request = stack.secrets.put_secret_value().secret_id(SECRET).client_request_token(id);
    request.secret_string(value.to_string()).version_stages(label).send().await.unwrap();
}

async fn make_role(stack: &Stack, password: &str) {
    stack.make_foreign_role("app_user", &format!("LOGIN PASSWORD '{password}'")).await;
}

#[tokio::test]
async fn a_secret_made_by_terraform_is_taken_over_with_its_password() {
    let stack = Stack::with_app().await;
    put_by_terraform(&stack, "from-terraform").await;
    stack.converge();
    let secret = stack.secret(SECRET).await;
    assert_eq!((&secret["password"], &secret["team"]), (&json!("from-terraform"), &json!("kept")));
    assert_eq!(stack.labels(SECRET).await["AWSCURRENT"], "terraform-20261122201146539200000002");
    stack.login_with_secret(SECRET).await.unwrap();
    let tags = stack.secrets.describe_secret().secret_id(SECRET).send().await.unwrap();
    let mut tags: Vec<_> = tags
        .tags()
        .iter()
        .map(|tag| format!("{}={}", tag.key().unwrap(), tag.value().unwrap()))
        .collect();
    tags.sort();
    let endpoint = format!("Endpoint=localhost:{}", stack.port());
    let wanted = [
        "Database=app",
        &endpoint,
        "Environment=dev",
        "ManagedBy=goldenpath-rds",
        "Username=app_user",
    ];
    assert_eq!(tags, wanted);
}

#[tokio::test]
async fn a_role_whose_password_is_in_the_secret_is_adopted() {
    let stack = Stack::with_app().await;
    put_by_terraform(&stack, "from-terraform").await;
    make_role(&stack, "from-terraform").await;
    stack.sql("postgres", "COMMENT ON ROLE app_user IS 'made in 2024'").await;
    stack
        .converge()
        .shows("write the marker")
        .shows("adopted: the password in the secret logs in; replaces the comment 'made in 2024'");
    stack.login("app_user", "from-terraform", "app").await.unwrap();
    assert!(
        stack
            .value("postgres", COMMENT)
            .await
            .ends_with("secret-version=terraform-20261122201146539200000002")
    );
}

#[tokio::test]
async fn a_role_whose_password_is_unknown_is_left_alone_until_asked() {
    let stack = Stack::with_app().await;
    put_by_terraform(&stack, "from-terraform").await;
    make_role(&stack, "another").await;
    stack
        .apply()
        .expect(3)
        .shows("! app: role \"app_user\" was made by someone else, and the password in")
        .shows("--reset-password app");
    stack.login("app_user", "another", "postgres").await.unwrap();
    assert_eq!(stack.value("postgres", COMMENT).await, "NULL");
    assert_eq!(stack.audit(), ["app,app_user,blocked,warning"]);

    stack.run(&["apply", "--env", ENV, "--auto-approve", "--reset-password", "app"]).expect(0);
    stack.login("app_user", "from-terraform", "app").await.unwrap();
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn a_role_without_a_secret_is_left_alone_until_asked() {
    let stack = Stack::with_app().await;
    make_role(&stack, "another").await;
    stack.apply().expect(3).shows("there is no secret to take its password from");
    stack.run(&["apply", "--env", ENV, "--auto-approve", "--reset-password", "app"]).expect(0);
    stack.login_with_secret(SECRET).await.unwrap();
}

#[tokio::test]
async fn a_lost_secret_gets_a_new_password() {
    let stack = Stack::with_app().await;
    stack.converge();
    let before = stack.secret(SECRET).await;
    let delete = stack.secrets.delete_secret().secret_id(SECRET);
    delete.force_delete_without_recovery(true).send().await.unwrap();
    stack.converge().shows("there is no secret any more; the role's password was in version");
    let after = stack.secret(SECRET).await;
    assert_ne!(before["password"], after["password"]);
    stack.login_with_secret(SECRET).await.unwrap();
    let old = before["password"].as_str().unwrap();
    assert_eq!(stack.login("app_user", old, "app").await.err().unwrap(), "28P01");
}

#[tokio::test]
async fn a_secret_scheduled_for_deletion_is_restored_with_its_password() {
    let stack = Stack::with_app().await;
    stack.converge();
    let before = stack.secret(SECRET).await;
    stack.secrets.delete_secret().secret_id(SECRET).send().await.unwrap();
    stack.converge().shows("restore");
    assert_eq!(before, stack.secret(SECRET).await);
    stack.login_with_secret(SECRET).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_someone_changed_is_what_applications_read_so_the_role_follows() {
    let stack = Stack::with_app().await;
    stack.converge();
    put_version(&stack, &minted(1), "changed-by-hand", "AWSCURRENT").await;
    stack.converge().shows("the secret has a newer version than the role's");
    stack.login("app_user", "changed-by-hand", "app").await.unwrap();
}

#[tokio::test]
async fn an_older_password_is_never_set_over_a_newer_one() {
    let stack = Stack::with_app().await;
    stack.converge();
    let good = stack.secret(SECRET).await["password"].as_str().unwrap().to_owned();
    put_version(&stack, &minted(-48), "restored-from-a-backup", "AWSCURRENT").await;
    stack.apply().expect(3).shows("but AWSCURRENT is the older");
    stack.login("app_user", &good, "app").await.unwrap();

    stack.run(&["apply", "--env", ENV, "--auto-approve", "--reset-password", "app"]).expect(0);
    stack.login_with_secret(SECRET).await.unwrap();
    assert_eq!(stack.secret(SECRET).await["team"], json!("kept"));
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn a_rotation_that_was_only_staged_is_finished() {
    let stack = Stack::with_app().await;
    stack.converge();
    let next = minted(1);
    put_version(&stack, &next, "the-next-password", "AWSPENDING").await;
    stack.converge().shows("prove a login, then move AWSCURRENT");
    let labels = stack.labels(SECRET).await;
    assert_eq!((&labels["AWSCURRENT"], labels.get("AWSPENDING")), (&next, None));
    stack.login("app_user", "the-next-password", "app").await.unwrap();
}

#[tokio::test]
async fn a_pending_version_of_someone_else_is_not_touched() {
    let stack = Stack::with_app().await;
    stack.converge();
    put_version(&stack, &Uuid::new_v4().to_string(), "by-a-lambda", "AWSPENDING").await;
    stack.apply().expect(3).shows("is AWSPENDING and not ours");
    stack.login_with_secret(SECRET).await.unwrap();
}

#[tokio::test]
async fn a_changed_endpoint_reaches_the_secret_and_the_password_stays() {
    let stack = Stack::with_app().await;
    stack.converge();
    let before = stack.secret(SECRET).await;
    let mut master = stack.master_secret();
    master["host"] = json!("LOCALHOST");
    let request = stack.secrets.put_secret_value().secret_id("goldenpath/dev/rds/master");
    request.secret_string(master.to_string()).send().await.unwrap();

    stack.converge().shows("host `localhost` -> `LOCALHOST`, the password stays");
    let after = stack.secret(SECRET).await;
    assert_eq!((&after["host"], &after["password"]), (&json!("LOCALHOST"), &before["password"]));
    let labels = stack.labels(SECRET).await;
    let born = |id: &str| Uuid::parse_str(id).unwrap().get_timestamp().unwrap().to_unix();
    assert_eq!(born(&labels["AWSCURRENT"]), born(&labels["AWSPREVIOUS"]), "the age stays too");
}

#[tokio::test]
async fn a_malformed_secret_is_an_obstacle_and_its_text_is_not_shown() {
    let stack = Stack::with_app().await;
    stack.put_secret(SECRET, &json!("hunter2-in-plain")).await;
    let answer = stack.apply().expect(3).shows("it is not a JSON object");
    assert!(!format!("{}{}", answer.stdout, answer.stderr).contains("hunter2"));
}

#[tokio::test]
async fn bytes_in_a_secret_hold_up_its_own_entry_only() {
    let stack = Stack::with_apps().await;
    stack.converge();
    let name = "goldenpath/dev/orders/postgres";
    let put = stack.secrets.put_secret_value().secret_id(name).version_stages("AWSCURRENT");
    let bytes = aws_sdk_secretsmanager::primitives::Blob::new(b"not text");
    put.client_request_token(minted(1)).secret_binary(bytes).send().await.unwrap();
    let untag = stack.secrets.untag_resource().secret_id(name).tag_keys("Username");
    untag.send().await.unwrap();
    stack.sql("postgres", "ALTER ROLE inventory_user CONNECTION LIMIT 3").await;
    let answer = stack.apply().expect(3).shows("Apply complete: 1 done");
    answer.shows("! orders: version ").shows("it holds bytes instead of text");
}

/// A policy, or the key that a secret is encrypted with, may be wrong for one of them.
#[tokio::test]
async fn a_secret_that_may_not_be_looked_at_holds_up_its_own_entry_only() {
    let stack = Stack::with_apps().await;
    stack.converge();
    stack.sql("postgres", "ALTER ROLE inventory_user CONNECTION LIMIT 3").await;
    stack.sql("postgres", "ALTER ROLE orders_user CONNECTION LIMIT 3").await;
    let name = "goldenpath/dev/orders/postgres";
    let untag = stack.secrets.untag_resource().secret_id(name).tag_keys("Username");
    untag.send().await.unwrap();
    for operation in ["DescribeSecret", "GetSecretValue"] {
        let recorder = Recorder::start();
        recorder.deny(operation, name);
        let mut command = stack.command(&["plan", "--env", ENV]);
        command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
        let answer = answer(command.output().unwrap()).expect(3);
        let why = format!(
            "! orders: secret `{name}` cannot be read: {operation} `{name}`: AccessDeniedException: made by the tests (request of-the-tests)"
        );
        answer.shows(&why).shows("~ role \"inventory_user\": CONNECTION LIMIT -1");
    }
    let recorder = Recorder::start();
    recorder.deny("DescribeSecret", name);
    let (old, value) = (minted(-24 * 26), stack.secret(name).await.to_string());
    let put = stack.secrets.put_secret_value().secret_id(name).client_request_token(old);
    put.secret_string(value).send().await.unwrap();
    let mut command = stack.command(&["rotation-status", "--env", ENV]);
    command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
    // What the list says of it is enough for that.
    let answer = answer(command.output().unwrap()).expect(2).shows("= inventory   0 days old");
    answer.shows("~ orders      26 days old");
}

#[tokio::test]
async fn a_new_password_that_does_not_log_in_is_an_error_and_in_the_audit() {
    let stack = Stack::with_app().await;
    stack.converge();
    // Only a superuser can, and nothing of ours undoes it.
    let broken = "ALTER ROLE app_user SET session_preload_libraries = 'not_there'";
    stack.sql("postgres", broken).await;
    let delete = stack.secrets.delete_secret().secret_id(SECRET);
    delete.force_delete_without_recovery(true).send().await.unwrap();
    let answer = stack.apply().expect(1).shows("Apply incomplete: 2 done, 1 failed");
    answer
        .shows("app: verify failed: role \"app_user\" cannot log in with its secret: ")
        .shows("hint: the password is AWSCURRENT; `goldenpath-rds verify --env dev` shows what keeps it from logging in\n");
    assert_eq!(stack.audit().last().unwrap(), "app,app_user,verify,error");
}

#[tokio::test]
async fn a_version_that_does_not_log_in_is_not_published() {
    let stack = Stack::with_app().await;
    stack.converge();
    let (before, next) = (stack.labels(SECRET).await, minted(1));
    put_version(&stack, &next, "never-set", "AWSPENDING").await;
    let marker = format!("managed by goldenpath-rds; env=dev; entry=app; secret-version={next}");
    stack.sql("postgres", &format!("COMMENT ON ROLE app_user IS '{marker}'")).await;
    let answer = stack.apply().expect(1);
    answer.says("role \"app_user\" cannot log in with its secret: password authentication failed");
    assert_eq!(before["AWSCURRENT"], stack.labels(SECRET).await["AWSCURRENT"]);
    stack.login_with_secret(SECRET).await.unwrap();
}

/// Cut off between setting and publishing, and then somebody gave the role another password by hand.
#[tokio::test]
async fn a_pending_version_that_is_refused_is_left_behind_by_reset_password() {
    let stack = Stack::with_app().await;
    stack.converge();
    let next = minted(1);
    put_version(&stack, &next, "the-next-password", "AWSPENDING").await;
    let marker = format!("managed by goldenpath-rds; env=dev; entry=app; secret-version={next}");
    let by_hand =
        format!("ALTER ROLE app_user PASSWORD 'x'; COMMENT ON ROLE app_user IS '{marker}'");
    stack.sql("postgres", &by_hand).await;
    stack.apply().expect(1).says("--reset-password app` gives the role a new password");
    stack.run(&["rotate", "--env", ENV, "--auto-approve", "app"]).expect(1);

    let reset = ["--env", ENV, "--reset-password", "app"];
    let plan = stack.run(&[&["plan"][..], &reset].concat()).expect(0);
    plan.shows("stage a new password as AWSPENDING  ").shows("Plan: 0 to create, 4 to change");
    stack.run(&[&["apply", "--auto-approve"][..], &reset].concat()).expect(0);
    stack.login_with_secret(SECRET).await.unwrap();
    assert!(!stack.labels(SECRET).await.contains_key("AWSPENDING"));
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn a_password_by_hand_over_ours_is_found_by_reset_password() {
    let stack = Stack::with_app().await;
    stack.converge();
    let reset = ["apply", "--env", ENV, "--auto-approve", "--reset-password", "app"];
    stack.run(&reset).expect(0).shows("note: the password of `app` logs in");
    stack.sql("postgres", "ALTER ROLE app_user PASSWORD 'x'").await;
    let answer = stack.run(&reset).expect(0).shows("Apply complete: 4 done");
    let answer = answer.shows("--reset-password: the password in the secret is refused");
    assert!(!answer.stdout.contains("logs in:"), "{}", answer.stdout);
    stack.login_with_secret(SECRET).await.unwrap();
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn an_application_at_its_connection_limit_does_not_hold_up_a_rotation() {
    let stack = Stack::new(
        r#"app = { database_name = "app", username = "app_user", connection_limit = 1 }"#,
    )
    .await;
    stack.converge();
    let _held = stack.login_with_secret(SECRET).await.unwrap();
    let next = minted(1);
    put_version(&stack, &next, "the-next-password", "AWSPENDING").await;
    stack.apply().expect(0).shows("Apply complete");
    assert_eq!(stack.labels(SECRET).await["AWSCURRENT"], next);
    stack.plan().expect(0).shows("No changes:");
}

/// The id of a secret that others made need not carry a time.
#[tokio::test]
async fn a_changed_host_is_never_told_as_a_new_password() {
    let stack = Stack::with_app().await;
    let mut value = stack.master_secret();
    value["username"] = json!("app_user");
    value["dbname"] = json!("app");
    value["host"] = json!("LOCALHOST");
    stack.put_secret(SECRET, &value).await;
    let answer = stack.converge().shows("host `LOCALHOST` -> `localhost`, the password stays");
    assert!(!answer.stdout.contains("has a new password"), "{}", answer.stdout);
    assert_eq!(stack.secret(SECRET).await["password"], value["password"]);
}

#[tokio::test]
async fn a_version_id_of_an_unknown_form_holds_up_its_own_entry_only() {
    let stack = Stack::with_apps().await;
    stack.converge();
    let name = "goldenpath/dev/orders/postgres";
    let value = stack.secret(name).await.to_string();
    let odd = "an id; that would break a marker; 42";
    let put = stack.secrets.put_secret_value().secret_id(name).client_request_token(odd);
    put.secret_string(value).version_stages("AWSCURRENT").send().await.unwrap();
    stack.sql("postgres", "ALTER ROLE inventory_user CONNECTION LIMIT 3").await;
    let answer = stack.apply().expect(3).shows("Apply complete: 1 done");
    answer.shows("! orders: secret `goldenpath/dev/orders/postgres` has a version `an id; that");
}

#[tokio::test]
async fn a_password_that_could_not_be_tried_is_not_called_foreign() {
    let mut stack = Stack::with_app().await;
    put_by_terraform(&stack, "from-terraform").await;
    make_role(&stack, "from-terraform").await;
    if stack.local_server().is_none() {
        return; // A container's files are out of reach.
    }
    let (file, rules) = keep_app_out(&stack).await;
    let answer = stack.plan().expect(3);
    let answer = answer.shows("the password in `goldenpath/dev/app/postgres` could not be tried: ");
    assert!(!answer.stdout.contains("made by someone else"), "{}", answer.stdout);

    std::fs::write(&file, rules).unwrap();
    stack.sql("postgres", "SELECT pg_reload_conf()").await;
    stack.converge().shows("adopted: the password in the secret logs in");
}

/// The file with the server's rules for its clients, and the rules that were in it.
async fn keep_app_out(stack: &Stack) -> (String, String) {
    let file = stack.value("postgres", "SHOW hba_file").await;
    let rules = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("hostssl all app_user all reject\n{rules}")).unwrap();
    stack.sql("postgres", "SELECT pg_reload_conf()").await;
    (file, rules)
}

#[tokio::test]
async fn a_login_that_cannot_be_tried_does_not_keep_the_others_from_being_proved() {
    let mut stack = Stack::with_app().await;
    if stack.local_server().is_none() {
        return; // A container's files are out of reach.
    }
    stack.entries(
        r#"
  app   = { database_name = "app", username = "app_user" }
  other = { database_name = "other", username = "other_user" }
"#,
    );
    keep_app_out(&stack).await;
    let apply = ["apply", "--env", "dev", "--auto-approve", "--verbose"];
    let answer = stack.run(&apply).expect(1).says("other: logged in with the secret");
    answer.shows("pg_hba.conf rejects connection");
}
