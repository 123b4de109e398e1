//! `catalog check --live`: every entry against server and secrets, and the status that `apply` writes.

use aws_sdk_secretsmanager::types::Tag;

use crate::harness::{CATALOG, Stack, VARIABLES, package};

const ENTRIES: &str = r#"application_databases = {
  app    = { database_name = "app", username = "app_user" }
  "a.ro" = { database_name = "app", username = "reader", access_level = "reader" }
  "a.rw" = { database_name = "app", username = "editor", access_level = "editor" }
}
"#;

const SECRET: &str = "goldenpath/dev/app/postgres";
const CHECK: [&str; 5] = ["catalog", "check", "--live", "--env", "dev"];
const APPLY: [&str; 5] = ["apply", "--env", "dev", "--auto-approve", "--update-catalog"];

fn catalog(status: &str) -> String {
    format!(
        "databases:
  app:
    metadata:
      id: DATABASE_APP
      owner: app-team
      requested_by: daniel-deans
      domain: catalog
      risk: medium
      environment: dev
      status: {status}
      created_date: \"2026-01-15\"
    configuration:
      username: app_user
      size_tier: small
      instance_class: db.t3.micro
      secret_path: {SECRET}
"
    )
}

async fn stack(status: &str) -> Stack {
    let stack = Stack::new("").await;
    let enums = "schemas/metadata/enums.yaml";
    let text = std::fs::read_to_string(package().join(enums)).expect("the package has it");
    stack.write(enums, &text);
    stack.write(VARIABLES, ENTRIES);
    stack.write(CATALOG, &catalog(status));
    stack
}

/// All is there and agrees.
async fn applied() -> Stack {
    let stack = stack("pending").await;
    stack.run(&CHECK).expect(0).shows("All sides agree");
    stack.run(&APPLY).expect(0).says("catalog: app is active");
    stack.run(&CHECK).expect(0).shows("All sides agree");
    stack
}

/// Not only owners log in.
#[tokio::test]
async fn roles_and_secrets_of_readers_and_editors_are_compared_too() {
    let stack = applied().await;
    let secret = "goldenpath/dev/a.ro/postgres";
    let delete = stack.secrets.delete_secret().secret_id(secret);
    delete.force_delete_without_recovery(true).send().await.expect("deleted");
    stack.sql("app", "DROP OWNED BY editor").await;
    stack.sql("postgres", "DROP ROLE editor").await;
    stack
        .run(&CHECK)
        .expect(2)
        .shows(&format!("secret {secret}: missing in Secrets Manager, is in the variable files"))
        .shows("role editor: missing on the server, is in the variable files")
        .shows("2 disagreements;");
}

#[tokio::test]
async fn a_database_that_was_given_to_another_role_is_told() {
    let stack = applied().await;
    stack.sql("postgres", "CREATE ROLE thief").await;
    stack.sql("postgres", "ALTER DATABASE app OWNER TO thief").await;
    stack
        .run(&CHECK)
        .expect(2)
        .shows(
            "database app: owner_role is `app_user` in the variable files, `thief` on the server",
        )
        .shows("1 disagreement;");
    stack.sql("postgres", "ALTER DATABASE app OWNER TO app_user").await;
    stack.run(&CHECK).expect(0);
}

/// Of a reader's secret, too.
#[tokio::test]
async fn tags_that_say_another_login_are_told() {
    let stack = applied().await;
    let changes = [
        (SECRET, "Username", "other_user", "`app_user` in the variable files"),
        (SECRET, "Database", "other", "`app` in the variable files"),
        (SECRET, "Endpoint", "elsewhere:1", "on the server"),
        (SECRET, "Environment", "prod", "`dev` as `apply` writes it"),
        (SECRET, "ManagedBy", "terraform", "`goldenpath-rds` as `apply` writes it"),
        ("goldenpath/dev/a.ro/postgres", "Username", "app_user", "`reader` in the variable files"),
    ];
    for (secret, key, value, _) in changes {
        let tag = Tag::builder().key(key).value(value).build();
        stack.secrets.tag_resource().secret_id(secret).tags(tag).send().await.expect("tagged");
    }
    let answer = stack.run(&CHECK).expect(2).shows("6 disagreements;");
    for (secret, key, value, wanted) in changes {
        let begin = format!("! secret {secret}: {key} is ");
        let end = format!("{wanted}, `{value}` in Secrets Manager");
        let told = |line: &str| line.contains(&begin) && line.ends_with(&end);
        assert!(answer.stdout.lines().any(told), "{begin}… {end}\n{}", answer.stdout);
    }
}

/// Nobody can read it any more, and soon it is gone; also while the catalog still waits for the database.
#[tokio::test]
async fn a_secret_that_is_scheduled_for_deletion_is_missing() {
    let stack = applied().await;
    let delete = stack.secrets.delete_secret().secret_id(SECRET);
    delete.recovery_window_in_days(7).send().await.expect("scheduled");
    let told = format!(
        "secret {SECRET}: missing in Secrets Manager, where it is scheduled for deletion; `plan` says how it comes back\n"
    );
    stack.run(&CHECK).expect(2).shows(&told).shows("1 disagreement;");
    stack.write(CATALOG, &catalog("failed"));
    stack.run(&CHECK).expect(2).shows(&told);
    stack.run(&APPLY).expect(0).says("catalog: app is active");
    stack.run(&CHECK).expect(0).shows("All sides agree");
}

/// One that is folded keeps its form; one in which the word cannot be replaced stays as it is.
#[tokio::test]
async fn a_status_in_an_odd_form_is_replaced_or_left_alone() {
    let folded = catalog(">- # set by apply\n        pending");
    let folded = folded.replacen("databases:", "last_updated: >\n  2026-01-16\ndatabases:", 1);
    let stack = stack("pending").await;
    stack.write(CATALOG, &folded);
    stack.run(&APPLY).expect(0).says("catalog: app is active");
    let read = || std::fs::read_to_string(stack.root().join(CATALOG)).expect("the catalog");
    assert_eq!(read(), folded.replace("pending", "active"));
    let escaped = catalog("\"p\\x65nding\"");
    stack.write(CATALOG, &escaped);
    stack
        .run(&APPLY)
        .expect(1)
        .says(&format!("{CATALOG}:10:15: write the value as a single word"))
        .says("hint: the catalog is as it was; mend it and run the same command again");
    assert_eq!(read(), escaped);
}
