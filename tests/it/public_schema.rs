//! The owner of a database can create in its schema `public`, whoever that belongs to, and nobody else can.

use crate::harness::Stack;

const SECRET: &str = "goldenpath/dev/app/postgres";

async fn owner_creates(stack: &Stack, table: &str) -> bool {
    let owner = stack.login_with_secret(SECRET).await.unwrap();
    owner.batch_execute(&format!("CREATE TABLE public.{table} (a int)")).await.is_ok()
}

/// As an upgrade of PostgreSQL 14 leaves it: PUBLIC is by what the owner creates there.
#[tokio::test]
async fn a_schema_of_the_masters_is_closed_to_all_but_the_owner() {
    let stack = Stack::with_app().await;
    stack.converge();
    let upgraded = "ALTER SCHEMA public OWNER TO platform_admin;
        REVOKE ALL ON SCHEMA public FROM pg_database_owner, app_user; GRANT ALL ON SCHEMA public TO PUBLIC";
    stack.sql("app", upgraded).await;
    assert!(owner_creates(&stack, "before").await);
    stack.converge().shows("~ database \"app\": REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    assert!(owner_creates(&stack, "after").await);
    let owner = stack.login_with_secret(SECRET).await.unwrap();
    owner.batch_execute("INSERT INTO before VALUES (1)").await.unwrap();
}

/// Nothing in it could be granted before, and one apply is enough.
#[tokio::test]
async fn readers_get_what_is_in_a_schema_that_the_owner_can_use_again() {
    let stack = Stack::new(
        r#"
  app    = { database_name = "app", username = "app_user" }
  reader = { database_name = "app", username = "app_reader", access_level = "reader" }
"#,
    )
    .await;
    stack.converge();
    let owner = stack.login_with_secret(SECRET).await.unwrap();
    let table = "CREATE TABLE public.t (a int); REVOKE ALL ON public.t FROM app_reader";
    owner.batch_execute(table).await.unwrap();
    let closed = "ALTER SCHEMA public OWNER TO platform_admin; REVOKE ALL ON SCHEMA public FROM app_user, pg_database_owner, PUBLIC";
    stack.sql("app", closed).await;
    let answer = stack.converge().shows("GRANT SELECT ON TABLE public.t TO \"app_reader\"");
    assert!(!answer.stdout.contains("has no USAGE"), "{}", answer.stdout);
    let reader = stack.login_with_secret("goldenpath/dev/reader/postgres").await.unwrap();
    reader.batch_execute("SELECT FROM public.t").await.unwrap();
}

/// A group of the database team's, say.
#[tokio::test]
async fn an_owner_that_creates_as_a_member_of_another_role_is_not_told_that_it_cannot() {
    let stack = Stack::with_app().await;
    stack.converge();
    let theirs = "CREATE ROLE dba; ALTER SCHEMA public OWNER TO dba; REVOKE ALL ON SCHEMA public FROM app_user, PUBLIC; GRANT dba TO app_user";
    stack.sql("app", theirs).await;
    let plan = stack.plan().expect(0).shows("No changes:");
    assert!(!plan.stdout.contains("cannot create"), "{}", plan.stdout);
    assert!(owner_creates(&stack, "t").await);
}

#[tokio::test]
async fn a_schema_of_somebody_else_that_is_closed_to_the_owner_is_told() {
    let stack = Stack::with_app().await;
    stack.converge();
    let theirs = "CREATE ROLE dba; ALTER SCHEMA public OWNER TO dba; REVOKE ALL ON SCHEMA public FROM app_user, PUBLIC";
    stack.sql("app", theirs).await;
    let grant = "GRANT USAGE, CREATE ON SCHEMA public TO \"app_user\"";
    stack.converge().shows(&format!(
        "note: \"app_user\" cannot create in schema public of database \"app\", which belongs to \"dba\": if it should, \"dba\" must run in it: {grant}"
    ));
    assert!(!owner_creates(&stack, "t").await);
    stack.sql("app", &format!("SET ROLE dba; {grant}")).await;
    let plan = stack.plan().expect(0).shows("No changes:");
    assert!(!plan.stdout.contains("cannot create"), "{}", plan.stdout);
    assert!(owner_creates(&stack, "t").await);
}

/// What the hint says closes it, and leaves the owner in.
#[tokio::test]
async fn a_schema_of_somebody_else_that_is_open_is_an_obstacle() {
    let stack = Stack::with_app().await;
    stack.converge();
    let theirs = "CREATE ROLE dba; ALTER SCHEMA public OWNER TO dba; REVOKE ALL ON SCHEMA public FROM app_user; GRANT ALL ON SCHEMA public TO PUBLIC";
    stack.sql("app", theirs).await;
    let hint = "GRANT USAGE, CREATE ON SCHEMA public TO \"app_user\"; REVOKE CREATE ON SCHEMA public FROM PUBLIC";
    stack.apply().expect(3).shows(&format!("hint: \"dba\" must run in it: {hint}"));
    stack.sql("app", &format!("SET ROLE dba; {hint}")).await;
    stack.plan().expect(0).shows("No changes:");
    assert!(owner_creates(&stack, "t").await);
}

/// Before PostgreSQL 16 the rights of `pg_database_owner` count only for a role that inherits.
#[tokio::test]
async fn an_owner_that_does_not_inherit_is_made_to() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.sql("postgres", "ALTER ROLE app_user NOINHERIT").await;
    if stack.major().await < 16 {
        stack.converge().shows("~ role \"app_user\": INHERIT ");
    }
    stack.plan().expect(0).shows("No changes:");
    assert!(owner_creates(&stack, "t").await);
}
