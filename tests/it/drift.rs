//! What someone changed by hand is seen and mended by the least statement; what is right stays untouched.

use crate::harness::{Rows, Stack};

const ENTRIES: &str = r#"
  shop           = { database_name = "shop", username = "shop_user", connection_limit = 20 }
  shop-reporting = { database_name = "shop", username = "shop_reporting", access_level = "reader" }
"#;

const PUBLIC_SCHEMA: &str = "DO $$ BEGIN CREATE SCHEMA sales AUTHORIZATION shop_user; END $$; SET ROLE shop_user; CREATE TABLE sales.t (id int); CREATE SEQUENCE sales.s";

/// One change by hand, where it is made, and the one line by which the plan mends it.
const DRIFT: [(&str, &str, &str); 24] = [
    ("postgres", "ALTER ROLE shop_user NOLOGIN", "role \"shop_user\": LOGIN "),
    ("postgres", "ALTER ROLE shop_user CREATEDB", "role \"shop_user\": NOCREATEDB "),
    ("postgres", "ALTER ROLE shop_user CREATEROLE", "role \"shop_user\": NOCREATEROLE "),
    (
        "postgres",
        "ALTER ROLE shop_user CONNECTION LIMIT 3",
        "role \"shop_user\": CONNECTION LIMIT 20 ",
    ),
    (
        "postgres",
        "ALTER ROLE shop_user VALID UNTIL '2031-01-01'",
        "role \"shop_user\": VALID UNTIL 'infinity' ",
    ),
    (
        "postgres",
        "GRANT CONNECT ON DATABASE shop TO PUBLIC",
        "database \"shop\": REVOKE CONNECT FROM PUBLIC ",
    ),
    (
        "postgres",
        "GRANT TEMPORARY ON DATABASE shop TO PUBLIC",
        "database \"shop\": REVOKE TEMPORARY FROM PUBLIC ",
    ),
    (
        "postgres",
        "REVOKE CONNECT ON DATABASE shop FROM platform_admin",
        "database \"shop\": GRANT CONNECT TO \"platform_admin\" ",
    ),
    (
        "postgres",
        "REVOKE CONNECT ON DATABASE shop FROM shop_reporting",
        "database \"shop\": GRANT CONNECT TO \"shop_reporting\" ",
    ),
    (
        "postgres",
        "SET ROLE shop_user; REVOKE CREATE, TEMPORARY ON DATABASE shop FROM shop_user",
        "database \"shop\": GRANT CREATE, TEMPORARY TO \"shop_user\" ",
    ),
    (
        "postgres",
        "ALTER DATABASE shop CONNECTION LIMIT 3",
        "database \"shop\": CONNECTION LIMIT -1 ",
    ),
    ("postgres", "ALTER DATABASE shop IS_TEMPLATE true", "database \"shop\": IS_TEMPLATE false "),
    ("postgres", "COMMENT ON DATABASE shop IS 'the shop'", "database \"shop\": write the marker "),
    (
        "shop",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "database \"shop\": REVOKE CREATE ON SCHEMA public FROM PUBLIC ",
    ),
    (
        "shop",
        "REVOKE ALL ON SCHEMA public FROM pg_database_owner, shop_user",
        "database \"shop\": GRANT USAGE, CREATE ON SCHEMA public TO \"shop_user\" ",
    ),
    (
        "shop",
        "SET ROLE shop_user; REVOKE USAGE ON SCHEMA sales FROM shop_reporting",
        "GRANT USAGE ON SCHEMA sales TO \"shop_reporting\" ",
    ),
    (
        "shop",
        "SET ROLE shop_user; GRANT CREATE ON SCHEMA sales TO shop_reporting",
        "REVOKE CREATE ON SCHEMA sales FROM \"shop_reporting\" ",
    ),
    (
        "shop",
        "SET ROLE shop_user; REVOKE SELECT ON sales.t FROM shop_reporting",
        "GRANT SELECT ON TABLE sales.t TO \"shop_reporting\" ",
    ),
    (
        "shop",
        "SET ROLE shop_user; GRANT DELETE, TRUNCATE ON sales.t TO shop_reporting",
        "REVOKE DELETE, TRUNCATE ON TABLE sales.t FROM \"shop_reporting\" ",
    ),
    (
        "shop",
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop_user REVOKE SELECT ON TABLES FROM shop_reporting",
        "GRANT SELECT ON future TABLES of \"shop_user\" TO \"shop_reporting\" ",
    ),
    (
        "shop",
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop_user GRANT UPDATE ON SEQUENCES TO shop_reporting",
        "REVOKE UPDATE ON future SEQUENCES of \"shop_user\" FROM \"shop_reporting\" ",
    ),
    (
        "shop",
        "SET ROLE shop_user; ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT, INSERT ON TABLES TO shop_reporting",
        "REVOKE INSERT ON future TABLES of \"shop_user\" in schema \"sales\" FROM \"shop_reporting\" ",
    ),
    (
        "shop",
        "SET ROLE shop_user; GRANT SELECT (id), UPDATE (id) ON sales.t TO shop_reporting",
        "REVOKE UPDATE ON TABLE sales.t FROM \"shop_reporting\" ",
    ),
    (
        "postgres",
        "ALTER DATABASE shop CONNECTION LIMIT 50",
        "database \"shop\": CONNECTION LIMIT -1 ",
    ),
];

