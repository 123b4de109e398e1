//! `verify`: isolation as evidence.

use serde_json::{Value, json};

use crate::harness::{Answer, ENV, Stack};

const ENTRIES: &str = r#"
  inventory = { database_name = "inventory", username = "inventory_user" }
  orders    = { database_name = "orders", username = "orders_user" }
  reports   = { database_name = "orders", username = "orders_reports", access_level = "reader" }
"#;

fn verify(stack: &Stack, flags: &[&str]) -> Answer {
    stack.run(&[&["verify", "--env", ENV][..], flags].concat())
}

#[tokio::test]
async fn after_an_apply_nothing_is_wrong_and_the_matrix_shows_it() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let answer = verify(&stack, &[]).expect(0);
    let shown: Vec<&str> = answer.stdout.lines().skip(2).collect();
    assert_eq!(
        shown,
        [
            "  may connect     inventory  orders  platform            postgres            rdsadmin  template1",
            "  inventory_user  yes        -       yes                 yes                 -         yes",
            "  orders_reports  -          yes     yes                 yes                 -         yes",
            "  orders_user     -          yes     yes                 yes                 -         yes",
            "  platform_admin  yes        yes     yes                 yes                 -         yes",
            "  PUBLIC          -          -       CONNECT, TEMPORARY  CONNECT, TEMPORARY  -         CONNECT",
            "",
            "  + inventory: secret goldenpath/dev/inventory/postgres logs in",
            "  + orders: secret goldenpath/dev/orders/postgres logs in",
            "  + reports: secret goldenpath/dev/reports/postgres logs in",
            "",
            "Nothing is wrong: 3 of 3 secrets log in.",
        ]
    );
    assert!(stack.audit().iter().all(|row| !row.contains("verify")), "it is no change");
}

#[tokio::test]
async fn before_an_apply_everything_is_missing() {
    let stack = Stack::with_app().await;
    verify(&stack, &[])
        .expect(2)
        .shows("! app: role \"app_user\" is not there, or may not log in")
        .shows("! app: there is no database \"app\"")
        .shows("! app: secret `goldenpath/dev/app/postgres` does not log in:")
        .shows("3 things are wrong: 0 of 1 secrets log in.");
}

#[tokio::test]
async fn each_break_of_the_isolation_is_found() {
    let stack = Stack::with_apps().await;
    stack.converge();
    for (database, broken, mended, found) in [
        (
            "postgres",
            "GRANT CONNECT ON DATABASE orders TO inventory_user",
            "REVOKE CONNECT ON DATABASE orders FROM inventory_user",
            "! inventory: role \"inventory_user\" may connect to database \"orders\", which is not its own\n    hint: run `SET ROLE \"orders_user\"; REVOKE ALL ON DATABASE \"orders\" FROM \"inventory_user\"`, unless it is meant so",
        ),
        (
            "postgres",
            "GRANT orders_user TO inventory_user",
            "REVOKE orders_user FROM inventory_user",
            "! inventory: role \"inventory_user\" may connect to database \"orders\", which is not its own",
        ),
        (
            "postgres",
            "CREATE ROLE handmade LOGIN; GRANT orders_user TO handmade",
            "DROP ROLE handmade",
            "! orders: role \"handmade\" has no entry and is a member of \"orders_user\", so it can do what the owner of database \"orders\" can",
        ),
        (
            "postgres",
            "CREATE ROLE readers; GRANT CONNECT ON DATABASE orders TO readers; CREATE ROLE handmade LOGIN; GRANT readers TO handmade",
            "DROP ROLE handmade; REVOKE CONNECT ON DATABASE orders FROM readers; DROP ROLE readers",
            "! orders: role \"handmade\" has no entry and may connect to database \"orders\", as a member of another role",
        ),
        (
            "postgres",
            "GRANT TEMPORARY ON DATABASE orders TO PUBLIC",
            "REVOKE TEMPORARY ON DATABASE orders FROM PUBLIC",
            "! orders: PUBLIC holds TEMPORARY on database \"orders\"",
        ),
        (
            "postgres",
            "ALTER DATABASE orders IS_TEMPLATE true",
            "ALTER DATABASE orders IS_TEMPLATE false",
            "! orders: database \"orders\" is a template, so every role with CREATEDB may copy it",
        ),
        (
            "orders",
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "! orders: PUBLIC may create objects in schema public of database \"orders\"",
        ),
        (
            "postgres",
            "REVOKE CONNECT ON DATABASE orders FROM orders_user",
            "GRANT CONNECT ON DATABASE orders TO orders_user",
            "! orders: role \"orders_user\" may not connect to its database \"orders\"",
        ),
        (
            "postgres",
            "ALTER DATABASE orders OWNER TO inventory_user",
            "ALTER DATABASE orders OWNER TO orders_user",
            "! orders: database \"orders\" belongs to \"inventory_user\", not to \"orders_user\"",
        ),
    ] {
        stack.sql(database, broken).await;
        verify(&stack, &[]).expect(2).shows(found);
        stack.sql(database, mended).await;
        verify(&stack, &[]).expect(0).shows("Nothing is wrong");
    }
    verify(&stack, &["--isolate-server"])
        .expect(2)
        .shows("! the server: PUBLIC may connect to database \"platform\", so every tenant can");
    stack.run(&["apply", "--env", ENV, "--auto-approve", "--isolate-server"]).expect(0);
    verify(&stack, &["--isolate-server"]).expect(0);
}

