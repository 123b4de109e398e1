//! What needs a person: named with what to do, holding up its own entry only, and the exit code is 3.

use std::time::Duration;

use aws_sdk_secretsmanager::types::{RotationRulesType, Tag};

use crate::harness::Stack;

const OTHER: &str = "goldenpath/dev/other/postgres";

/// `app` meets an obstacle, `other` does not.
async fn stack() -> Stack {
    Stack::new(
        r#"
  app   = { database_name = "app", username = "app_user" }
  other = { database_name = "other", username = "other_user" }
"#,
    )
    .await
}

/// The obstacle and its hint are shown, the other entry is applied, and of the held-up one nothing was.
async fn held_up(stack: &Stack, obstacle: &str, hint: &str) {
    let roles = "SELECT string_agg(concat_ws(' ', rolname, xmin), ',') FROM pg_authid WHERE rolname = 'app_user'";
    let before = stack.value("postgres", roles).await;
    stack.apply().expect(3).shows(obstacle).shows(&format!("hint: {hint}"));
    assert_eq!(stack.value("postgres", roles).await, before);
    stack.login_with_secret(OTHER).await.unwrap();
    let audit = stack.audit();
    assert!(audit.contains(&"app,app_user,blocked,warning".to_owned()), "{audit:?}");
}

#[tokio::test]
async fn a_role_that_the_master_has_no_admin_option_on() {
    let stack = stack().await;
    if stack.major().await < 16 {
        // Until then CREATEROLE rules all roles.
        stack.sql("postgres", "CREATE ROLE app_user LOGIN").await;
        stack
            .run(&["apply", "--env", "dev", "--auto-approve", "--reset-password", "app"])
            .expect(0);
        return;
    }
    stack.converge();
    stack.sql("postgres", "DROP DATABASE app; ").await;
    stack.sql("postgres", "DROP ROLE app_user; CREATE ROLE app_user LOGIN").await;
    let grant = "GRANT \"app_user\" TO \"platform_admin\" WITH ADMIN OPTION";
    held_up(
        &stack,
        "! app: role \"app_user\" was made by someone else, and \"platform_admin\" has no ADMIN OPTION on it",
        &format!("a superuser must run: {grant}"),
    )
    .await;
    // The hint is true.
    stack.sql("postgres", grant).await;
    stack.run(&["apply", "--env", "dev", "--auto-approve", "--reset-password", "app"]).expect(0);
    stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
}

/// Who has it is said.
#[tokio::test]
async fn a_role_that_another_than_the_master_may_grant() {
    let stack = stack().await;
    if stack.major().await < 16 {
        return;
    }
    stack
        .sql("postgres", "CREATE ROLE alice CREATEROLE; SET ROLE alice; CREATE ROLE app_user LOGIN")
        .await;
    let grant = "GRANT \"app_user\" TO \"platform_admin\" WITH ADMIN OPTION";
    let apply = ["apply", "--env", "dev", "--auto-approve", "--reset-password", "app"];
    stack
        .run(&apply)
        .expect(3)
        .shows("and \"platform_admin\" has no ADMIN OPTION on it\n")
        .shows(&format!("hint: \"alice\" (or a superuser) must run: {grant}"));
    stack.sql("postgres", &format!("SET ROLE alice; {grant}")).await;
    stack.run(&apply).expect(0);
    stack.plan().expect(0).shows("No changes:");
}

/// ALTER ROLE takes the ADMIN OPTION of any group, GRANT only that of one whose privileges are inherited.
#[tokio::test]
async fn a_role_that_the_master_may_grant_through_a_group() {
    let stack = stack().await;
    if stack.major().await < 16 {
        return;
    }
    stack
        .sql(
            "postgres",
            "CREATE ROLE team; CREATE ROLE app_user LOGIN;
             GRANT app_user TO team WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
             GRANT team TO platform_admin WITH INHERIT FALSE, SET TRUE",
        )
        .await;
    let apply = ["apply", "--env", "dev", "--auto-approve", "--reset-password", "app"];
    stack
        .run(&apply)
        .expect(3)
        .shows("\"platform_admin\" has ADMIN OPTION on it only through a role whose privileges it does not inherit")
        .shows("hint: \"team\" (or a superuser) must run: GRANT \"app_user\" TO \"platform_admin\" WITH ADMIN OPTION");
    stack.sql("postgres", "GRANT team TO platform_admin WITH INHERIT TRUE").await;
    stack.run(&apply).expect(0).shows("~ role \"app_user\": GRANT to the master");
    stack.plan().expect(0).shows("No changes:");
    stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
    stack.run(&["rotate", "--env", "dev", "--auto-approve", "app"]).expect(0);
}

