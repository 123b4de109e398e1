//! From any mess that PostgreSQL allows, apply comes to the same clean end, also when it is killed on its way.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::harness::{ENV, Stack};
use crate::interruption::{lines, start, wait_for_lines};

const ENTRIES: &str = r#"
  inventory = { database_name = "inventory", username = "inventory_user", connection_limit = 20 }
  orders    = { database_name = "orders", username = "orders_user", createdb = true, extensions = ["hstore"] }
  support   = { database_name = "orders", username = "orders_support", access_level = "editor" }
  reports   = { database_name = "inventory", username = "inventory_reports", access_level = "reader" }
"#;

const OWNERS: [(&str, &str); 2] = [("inventory", "inventory_user"), ("orders", "orders_user")];
const OTHERS: [&str; 2] = ["orders_support", "inventory_reports"];

/// Statements about a database `{d}` and the role `{u}`, and where they are made. Some do not work in the
/// state that the ones before left: those are left out, as a person would see an error.
const SERVER: [&str; 30] = [
    "CREATE ROLE {u} LOGIN PASSWORD 'Known-to-the-secret-1'",
    "CREATE ROLE {u} NOLOGIN CREATEDB CREATEROLE",
    "CREATE ROLE {u} LOGIN PASSWORD 'Somebody-elses-1' VALID UNTIL '2031-01-01' CONNECTION LIMIT 3",
    "GRANT {u} TO platform_admin WITH ADMIN OPTION",
    "GRANT {u} TO platform_admin",
    "COMMENT ON ROLE {u} IS 'made by hand'",
    "COMMENT ON ROLE {u} IS 'managed by goldenpath-rds; env=dev; entry={d}'",
    "CREATE DATABASE {d} OWNER {u}",
    "CREATE DATABASE {d} OWNER {u} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
    "CREATE DATABASE {d} OWNER platform_admin",
    "CREATE DATABASE {d} OWNER {u} ALLOW_CONNECTIONS false",
    "ALTER DATABASE {d} OWNER TO {u}",
    "ALTER DATABASE {d} ALLOW_CONNECTIONS false",
    "ALTER DATABASE {d} CONNECTION LIMIT 10",
    "ALTER DATABASE {d} SET search_path = public",
    "ALTER DATABASE {d} SET default_transaction_read_only = on",
    "ALTER ROLE {u} SET statement_timeout = '1ms'",
    "ALTER ROLE {u} CREATEROLE",
    "ALTER ROLE {u} NOLOGIN",
    "ALTER ROLE {u} CONNECTION LIMIT 7",
    "GRANT ALL ON DATABASE {d} TO PUBLIC",
    "REVOKE ALL ON DATABASE {d} FROM PUBLIC",
    "REVOKE ALL ON DATABASE {d} FROM {u}",
    "REVOKE ALL ON DATABASE {d} FROM platform_admin",
    "GRANT CONNECT ON DATABASE {d} TO pg_monitor",
    "COMMENT ON DATABASE {d} IS 'made by hand'",
    "COMMENT ON DATABASE {d} IS 'managed by goldenpath-rds; env=dev; entry=formerly'",
    "GRANT pg_monitor TO {u}",
    "DROP DATABASE {d}",
    "DROP ROLE {u}",
];

const INSIDE: [&str; 12] = [
    "GRANT CREATE ON SCHEMA public TO PUBLIC",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "ALTER SCHEMA public OWNER TO {u}",
    "DROP SCHEMA public",
    "CREATE SCHEMA sales AUTHORIZATION {u}",
    "SET ROLE {u}; CREATE TABLE t (id serial, v text)",
    "SET ROLE {u}; CREATE TABLE sales.t (id int); GRANT ALL ON sales.t TO PUBLIC",
    "SET ROLE {u}; GRANT ALL ON ALL TABLES IN SCHEMA sales TO orders_support, inventory_reports",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {u} GRANT ALL ON TABLES TO inventory_reports",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {u} IN SCHEMA sales GRANT SELECT ON TABLES TO orders_support",
    "CREATE TABLE of_the_superuser (id int)",
    "CREATE EXTENSION hstore",
];

const MASTERS: [&str; 3] = [
    "GRANT ALL ON SCHEMA public TO {u}",
    "CREATE TABLE IF NOT EXISTS shared (id int); GRANT ALL ON shared TO {u}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {u}",
];

/// The same seed makes the same mess.
async fn make_mess(stack: &Stack, seed: u64) {
    let mut dice = StdRng::seed_from_u64(seed);
    if dice.random_bool(0.4) {
        stack.converge();
    }
    for _ in 0..dice.random_range(5..40) {
        let (database, owner) = OWNERS[dice.random_range(0..OWNERS.len())];
        let role =
            if dice.random_bool(0.3) { OTHERS[dice.random_range(0..OTHERS.len())] } else { owner };
        let fill = |sql: &str, role: &str| sql.replace("{d}", database).replace("{u}", role);
        match dice.random_range(0..10) {
            0..6 => {
                let sql = fill(SERVER[dice.random_range(0..SERVER.len())], role);
                let _ = stack.try_sql("postgres", &sql).await;
            }
            6..8 => {
                let sql = fill(INSIDE[dice.random_range(0..INSIDE.len())], owner);
                let _ = stack.try_sql(database, &sql).await;
            }
            8 => {
                let sql = fill(MASTERS[dice.random_range(0..MASTERS.len())], role);
                let _ = stack.try_sql("platform", &format!("SET ROLE platform_admin; {sql}")).await;
            }
            _ => mess_with_secret(stack, &mut dice, database, owner).await,
        }
    }
}

