//! What a pull request would do, and what a merge does, to the servers.

use std::collections::BTreeSet;

use serde_json::json;

use super::github::GitHub;
use super::runner::{self, Event, Run};
use super::{APP, CATALOG, NONE, pull_request, says, succeeded};
use crate::harness::Stack;

/// Who answers for `app`.
const RECORD: &str = "databases:
  app:
    metadata: # kept
      id: DATABASE_APP
      owner: app-team
      requested_by: ada-lovelace
      domain: catalog
      risk: low
      environment: dev
      status: pending
      created_date: \"2026-01-15\"
    configuration:
      username: app_user
      size_tier: small
      instance_class: db.t3.micro
      secret_path: goldenpath/dev/app/postgres
";

pub async fn plan() -> Vec<Run> {
    let stack = Stack::new("").await;
    let github = GitHub::new(&[
        ("envs/dev-rds/terraform.tfvars", NONE),
        ("envs/test-rds/terraform.tfvars", NONE),
    ]);
    // What the pull request makes of the scripts is not run with credentials.
    let script = (".github/scripts/shown", "#!/bin/sh\nexit 9\n");
    let event =
        pull_request(&github, &[("envs/dev-rds/terraform.tfvars", APP), script, (CATALOG, RECORD)]);
    let first = succeeded(runner::run("rds-plan.yml", &github, &stack, &event));
    assert_eq!(first.roles, BTreeSet::from(["dev-plan".to_owned()]), "only what is changed");
    let comments = github.list("comments");
    let body = comments[0]["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- rds-plan dev -->\n### goldenpath-rds plan: `dev`\n"), "{body}");
    assert!(body.contains("Plan: 3 to create"), "{body}");
    assert!(body.contains("1 of 1 databases (100 %) have an owner"), "{body}");

    // Who answers for a database is on the server too, so the catalog alone is planned as well.
    github.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    github.write("envs/dev-rds/terraform.tfvars", APP);
    github.write(CATALOG, RECORD);
    github.push("main", "Merge it");
    let event = pull_request(&github, &[(CATALOG, &RECORD.replace("low", "high"))]);
    let recorded = succeeded(runner::run("rds-plan.yml", &github, &stack, &event));
    assert_eq!(recorded.roles, BTreeSet::from(["dev-plan".to_owned()]), "{}", recorded.log);
    github.git(&["reset", "--quiet", "--hard", "HEAD^"]);

    // What is wrong is said in the same place, and the check fails.
    github.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    let event =
        pull_request(&github, &[("envs/dev-rds/terraform.tfvars", "application_databases = {")]);
    let second = runner::run("rds-plan.yml", &github, &stack, &event);
    assert_eq!(second.failed, BTreeSet::from(["plan dev".to_owned()]), "{}", second.log);
    let comments = github.list("comments");
    assert_eq!(comments.as_array().unwrap().len(), 1, "{comments}");
    let body = comments[0]["body"].as_str().unwrap();
    assert!(body.contains("envs/dev-rds: 1 problem; nothing was done"), "{body}");

    // What a link leads to on the runner is neither read nor quoted.
    github.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    github.link("envs/dev-rds/x.auto.tfvars", "/proc/self/environ");
    let event = pull_request(&github, &[("envs/dev-rds/terraform.tfvars", NONE)]);
    let third = runner::run("rds-plan.yml", &github, &stack, &event);
    assert_eq!(third.failed, BTreeSet::from(["plan dev".to_owned()]), "{}", third.log);
    says(&third, "error: envs/dev-rds/x.auto.tfvars is a link that leads out of the repository");
    assert!(third.roles.is_empty(), "before any credentials");
    let comments = github.list("comments").to_string();
    assert!(!comments.contains("AWS_"), "{comments}");

    // A fork gets no credentials.
    let mut event = event;
    event.payload["pull_request"]["head"]["repo"]["full_name"] = json!("someone/platform");
    let fork = succeeded(runner::run("rds-plan.yml", &github, &stack, &event));
    assert!(fork.covered.is_empty() && fork.roles.is_empty());
    vec![first, second]
}