/// What is inherited needs no membership of the master's own.
#[tokio::test]
async fn a_role_whose_rights_the_master_has_through_a_group() {
    let stack = stack().await;
    stack.converge();
    if stack.major().await < 16 {
        return;
    }
    stack
        .sql(
            "postgres",
            "CREATE ROLE team; GRANT app_user TO team WITH ADMIN TRUE, INHERIT TRUE, SET TRUE;
             GRANT team TO platform_admin WITH INHERIT TRUE, SET TRUE;
             REVOKE app_user FROM platform_admin GRANTED BY platform_admin",
        )
        .await;
    stack.plan().expect(0).shows("No changes:");
    stack.sql("postgres", "GRANT CONNECT ON DATABASE app TO PUBLIC").await;
    stack.converge().shows("~ database \"app\": REVOKE CONNECT FROM PUBLIC");
}

#[tokio::test]
async fn a_database_that_an_interrupted_drop_left() {
    let stack = stack().await;
    stack.converge();
    stack.sql("postgres", "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'app'").await;
    held_up(
        &stack,
        "! app: database \"app\" is invalid: a DROP DATABASE was interrupted, its data is gone",
        "run `DROP DATABASE \"app\"`, then apply again creates it empty",
    )
    .await;
    stack.sql("postgres", "DROP DATABASE \"app\"").await;
    stack.converge().shows("+ database \"app\" OWNER \"app_user\"");
}

/// The new owner's name is no right yet: who gives a database away must be able to SET ROLE to it.
#[tokio::test]
async fn a_database_that_belongs_to_another_role() {
    for exists in [true, false] {
        let stack = stack().await;
        let master = stack.login("platform_admin", "Master-0123456789", "postgres").await.unwrap();
        if exists {
            // From 16 on that is ADMIN OPTION without INHERIT and SET.
            master.batch_execute("CREATE ROLE app_user LOGIN").await.unwrap();
        }
        stack.sql("postgres", "CREATE DATABASE app OWNER platform_admin").await;
        let options = if stack.major().await < 16 { "" } else { " WITH INHERIT TRUE, SET TRUE" };
        let (create, then) = if exists {
            ("", "")
        } else {
            ("CREATE ROLE \"app_user\"; ", ", then apply with `--reset-password app`")
        };
        let give = format!(
            "{create}GRANT \"app_user\" TO \"platform_admin\"{options}; ALTER DATABASE \"app\" OWNER TO \"app_user\""
        );
        held_up(
            &stack,
            "! app: database \"app\" belongs to \"platform_admin\", the entry says \"app_user\"",
            &format!(
                "correct the entry, or run `{give}` after looking at who owns the objects in it{then}"
            ),
        )
        .await;
        // The hint is true.
        master.batch_execute(&give).await.unwrap();
        stack
            .run(&["apply", "--env", "dev", "--auto-approve", "--reset-password", "app"])
            .expect(0);
        stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
    }
}

/// A superuser's database is not the master's to give away, nor the superuser's role to be granted.
#[tokio::test]
async fn a_database_that_belongs_to_a_superuser() {
    let stack = stack().await;
    stack.make_foreign_role("app_user", "LOGIN").await;
    stack.sql("postgres", "CREATE DATABASE app").await;
    let give = "ALTER DATABASE \"app\" OWNER TO \"app_user\"";
    held_up(
        &stack,
        "! app: database \"app\" belongs to \"rdsadmin\", the entry says \"app_user\"",
        &format!("correct the entry, or let a superuser run `{give}` after looking"),
    )
    .await;
    stack.sql("postgres", give).await;
    stack.run(&["apply", "--env", "dev", "--auto-approve", "--reset-password", "app"]).expect(0);
}

#[tokio::test]
async fn a_role_that_logs_in_by_iam() {
    let stack = stack().await;
    stack.converge();
    stack.sql("postgres", "GRANT rds_iam TO app_user").await;
    let revoke = stack.how_to_revoke("rds_iam", "app_user").await;
    held_up(
        &stack,
        "! app: role \"app_user\" is a member of rds_iam, so RDS refuses its password",
        &format!("{revoke}, or keep the role out of the map"),
    )
    .await;
}

/// `REVOKE rds_iam FROM app_user` would say that there is nothing to revoke.
#[tokio::test]
async fn a_role_that_logs_in_by_iam_through_a_group() {
    let stack = stack().await;
    stack.converge();
    stack
        .sql(
            "postgres",
            "CREATE ROLE iam_group; GRANT rds_iam TO iam_group; GRANT iam_group TO app_user",
        )
        .await;
    let revoke = stack.revoke("iam_group", "app_user", "rdsadmin").await;
    let hint = stack.how_to_revoke("iam_group", "app_user").await;
    held_up(
        &stack,
        "! app: role \"app_user\" is a member of rds_iam, through \"iam_group\", so RDS refuses its password",
        &format!("{hint}, or keep the role out of the map"),
    )
    .await;
    stack.sql("postgres", &revoke).await;
    stack.converge().shows("No changes:");
}

