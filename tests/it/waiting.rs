//! A tenant that keeps others waiting in its own database holds up nobody else.

use std::time::Duration;

use crate::harness::Stack;

const OWNER: &str = "goldenpath/dev/app/postgres";

const WITH_ANOTHER: &str = r#"
  app   = { database_name = "app", username = "app_user" }
  other = { database_name = "other", username = "other_user" }
"#;

/// VACUUM FULL of a catalog is the right of a database's owner. It waits for a transaction that reads the
/// catalog, and whoever comes next waits for it.
async fn lock_catalog(stack: &Stack, catalog: &str) -> [tokio_postgres::Client; 2] {
    let reads = stack.login_with_secret(OWNER).await.unwrap();
    let sql = format!("BEGIN; SELECT 1 FROM {catalog} LIMIT 1");
    reads.batch_execute(&sql).await.unwrap();
    let locks = stack.login_with_secret(OWNER).await.unwrap();
    let vacuum = locks.simple_query_raw(&format!("VACUUM FULL {catalog}")).await.unwrap();
    drop(vacuum);
    let waits =
        "SELECT count(*)::text FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'";
    for _ in 0..1000 {
        if stack.value("postgres", waits).await == "1" {
            return [reads, locks];
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nobody waits for the lock");
}

async fn end(stack: &Stack, sessions: [tokio_postgres::Client; 2]) {
    let all = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'app'";
    stack.sql("postgres", all).await;
    drop(sessions);
}

#[tokio::test]
async fn locked_catalogs_hold_up_the_entry_of_their_database_only() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.entries(WITH_ANOTHER);
    let sessions = lock_catalog(&stack, "pg_namespace").await;
    let apply = ["apply", "--env", "dev", "--auto-approve", "--statement-timeout", "2"];
    stack
        .run(&apply)
        .expect(3)
        .shows("! app: what is in database \"app\" could not be read: canceling statement due to statement timeout (SQLSTATE 57014)")
        .shows("hint: a session in it holds a lock on its catalogs: SELECT pid, usename, query FROM pg_stat_activity WHERE datname = 'app'")
        .shows("Apply complete");
    stack.login_with_secret("goldenpath/dev/other/postgres").await.unwrap();
    let verify = ["verify", "--env", "dev", "--statement-timeout", "2"];
    stack.run(&verify).expect(2).shows("could not be looked at");
    end(&stack, sessions).await;
    stack.converge();
}

/// A catalog without which no session can begin.
#[tokio::test]
async fn a_database_that_keeps_logins_waiting_holds_up_its_own_entry_only() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.entries(WITH_ANOTHER);
    let sessions = lock_catalog(&stack, "pg_attribute").await;
    stack
        .apply()
        .expect(3)
        .shows("! app: what is in database \"app\" could not be read: ")
        .shows("Apply complete");
    stack.login_with_secret("goldenpath/dev/other/postgres").await.unwrap();
    end(&stack, sessions).await;
    stack.converge();
}

/// A deferrable serializable transaction that only reads, as its owner may make every transaction in a
/// database, waits for serializable ones that write.
#[tokio::test]
async fn transactions_of_a_tenant_are_not_waited_for() {
    let stack = Stack::with_app().await;
    stack.converge();
    let tenant = stack.login_with_secret(OWNER).await.unwrap();
    let settings = "ALTER DATABASE app SET default_transaction_isolation = serializable";
    tenant.batch_execute(settings).await.unwrap();
    let settings = "ALTER DATABASE app SET default_transaction_deferrable = on";
    tenant.batch_execute(settings).await.unwrap();
    for sql in [
        "CREATE TABLE t (a int)",
        "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE",
        "INSERT INTO t VALUES (1)",
    ] {
        tenant.batch_execute(sql).await.unwrap();
    }
    let plan = ["plan", "--env", "dev", "--statement-timeout", "3"];
    stack.run(&plan).expect(0).shows("No changes:");
}
