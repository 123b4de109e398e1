//! Plans as documents: what is shown, saved, and refused as stale.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::harness::{Answer, ENV, Stack};

fn document(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).expect("one JSON document")
}

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/plan.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

/// What the schema has against a document.
pub fn problems(document: &Value) -> Vec<String> {
    let errors = SCHEMA.iter_errors(document);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[track_caller]
pub fn assert_valid(document: &Value) {
    let problems = problems(document);
    assert!(problems.is_empty(), "{problems:#?}\n{document:#}");
}

#[tokio::test]
async fn a_plan_reads_like_this() {
    let stack = Stack::with_app().await;
    stack.make_foreign_role("orders_user", "").await;
    stack.entries(
        r#"
  app    = { database_name = "app", username = "app_user" }
  orders = { database_name = "orders", username = "orders_user" }"#,
    );
    if stack.steps_inside().await > 0 {
        return; // On 14 there are two lines more, and the columns are wider.
    }
    let answer = stack.plan().expect(3);
    let shown = answer.stdout.replace(&stack.port().to_string(), "PORT");
    let wanted = r#"environment `dev` on localhost:PORT

  app
    + secret goldenpath/dev/app/postgres with a new password  # there is no secret yet
    + role "app_user" LOGIN, password from the secret         # there is no such role yet
    + database "app" OWNER "app_user"                         # there is no such database yet
    ~ database "app": REVOKE CONNECT, TEMPORARY FROM PUBLIC   # PUBLIC is every role on the server
    ~ database "app": GRANT CONNECT TO "platform_admin"       # by name, since PUBLIC may not connect
    ~ database "app": write the marker                        # the marker says whose it is
    ~ database "app": ALLOW_CONNECTIONS true                  # closed to connections until here

  ! orders: role "orders_user" was made by someone else and there is no secret to take its password from
    hint: put its password into `goldenpath/dev/orders/postgres`, or run with `--reset-password orders` to give it a new one

  note: every role can connect to "platform", "postgres", "template1"; --isolate-server closes them to PUBLIC

Plan: 3 to create, 4 to change, 0 to drop. 1 obstacle needs a person.
"#;
    assert_eq!(shown, wanted);
}

#[tokio::test]
async fn markdown_is_a_table_in_which_names_stay_text() {
    let stack = Stack::with_app().await;
    stack.sql("postgres", "CREATE ROLE \"@all <b>|x\"").await;
    stack.sql("postgres", "CREATE DATABASE app OWNER \"@all <b>|x\"").await;
    let answer = stack.run(&["plan", "--env", ENV, "--format", "markdown"]).expect(3);
    let answer = answer.shows("### goldenpath-rds plan: `dev`").shows("#### Obstacles");
    let answer = answer.shows("belongs to \"&#64;all &lt;b&gt;|x\"");
    assert!(!answer.stdout.contains("@all"), "{}", answer.stdout);

    stack.sql("postgres", "DROP DATABASE app").await;
    let answer = stack.run(&["plan", "--env", ENV, "--format", "markdown"]).expect(0);
    answer.shows(
        "| `+` | app | database \"app\" OWNER \"app\\_user\" | there is no such database yet |",
    );
}

#[tokio::test]
async fn what_a_tenant_writes_cannot_move_the_cursor() {
    let stack = Stack::with_app().await;
    stack.converge();
    let tenant = stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
    tenant.batch_execute("COMMENT ON DATABASE app IS E'a\\x1b[2Jb\\nc'").await.unwrap();
    let answer = stack.plan().expect(0);
    let answer = answer.shows("replaces the comment 'a\\u{1b}[2Jb\\nc'");
    assert!(!answer.stdout.contains('\x1b'));
}

#[tokio::test]
async fn json_documents_follow_the_schema() {
    let stack = Stack::with_apps().await;
    stack.make_foreign_role("orders_user", "CREATEROLE CONNECTION LIMIT 2").await;
    let plan = document(
        &stack.run(&["plan", "--env", ENV, "--format", "json", "--isolate-server"]).expect(3),
    );
    assert_valid(&plan);
    assert_eq!(plan["summary"]["create"], 6);
    assert_eq!(plan["obstacles"][0]["kind"], "foreign_role");

    let arguments =
        ["apply", "--env", ENV, "--auto-approve", "--format", "json", "--reset-password", "orders"];
    let applied = document(&stack.run(&arguments).expect(0));
    assert_valid(&applied);
    assert_eq!(applied["outcome"]["done"], applied["steps"].as_array().unwrap().len());
    let changes: Vec<_> =
        applied["steps"].as_array().unwrap().iter().map(|s| &s["change"]).collect();
    assert!(changes.contains(&&"set_password".into()) && changes.contains(&&"alter_role".into()));

    let quiet = document(&stack.run(&["apply", "--env", ENV, "--format", "json"]).expect(0));
    assert_valid(&quiet);
    assert_eq!(quiet["outcome"]["done"], 0);
}

#[tokio::test]
async fn a_saved_plan_is_carried_out_as_it_was_shown() {
    let stack = Stack::with_app().await;
    stack.run(&["plan", "--env", ENV, "--out", "plan.json"]).expect(0).says("apply plan.json");
    let saved: Value =
        serde_json::from_str(&std::fs::read_to_string(stack.root().join("plan.json")).unwrap())
            .unwrap();
    assert_valid(&saved);
    stack.run(&["apply", "plan.json"]).expect(0).shows("Apply complete");
    let version = &saved["steps"][0]["version"];
    assert_eq!(*version, stack.labels("goldenpath/dev/app/postgres").await["AWSCURRENT"]);
    stack.plan().expect(0).shows("No changes:");
}

#[tokio::test]
async fn a_stale_plan_is_refused_and_changes_nothing() {
    let stack = Stack::with_app().await;
    stack.run(&["plan", "--env", ENV, "--out", "plan.json"]).expect(0);
    stack.make_foreign_role("app_user", "LOGIN").await;
    stack.run(&["apply", "plan.json"]).expect(3).says("the saved plan plan.json is stale");
    assert!(stack.audit().is_empty());
    assert_eq!(stack.secrets.list_secrets().send().await.unwrap().secret_list().len(), 1);
}

#[tokio::test]
async fn a_saved_plan_is_not_taken_twice_nor_for_another_environment() {
    let stack = Stack::with_app().await;
    stack.run(&["plan", "--env", ENV, "--out", "plan.json"]).expect(0);
    stack.run(&["apply", "plan.json", "--env", "test"]).expect(64).says("is for environment `dev`");
    stack.run(&["apply", "plan.json"]).expect(0);
    stack.run(&["apply", "plan.json"]).expect(3).says("is stale");
    stack.write("other.json", "{\"format_version\": \"2.0\"}");
    stack.run(&["apply", "other.json"]).expect(1).says("its format version is 2.0, known is 1.0");
}

#[tokio::test]
async fn flags_that_change_the_plan_are_saved_with_it() {
    let stack = Stack::with_app().await;
    stack.make_foreign_role("app_user", "LOGIN").await;
    let flags = ["--isolate-server", "--reset-password", "app"];
    stack.run(&[&["plan", "--env", ENV, "--out", "plan.json"][..], &flags].concat()).expect(0);
    stack.run(&["apply", "plan.json"]).expect(0).shows("Apply complete");
    stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
}

#[tokio::test]
async fn json_documents_of_access_levels_follow_the_schema() {
    let stack = Stack::new(
        r#"
  shop    = { database_name = "shop", username = "shop_user", extensions = ["hstore"] }
  reports = { database_name = "shop", username = "shop_reports", access_level = "editor" }
  other   = { database_name = "other", username = "other_user", extensions = ["dblink"] }
  waiting = { database_name = "other", username = "other_reports", access_level = "reader" }
"#,
    )
    .await;
    let applied = ["apply", "--env", ENV, "--auto-approve", "--format", "json"];
    let first = document(&stack.run(&applied).expect(3));
    assert_valid(&first);
    let kinds: Vec<_> =
        first["obstacles"].as_array().unwrap().iter().map(|found| &found["kind"]).collect();
    assert_eq!(kinds, ["extension", "owner_held_up"]);
    stack
        .sql(
            "shop",
            "SET ROLE shop_user; CREATE TABLE t (id int); GRANT TRUNCATE ON t TO shop_reports; GRANT SELECT ON t TO shop_reports WITH GRANT OPTION",
        )
        .await;
    stack
        .sql(
            "postgres",
            "GRANT pg_monitor TO shop_reports; GRANT CONNECT ON DATABASE shop TO pg_monitor",
        )
        .await;
    let futures = "ALTER DEFAULT PRIVILEGES FOR ROLE shop_user GRANT TRUNCATE ON TABLES TO shop_reports;
        ALTER DEFAULT PRIVILEGES FOR ROLE shop_user GRANT SELECT ON TABLES TO shop_reports WITH GRANT OPTION";
    stack.sql("shop", futures).await;
    stack.sql("shop", "CREATE SCHEMA shut AUTHORIZATION shop_user; SET ROLE shop_user; GRANT USAGE ON SCHEMA shut TO pg_monitor; REVOKE USAGE ON SCHEMA shut FROM shop_user").await;
    let second = document(&stack.run(&applied).expect(3));
    assert_valid(&second);
    let all =
        [&first, &second].map(|document| document["steps"].as_array().unwrap().clone()).concat();
    for change in [
        "create_extension",
        "grant_privileges",
        "grant_default_privileges",
        "revoke_privileges",
        "revoke_grant_option_inside",
        "revoke_default_privileges",
        "revoke_default_grant_option",
    ] {
        assert!(all.iter().any(|step| step["change"] == change), "{change}");
    }
    let notes: Vec<_> =
        second["notes"].as_array().unwrap().iter().map(|note| &note["kind"]).collect();
    for kind in ["other_access", "other_access_inside", "unusable_schema", "memberships"] {
        assert!(notes.contains(&&kind.into()), "{kind} is not in {notes:?}");
    }
}