async fn mess_with_secret(stack: &Stack, dice: &mut StdRng, database: &str, owner: &str) {
    let name = format!("goldenpath/dev/{database}/postgres");
    let port = stack.port().to_string();
    let value = json!({
        "username": owner, "password": "Known-to-the-secret-1", "host": "localhost", "port": port,
        "dbname": database, "engine": "postgres", "team": "a key of someone else",
    });
    let secrets = &stack.secrets;
    // What does not work in the present state is left out here, too.
    match dice.random_range(0..4) {
        0 => drop(secrets.create_secret().name(name).secret_string(value.to_string()).send().await),
        1 => drop(
            secrets
                .put_secret_value()
                .secret_id(name)
                .secret_string(value.to_string())
                .send()
                .await,
        ),
        2 => drop(secrets.untag_resource().secret_id(name).tag_keys("Username").send().await),
        _ => drop(secrets.delete_secret().secret_id(name).recovery_window_in_days(7).send().await),
    }
}

/// What an apply decides about, without the ids and ages of versions and with the names sorted.
async fn end_state(stack: &Stack) -> Vec<String> {
    let mut state = Vec::new();
    let shared = [
        "SELECT concat_ws(' ', datname, datdba::regrole, datallowconn, datconnlimit, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a), shobj_description(oid, 'pg_database')) FROM pg_database ORDER BY 1",
        "SELECT concat_ws(' ', rolname, rolcanlogin, rolcreatedb, rolcreaterole, rolconnlimit, rolvaliduntil, split_part(shobj_description(oid, 'pg_authid'), '; secret-version', 1)) FROM pg_roles ORDER BY 1",
        "SELECT DISTINCT concat_ws(' ', roleid::regrole, member::regrole, admin_option) FROM pg_auth_members ORDER BY 1",
    ];
    let inside = [
        "SELECT concat_ws(' ', nspname, nspowner::regrole, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(nspacl) a)) FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1",
        "SELECT concat_ws(' ', relname, relowner::regrole, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a)) FROM pg_class WHERE relnamespace::regnamespace::text IN ('public', 'sales') ORDER BY 1",
        "SELECT concat_ws(' ', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(defaclacl) a)) FROM pg_default_acl ORDER BY 1",
        "SELECT concat_ws(' ', extname, extowner::regrole) FROM pg_extension ORDER BY 1",
    ];
    for sql in shared {
        state.extend(column(stack, "postgres", sql).await);
    }
    for database in ["inventory", "orders", "platform"] {
        for sql in inside {
            state.extend(column(stack, database, sql).await);
        }
    }
    state
}

async fn column(stack: &Stack, database: &str, sql: &str) -> Vec<String> {
    let rows = stack.try_sql(database, sql).await.unwrap_or_default();
    rows.into_iter().filter_map(|mut row| row.remove(0)).collect()
}

/// The entries that obstacles hold up. Beside them nothing may be left to do, and nothing be wrong.
#[track_caller]
fn held_up(stack: &Stack, seed: u64) -> BTreeSet<String> {
    let plan = stack.run(&["plan", "--env", ENV, "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("a plan");
    assert_eq!(plan["steps"], json!([]), "seed {seed}: a second plan has steps");
    let entries = plan["obstacles"].as_array().expect("a list").iter();
    let held_up =
        entries.map(|found| found["entry"].as_str().expect("an entry").to_owned()).collect();
    let found = stack.run(&["verify", "--env", ENV, "--format", "json"]);
    let found: Value = serde_json::from_str(&found.stdout).expect("a verification");
    for wrong in found["wrong"].as_array().expect("a list") {
        let entry = wrong["entry"].as_str().expect("an entry");
        let excused: &BTreeSet<String> = &held_up;
        assert!(excused.contains(entry), "seed {seed}: {wrong}");
    }
    held_up
}

/// The fixed seeds, or as many others as asked for.
fn seeds() -> Vec<u64> {
    match std::env::var("GOLDENPATH_TEST_MESSES").ok().and_then(|count| count.parse::<u64>().ok()) {
        Some(count) => (0..count).map(|at| 1_000 + at).collect(),
        None => (1..=4).collect(),
    }
}

#[tokio::test]
async fn any_mess_is_cleaned_up_also_by_runs_that_are_killed() {
    let (mut kills, mut blocked) = (0, 0);
    for seed in seeds() {
        let undisturbed = Stack::new(ENTRIES).await;
        make_mess(&undisturbed, seed).await;
        let first = undisturbed.apply();
        // What is inside a database that was closed shows only when it is open; the plan says so.
        let saw_too_little = first.stdout.contains("more in what could not be read before");
        assert_eq!(first.code == 1, saw_too_little, "seed {seed}: {}", first.stderr);
        let code = if saw_too_little { undisturbed.apply().code } else { first.code };
        assert!([0, 3].contains(&code), "seed {seed}: {}", first.stderr);
        let wanted = held_up(&undisturbed, seed);
        blocked += wanted.len();

        let stack = Stack::new(ENTRIES).await;
        make_mess(&stack, seed).await;
        // Each run lives for some rows of the audit; the rows of all of them together are the whole plan.
        for round in 0..40 {
            let (mut run, since) = (start(&stack), lines(&stack));
            wait_for_lines(&stack, &mut run, since + 3 + round % 4);
            let ended = run.try_wait().unwrap().is_some();
            let _ = run.kill();
            let _ = run.wait();
            if ended {
                break;
            }
            kills += 1;
        }
        if stack.apply().code == 1 {
            stack.apply();
        }
        assert_eq!(held_up(&stack, seed), wanted, "seed {seed}");
        assert_eq!(end_state(&stack).await, end_state(&undisturbed).await, "seed {seed}");
    }
    println!("{} messes, {kills} kills, {blocked} entries held up by obstacles", seeds().len());
}