/// One database of the server's own that needs a person holds up the others, so they are not promised.
#[tokio::test]
async fn what_apply_is_kept_from_closing_is_closed_by_hand() {
    let stack = Stack::with_apps().await;
    stack.converge();
    stack.sql("postgres", "ALTER DATABASE postgres OWNER TO rdsadmin").await;
    let close = "SET ROLE \"platform_admin\"; REVOKE CONNECT, TEMPORARY ON DATABASE \"platform\" FROM PUBLIC";
    verify(&stack, &["--isolate-server"]).expect(2).shows(&format!("hint: run `{close}`"));
    let master = stack.login("platform_admin", "Master-0123456789", "platform").await.unwrap();
    master.batch_execute(close).await.unwrap();
    let found = verify(&stack, &["--isolate-server"]).expect(2);
    assert!(!found.stdout.contains("connect to database \"platform\""), "{}", found.stdout);
}

/// What `apply` does not close is closed by the statement in the hint.
#[tokio::test]
async fn each_open_database_is_told_with_what_closes_it() {
    let stack = Stack::with_app().await;
    stack.converge();
    let master = stack.login("platform_admin", "Master-0123456789", "postgres").await.unwrap();
    master.batch_execute("CREATE ROLE legacy").await.unwrap();
    for sql in [
        "CREATE DATABASE \"Old \"\"data\"\"\" OWNER platform_admin",
        "CREATE DATABASE legacy OWNER legacy",
        "GRANT CREATE ON DATABASE legacy TO PUBLIC",
        "CREATE DATABASE superusers",
        "CREATE DATABASE passed_on OWNER platform_admin",
        "GRANT CONNECT ON DATABASE passed_on TO rds_ad WITH GRANT OPTION",
        "SET ROLE rds_ad; GRANT CONNECT ON DATABASE passed_on TO PUBLIC",
    ] {
        stack.sql("postgres", sql).await;
    }
    let options = if stack.major().await < 16 { "" } else { " WITH INHERIT TRUE, SET TRUE" };
    let closed = "REVOKE CONNECT, TEMPORARY ON DATABASE";
    let hints = [
        ("platform", "`goldenpath-rds apply --env dev --isolate-server` closes it".to_owned()),
        (
            "Old \"data\"",
            format!("run `SET ROLE \"platform_admin\"; {closed} \"Old \"\"data\"\"\" FROM PUBLIC`"),
        ),
        (
            "legacy",
            format!(
                "run `GRANT \"legacy\" TO \"platform_admin\"{options}; SET ROLE \"legacy\"; REVOKE CONNECT, CREATE, TEMPORARY ON DATABASE \"legacy\" FROM PUBLIC`"
            ),
        ),
        (
            "superusers",
            format!(
                "let a superuser run `SET ROLE \"rdsadmin\"; {closed} \"superusers\" FROM PUBLIC`"
            ),
        ),
        (
            "passed_on",
            format!(
                "run `SET ROLE \"platform_admin\"; REVOKE GRANT OPTION FOR CONNECT ON DATABASE \"passed_on\" FROM \"rds_ad\" CASCADE; {closed} \"passed_on\" FROM PUBLIC`"
            ),
        ),
    ];
    let answer = verify(&stack, &["--isolate-server", "--format", "json"]).expect(2);
    let found: Value = serde_json::from_str(&answer.stdout).unwrap();
    for (name, hint) in &hints {
        let message = format!("PUBLIC may connect to database \"{name}\", so every tenant can");
        let wanted = json!({ "entry": null, "message": message, "hint": hint });
        assert!(found["wrong"].as_array().unwrap().contains(&wanted), "{wanted}: {found:#}");
    }
    for (_, hint) in &hints[1..] {
        let statement = hint.split('`').nth(1).unwrap();
        if hint.starts_with("let a superuser") {
            stack.sql("postgres", statement).await;
            continue;
        }
        let master = stack.login("platform_admin", "Master-0123456789", "postgres").await.unwrap();
        master.batch_execute(statement).await.unwrap();
    }
    verify(&stack, &["--isolate-server"]).expect(2).shows("3 things are wrong");
    stack.run(&["apply", "--env", ENV, "--auto-approve", "--isolate-server"]).expect(0);
    verify(&stack, &["--isolate-server"]).expect(0);
}