#[tokio::test]
async fn a_role_with_the_masters_rights_through_a_group() {
    let stack = stack().await;
    stack.converge();
    stack
        .sql(
            "postgres",
            "CREATE ROLE admins; GRANT rds_superuser TO admins; GRANT admins TO app_user",
        )
        .await;
    let revoke = stack.revoke("admins", "app_user", "rdsadmin").await;
    let hint = stack.how_to_revoke("admins", "app_user").await;
    held_up(
        &stack,
        "! app: role \"app_user\" is a member of \"rds_superuser\", through \"admins\", so every database is open to it",
        &format!("{hint}, or use another username"),
    )
    .await;
    stack.sql("postgres", &revoke).await;
    stack.converge().shows("No changes:");
}

/// From PostgreSQL 16 on it is a warning to revoke what another has granted, and nothing is revoked.
#[tokio::test]
async fn a_membership_that_two_have_granted() {
    let stack = stack().await;
    stack.converge();
    let grants =
        "CREATE ROLE dba; GRANT rds_iam TO dba WITH ADMIN OPTION; GRANT rds_iam TO app_user;
        SET ROLE dba; GRANT rds_iam TO app_user";
    stack.sql("postgres", grants).await;
    let mut revoke = stack.revoke("rds_iam", "app_user", "dba").await;
    if stack.major().await >= 16 {
        revoke += "; ";
        revoke += &stack.revoke("rds_iam", "app_user", "rdsadmin").await;
    }
    stack.apply().expect(3).shows(&format!("run `{revoke}`, or keep the role out of the map"));
    stack.sql("postgres", &revoke).await;
    stack.converge().shows("No changes:");
}

/// The master may not revoke what it was not granted the grantor for.
#[tokio::test]
async fn a_membership_that_an_administrator_has_granted() {
    let stack = stack().await;
    stack.converge();
    stack
        .sql("postgres", "SET ROLE platform_admin; CREATE ROLE dba CREATEROLE; CREATE ROLE team")
        .await;
    stack.sql("postgres", "SET ROLE platform_admin; GRANT team TO dba WITH ADMIN OPTION").await;
    stack.sql("postgres", "GRANT rds_iam TO team; SET ROLE dba; GRANT team TO app_user").await;
    let mut revoke = stack.revoke("team", "app_user", "dba").await;
    if stack.major().await >= 16 {
        revoke =
            format!("GRANT \"dba\" TO \"platform_admin\" WITH INHERIT TRUE, SET TRUE; {revoke}");
    }
    let hint = format!("hint: run `{revoke}`, or keep the role out of the map");
    stack.apply().expect(3).shows(&hint);
    let master = stack.login("platform_admin", "Master-0123456789", "postgres").await.unwrap();
    master.batch_execute(&revoke).await.unwrap();
    stack.converge().shows("No changes:");
}

#[tokio::test]
async fn a_role_with_what_only_a_superuser_can_take_away() {
    let stack = stack().await;
    stack.converge();
    stack.sql("postgres", "ALTER ROLE app_user BYPASSRLS REPLICATION").await;
    held_up(
        &stack,
        "! app: role \"app_user\" has BYPASSRLS and REPLICATION",
        "only a superuser can take it away; use another username",
    )
    .await;
}

#[tokio::test]
async fn names_of_the_master() {
    let stack = Stack::new(
        r#"
  app   = { database_name = "platform", username = "app_user" }
  crm   = { database_name = "crm", username = "platform_admin" }
  other = { database_name = "other", username = "other_user" }
"#,
    )
    .await;
    stack
        .apply()
        .expect(3)
        .shows("! app: database \"platform\" is the master's own")
        .shows("! crm: role \"platform_admin\" is the master itself");
    stack.login("platform_admin", "Master-0123456789", "platform").await.unwrap();
    stack.login_with_secret(OTHER).await.unwrap();
}

#[tokio::test]
async fn what_another_environment_manages() {
    let stack = stack().await;
    stack.converge();
    let version = &stack.labels("goldenpath/dev/app/postgres").await["AWSCURRENT"];
    let marker =
        format!("managed by goldenpath-rds; env=test; entry=app; secret-version={version}");
    stack.sql("postgres", &format!("COMMENT ON ROLE app_user IS '{marker}'")).await;
    held_up(
        &stack,
        "! app: role \"app_user\" is managed for environment `test`",
        "two environments on one server need different usernames",
    )
    .await;
}