pub async fn apply() -> Vec<Run> {
    let stack = Stack::new("").await;
    let test = r#"application_databases = { other = { database_name = "other", username = "other_user" } }"#;
    stack.put_secret("goldenpath/test/rds/master", &stack.master_secret()).await;
    let github = GitHub::new(&[
        ("envs/dev-rds/terraform.tfvars", NONE),
        ("envs/local-rds/terraform.tfvars", NONE),
    ]);
    github.write(CATALOG, RECORD);
    let before = github.git(&["rev-parse", "HEAD"]);
    for (path, text) in [("dev", APP), ("test", test), ("local", APP)] {
        github.write(&format!("envs/{path}-rds/terraform.tfvars"), text);
    }
    let sha = github.push("main", "Two databases");
    let payload = json!({ "before": before });
    let event = Event { name: "push", payload, branch: "main", sha: sha.clone() };
    let merged = succeeded(runner::run("rds-database-apply.yml", &github, &stack, &event));
    assert_eq!(merged.roles, BTreeSet::from(["dev".to_owned(), "test".to_owned()]));
    stack.login_with_secret("goldenpath/dev/app/postgres").await.unwrap();
    stack.login_with_secret("goldenpath/test/other/postgres").await.unwrap();
    let audit = github.file("main", "governance/test/rds_request_audit.csv");
    assert!(
        audit.contains(",test,") && audit.contains(",4711,other,other_user,apply,success,"),
        "{audit}"
    );
    let first = github.file("main", "governance/dev/rds_request_audit.csv");
    assert!(first.contains(&format!(",dev,{sha},4711,")), "the commit that was applied: {first}");
    let tokens = std::fs::read_to_string(github.state().join("tokens")).unwrap();
    assert_eq!(tokens, "app-token auth setup-git\ngithub-token auth setup-git\n");
    let kept = &merged.artifacts["records-test-1"];
    assert_eq!(kept["governance/test/rds_request_audit.csv"].trim(), audit);
    assert!(kept[CATALOG].contains("owner: app-team"), "{kept:?}");
    assert_eq!(github.file("main", CATALOG), RECORD.replace("pending", "active").trim());

    // An obstacle fails the run, and is on record all the same.
    stack.make_foreign_role("late_user", "LOGIN").await;
    github.git(&["pull", "--quiet", "--rebase", "origin", "main"]);
    let late =
        r#"application_databases = { late = { database_name = "late", username = "late_user" } }"#;
    github.write("envs/test-rds/terraform.tfvars", late);
    let newest = github.push("main", "One more");
    let payload = json!({ "inputs": { "environment": "test" } });
    let event = Event { name: "workflow_dispatch", payload, branch: "main", sha };
    github.refuse_one_push();
    let blocked = runner::run("rds-database-apply.yml", &github, &stack, &event);
    assert_eq!(blocked.failed, BTreeSet::from(["apply test".to_owned()]), "{}", blocked.log);
    let audit = github.file("main", "governance/test/rds_request_audit.csv");
    let row = format!(",test,{newest},4711,late,late_user,blocked,warning,");
    assert!(audit.contains(&row), "the commit that was applied: {audit}");

    // From a branch nothing is applied.
    let mut branch = event;
    branch.branch = "mine";
    let refused = succeeded(runner::run("rds-database-apply.yml", &github, &stack, &branch));
    assert!(refused.covered.is_empty() && refused.roles.is_empty(), "{}", refused.log);

    // A catalog of which nobody knows what it says concerns nobody knows whom.
    let before = github.git(&["rev-parse", "HEAD"]);
    github.write(CATALOG, "databases: [");
    let sha = github.push("main", "Break the catalog");
    let broken = Event { name: "push", payload: json!({ "before": before }), branch: "main", sha };
    let broken = runner::run("rds-database-apply.yml", &github, &stack, &broken);
    assert_eq!(broken.failed, BTreeSet::from(["environments".to_owned()]), "{}", broken.log);
    vec![merged, blocked]
}

