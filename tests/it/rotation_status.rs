//! `rotation-status`: the age of every password, without reading one.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Answer, ENV, Recorder, Stack};

const MASTER: &str = "goldenpath/dev/rds/master";

fn status(stack: &Stack, arguments: &[&str]) -> Answer {
    stack.run(&[&["rotation-status", "--env", ENV][..], arguments].concat())
}

/// A version id of ours that was born so many days ago.
fn born(days: i64) -> String {
    let at =
        Timestamp::now() - SignedDuration::from_hours(24 * days) - SignedDuration::from_secs(60);
    let millis = u64::try_from(at.as_millisecond()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(millis, &[3; 10]).into_uuid().to_string()
}

/// Makes a version of this id AWSCURRENT.
async fn put(stack: &Stack, name: &str, id: &str) {
    let value = json!({ "username": "u", "password": format!("of-{id}") }).to_string();
    let put = stack.secrets.put_secret_value().secret_id(name).client_request_token(id);
    let put = put.secret_string(&value).version_stages("AWSCURRENT");
    if put.send().await.is_err() {
        let create = stack.secrets.create_secret().name(name).client_request_token(id);
        create.secret_string(value).send().await.unwrap();
    }
}

fn name(entry: &str) -> String {
    format!("goldenpath/dev/{entry}/postgres")
}

/// The master and three entries, so many days old.
async fn aged(days: [i64; 4]) -> Stack {
    let stack = Stack::with_apps().await;
    put(&stack, MASTER, &born(days[0])).await;
    for (entry, days) in ["inventory", "orders", "portal"].into_iter().zip(&days[1..]) {
        put(&stack, &name(entry), &born(*days)).await;
    }
    stack
}

#[tokio::test]
async fn ages_are_held_against_the_policy() {
    let stack = aged([3, 24, 26, 31]).await;
    let answer = status(&stack, &[]).expect(2);
    let day = |days: i64| {
        let at = Timestamp::now() - SignedDuration::from_secs(60);
        (at + SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string()
    };
    let (soon, past) = (day(30 - 26), day(30 - 31));
    let wanted = format!(
        "environment `dev`

  = the master  3 days old, within the 30 days
  = inventory   24 days old, within the 30 days
  ~ orders      26 days old, to be rotated by {soon} (30 days)
  ! portal      31 days old, to be rotated since {past} (30 days)

2 of 4 passwords within the policy, 1 due soon, 1 overdue.
hint: `goldenpath-rds rotate --env dev --due` gives new ones
"
    );
    assert_eq!(answer.stdout, wanted);
}

#[tokio::test]
async fn all_within_is_success() {
    let stack = aged([0, 1, 2, 3]).await;
    status(&stack, &[]).expect(0).shows("4 of 4 passwords within the policy.");
}

#[tokio::test]
async fn a_missing_secret_is_a_failure_and_not_compliance() {
    let stack = aged([0, 1, 2, 40]).await;
    let delete = stack.secrets.delete_secret().secret_id(name("orders"));
    delete.force_delete_without_recovery(true).send().await.unwrap();
    let delete = stack.secrets.delete_secret().secret_id(name("inventory"));
    delete.recovery_window_in_days(7).send().await.unwrap();
    let answer = status(&stack, &[]).expect(1);
    answer
        .shows(
            "! orders      there is no secret goldenpath/dev/orders/postgres, or it has no value",
        )
        .shows("! inventory   there is no secret")
        .shows("1 of 4 passwords within the policy, 1 overdue, 2 unknown.");
}

#[tokio::test]
async fn ids_of_terraform_carry_their_age_and_others_are_asked_for_it() {
    let stack = aged([0, 1, 1, 1]).await;
    put(&stack, &name("orders"), "terraform-20250102030405678900000001").await;
    let (portal, inventory) = (uuid::Uuid::new_v4().to_string(), born(-400));
    put(&stack, &name("portal"), &portal).await;
    put(&stack, &name("inventory"), &inventory).await;
    let recorder = Recorder::start();
    let at = |days: i64| Timestamp::now() - SignedDuration::from_hours(24 * days + 1);
    recorder.created(&portal, at(40));
    recorder.created(&inventory, at(27));
    let mut command = stack.command(&["rotation-status", "--env", ENV]);
    command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
    let answer = crate::harness::answer(command.output().unwrap()).expect(2);
    let answer = answer.shows("! orders      ").shows("to be rotated since 2025-02-01 (30 days)");
    let answer = answer.shows("! portal      40 days old, to be rotated since ");
    // Its id says a time that is to come: the clock was wrong where it was made.
    answer.shows("~ inventory   27 days old, to be rotated by ");
}

#[tokio::test]
async fn an_environment_may_have_days_of_its_own() {
    let stack = aged([8, 8, 8, 8]).await;
    status(&stack, &[]).expect(0);
    stack.write("envs/dev-rds/rotation.auto.tfvars", "secret_rotation_days = { unknown = 7 }");
    let answer =
        status(&stack, &[]).expect(2).shows("1 of 4 passwords within the policy, 3 overdue");
    answer.shows("(7 days)");
    let flag = ["--var", "secret_rotation_days={ unknown = 60, master = 8 }"];
    status(&stack, &flag).expect(2).shows("! the master  8 days old");

    stack.write("envs/dev-rds/rotation.auto.tfvars", "secret_rotation_days = { hihg = 7 }");
    let answer = status(&stack, &[]).expect(1).says("`hihg` is no risk");
    answer.says("rotation.auto.tfvars:1:26").says("access, unknown and master");
    for days in ["0", "-1", "7.5", "65536"] {
        let text = format!("secret_rotation_days = {{ high = {days} }}");
        stack.write("envs/dev-rds/rotation.auto.tfvars", &text);
        let answer = status(&stack, &[]).expect(1).says("`high` is no number of days");
        answer.says("hint: give a whole number of days from 1 to 65535");
    }
}

/// A warning that began with the period would never end.
#[tokio::test]
async fn a_password_that_was_just_rotated_is_never_due() {
    let stack = Stack::with_app().await;
    stack.converge();
    for days in 1..=6 {
        let days = format!("secret_rotation_days={{ unknown = {days}, master = {days} }}");
        let answer = status(&stack, &["--var", &days]).expect(0);
        answer.shows("2 of 2 passwords within the policy.");
        let rotate = ["rotate", "--env", ENV, "--due", "--auto-approve", "--var", &days];
        stack.run(&rotate).expect(0).shows("note: no password is due");
    }
}

#[tokio::test]
async fn github_gets_warnings_and_a_summary() {
    let stack = aged([3, 24, 26, 31]).await;
    let delete = stack.secrets.delete_secret().secret_id(name("inventory"));
    delete.force_delete_without_recovery(true).send().await.unwrap();
    let mut command = stack.command(&["rotation-status", "--env", ENV, "--format", "github"]);
    command.env("GITHUB_STEP_SUMMARY", stack.root().join("summary.md"));
    let answer = crate::harness::answer(command.output().unwrap()).expect(1);
    let lines: Vec<&str> = answer.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].starts_with("::error title=Secret rotation::dev: inventory: there is no secret")
    );
    assert!(lines[1].starts_with("::warning title=Secret rotation::dev: orders: 26 days old"));
    assert!(lines[2].starts_with("::warning title=Secret rotation::dev: portal: 31 days old"));
    let summary = std::fs::read_to_string(stack.root().join("summary.md")).unwrap();
    assert!(summary.starts_with("### goldenpath-rds rotation-status\n\n**1 of 4 passwords within"));
    assert!(
        summary.contains("| `~` | orders | goldenpath/dev/orders/postgres | unknown | 26 days old")
    );
}

