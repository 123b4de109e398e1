//! Values that somebody put into a secret of ours by hand, and got wrong: the tags still say what stood there.

use aws_sdk_secretsmanager::operation::put_secret_value::builders::PutSecretValueFluentBuilder as Put;
use aws_sdk_secretsmanager::primitives::Blob;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, ENV, Stack, minted};

const SECRET: &str = "goldenpath/dev/app/postgres";
const RESET: [&str; 6] = ["apply", "--env", ENV, "--auto-approve", "--reset-password", "app"];
const ROTATE: [&str; 5] = ["rotate", "--env", ENV, "--auto-approve", "app"];

/// Puts a value as AWSCURRENT. The label is moved by a call of its own: once moto has moved it so, a value that is
/// put does not take it from the version that has it.
async fn put(stack: &Stack, id: &str, value: &str) {
    put_value(stack, id, |put| put.secret_string(value)).await;
}

async fn put_value(stack: &Stack, id: &str, value: impl FnOnce(Put) -> Put) {
    let put = stack.secrets.put_secret_value().secret_id(SECRET).client_request_token(id);
    value(put).version_stages("BY_HAND").send().await.unwrap();
    let holder = stack.labels(SECRET).await["AWSCURRENT"].clone();
    let request = stack.secrets.update_secret_version_stage().secret_id(SECRET);
    let request = request.version_stage("AWSCURRENT").move_to_version_id(id);
    request.remove_from_version_id(holder).send().await.unwrap();
}

async fn password(stack: &Stack) -> String {
    stack.secret(SECRET).await["password"].as_str().unwrap().to_owned()
}

fn assert_not_shown(answer: &Answer) {
    assert!(!format!("{}{}", answer.stdout, answer.stderr).contains("hunter2"));
}

#[tokio::test]
async fn a_spoiled_value_is_an_obstacle_until_a_new_password_is_asked_for() {
    let stack = Stack::with_app().await;
    stack.converge();
    let spoiled = [
        ("[]", "it is not a JSON object"),
        ("hunter2", "it is not a JSON object"),
        ("{}", "it has no `password`"),
        (r#"{"team":"kept","password":""}"#, "its `password` is empty or not a string"),
        (r#"{"team":"kept","password":7}"#, "its `password` is empty or not a string"),
    ];
    let ways = [(&RESET[..], "Apply complete: 4 done"), (&ROTATE, "Rotation complete: 4 done")];
    let all = spoiled.into_iter().zip(ways.into_iter().cycle());
    for (hours, ((value, why), (way, done))) in (1..).zip(all) {
        let (good, id) = (password(&stack).await, minted(hours));
        put(&stack, &id, value).await;
        let obstacle = format!("! app: version {id} of secret `{SECRET}`: {why}");
        for answer in [stack.plan(), stack.apply()] {
            let answer = answer.expect(3).shows(&obstacle).shows("run with `--reset-password app`");
            assert_not_shown(&answer);
        }
        stack.login("app_user", &good, "app").await.unwrap();

        let answer = stack.run(way).expect(0).shows(done);
        assert_not_shown(&answer.shows(&format!("version {id} is spoiled: {why}")));
        stack.login_with_secret(SECRET).await.unwrap();
        let kept = stack.secret(SECRET).await.get("team").cloned();
        assert_eq!(kept, value.contains("kept").then(|| json!("kept")), "{value}");
        stack.plan().expect(0).shows("No changes:");
    }
}

#[tokio::test]
async fn bytes_give_way_to_a_new_password() {
    let stack = Stack::with_app().await;
    stack.converge();
    for (hours, way) in [(1, &RESET[..]), (2, &ROTATE)] {
        put_value(&stack, &minted(hours), |put| put.secret_binary(Blob::new(b"not text"))).await;
        stack.apply().expect(3).shows("it holds bytes instead of text");
        stack.run(way).expect(0);
        stack.login_with_secret(SECRET).await.unwrap();
        stack.plan().expect(0).shows("No changes:");
    }
}

/// The role was dropped, and comes back.
#[tokio::test]
async fn a_role_is_not_made_from_a_spoiled_value() {
    let stack = Stack::with_app().await;
    stack.converge();
    stack.sql("postgres", "DROP DATABASE app").await;
    stack.sql("postgres", "DROP ROLE app_user").await;
    put(&stack, &minted(1), "hunter2").await;
    let answer = stack.apply().expect(3).shows("it is not a JSON object");
    assert_not_shown(&answer.shows("run with `--reset-password app`"));
    stack.run(&RESET).expect(0);
    stack.login_with_secret(SECRET).await.unwrap();
    stack.plan().expect(0).shows("No changes:");
}

/// The value that is AWSCURRENT with one key set, or without it.
async fn changed(stack: &Stack, name: &str, to: Option<&str>) -> Value {
    let mut value = stack.secret(SECRET).await;
    let fields = value.as_object_mut().unwrap();
    match to {
        Some(to) => fields.insert(name.to_owned(), json!(to)),
        None => fields.remove(name),
    };
    value
}

#[tokio::test]
async fn wrong_fields_are_put_right_and_the_password_that_was_put_stays() {
    let stack = Stack::with_app().await;
    stack.converge();
    let wrong = [
        ("host", Some("by.hand"), "host `by.hand` -> `localhost`, the password stays"),
        ("port", Some("1"), "port `1` -> `"),
        ("dbname", Some("postgres"), "dbname `postgres` -> `app`, the password stays"),
        ("dbname", None, "dbname `app` is missing, the password stays"),
        ("username", None, "username `app_user` is missing, the password stays"),
    ];
    for (at, (name, to, reason)) in wrong.into_iter().enumerate() {
        let (mut value, put_by_hand) = (changed(&stack, name, to).await, format!("by-hand-{at}"));
        value["password"] = json!(put_by_hand);
        // As the console makes them.
        put(&stack, &Uuid::new_v4().to_string(), &value.to_string()).await;
        stack.converge().shows(reason);
        assert_eq!(password(&stack).await, put_by_hand);
        stack.login_with_secret(SECRET).await.unwrap();
        stack.run(&["verify", "--env", ENV]).expect(0);
    }
}

/// Whoever knows the password that was put there by that name does not come in as the entry's role.
#[tokio::test]
async fn a_wrong_username_gives_the_role_no_password_that_is_of_another() {
    let stack = Stack::new(
        r#"
  app   = { database_name = "app", username = "app_user" }
  other = { database_name = "other", username = "other_user" }
"#,
    )
    .await;
    stack.converge();
    let good = stack.secret(SECRET).await;
    let theirs = stack.secret("goldenpath/dev/other/postgres").await;
    let mut value = changed(&stack, "username", Some("other_user")).await;
    value["password"] = theirs["password"].clone();
    put(&stack, &minted(1), &value.to_string()).await;
    let refused =
        "secret `goldenpath/dev/app/postgres` is of role \"other_user\", which still exists";
    for answer in [stack.plan(), stack.apply(), stack.run(&ROTATE), stack.run(&RESET)] {
        answer.expect(3).shows(refused).shows("if only the secret's `username` is wrong, put the");
    }
    stack.login("app_user", good["password"].as_str().unwrap(), "app").await.unwrap();

    value["username"] = json!("nobody");
    put(&stack, &minted(2), &value.to_string()).await;
    stack.converge().shows("username `nobody` -> `app_user`, with a new password");
    assert_ne!(password(&stack).await, theirs["password"]);
    stack.login_with_secret(SECRET).await.unwrap();
    stack.run(&["verify", "--env", ENV]).expect(0);
}