/// As Backstage does for its plugins: PostgreSQL opens each new database to every role.
#[tokio::test]
async fn a_database_that_an_application_made_is_closed_too() {
    let stack = Stack::with_apps().await;
    stack.converge();
    let tenant = stack.login_with_secret("goldenpath/dev/portal/postgres").await.unwrap();
    tenant.batch_execute("CREATE DATABASE \"portal-plugin\"").await.unwrap();
    tenant.batch_execute("ALTER DATABASE \"portal-plugin\" IS_TEMPLATE true").await.unwrap();
    verify(&stack, &[])
        .expect(2)
        .shows("! portal: PUBLIC holds CONNECT, TEMPORARY on database \"portal-plugin\", which \"portal_user\" made\n    hint: `goldenpath-rds apply --env dev` mends it")
        .shows("! portal: database \"portal-plugin\", which \"portal_user\" made, is a template,")
        .shows("2 things are wrong");
    stack
        .converge()
        .shows("~ database \"portal-plugin\": IS_TEMPLATE false ")
        .shows("~ database \"portal-plugin\": REVOKE CONNECT, TEMPORARY FROM PUBLIC")
        .shows("# made by the entry's role, and PUBLIC is every role on the server; another role that connects to it needs a GRANT of its own")
        .shows("Plan: 0 to create, 2 to change, 0 to drop.");
    verify(&stack, &[]).expect(0);
    stack.run(&["apply", "--env", ENV, "--auto-approve", "--isolate-server"]).expect(0);
    verify(&stack, &["--isolate-server"]).expect(0);

    let login = async |secret: &str| {
        let secret = stack.secret(&format!("goldenpath/dev/{secret}/postgres")).await;
        let text = |key: &str| secret[key].as_str().unwrap().to_owned();
        stack.login(&text("username"), &text("password"), "portal-plugin").await.map(drop)
    };
    assert_eq!(login("portal").await, Ok(()));
    assert_eq!(login("orders").await, Err("42501".to_owned()));
}