#[tokio::test]
async fn the_document_holds_the_same() {
    let stack = aged([3, 24, 26, 31]).await;
    let answer = status(&stack, &["--format", "json"]).expect(2);
    let document: Value = serde_json::from_str(&answer.stdout).unwrap();
    let ages = document["environments"][0]["ages"].as_array().unwrap();
    let states: Vec<_> = ages.iter().map(|age| age["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["within", "within", "due", "overdue"]);
    assert_eq!(
        (&ages[0]["entry"], &ages[3]["days"], &ages[3]["max_days"]),
        (&Value::Null, &31.into(), &30.into())
    );
}

#[tokio::test]
async fn all_environments_are_read_and_one_that_cannot_be_does_not_hide_the_others() {
    let stack = aged([0, 1, 2, 3]).await;
    stack.write("envs/test-rds/terraform.tfvars", "application_databases = {}\n");
    let all = ["rotation-status", "--all-envs"];
    put(&stack, "goldenpath/test/rds/master", &born(29)).await;
    let answer = stack.run(&all).expect(2).shows("environment `dev`").shows("environment `test`");
    answer
        .shows("4 of 5 passwords within the policy, 1 due soon")
        .shows("--env test --due --master");
    stack.write("envs/prod-rds/terraform.tfvars", "application_databases = 7\n");
    let answer = stack.run(&all).expect(1).says("error: environment `prod`: ");
    answer.shows("environment `dev`").shows("environment `test`");
    unread_is_part_of_each_result(&stack, &all);
    stack.run(&["rotation-status", "--all-envs", "--env", ENV]).expect(64);
    let two = ["rotation-status", "--env", "test", "--env", ENV];
    let answer = stack.run(&two).expect(2).shows("environment `dev`").shows("environment `test`");
    assert!(!answer.stderr.contains("prod"), "{}", answer.stderr);
    stack
        .run(&["plan", "--env", "test", "--env", ENV])
        .expect(64)
        .says("error: --env is given more than once");
}

/// A reader of the result alone must not take it for the whole.
fn unread_is_part_of_each_result(stack: &Stack, all: &[&str]) {
    let why = "envs/prod-rds: 1 problem; nothing was done";
    let headline = "1 of 3 environments could not be read; in the others 4 of 5 passwords within the policy, 1 due soon.";
    let run = |format: &str| stack.run(&[all, &["--format", format]].concat()).expect(1);
    let told = format!("environment `prod`\n\n  ! could not be read: {why}\n\n{headline}\n");
    run("human").shows(&told);
    let told = format!("#### `prod`\n\n`!` could not be read: {why}\n");
    run("markdown").shows(&format!("**{headline}**")).shows(&told);
    let command = stack.command(&[all, &["--format", "github"]].concat());
    let answer = github(stack, command).expect(1);
    answer.shows(&format!("::error title=Secret rotation::prod: could not be read: {why}\n"));
    let summary = std::fs::read_to_string(stack.root().join("summary.md")).unwrap();
    assert!(summary.contains(&told) && summary.contains(headline), "{summary}");
    let document: Value = serde_json::from_str(&run("json").stdout).unwrap();
    assert_eq!(document["environments"].as_array().unwrap().len(), 2);
    assert_eq!(document["unread"], json!([{ "environment": "prod", "message": why }]));
}

fn github(stack: &Stack, mut command: std::process::Command) -> Answer {
    command.env("GITHUB_STEP_SUMMARY", stack.root().join("summary.md"));
    crate::harness::answer(command.output().unwrap())
}

/// Nothing was looked at, and that is no compliance.
#[tokio::test]
async fn where_no_environment_is_found_or_can_be_read_nothing_is_within_the_policy() {
    let stack = Stack::with_app().await;
    std::fs::create_dir(stack.root().join("empty")).unwrap();
    for root in ["/nonexist", "empty"] {
        let answer = stack.run(&["rotation-status", "--all-envs", "--root", root]).expect(1);
        let answer = answer
            .says(&format!("error: there is no environment in {root}/envs"))
            .says("hint: --root names the repository");
        assert_eq!(answer.stdout, "");
    }
    for environment in [ENV, "test"] {
        stack.write(&format!("envs/{environment}-rds/terraform.tfvars"), "unknown =");
    }
    // A folder that no environment can have.
    stack.write("envs/Odd_Name-rds/terraform.tfvars", "");
    let answer = stack.run(&["rotation-status", "--all-envs"]).expect(1);
    let answer = answer.shows("3 of 3 environments could not be read.");
    let answer = answer.shows("environment `Odd_Name`\n\n  ! could not be read: ");
    assert!(!answer.stdout.contains("within the policy"), "{}", answer.stdout);
}

#[tokio::test]
async fn an_unfinished_rotation_is_told() {
    let stack = aged([0, 1, 2, 27]).await;
    let put = stack.secrets.put_secret_value().secret_id(name("portal"));
    let put = put.client_request_token(born(0)).secret_string("{}").version_stages("AWSPENDING");
    put.send().await.unwrap();
    status(&stack, &[]).expect(2).shows("(30 days); a rotation is unfinished");
}

/// Cut off between setting and publishing: until it is finished nobody gets in.
#[tokio::test]
async fn an_unfinished_rotation_is_due_whatever_the_age() {
    let stack = Stack::with_apps().await;
    stack.converge();
    let (pending, mut value) = (born(0), stack.secret(&name("portal")).await);
    value["password"] = json!("the-next-password");
    let put = stack.secrets.put_secret_value().secret_id(name("portal"));
    let put = put.client_request_token(&pending).secret_string(value.to_string());
    put.version_stages("AWSPENDING").send().await.unwrap();
    // The converged one is younger than a minute.
    let newer = uuid::Uuid::now_v7().to_string();
    let put = stack.secrets.put_secret_value().secret_id(name("portal"));
    let put = put.client_request_token(&newer).secret_string(value.to_string());
    status(&stack, &[]).expect(0).shows("4 of 4 passwords within the policy.");
    put.version_stages("AWSPENDING").send().await.unwrap();
    let marker =
        format!("managed by goldenpath-rds; env=dev; entry=portal; secret-version={newer}");
    let set = format!(
        "ALTER ROLE portal_user PASSWORD 'the-next-password'; COMMENT ON ROLE portal_user IS '{marker}'"
    );
    stack.sql("postgres", &set).await;

    let answer = status(&stack, &[]).expect(2);
    answer
        .shows("~ portal      0 days old, within the 30 days; a rotation is unfinished")
        .shows("4 of 4 passwords within the policy, 1 unfinished.")
        .shows("hint: `goldenpath-rds rotate --env dev --due` gives new ones");
    let answer = status(&stack, &["--format", "github"]).expect(2);
    answer.shows("::warning title=Secret rotation::dev: portal: 0 days old, within the 30 days; a");
    let rotate = ["rotate", "--env", ENV, "--due", "--auto-approve"];
    stack.run(&rotate).expect(0).shows("Rotation complete: 2 done");
    assert_eq!(stack.labels(&name("portal")).await["AWSCURRENT"], newer);
    status(&stack, &[]).expect(0);
}

/// `rotate` leaves such a secret alone, so nothing else is promised.
#[tokio::test]
async fn a_rotation_of_another_program_is_told_with_what_to_do() {
    let stack = aged([0, 1, 1, 1]).await;
    let theirs = uuid::Uuid::new_v4().to_string();
    let put = stack.secrets.put_secret_value().secret_id(name("portal"));
    let put = put.client_request_token(&theirs).secret_string("{}").version_stages("AWSPENDING");
    put.send().await.unwrap();
    let message = format!(
        "secret `{}` has a version {theirs} that is AWSPENDING and not ours",
        name("portal")
    );
    let hint = "finish that rotation, or take the label off with `aws secretsmanager update-secret-version-stage`";
    let answer = status(&stack, &[]).expect(2).shows("; a rotation is unfinished");
    let answer = answer.shows(&format!("hint: portal: {message}; {hint}\n"));
    assert!(!answer.stdout.contains("gives new ones"), "{}", answer.stdout);
    let answer = status(&stack, &["--format", "json"]).expect(2);
    let document: Value = serde_json::from_str(&answer.stdout).unwrap();
    let ages = &document["environments"][0]["ages"];
    assert_eq!(ages[3]["obstacle"], json!({ "message": message, "hint": hint }));
    assert_eq!(ages[1].get("obstacle"), None);

    put_old(&stack, &name("orders"), 26).await;
    let answer = status(&stack, &[]).expect(2).shows(&message);
    answer.shows("hint: `goldenpath-rds rotate --env dev --due` gives new ones\n");
}

/// Puts the value that is there as a version that was born so many days ago.
async fn put_old(stack: &Stack, name: &str, days: i64) -> String {
    let (id, value) = (born(days), stack.secret(name).await.to_string());
    let put = stack.secrets.put_secret_value().secret_id(name).client_request_token(&id);
    put.secret_string(value).version_stages("AWSCURRENT").send().await.unwrap();
    id
}

/// Makes an entry's password older, for its role too.
async fn grow_old(stack: &Stack, entry: &str, days: i64) {
    let id = put_old(stack, &name(entry), days).await;
    let marker = format!("managed by goldenpath-rds; env=dev; entry={entry}; secret-version={id}");
    stack.sql("postgres", &format!("COMMENT ON ROLE {entry}_user IS '{marker}'")).await;
}

#[tokio::test]
async fn rotate_due_fails_where_a_secret_is_missing_and_rotates_the_others() {
    let stack = Stack::with_apps().await;
    stack.converge();
    let delete = stack.secrets.delete_secret().secret_id(name("orders"));
    delete.force_delete_without_recovery(true).send().await.unwrap();
    let rotate = ["rotate", "--env", ENV, "--due", "--auto-approve"];
    let missing = "error: orders: there is no secret goldenpath/dev/orders/postgres";
    stack.run(&rotate).expect(1).shows("note: no password is due").says(missing);
    grow_old(&stack, "inventory", 26).await;
    grow_old(&stack, "portal", 31).await;
    let answer = stack.run(&rotate).expect(1).shows("Rotation complete: 8 done").says(missing);
    answer.says("hint: `goldenpath-rds apply --env dev` makes what is missing");
}

#[tokio::test]
async fn rotate_due_rotates_what_the_status_calls_due() {
    let stack = Stack::with_apps().await;
    stack.converge();
    stack.write(
        "envs/dev-rds/rotation.auto.tfvars",
        "secret_rotation_days = { unknown = 20, master = 5 }",
    );
    let rotate = ["rotate", "--env", ENV, "--due", "--auto-approve"];
    stack.run(&rotate).expect(0).shows("note: no password is due").shows("No changes");

    grow_old(&stack, "orders", 16).await;
    put_old(&stack, MASTER, 4).await;
    stack.plan().expect(0).shows("No changes:");

    status(&stack, &[]).expect(2).shows("~ orders      16 days old");
    let answer = stack.run(&rotate).expect(0).shows("Rotation complete: 4 done");
    assert!(!answer.stdout.contains("inventory"), "{}", answer.stdout);
    status(&stack, &[]).expect(2).shows("~ the master  4 days old");
    let both = [&rotate[..], &["--master"]].concat();
    let answer = stack.run(&both).expect(0).shows("Rotation complete: 5 done");
    answer.shows("the server: platform_admin has a new password");
}

#[tokio::test]
async fn the_risk_in_the_catalog_decides_how_old_a_password_may_become() {
    let stack = aged([0, 15, 15, 15]).await;
    let record = |database: &str, risk: &str| {
        format!("  {database}:\n    metadata:\n      environment: dev\n      risk: {risk}\n")
    };
    let records =
        [record("inventory", "high"), record("orders", "access"), record("portal", "low")];
    let path = "docs/20-contracts/resource-catalogs/rds-catalog.yaml";
    stack.write(path, &format!("databases:\n{}", records.concat()));
    let answer = status(&stack, &["--format", "markdown"]).expect(2);
    answer
        .shows("**2 of 4 passwords within the policy, 2 overdue.**")
        .shows("| `!` | inventory | goldenpath/dev/inventory/postgres | high | 15 days old")
        .shows("| `!` | orders | goldenpath/dev/orders/postgres | access | 15 days old")
        .shows("| `=` | portal | goldenpath/dev/portal/postgres | low | 15 days old, within the 30 days |");
}