/// Every row that an apply could write to, with the transaction that wrote it last.
async fn row_versions(stack: &Stack) -> Vec<Rows> {
    let mut rows = Vec::new();
    for (database, sql) in [
        ("postgres", "SELECT datname, xmin FROM pg_database ORDER BY 1"),
        ("postgres", "SELECT rolname, xmin FROM pg_authid ORDER BY 1"),
        ("postgres", "SELECT roleid, member, xmin FROM pg_auth_members ORDER BY 1, 2, grantor"),
        ("postgres", "SELECT objoid, xmin FROM pg_shdescription ORDER BY 1"),
        ("shop", "SELECT nspname, xmin FROM pg_namespace ORDER BY 1"),
        (
            "shop",
            "SELECT relname, xmin FROM pg_class WHERE relnamespace = 'sales'::regnamespace ORDER BY 1",
        ),
        ("shop", "SELECT oid, xmin FROM pg_default_acl ORDER BY 1"),
    ] {
        rows.push(stack.sql(database, sql).await);
    }
    rows
}

#[tokio::test]
async fn each_drift_is_seen_and_mended_by_one_statement() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    stack.sql("shop", PUBLIC_SCHEMA).await;
    for (database, statement, mended) in DRIFT {
        stack.plan().expect(0).shows("No changes:");
        stack.sql(database, statement).await;
        stack
            .apply()
            .expect(0)
            .shows(mended)
            .shows("Plan: 0 to create, 1 to change, 0 to drop.")
            .shows("Apply complete: 1 done");
    }
    stack.plan().expect(0).shows("No changes:");
}

/// What is inside a closed database cannot be seen, so all of it is granted again.
#[tokio::test]
async fn a_closed_database_is_opened() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    stack.sql("postgres", "ALTER DATABASE shop ALLOW_CONNECTIONS false").await;
    stack
        .converge()
        .shows("~ database \"shop\": ALLOW_CONNECTIONS true")
        .shows("note: database \"shop\" does not let us in, so what is inside it was not read");
}

#[tokio::test]
async fn the_masters_membership_is_restored() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let options =
        if stack.major().await >= 16 { "INHERIT OPTION FOR shop_user" } else { "shop_user" };
    let grantor = if stack.major().await >= 16 { " GRANTED BY platform_admin" } else { "" };
    stack.sql("postgres", &format!("REVOKE {options} FROM platform_admin{grantor}")).await;
    stack.converge().shows("~ role \"shop_user\": GRANT to the master");
}

