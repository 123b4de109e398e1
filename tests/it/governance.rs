//! Owner, domain and risk of a database, from the RDS catalog to tags and comments.

use std::collections::BTreeMap;

use crate::harness::{CATALOG, Stack};

const SECRET: &str = "goldenpath/dev/app/postgres";

fn catalog(owner: &str, risk: &str) -> String {
    format!(
        "\
databases:
  app: # in another environment: not this one's
    metadata: {{owner: sre-team, environment: prod, risk: low, domain: cost}}
  app-dev:
    metadata:
      id: DATABASE_APP-DEV
      owner: {owner}
      requested_by: daniel-deans
      domain: catalog
      risk: {risk}
      environment: dev
      status: pending
"
    )
}

async fn tags(stack: &Stack) -> BTreeMap<String, String> {
    let secret =
        stack.secrets.describe_secret().secret_id(SECRET).send().await.expect("it is there");
    let tags = secret.tags().iter();
    tags.map(|tag| (tag.key().unwrap_or("").to_owned(), tag.value().unwrap_or("").to_owned()))
        .collect()
}

async fn comment(stack: &Stack) -> String {
    let sql = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'app'";
    stack.value("postgres", sql).await
}

#[tokio::test]
async fn tags_and_the_comment_say_what_the_catalog_says() {
    let stack = Stack::with_app().await;
    stack.write(CATALOG, &catalog("app-team", "high"));
    stack.converge();
    let tags = tags(&stack).await;
    for (name, value) in [
        ("Owner", "app-team"),
        ("Domain", "catalog"),
        ("Risk", "high"),
        ("RequestedBy", "daniel-deans"),
        ("Id", "DATABASE_APP-DEV"),
        ("Database", "app"),
    ] {
        assert_eq!(tags.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(
        comment(&stack).await,
        "managed by goldenpath-rds; env=dev; entry=app; owner=app-team; domain=catalog; risk=high"
    );
}

#[tokio::test]
async fn a_change_of_the_catalog_is_a_change_of_tags_and_comment_only() {
    let stack = Stack::with_app().await;
    stack.converge();
    let password = stack.secret(SECRET).await["password"].clone();
    stack.write(CATALOG, &catalog("app-team", "low"));
    stack
        .plan()
        .expect(0)
        .shows("Plan: 0 to create, 2 to change")
        .shows("secret goldenpath/dev/app/postgres: tags Domain, Id, Owner, RequestedBy, Risk")
        .shows("the catalog says owner=app-team; domain=catalog; risk=low");
    stack.converge();
    stack.write(CATALOG, &catalog("sre-team", "low"));
    stack.plan().expect(0).shows("Plan: 0 to create, 2 to change").shows("postgres: tags Owner ");
    stack.converge();
    assert_eq!(tags(&stack).await["Owner"], "sre-team");
    assert_eq!(stack.secret(SECRET).await["password"], password);
}

#[tokio::test]
async fn what_someone_changed_by_hand_is_put_right() {
    let stack = Stack::with_app().await;
    stack.write(CATALOG, &catalog("app-team", "high"));
    stack.converge();
    let tag = aws_sdk_secretsmanager::types::Tag::builder().key("Risk").value("none").build();
    stack.secrets.tag_resource().secret_id(SECRET).tags(tag).send().await.expect("tagged");
    stack
        .sql(
            "postgres",
            "COMMENT ON DATABASE app IS 'managed by goldenpath-rds; env=dev; entry=app'",
        )
        .await;
    stack.plan().expect(0).shows("Plan: 0 to create, 2 to change").shows("postgres: tags Risk ");
    stack.converge();
    assert_eq!(tags(&stack).await["Risk"], "high");
    assert!(comment(&stack).await.ends_with("risk=high"));
}

#[tokio::test]
async fn a_broken_catalog_stops_a_plan_with_the_place() {
    let stack = Stack::with_app().await;
    stack.write(CATALOG, &catalog("app team", "high"));
    stack.plan().expect(1).says("rds-catalog.yaml:7:14: `app team` cannot be owner");
}
