//! A GRANT or REVOKE that the master says counts as the owner's, whoever else could have said it.

use tokio_postgres::Client;

use crate::harness::Stack;

const ENTRIES: &str = r#"
  shop    = { database_name = "shop", username = "shop_user" }
  reports = { database_name = "shop", username = "shop_reports", access_level = "reader" }
  other   = { database_name = "other", username = "other_user" }
"#;

const READER: &str = "goldenpath/dev/reports/postgres";

/// A server as wanted, and its owner's session.
async fn stack() -> (Stack, Client) {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let owner = stack.login_with_secret("goldenpath/dev/shop/postgres").await.unwrap();
    (stack, owner)
}

/// The master is a member of `other_user` too.
#[tokio::test]
async fn a_database_is_closed_although_another_tenant_could_grant_it() {
    let (stack, owner) = stack().await;
    owner
        .batch_execute(
            "GRANT CONNECT, TEMPORARY ON DATABASE shop TO other_user WITH GRANT OPTION;
             GRANT CONNECT, TEMPORARY ON DATABASE shop TO PUBLIC",
        )
        .await
        .unwrap();
    stack.converge().shows("~ database \"shop\": REVOKE CONNECT, TEMPORARY FROM PUBLIC");
    let open = "SELECT datacl::text ~ '[{,]=' FROM pg_database WHERE datname = 'shop'";
    assert_eq!(stack.value("postgres", open).await, "f");
}

/// A privilege that a role may pass on lets it open the database to everybody.
#[tokio::test]
async fn no_entrys_role_may_pass_on_what_it_holds_on_a_database() {
    let (stack, owner) = stack().await;
    stack.sql("postgres", "CREATE ROLE monitoring LOGIN").await;
    owner
        .batch_execute(
            "GRANT CONNECT, TEMPORARY ON DATABASE shop TO shop_reports, other_user, monitoring WITH GRANT OPTION",
        )
        .await
        .unwrap();
    let found = "holds CONNECT, TEMPORARY on database \"shop\" WITH GRANT OPTION, so it can let others in, and PUBLIC";
    stack
        .run(&["verify", "--env", "dev"])
        .expect(2)
        .shows(&format!("! shop: role \"shop_reports\" {found}"))
        .shows(&format!("! shop: role \"other_user\" {found}"));
    stack
        .converge()
        .shows(
            "~ database \"shop\": REVOKE GRANT OPTION FOR CONNECT, TEMPORARY FROM \"shop_reports\"",
        )
        .shows(
            "~ database \"shop\": REVOKE GRANT OPTION FOR CONNECT, TEMPORARY FROM \"other_user\"",
        )
        .shows("# with it the role could let others in, and PUBLIC")
        .shows(&format!("note: role \"monitoring\" {found}; it is left alone"))
        .shows("Plan: 0 to create, 2 to change, 0 to drop.");
    let reader = stack.login_with_secret(READER).await.unwrap();
    // Without a grant option this is a warning, and changes nothing.
    reader.batch_execute("GRANT CONNECT ON DATABASE shop TO PUBLIC").await.unwrap();
    stack.plan().expect(0).shows("No changes:");
}

/// On tables, columns, sequences and schemas, and on what will be made.
#[tokio::test]
async fn no_entrys_role_may_pass_on_what_it_holds_inside_a_database() {
    let (stack, owner) = stack().await;
    owner
        .batch_execute(
            "CREATE SCHEMA sales; CREATE TABLE sales.t (a int, b int); CREATE SEQUENCE sales.s;
             GRANT USAGE ON SCHEMA sales TO shop_reports WITH GRANT OPTION;
             GRANT SELECT (a) ON sales.t TO shop_reports WITH GRANT OPTION;
             GRANT SELECT ON sales.s TO shop_reports WITH GRANT OPTION;
             ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO shop_reports WITH GRANT OPTION;
             ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON SEQUENCES TO shop_reports WITH GRANT OPTION",
        )
        .await
        .unwrap();
    let inside = "~ database \"shop\": REVOKE GRANT OPTION FOR";
    let answer = stack.converge().shows("# readers pass nothing on");
    let answer = answer.shows(&format!("{inside} USAGE ON SCHEMA sales FROM \"shop_reports\""));
    let answer = answer.shows(&format!("{inside} SELECT ON TABLE sales.t FROM \"shop_reports\""));
    let answer = answer.shows(&format!("{inside} SELECT ON SEQUENCE sales.s FROM"));
    let answer = answer.shows(&format!("{inside} SELECT ON future TABLES of \"shop_user\" FROM"));
    answer.shows(&format!("{inside} SELECT ON future SEQUENCES of \"shop_user\" in schema"));

    owner.batch_execute("CREATE TABLE sales.later (a int)").await.unwrap();
    let options = "SELECT count(*) FROM (SELECT relacl AS acl FROM pg_class UNION ALL SELECT nspacl FROM pg_namespace
         UNION ALL SELECT attacl FROM pg_attribute UNION ALL SELECT defaclacl FROM pg_default_acl) held,
         aclexplode(acl) a WHERE a.is_grantable AND a.grantee = 'shop_reports'::regrole";
    assert_eq!(stack.value("shop", options).await, "0");
    let reader = stack.login_with_secret(READER).await.unwrap();
    reader.batch_execute("SELECT FROM sales.t, sales.s, sales.later").await.unwrap();
}