/// A reader's role may make databases, too; the master needs its rights to close them.
#[tokio::test]
async fn a_database_that_a_readers_role_owns_is_closed_too() {
    let stack = Stack::new(
        r#"
  orders  = { database_name = "orders", username = "orders_user" }
  reports = { database_name = "orders", username = "orders_reports", access_level = "reader" }
"#,
    )
    .await;
    stack.converge();
    stack.sql("postgres", "CREATE DATABASE scratch OWNER orders_reports").await;
    if stack.major().await >= 16 {
        stack.sql("postgres", "REVOKE INHERIT OPTION FOR orders_reports FROM platform_admin GRANTED BY platform_admin").await;
        stack.plan().expect(0).shows("~ role \"orders_reports\": GRANT to the master");
    }
    stack.converge().shows("~ database \"scratch\": REVOKE CONNECT, TEMPORARY FROM PUBLIC");
    verify(&stack, &[]).expect(0);
}

/// What a role can do beyond its own database, and who is told to take it away how. Memberships count without
/// INHERIT, too: SET ROLE is all that they take.
#[tokio::test]
async fn each_right_over_others_is_found() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let no_inherit =
        |role: &str| format!("ALTER ROLE {role} NOINHERIT; GRANT orders_user TO {role}");
    let mended = |role: &str| format!("REVOKE orders_user FROM {role}; ALTER ROLE {role} INHERIT");
    let attribute = |word: &str| {
        (format!("ALTER ROLE inventory_user {word}"), format!("ALTER ROLE inventory_user NO{word}"))
    };
    let mut breaks = vec![
        (
            (
                "GRANT rds_superuser TO inventory_user".to_owned(),
                "REVOKE rds_superuser FROM inventory_user".to_owned(),
            ),
            "! inventory: role \"inventory_user\" is a member of \"rds_superuser\", so every database is open to it",
        ),
        (
            attribute("SUPERUSER"),
            "! inventory: role \"inventory_user\" has SUPERUSER, which no application is to have\n    hint: only a superuser can take it away; use another username",
        ),
        (attribute("REPLICATION"), "! inventory: role \"inventory_user\" has REPLICATION,"),
        (attribute("BYPASSRLS"), "! inventory: role \"inventory_user\" has BYPASSRLS,"),
        (
            attribute("CREATEROLE"),
            "! inventory: role \"inventory_user\" has CREATEROLE, so it can make and grant roles\n    hint: `goldenpath-rds apply --env dev` takes it away",
        ),
        (
            attribute("CREATEDB"),
            "! inventory: role \"inventory_user\" has CREATEDB, and its entry no `createdb = true`",
        ),
        (
            (
                "CREATE ROLE iam_group; GRANT rds_iam TO iam_group; GRANT iam_group TO inventory_user".to_owned(),
                "DROP ROLE iam_group".to_owned(),
            ),
            "! inventory: role \"inventory_user\" is a member of \"rds_iam\", through \"iam_group\", so RDS refuses its password",
        ),
        (
            (no_inherit("inventory_user"), mended("inventory_user")),
            "! inventory: role \"inventory_user\" is a member of \"orders_user\", so it can do what the role of entry `orders` can",
        ),
        (
            (no_inherit("orders_reports"), mended("orders_reports")),
            "! reports: role \"orders_reports\" is a member of \"orders_user\", so it can do what the role of entry `orders` can",
        ),
        (
            (
                "CREATE ROLE handmade LOGIN NOINHERIT; GRANT orders_user TO handmade".to_owned(),
                "DROP ROLE handmade".to_owned(),
            ),
            "! orders: role \"handmade\" has no entry and is a member of \"orders_user\", so it can do what the owner of database \"orders\" can",
        ),
    ];
    if stack.major().await >= 16 {
        breaks.push((
            (
                "GRANT orders_user TO inventory_user WITH INHERIT FALSE".to_owned(),
                "REVOKE orders_user FROM inventory_user".to_owned(),
            ),
            "! inventory: role \"inventory_user\" is a member of \"orders_user\",",
        ));
    }
    for ((broken, mended), found) in breaks {
        stack.sql("postgres", &broken).await;
        verify(&stack, &[])
            .expect(2)
            .shows(found)
            .shows("1 thing is wrong: 3 of 3 secrets log in.");
        stack.sql("postgres", &mended).await;
        verify(&stack, &[]).expect(0).shows("Nothing is wrong");
    }
}