/// A push to `main` that changes nothing but who answers for `app`.
fn another_owner(github: &GitHub) -> Event<'static> {
    let before = github.git(&["rev-parse", "HEAD"]);
    let catalog = github.file("main", CATALOG);
    github.write(CATALOG, &format!("{}\n", catalog.replace("app-team", "sre-team")));
    let sha = github.push("main", "Another owner");
    Event { name: "push", payload: json!({ "before": before }), branch: "main", sha }
}

const AUDIT: &str = "governance/dev/rds_request_audit.csv";

/// What others have put on `main` until the records come.
pub async fn meanwhile() -> Vec<Run> {
    let stack = Stack::new("").await;
    // Neither governance/ nor a catalog.
    let github = GitHub::new(&[("envs/dev-rds/terraform.tfvars", APP)]);
    github.git(&["rm", "--quiet", "-r", "governance", "docs"]);
    let sha = github.push("main", "As the platform began");
    let payload = json!({ "inputs": { "environment": "" } });
    let event = Event { name: "workflow_dispatch", payload, branch: "main", sha };
    let file = "rds-database-apply.yml";
    let first = succeeded(runner::run(file, &github, &stack, &event));
    let audit = github.file("main", AUDIT);
    assert!(audit.ends_with("app,app_user,apply,success,0,") || audit.contains(",apply,success,"));
    assert_eq!(first.artifacts["records-dev-1"].len(), 1);

    // The next record of the catalog, and rows of another run.
    github.git(&["pull", "--quiet", "--rebase", "origin", "main"]);
    let base = github.git(&["rev-parse", "HEAD"]);
    github.write(CATALOG, RECORD);
    let sha = github.push("main", "A catalog");
    let next =
        RECORD.replace("  app:", "  next:").replace("databases:\n", "").replace("dev", "test");
    let row = "2026-11-27T00:00:00Z,dev,b,r,app,app_user,verify,warning,1,\"of\ntwo lines\"\n";
    github.write(CATALOG, &format!("{}{next}", RECORD.replace("low", "medium")));
    github.write(AUDIT, &format!("{audit}\n{row}"));
    github.push("meanwhile", "A request, and another run");
    github.git(&["reset", "--quiet", "--hard", &sha]);
    github.move_main_at_one_push();
    let event = Event { name: "push", payload: json!({ "before": base }), branch: "main", sha };
    let second = succeeded(runner::run(file, &github, &stack, &event));
    assert_eq!(second.roles, BTreeSet::from(["dev".to_owned()]), "the catalog alone changed");
    let both = github.file("main", AUDIT);
    assert!(both.starts_with(&format!("{audit}\n{row}")), "{both}");
    assert!(both.contains(",tag_secret,success,"), "{both}");
    assert_eq!(both.matches("timestamp_utc").count(), 1, "{both}");
    let active = RECORD.replace("low", "medium").replace("pending", "active");
    assert_eq!(github.file("main", CATALOG), format!("{active}{next}").trim());

    // A catalog that nobody can read holds up no audit.
    github.git(&["pull", "--quiet", "--rebase", "origin", "main"]);
    let event = another_owner(&github);
    github.write(CATALOG, "databases: [");
    github.push("meanwhile", "Break the catalog");
    github.git(&["reset", "--quiet", "--hard", &event.sha]);
    github.move_main_at_one_push();
    let third = runner::run(file, &github, &stack, &event);
    assert_eq!(third.failed, BTreeSet::from(["apply dev".to_owned()]), "{}", third.log);
    says(&third, "error: the catalog of this run could not be put on main");
    let all = github.file("main", AUDIT);
    assert!(all.len() > both.len() && all.starts_with(both.trim()), "{all}");
    vec![first, second]
}