#[tokio::test]
async fn what_was_passed_on_inside_a_database_is_an_obstacle_of_who_did_it() {
    let (stack, owner) = stack().await;
    owner
        .batch_execute(
            "CREATE TABLE t (a int); GRANT SELECT ON t TO shop_reports WITH GRANT OPTION",
        )
        .await
        .unwrap();
    let reader = stack.login_with_secret(READER).await.unwrap();
    reader.batch_execute("GRANT SELECT ON t TO other_user").await.unwrap();
    let revoke = "SET ROLE \"shop_user\"; REVOKE GRANT OPTION FOR SELECT ON TABLE \"public\".\"t\" FROM \"shop_reports\" CASCADE";
    stack
        .apply()
        .expect(3)
        .shows("! reports: role \"shop_reports\" is to lose the GRANT OPTION for SELECT on TABLE public.t in database \"shop\", and has granted it to others")
        .shows(&format!("hint: run in \"shop\": `{revoke}`"));
    stack.sql("shop", &format!("SET ROLE platform_admin; {revoke}")).await;
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn what_was_passed_on_of_a_database_is_an_obstacle_of_who_did_it() {
    let (stack, owner) = stack().await;
    let grant = "GRANT CONNECT ON DATABASE shop TO shop_reports WITH GRANT OPTION";
    owner.batch_execute(grant).await.unwrap();
    let reader = stack.login_with_secret(READER).await.unwrap();
    reader.batch_execute("GRANT CONNECT ON DATABASE shop TO other_user").await.unwrap();
    let revoke = "SET ROLE \"shop_user\"; REVOKE GRANT OPTION FOR CONNECT ON DATABASE \"shop\" FROM \"shop_reports\" CASCADE";
    stack
        .apply()
        .expect(3)
        .shows("! reports: role \"shop_reports\" is to lose the GRANT OPTION for CONNECT on database \"shop\", and has granted it to others")
        .shows(&format!("hint: run `{revoke}`"))
        .shows("1 obstacle needs a person.");
    let master = stack.login("platform_admin", "Master-0123456789", "postgres").await.unwrap();
    master.batch_execute(revoke).await.unwrap();
    stack.converge().shows("No changes:");
    stack.login_with_secret(READER).await.unwrap();
}

#[tokio::test]
async fn a_table_is_closed_although_another_tenant_could_grant_it() {
    let (stack, owner) = stack().await;
    owner
        .batch_execute(
            "CREATE TABLE t (a int); GRANT ALL ON t TO other_user WITH GRANT OPTION;
             GRANT UPDATE ON t TO shop_reports",
        )
        .await
        .unwrap();
    stack.converge().shows("REVOKE UPDATE ON TABLE public.t FROM \"shop_reports\"");
    let reader = stack.login_with_secret(READER).await.unwrap();
    let write = reader.batch_execute("UPDATE t SET a = 1").await.unwrap_err();
    assert_eq!(write.code().map(|code| code.code()), Some("42501"));
}

/// What the other tenant gave would not count, and would go with the other tenant's own right.
#[tokio::test]
async fn a_new_reader_is_granted_its_rights_by_the_owner() {
    let (stack, owner) = stack().await;
    owner
        .batch_execute(
            "CREATE TABLE t (a int); GRANT SELECT ON t TO other_user WITH GRANT OPTION;
             GRANT USAGE ON SCHEMA public TO other_user WITH GRANT OPTION;
             GRANT CONNECT ON DATABASE shop TO other_user WITH GRANT OPTION",
        )
        .await
        .unwrap();
    stack.entries(&format!(
        "{ENTRIES} late = {{ database_name = \"shop\", username = \"late_user\", access_level = \"reader\" }}"
    ));
    stack.converge();
    owner
        .batch_execute(
            "REVOKE ALL ON t FROM other_user CASCADE;
             REVOKE ALL ON DATABASE shop FROM other_user CASCADE",
        )
        .await
        .unwrap();
    stack.plan().expect(0).shows("No changes:");
    let reader = stack.login_with_secret("goldenpath/dev/late/postgres").await.unwrap();
    reader.batch_execute("SELECT * FROM t").await.unwrap();
}

/// On PostgreSQL 15 and later the schema belongs to `pg_database_owner`, and the owner of the database can
/// hold rights on it of its own.
#[tokio::test]
async fn schema_public_is_closed_by_its_owner() {
    let (stack, owner) = stack().await;
    let own = if stack.major().await >= 15 {
        stack.sql("shop", "GRANT ALL ON SCHEMA public TO shop_user WITH GRANT OPTION").await;
        stack
            .sql(
                "shop",
                "SET ROLE pg_database_owner; GRANT CREATE ON SCHEMA public TO PUBLIC, shop_reports",
            )
            .await;
        "pg_database_owner"
    } else {
        owner.batch_execute("GRANT CREATE ON SCHEMA public TO PUBLIC, shop_reports").await.unwrap();
        "shop_user"
    };
    owner
        .batch_execute("GRANT USAGE, CREATE ON SCHEMA public TO other_user WITH GRANT OPTION")
        .await
        .unwrap();
    stack
        .converge()
        .shows("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        .shows("REVOKE CREATE ON SCHEMA public FROM \"shop_reports\"");
    let acl = format!(
        "SELECT nspowner::regrole = '{own}'::regrole FROM pg_namespace WHERE nspname = 'public'"
    );
    assert_eq!(stack.value("shop", &acl).await, "t");
}

/// A REVOKE without CASCADE would fail in every run.
#[tokio::test]
async fn what_a_reader_passed_on_is_an_obstacle_of_the_reader_alone() {
    let (stack, owner) = stack().await;
    owner
        .batch_execute(
            "CREATE TABLE t (a int);
             GRANT UPDATE ON t TO shop_reports WITH GRANT OPTION;
             GRANT DELETE ON t TO shop_reports",
        )
        .await
        .unwrap();
    let reader = stack.login_with_secret(READER).await.unwrap();
    reader.batch_execute("GRANT UPDATE ON t TO other_user").await.unwrap();
    stack.sql("postgres", "ALTER ROLE shop_user CREATEDB").await;
    let revoke = "SET ROLE \"shop_user\"; REVOKE UPDATE, DELETE ON TABLE \"public\".\"t\" FROM \"shop_reports\" CASCADE";
    stack
        .apply()
        .expect(3)
        .shows("~ role \"shop_user\": NOCREATEDB")
        .shows("! reports: role \"shop_reports\" is to lose UPDATE, DELETE on TABLE public.t in database \"shop\", and has granted it to others")
        .shows(&format!("hint: run in \"shop\": `{revoke}`: it takes away what depends on it, too"));
    stack.apply().expect(3);
    let master = stack.login("platform_admin", "Master-0123456789", "shop").await.unwrap();
    master.batch_execute(revoke).await.unwrap();
    stack.converge().shows("No changes:");
    reader.batch_execute("SELECT * FROM t").await.unwrap();
}

/// Of a column, too.
#[tokio::test]
async fn a_column_that_a_reader_passed_on_is_an_obstacle() {
    let (stack, owner) = stack().await;
    owner
        .batch_execute(
            "CREATE TABLE t (a int); GRANT UPDATE (a) ON t TO shop_reports WITH GRANT OPTION",
        )
        .await
        .unwrap();
    let reader = stack.login_with_secret(READER).await.unwrap();
    reader.batch_execute("GRANT UPDATE (a) ON t TO other_user").await.unwrap();
    stack
        .apply()
        .expect(3)
        .shows("! reports: role \"shop_reports\" is to lose UPDATE on TABLE public.t");
    reader.batch_execute("REVOKE UPDATE (a) ON t FROM other_user").await.unwrap();
    stack.converge().shows("REVOKE UPDATE ON TABLE public.t FROM \"shop_reports\"");
    reader.batch_execute("UPDATE t SET a = 1").await.unwrap_err();
}
