//! Who can do what to whom.

use std::time::Duration;

use goldenpath_rds::actual::Endpoint;
use goldenpath_rds::password::Password;
use goldenpath_rds::postgres::{Access, Connector, RootCertificates, SslMode, Target, Tls};

use crate::harness::{ENV, Stack};

fn connector(stack: &Stack) -> Connector {
    let roots = RootCertificates::File(stack.ca());
    let tls = Tls::new(SslMode::VerifyFull, Some(&roots)).unwrap();
    let address = Endpoint { host: "localhost".to_owned(), port: stack.port() };
    let target = Target { address, server_name: "localhost".to_owned() };
    Connector::new(target, tls, "tests".to_owned(), Duration::from_secs(60))
}

#[tokio::test]
async fn no_tenant_enters_another_tenants_database() {
    let stack = Stack::with_apps().await;
    stack.converge();
    for (from, user) in
        [("inventory", "inventory_user"), ("orders", "orders_user"), ("portal", "portal_user")]
    {
        let secret = stack.secret(&format!("goldenpath/dev/{from}/postgres")).await;
        let password = secret["password"].as_str().unwrap();
        for to in ["inventory", "orders", "portal"] {
            let login = stack.login(user, password, to).await;
            assert_eq!(login.err(), (from != to).then(|| "42501".to_owned()), "{user} in {to}");
        }
    }
}

#[tokio::test]
async fn the_access_lists_are_as_wanted_and_the_role_has_nothing_more() {
    let stack = Stack::with_app().await;
    stack.converge();
    let acl = "SELECT array_agg(a::text ORDER BY a::text)::text FROM pg_database, unnest(datacl) a WHERE datname = 'app'";
    assert_eq!(
        stack.value("postgres", acl).await,
        "{app_user=CTc/app_user,platform_admin=c/app_user}"
    );
    let public =
        "SELECT has_schema_privilege('public', 'public', 'CREATE')::text FROM (VALUES (1)) v";
    let public = public.replace("'public', 'public'", "'pg_monitor', 'public'");
    assert_eq!(stack.value("app", &public).await, "false");
    let role = "SELECT concat_ws(',', rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls) FROM pg_roles WHERE rolname = 'app_user'";
    assert_eq!(stack.value("postgres", role).await, "f,f,f,f,f");
    let held = "SELECT count(*)::text FROM pg_auth_members WHERE member = 'app_user'::regrole";
    assert_eq!(stack.value("postgres", held).await, "0");
}

#[tokio::test]
async fn the_servers_own_databases_are_closed_only_when_asked() {
    let stack = Stack::with_app().await;
    stack.converge().shows("every role can connect to \"platform\", \"postgres\", \"template1\"");
    let secret = stack.secret("goldenpath/dev/app/postgres").await;
    let password = secret["password"].as_str().unwrap();
    stack.login("app_user", password, "postgres").await.unwrap();

    stack.run(&["apply", "--env", ENV, "--auto-approve", "--isolate-server"]).expect(0);
    for database in ["postgres", "template1", "platform"] {
        let login = stack.login("app_user", password, database).await;
        assert_eq!(login.err().unwrap(), "42501", "{database}");
    }
    stack.run(&["plan", "--env", ENV, "--isolate-server"]).expect(0).shows("No changes:");
}

/// Its own REVOKE would change nothing, in every run.
#[tokio::test]
async fn a_server_database_that_another_opened_is_an_obstacle() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack
        .sql("postgres", "GRANT CONNECT ON DATABASE platform TO rds_ad WITH GRANT OPTION; SET ROLE rds_ad; GRANT CONNECT ON DATABASE platform TO PUBLIC")
        .await;
    let revoke = "SET ROLE \"platform_admin\"; REVOKE GRANT OPTION FOR CONNECT ON DATABASE \"platform\" FROM \"rds_ad\" CASCADE";
    let isolate = ["apply", "--env", ENV, "--auto-approve", "--isolate-server"];
    stack
        .run(&isolate)
        .expect(3)
        .shows(
            "! the server: PUBLIC holds CONNECT on database \"platform\" by a grant of \"rds_ad\"",
        )
        .shows(&format!("hint: run `{revoke}`"));
    let master = stack.login("platform_admin", "Master-0123456789", "postgres").await.unwrap();
    master.batch_execute(revoke).await.unwrap();
    stack.run(&isolate).expect(0);
    stack.run(&["plan", "--env", ENV, "--isolate-server"]).expect(0).shows("No changes:");
}