#[tokio::test]
async fn a_second_apply_leaves_every_row_as_it_is() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    stack.sql("shop", PUBLIC_SCHEMA).await;
    let before = row_versions(&stack).await;
    stack.apply().expect(0).shows("No changes:");
    assert_eq!(row_versions(&stack).await, before);

    stack.sql("shop", "GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    let before = row_versions(&stack).await;
    stack.apply().expect(0).shows("Apply complete: 1 done");
    let after = row_versions(&stack).await;
    let changed: Vec<_> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
    assert_eq!(changed, [4], "only pg_namespace");
}

#[tokio::test]
async fn what_others_were_given_is_told_and_left() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    stack
        .sql(
            "postgres",
            "CREATE ROLE monitoring LOGIN; GRANT CONNECT ON DATABASE shop TO monitoring; GRANT CREATE, TEMPORARY ON DATABASE shop TO shop_reporting",
        )
        .await;
    stack.sql("postgres", "GRANT pg_monitor TO shop_reporting").await;
    stack.sql("postgres", "CREATE ROLE handmade LOGIN; GRANT shop_user TO handmade").await;
    stack
        .apply()
        .expect(0)
        .shows("note: role \"monitoring\" holds CONNECT on database \"shop\" and no entry says so; it is left alone")
        .shows("note: role \"shop_reporting\" holds CREATE, TEMPORARY on database \"shop\" and no entry says so; it is left alone")
        .shows("note: role \"shop_reporting\" is a member of \"pg_monitor\"")
        .shows("note: role \"handmade\" is a member of \"shop_user\"")
        .shows("No changes:");
    let acl = "SELECT has_database_privilege('monitoring', 'shop', 'CONNECT')::text";
    assert_eq!(stack.value("postgres", acl).await, "true");
}

/// Of PUBLIC, what readers may do anyway is not told: extensions grant that much.
#[tokio::test]
async fn what_others_were_given_inside_is_told_and_left() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    stack.sql("shop", PUBLIC_SCHEMA).await;
    stack.sql("postgres", "CREATE ROLE monitoring LOGIN").await;
    stack
        .sql(
            "shop",
            "SET ROLE shop_user; GRANT USAGE ON SCHEMA sales TO monitoring; GRANT SELECT ON sales.t TO monitoring;
             ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO monitoring;
             CREATE TABLE sales.u (id int, name text); GRANT SELECT ON sales.t TO PUBLIC; GRANT UPDATE (name) ON sales.u TO PUBLIC;
             ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO PUBLIC",
        )
        .await;
    stack.apply().expect(0);
    stack
        .plan()
        .expect(0)
        .shows("note: role \"monitoring\" holds SELECT, USAGE on 3 of the objects, and will hold SELECT on future ones, in database \"shop\" and no entry says so; it is left alone")
        .shows("note: PUBLIC holds UPDATE on 1 of the objects, and will hold INSERT on future ones, in database \"shop\"")
        .shows("No changes:");
}

/// Not even the owner could grant anything in it.
#[tokio::test]
async fn a_schema_that_the_owner_may_not_use_is_told_and_left() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    stack.sql("shop", PUBLIC_SCHEMA).await;
    stack.sql("shop", "SET ROLE shop_user; REVOKE SELECT ON sales.t FROM shop_reporting; REVOKE USAGE ON SCHEMA sales FROM shop_user").await;
    stack
        .converge()
        .shows("note: the owner of database \"shop\" has no USAGE on schema \"sales\", so nothing is granted in it");
    stack.sql("shop", "SET ROLE shop_user; GRANT USAGE ON SCHEMA sales TO shop_user").await;
    stack.converge().shows("GRANT SELECT ON TABLE sales.t TO \"shop_reporting\"");
}

/// The owner's REVOKE would not take it away, and so it would be planned for ever.
#[tokio::test]
async fn what_another_granted_inside_is_left() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    stack.sql("shop", PUBLIC_SCHEMA).await;
    stack.sql("postgres", "CREATE ROLE meddler").await;
    stack
        .sql("shop", "SET ROLE shop_user; GRANT UPDATE ON sales.t TO meddler WITH GRANT OPTION; GRANT ALL ON SCHEMA sales TO meddler WITH GRANT OPTION")
        .await;
    stack
        .sql("shop", "SET ROLE meddler; GRANT UPDATE ON sales.t TO shop_reporting; GRANT CREATE ON SCHEMA sales TO shop_reporting")
        .await;
    stack.apply().expect(0).shows("No changes:");
}

