//! On PostgreSQL 14 new databases are copies of `template1`, where every role can make functions until it is
//! closed to PUBLIC.

use crate::concurrency::{transaction, wait_until_blocked};
use crate::harness::{Stack, answer};
use crate::interruption::start;

const FIRST: &str = r#"first = { database_name = "first", username = "first_user" }"#;
const BOTH: &str = r#"
  first  = { database_name = "first", username = "first_user" }
  second = { database_name = "second", username = "second_user" }
"#;

/// Better than the catalog's own for whoever calls it with a varchar.
const TROJAN: &str =
    "CREATE FUNCTION public.upper(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'owned' $$";

async fn put_into_template(stack: &Stack) {
    let secret = stack.secret("goldenpath/dev/first/postgres").await;
    let password = secret["password"].as_str().unwrap();
    let tenant = stack.login("first_user", password, "template1").await.unwrap();
    tenant.batch_execute(TROJAN).await.unwrap();
}

#[tokio::test]
async fn what_others_put_into_the_template_is_not_copied() {
    let stack = Stack::new(FIRST).await;
    stack.converge();
    if stack.major().await >= 15 {
        // Nobody but the template's owner can make anything in its schema public.
        let refused = stack.sql(
            "template1",
            "SELECT has_schema_privilege('first_user', 'public', 'CREATE')::text",
        );
        assert_eq!(refused.await[0][0].as_deref(), Some("false"));
        return;
    }
    put_into_template(&stack).await;
    stack.entries(BOTH);
    stack
        .apply()
        .expect(3)
        .shows("! second: template1, of which a new database is a copy, holds something of \"first_user\"")
        .shows("hint: look at it there, and remove it (DROP OWNED BY); --isolate-server keeps others out of template1");
    stack.sql("template1", "DROP OWNED BY first_user").await;
    stack.converge();
    let second = stack.login_with_secret("goldenpath/dev/second/postgres").await.unwrap();
    let upper = second.query_one("SELECT upper('a'::varchar)", &[]).await.unwrap();
    assert_eq!(upper.get::<_, &str>(0), "A");
}

/// CREATE DATABASE waits for the other transaction before it copies anything.
#[tokio::test]
async fn what_others_put_into_the_template_meanwhile_stays_closed() {
    let stack = Stack::new(FIRST).await;
    stack.converge();
    if stack.major().await >= 15 {
        return;
    }
    stack.entries(BOTH);
    let other = transaction(&stack, "LOCK TABLE pg_database IN SHARE MODE").await;
    let mut run = start(&stack);
    wait_until_blocked(&stack, &mut run).await;
    put_into_template(&stack).await;
    other.batch_execute("COMMIT").await.unwrap();
    answer(run.wait_with_output().unwrap())
        .expect(1)
        .says("its template held something of \"first_user\"");
    stack.apply().expect(3).shows(
        "! second: database \"second\" lets nobody in yet, and holds something of \"first_user\"",
    );
    let closed = "SELECT datallowconn::text FROM pg_database WHERE datname = 'second'";
    assert_eq!(stack.value("postgres", closed).await, "false");
    stack.sql("template1", "DROP OWNED BY first_user").await;
    stack.sql("postgres", "DROP DATABASE second").await;
    stack.converge();
}
