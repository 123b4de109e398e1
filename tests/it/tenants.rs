//! What a tenant may do in its own database and to its own role does not reach the master's sessions.

use tokio_postgres::Client;

use crate::harness::Stack;

const OWNER: &str = "goldenpath/dev/shop/postgres";

const ENTRIES: &str = r#"
  shop    = { database_name = "shop", username = "shop_user" }
  reports = { database_name = "shop", username = "shop_reports", access_level = "reader" }
"#;

/// Functions, operators and casts by the names that the catalogs' own have. Each leaves a trace of who
/// called it. `=` on text is what a comparison of names comes to when `public` is searched first.
const TROJANS: &str = r#"
  CREATE TABLE public.trace (who text);
  GRANT INSERT, SELECT ON public.trace TO PUBLIC;
  CREATE FUNCTION public.pg_get_userbyid(oid) RETURNS name LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.trace VALUES (current_user); RETURN 'shop_user'; END $$;
  CREATE FUNCTION public.aclexplode(aclitem[], OUT grantor oid, OUT grantee oid, OUT privilege_type text, OUT is_grantable boolean)
    RETURNS SETOF record LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.trace VALUES (current_user); RETURN; END $$;
  CREATE FUNCTION public.current_database() RETURNS name LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.trace VALUES (current_user); RETURN 'shop'; END $$;
  CREATE FUNCTION public.equal(name, text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.trace VALUES (current_user); RETURN true; END $$;
  CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.equal);
  CREATE OPERATOR public.<> (LEFTARG = name, RIGHTARG = text, FUNCTION = public.equal);
"#;

/// Settings of the database and of roles, as far as a tenant may make them.
const SETTINGS: [&str; 11] = [
    "search_path = public, pg_catalog",
    "default_transaction_read_only = on",
    "statement_timeout = '1ms'",
    "lock_timeout = '1ms'",
    "idle_in_transaction_session_timeout = '1ms'",
    "role = shop_user",
    "default_transaction_isolation = serializable",
    "DateStyle = 'SQL, DMY'",
    "client_min_messages = error",
    "idle_session_timeout = '1ms'",
    "local_preload_libraries = 'not_there'",
];

async fn traces(stack: &Stack) -> String {
    stack.value("shop", "SELECT count(*)::text FROM public.trace").await
}

async fn master(stack: &Stack, database: &str) -> Client {
    stack.login("platform_admin", "Master-0123456789", database).await.unwrap()
}

#[tokio::test]
async fn functions_and_operators_of_a_tenant_are_never_called() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let tenant = stack.login_with_secret(OWNER).await.unwrap();
    tenant.batch_execute(TROJANS).await.unwrap();
    tenant.batch_execute("ALTER DATABASE shop SET search_path = public, pg_catalog").await.unwrap();

    // The bait works: a session that does not protect itself takes it.
    let careless = master(&stack, "shop").await;
    careless
        .batch_execute("SELECT pg_get_userbyid(10); SELECT 'a'::name = 'b'::text")
        .await
        .unwrap();
    assert_eq!(traces(&stack).await, "2");

    // Something to read, to grant, to take away and to close.
    stack.sql("shop", "GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    stack.sql("shop", "SET ROLE shop_user; CREATE TABLE public.new_one (id int); GRANT UPDATE ON public.new_one TO shop_reports").await;
    stack
        .converge()
        .shows("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        .shows("REVOKE UPDATE ON TABLE public.new_one FROM \"shop_reports\"");
    stack.run(&["verify", "--env", "dev"]).expect(0);
    assert_eq!(traces(&stack).await, "2");
}

