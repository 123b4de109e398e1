//! Keys and user names that change, or come back for something else.

use serde_json::Value;

use crate::harness::Stack;

const ENTRIES: &str = r#"
  shop    = { database_name = "shop", username = "shop_user" }
  reports = { database_name = "shop", username = "shop_reports", access_level = "reader" }
  other   = { database_name = "other", username = "other_user" }
"#;

const OTHER: &str = "goldenpath/dev/other/postgres";
const REPORTS: &str = "goldenpath/dev/reports/postgres";

async fn converged() -> Stack {
    let stack = Stack::new(ENTRIES).await;
    stack.converge();
    stack
}

async fn password(stack: &Stack, secret: &str) -> String {
    stack.secret(secret).await["password"].as_str().unwrap().to_owned()
}

/// Entries are removed and their databases stay, with the applications that use them.
#[tokio::test]
async fn a_key_that_comes_back_for_another_role_takes_no_living_roles_secret() {
    let stack = converged().await;
    let before = stack.secret(OTHER).await;
    stack.entries(
        r#"
  shop  = { database_name = "shop", username = "shop_user" }
  other = { database_name = "shop", username = "shop_ro", access_level = "reader" }
"#,
    );
    for flags in [&[][..], &["--reset-password", "other"]] {
        let arguments = [&["apply", "--env", "dev", "--auto-approve"][..], flags].concat();
        stack
            .run(&arguments)
            .expect(3)
            .shows("secret `goldenpath/dev/other/postgres` is of role \"other_user\", which still exists")
            .shows("hint: take the change of the entry's key or username back")
            .shows("`ALTER ROLE \"other_user\" RENAME TO \"shop_ro\"`");
    }
    assert_eq!(stack.secret(OTHER).await, before);
    stack.login_with_secret(OTHER).await.unwrap();

    // Who knew the password of a role that is gone does not come in as another.
    stack.sql("postgres", "DROP DATABASE other WITH (FORCE)").await;
    stack.sql("postgres", "DROP ROLE other_user").await;
    stack.converge().shows("username `other_user` -> `shop_ro`").shows("with a new password");
    assert_ne!(Value::from(password(&stack, OTHER).await), before["password"]);
    stack.login_with_secret(OTHER).await.unwrap();
}

#[tokio::test]
async fn a_role_that_was_renamed_keeps_its_password() {
    let stack = converged().await;
    let before = password(&stack, OTHER).await;
    stack.sql("postgres", "ALTER ROLE other_user RENAME TO newer_user").await;
    stack.entries(&ENTRIES.replace("other_user", "newer_user"));
    stack.converge().shows("username `other_user` -> `newer_user`").shows("the password stays");
    assert_eq!(password(&stack, OTHER).await, before);
    stack.login_with_secret(OTHER).await.unwrap();
}

#[tokio::test]
async fn a_reader_under_another_key_keeps_its_live_secret_until_somebody_decides() {
    let stack = converged().await;
    stack.entries(&ENTRIES.replace("reports ", "figures "));
    stack
        .apply()
        .expect(3)
        .shows("the password of role \"shop_reports\" is in `goldenpath/dev/reports/postgres`, and there is no secret `goldenpath/dev/figures/postgres`")
        .shows("--reset-password figures");
    stack.login_with_secret(REPORTS).await.unwrap();

    let reset = ["apply", "--env", "dev", "--auto-approve", "--reset-password", "figures"];
    stack.run(&reset).expect(0);
    stack.login_with_secret("goldenpath/dev/figures/postgres").await.unwrap();
    let refused = stack.login_with_secret(REPORTS).await.err();
    assert_eq!(refused.as_deref(), Some("28P01"));
    stack.plan().expect(0).shows("No changes:").shows("goldenpath/dev/reports/postgres");
}