#[tokio::test]
async fn what_was_opened_by_hand_is_closed_again_and_nothing_else_is_touched() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.sql("postgres", "GRANT CONNECT, CREATE ON DATABASE app TO PUBLIC").await;
    stack.sql("app", "GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    stack.sql("postgres", "ALTER ROLE app_user CREATEDB CREATEROLE CONNECTION LIMIT 3").await;
    stack.sql("postgres", "REVOKE CONNECT ON DATABASE app FROM platform_admin").await;
    let answer = stack.converge();
    for line in [
        "~ role \"app_user\": NOCREATEDB NOCREATEROLE CONNECTION LIMIT -1",
        "~ database \"app\": REVOKE CONNECT, CREATE FROM PUBLIC",
        "~ database \"app\": GRANT CONNECT TO \"platform_admin\"",
        "~ database \"app\": REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "Plan: 0 to create, 4 to change, 0 to drop.",
    ] {
        assert!(answer.stdout.contains(line), "`{line}` is not in:\n{}", answer.stdout);
    }
}

#[tokio::test]
async fn a_database_of_another_owner_holds_up_its_entry_only() {
    let stack = Stack::with_apps().await;
    stack.sql("postgres", "CREATE DATABASE orders").await;
    let answer = stack.apply().expect(3);
    answer.shows("database \"orders\" belongs to \"rdsadmin\", the entry says \"orders_user\"");
    stack.login_with_secret("goldenpath/dev/inventory/postgres").await.unwrap();
    let roles = "SELECT count(*)::text FROM pg_roles WHERE rolname = 'orders_user'";
    assert_eq!(stack.value("postgres", roles).await, "0");
}

#[tokio::test]
async fn a_half_made_database_is_finished() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.sql("postgres", "ALTER DATABASE app ALLOW_CONNECTIONS false").await;
    stack.sql("postgres", "COMMENT ON DATABASE app IS NULL").await;
    stack.converge().shows("ALLOW_CONNECTIONS true");
    stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
}

#[tokio::test]
async fn a_revoke_that_revokes_nothing_is_an_error() {
    let stack = Stack::with_app().await;
    stack.sql("platform", "ALTER SCHEMA public OWNER TO rdsadmin").await;
    stack.sql("platform", "GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC").await;
    let password = Password::from_secret("Master-0123456789".to_owned());
    let connector = connector(&stack);
    let session =
        connector.connect("platform_admin", &password, "platform", Access::Write).await.unwrap();
    let error = session.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await.unwrap_err();
    assert!(error.to_string().contains("SQLSTATE 01006"), "{error}");
    // What was warned of before is not held against the next statement.
    session.execute("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn what_is_marked_as_ours_and_not_wanted_is_named_and_kept() {
    let stack = Stack::with_apps().await;
    stack.converge();
    stack.entries(r#"inventory = { database_name = "inventory", username = "inventory_user" }"#);
    stack
        .apply()
        .expect(0)
        .shows("? database \"orders\" is marked as ours, but no variable file has it; it is left alone")
        .shows("? role \"orders_user\"")
        .shows("? secret goldenpath/dev/orders/postgres")
        .shows("No changes:");
    stack.login_with_secret("goldenpath/dev/orders/postgres").await.unwrap();
}

#[tokio::test]
async fn a_tenant_that_locks_its_database_does_not_hold_up_the_others() {
    let stack = Stack::with_apps().await;
    stack.converge();
    let tenant = stack.login_with_secret("goldenpath/dev/orders/postgres").await.unwrap();
    tenant.batch_execute("ALTER DATABASE orders CONNECTION LIMIT 0").await.unwrap();
    stack.sql("postgres", "ALTER ROLE portal_user NOCREATEDB").await;
    stack
        .apply()
        .expect(0)
        .shows("~ role \"portal_user\": CREATEDB")
        .shows("note: database \"orders\" does not let us in, so what is inside it was not read")
        .shows("~ database \"orders\": CONNECTION LIMIT -1");
    stack.login_with_secret("goldenpath/dev/orders/postgres").await.unwrap();
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn settings_that_a_tenant_made_do_not_reach_our_sessions() {
    let stack = Stack::with_app().await;
    stack.converge();
    let tenant = stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
    for setting in
        ["search_path = evil", "default_transaction_read_only = on", "statement_timeout = '1ms'"]
    {
        tenant.batch_execute(&format!("ALTER DATABASE app SET {setting}")).await.unwrap();
    }
    stack.sql("app", "GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    stack.converge().shows("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
}