#[tokio::test]
async fn settings_of_a_tenant_do_not_hold_for_us() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let tenant = stack.login_with_secret(OWNER).await.unwrap();
    // Before the settings: they would hold for these sessions.
    stack.sql("shop", "GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    stack.sql("postgres", "GRANT TEMPORARY ON DATABASE shop TO PUBLIC").await;
    for setting in SETTINGS {
        tenant.batch_execute(&format!("ALTER DATABASE shop SET {setting}")).await.unwrap();
        tenant.batch_execute(&format!("ALTER ROLE shop_user SET {setting}")).await.unwrap();
    }
    if stack.major().await >= 17 {
        let setting = "ALTER DATABASE shop SET transaction_timeout = '1ms'";
        tenant.batch_execute(setting).await.unwrap();
    }
    stack
        .converge()
        .shows("database \"shop\": REVOKE TEMPORARY FROM PUBLIC")
        .shows("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    stack.run(&["rotate", "--env", "dev", "--auto-approve", "shop"]).expect(0);
    stack.run(&["verify", "--env", "dev"]).expect(0);
}

/// A line of a log that begins like this is a command to GitHub, and an escape sequence one to a terminal.
#[tokio::test]
async fn names_of_a_tenant_are_no_lines_of_their_own() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let tenant = stack.login_with_secret(OWNER).await.unwrap();
    let table = "\"x\n::error::by a tenant\u{1b}[2J\"";
    let sql = format!("CREATE TABLE {table} (a int); REVOKE SELECT ON {table} FROM shop_reports");
    tenant.batch_execute(&sql).await.unwrap();
    let answer = stack.apply().expect(0).says("public.x\\n::error::by a tenant\\u{1b}[2J");
    for text in [answer.stdout, answer.stderr] {
        assert!(!text.contains('\u{1b}') && !text.contains("\n::"), "{text}");
    }
}

#[tokio::test]
async fn of_a_tenants_comment_not_all_is_repeated() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let tenant = stack.login_with_secret(OWNER).await.unwrap();
    let comment = format!("COMMENT ON DATABASE shop IS '{}'", "y".repeat(3_000_000));
    tenant.batch_execute(&comment).await.unwrap();
    let plan = stack.plan().expect(0).shows("write the marker");
    assert!(plan.stdout.len() < 10_000, "{}", plan.stdout.len());
    stack.converge();
}

/// An event trigger would run its owner's code in the master's statements. Only superusers can make one;
/// RDS lets members of rds_superuser, which no tenant is.
#[tokio::test]
async fn a_tenant_has_no_other_way_into_our_sessions() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let tenant = stack.login_with_secret(OWNER).await.unwrap();
    for (statement, code) in [
        (
            "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$; CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
            "42501",
        ),
        ("ALTER DATABASE shop SET session_preload_libraries = 'auto_explain'", "42501"),
        ("ALTER ROLE platform_admin SET search_path = public", "42501"),
        ("SET ROLE platform_admin", "42501"),
        ("COMMENT ON ROLE shop_user IS 'mine'", "42501"),
    ] {
        let error = tenant.batch_execute(statement).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), code, "{statement}");
    }
    // Until 14 a role administers itself (release notes of 15, E.1). It gains nothing by giving itself away.
    let given = tenant.batch_execute("GRANT shop_user TO platform_admin WITH ADMIN OPTION").await;
    let refusal = given.err().map(|error| error.code().unwrap().code().to_owned());
    assert_eq!(refusal.as_deref(), (stack.major().await >= 15).then_some("42501"));
    stack.converge();
}

#[tokio::test]
async fn a_lock_that_a_tenant_took_is_told_with_its_name() {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    let secret = stack.secret(OWNER).await;
    let password = secret["password"].as_str().unwrap();
    let tenant = stack.login("shop_user", password, "postgres").await.unwrap();
    let key = i64::from_be_bytes(*b"goldenpa");
    tenant.batch_execute(&format!("SELECT pg_advisory_lock({key})")).await.unwrap();
    let answer = stack
        .run(&["apply", "--env", "dev", "--auto-approve", "--lock-timeout", "1"])
        .expect(1)
        .says("which \"shop_user\" (")
        .says(") since 20")
        .says("error: waited 1 s for the lock")
        .says("hint: \"shop_user\" is not \"platform_admin\", so that is no run of this program: end its session with `SELECT pg_terminate_backend(")
        .says("and keep tenants out of database \"postgres\" with `goldenpath-rds apply --env dev --isolate-server`");
    // The hint is true: tenants cannot enter that database any more.
    let end = answer.stderr.split('`').find(|text| text.starts_with("SELECT pg_")).unwrap();
    let master = stack.login("platform_admin", "Master-0123456789", "postgres").await.unwrap();
    master.batch_execute(end).await.unwrap();
    stack.run(&["apply", "--env", "dev", "--auto-approve", "--isolate-server"]).expect(0);
    assert_eq!(stack.login("shop_user", password, "postgres").await.err().unwrap(), "42501");
}