#[tokio::test]
async fn a_role_with_the_masters_rights_is_an_obstacle() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    stack.sql("postgres", "GRANT rds_superuser TO shop_reporting").await;
    stack
        .apply()
        .expect(3)
        .shows("! shop-reporting: role \"shop_reporting\" is a member of \"rds_superuser\", so every database is open to it")
        .shows("run `REVOKE \"rds_superuser\" FROM \"shop_reporting\"");
}

/// What the provisioning script of the past did for each application.
const PREDECESSOR: &str = "
  CREATE TABLE public.of_the_master (id int);
  GRANT ALL ON SCHEMA public TO shop_user;
  GRANT ALL ON ALL TABLES IN SCHEMA public TO shop_user;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO shop_user;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO shop_user;
";

#[tokio::test]
async fn traces_of_the_predecessor_are_taken_away_with_the_reason() {
    let stack = Stack::new(ENTRIES).await;
    stack
        .sql(
            "postgres",
            "CREATE ROLE shop_user LOGIN CREATEDB CONNECTION LIMIT 20 PASSWORD 'Predecessor-1'",
        )
        .await;
    if stack.major().await >= 16 {
        stack.sql("postgres", "GRANT shop_user TO platform_admin WITH ADMIN OPTION").await;
    }
    stack.sql("postgres", "CREATE DATABASE shop OWNER shop_user").await;
    stack.sql("platform", &format!("SET ROLE platform_admin; {PREDECESSOR}")).await;
    let port = stack.port().to_string();
    stack
        .put_secret(
            "goldenpath/dev/shop/postgres",
            &serde_json::json!({
                "username": "shop_user", "password": "Predecessor-1", "host": "localhost",
                "port": port, "dbname": "shop", "engine": "postgres"
            }),
        )
        .await;
    stack
        .converge()
        .shows("NOCREATEDB")
        .shows("if the application creates databases itself, set `createdb = true`")
        .shows("~ database \"shop\": REVOKE CONNECT, TEMPORARY FROM PUBLIC")
        .shows("another role that connects to it needs an entry, or a GRANT of its own")
        .shows("~ database \"platform\": REVOKE USAGE, CREATE ON SCHEMA public FROM \"shop_user\"")
        .shows("ON TABLE public.of_the_master FROM \"shop_user\"")
        .shows("ON future TABLES of \"platform_admin\" in schema \"public\" FROM \"shop_user\"")
        .shows("ON future SEQUENCES of \"platform_admin\" in schema \"public\" FROM \"shop_user\"")
        .shows("left in the master's own database, where nothing is the application's");
    let left = "SELECT count(*)::text FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'platform') AND refobjid = 'shop_user'::regrole";
    assert_eq!(stack.value("postgres", left).await, "0");
    stack.login_with_secret("goldenpath/dev/shop/postgres").await.unwrap();
}

/// Where `postgres` is the master's database, it is there that the script granted.
#[tokio::test]
async fn traces_of_the_predecessor_in_postgres_are_taken_away_too() {
    let stack = Stack::new(ENTRIES).await;
    let mut master = stack.master_secret();
    master["dbname"] = "postgres".into();
    let put = stack.secrets.put_secret_value().secret_id("goldenpath/dev/rds/master");
    put.secret_string(master.to_string()).send().await.unwrap();
    stack.converge();
    stack.sql("postgres", &format!("SET ROLE platform_admin; {PREDECESSOR}")).await;
    stack
        .converge()
        .shows("ON TABLE public.of_the_master FROM \"shop_user\"")
        .shows("ON future TABLES of \"platform_admin\" in schema \"public\" FROM \"shop_user\"");
}