#[tokio::test]
async fn a_schema_of_someone_else_that_is_open_to_everybody() {
    let stack = stack().await;
    stack.converge();
    stack.sql("app", "ALTER SCHEMA public OWNER TO rdsadmin").await;
    stack.sql("app", "GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    held_up(
        &stack,
        "! app: schema public of database \"app\" belongs to \"rdsadmin\" and PUBLIC may create in it",
        "\"rdsadmin\" must run in it: GRANT USAGE, CREATE ON SCHEMA public TO \"app_user\"; REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )
    .await;
}

#[tokio::test]
async fn a_grant_to_public_that_the_owner_cannot_revoke() {
    let stack = stack().await;
    stack.converge();
    stack
        .sql(
            "postgres",
            "CREATE ROLE meddler; GRANT CONNECT ON DATABASE app TO meddler WITH GRANT OPTION",
        )
        .await;
    stack.sql("postgres", "SET ROLE meddler; GRANT CONNECT ON DATABASE app TO PUBLIC").await;
    let revoke = "SET ROLE \"app_user\"; REVOKE GRANT OPTION FOR CONNECT ON DATABASE \"app\" FROM \"meddler\" CASCADE";
    held_up(
        &stack,
        "! app: PUBLIC holds CONNECT on database \"app\" by a grant of \"meddler\", which the owner cannot revoke",
        &format!("run `{revoke}`: it takes away what depends on it, too"),
    )
    .await;
    // The hint is true, and the master can follow it.
    let master = stack.login("platform_admin", "Master-0123456789", "postgres").await.unwrap();
    master.batch_execute(revoke).await.unwrap();
    stack.converge().shows("No changes:");
}

#[tokio::test]
async fn a_grant_on_schema_public_that_its_owner_cannot_revoke() {
    let stack = stack().await;
    stack.converge();
    stack
        .sql("app", "CREATE ROLE meddler; SET ROLE app_user; GRANT CREATE ON SCHEMA public TO meddler WITH GRANT OPTION; SET ROLE meddler; GRANT CREATE ON SCHEMA public TO PUBLIC")
        .await;
    let owner = if stack.major().await >= 15 { "pg_database_owner" } else { "app_user" };
    let revoke = format!(
        "SET ROLE \"{owner}\"; REVOKE GRANT OPTION FOR CREATE ON SCHEMA public FROM \"meddler\" CASCADE"
    );
    held_up(
        &stack,
        "! app: PUBLIC may create in schema public of database \"app\" by a grant of \"meddler\", which the owner cannot revoke",
        &format!("run in \"app\": `{revoke}`: it takes away what depends on it, too"),
    )
    .await;
    let master = stack.login("platform_admin", "Master-0123456789", "app").await.unwrap();
    master.batch_execute(&revoke).await.unwrap();
    stack.converge().shows("No changes:");
}

#[tokio::test]
async fn a_secret_that_aws_rotates() {
    let stack = stack().await;
    stack.converge();
    let secret = "goldenpath/dev/app/postgres";
    let rules = RotationRulesType::builder().automatically_after_days(30).build();
    let request = stack.secrets.rotate_secret().secret_id(secret).rotation_rules(rules);
    request.send().await.unwrap();
    // Something to do, so that it shows what is held up.
    stack.sql("postgres", "ALTER ROLE app_user CREATEDB").await;
    held_up(
        &stack,
        "! app: secret `goldenpath/dev/app/postgres` is rotated by AWS (RotationEnabled)",
        "run `aws secretsmanager cancel-rotate-secret` for it: two programs must not set one password",
    )
    .await;
}

#[tokio::test]
async fn a_secret_that_an_aws_service_owns() {
    let stack = stack().await;
    let tag = Tag::builder().key("aws:secretsmanager:owningService").value("rds").build();
    let request = stack.secrets.create_secret().name("goldenpath/dev/app/postgres").tags(tag);
    request.secret_string("{\"password\": \"of-the-service\"}").send().await.unwrap();
    held_up(
        &stack,
        "! app: secret `goldenpath/dev/app/postgres` is managed by the AWS service `rds`",
        "let that service rotate it, or use a secret that no service owns",
    )
    .await;
}

/// The run blocks this thread, and the session is to end meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn on_14_a_session_in_template1_is_waited_for() {
    let stack = stack().await;
    if stack.major().await >= 15 {
        // Databases are made from template0 there, which nobody can be in.
        let _session =
            stack.login("platform_admin", "Master-0123456789", "template1").await.unwrap();
        stack.converge();
        return;
    }
    let short = stack.login("platform_admin", "Master-0123456789", "template1").await.unwrap();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(short);
    });
    stack.converge();

    stack.entries(r#"third = { database_name = "third", username = "third_user" }"#);
    let long = stack.login("platform_admin", "Master-0123456789", "template1").await.unwrap();
    stack
        .apply()
        .expect(3)
        .says("source database \"template1\" is being accessed by other users (SQLSTATE 55006)")
        .says("hint: end the sessions in template1: SELECT pid, usename, application_name FROM pg_stat_activity WHERE datname = 'template1'");
    drop(long);
    stack.converge();
}