/// The way is named, and the statement in the hint ends it; the group stays as it is.
#[tokio::test]
async fn a_right_that_comes_through_groups_is_found() {
    let stack = Stack::with_apps().await;
    stack.converge();
    stack
        .sql(
            "postgres",
            "CREATE ROLE inner_group; CREATE ROLE outer_group; GRANT orders_user TO inner_group;
             GRANT inner_group TO outer_group; GRANT outer_group TO inventory_user",
        )
        .await;
    let revoke = stack.revoke("outer_group", "inventory_user", "rdsadmin").await;
    let hint = stack.how_to_revoke("outer_group", "inventory_user").await;
    let message = "role \"inventory_user\" is a member of \"orders_user\", through \"outer_group\" and \"inner_group\", so it can do what the role of entry `orders` can";
    verify(&stack, &[]).expect(2).shows(&format!("! inventory: {message}\n    hint: {hint}"));
    let answer = verify(&stack, &["--format", "json"]).expect(2);
    let found: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(
        found["wrong"][0],
        json!({ "entry": "inventory", "message": message, "hint": hint })
    );
    stack.sql("postgres", &revoke).await;
    verify(&stack, &[]).expect(0).shows("Nothing is wrong");
}

#[tokio::test]
async fn a_secret_that_does_not_log_in_is_found() {
    let stack = Stack::with_apps().await;
    stack.converge();
    stack.sql("postgres", "ALTER ROLE orders_user PASSWORD 'Something-else-1'").await;
    let name = "goldenpath/dev/inventory/postgres";
    let mut value = stack.secret(name).await;
    value["dbname"] = json!("orders");
    let request = stack.secrets.put_secret_value().secret_id(name);
    request.secret_string(value.to_string()).send().await.unwrap();
    let answer = verify(&stack, &["--format", "json"]).expect(2);
    let found: Value = serde_json::from_str(&answer.stdout).unwrap();
    let works = |key: &str| found["credentials"][key]["works"].clone();
    assert_eq!(
        [works("inventory"), works("orders"), works("portal")],
        [false, false, true].map(Value::from)
    );
    let messages: Vec<_> = found["wrong"]
        .as_array()
        .unwrap()
        .iter()
        .map(|wrong| wrong["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        messages[0],
        "secret `goldenpath/dev/inventory/postgres` does not log in: its `dbname` is orders, not inventory"
    );
    assert!(messages[1].contains("password authentication failed"), "{messages:?}");
    assert_eq!(
        found["roles"]["orders_user"],
        json!(["orders", "platform", "postgres", "template1"])
    );
    verify(&stack, &["--format", "markdown"])
        .expect(2)
        .shows("### goldenpath-rds verify: `dev`")
        .shows("| orders\\_user | - | yes | yes | - | yes | - | yes |")
        .shows("| portal | secret goldenpath/dev/portal/postgres logs in |");
}

#[tokio::test]
async fn a_role_at_its_limit_has_a_right_password() {
    let stack = Stack::new(
        r#"app = { database_name = "app", username = "app_user", connection_limit = 1 }"#,
    )
    .await;
    stack.converge();
    let held = stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
    verify(&stack, &[])
        .expect(0)
        .shows("has the right password, the role is at its connection limit");
    drop(held);
}
