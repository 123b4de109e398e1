//! What of the workflows no run of a block would notice: what starts them, what they may, and in which
//! order they go. Each is held against a table, and the tables against workflows that somebody spoilt.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::runner::document;
use super::workflows;

const PATHS: [&str; 2] = ["envs/*-rds/**", "docs/20-contracts/resource-catalogs/rds-catalog.yaml"];

const SERVERS: &str = "${{ vars.RDS_RUNNER || 'ubuntu-latest' }}";

/// What starts a workflow, and which of its runs wait for each other.
fn workflow(file: &str) -> Option<(Value, Option<(&'static str, bool)>)> {
    let pull_request = json!({ "pull_request": { "branches": ["main"], "paths": PATHS } });
    Some(match file {
        "ci.yml" => (
            json!({ "push": { "branches": ["main"] }, "pull_request": null }),
            Some(("ci-${{ github.ref }}", true)),
        ),
        "create-rds-database.yml" => {
            let group = "create-rds-database-${{ inputs.environment }}-${{ inputs.database_name }}";
            (json!({ "workflow_dispatch": {} }), Some((group, false)))
        }
        "pr-secret-rotation-warning.yml" => {
            let group = "pr-secret-rotation-warning-${{ github.event.pull_request.number }}";
            (pull_request, Some((group, true)))
        }
        "rds-plan.yml" => {
            (pull_request, Some(("rds-plan-${{ github.event.pull_request.number }}", true)))
        }
        "rds-database-apply.yml" => {
            let push = json!({ "branches": ["main"], "paths": PATHS });
            (json!({ "push": push, "workflow_dispatch": {} }), None)
        }
        "secret-rotation-check.yml" => {
            let daily = json!([{ "cron": "17 6 * * *" }]);
            let on = json!({ "schedule": daily, "workflow_dispatch": {} });
            (on, Some(("secret-rotation-check", false)))
        }
        _ => return None,
    })
}

/// What a job may, where, for how long, and from which commit.
struct Allowed {
    permissions: Value,
    environment: Option<&'static str>,
    condition: Option<&'static str>,
    concurrency: Option<(&'static str, bool)>,
    runs_on: &'static str,
    minutes: u64,
    /// The commit that the program comes from; `None` is the one that started the run.
    code: Option<&'static str>,
    /// Whether the program may come from the cache. On a pull request its earlier runs have written there.
    cache: bool,
}

const ALONE: Allowed = Allowed {
    permissions: Value::Null,
    environment: None,
    condition: None,
    concurrency: None,
    runs_on: "ubuntu-latest",
    minutes: 30,
    code: None,
    cache: true,
};

const BASE: Option<&str> = Some("${{ github.event.pull_request.base.sha }}");
const NEWEST: Option<&str> = Some("${{ github.ref }}");
const SAME_REPOSITORY: Option<&str> =
    Some("github.event.pull_request.head.repo.full_name == github.repository");
const ANY: Option<&str> = Some("needs.environments.outputs.names != '[]'");
const PLAN_ROLE: Option<&str> = Some("${{ matrix.environment }}-plan");

fn job(file: &str, job: &str) -> Option<Allowed> {
    let reads = json!({ "contents": "read" });
    let comments = json!({ "contents": "read", "id-token": "write", "pull-requests": "write" });
    let server = Allowed { runs_on: SERVERS, environment: PLAN_ROLE, condition: ANY, ..ALONE };
    Some(match (file, job) {
        ("ci.yml", "ci") => Allowed { permissions: reads, minutes: 90, cache: false, ..ALONE },
        ("create-rds-database.yml", "request") => {
            Allowed { permissions: reads, environment: Some("rds-requests"), code: NEWEST, ..ALONE }
        }
        ("rds-plan.yml" | "pr-secret-rotation-warning.yml", "environments") => {
            Allowed { permissions: reads, condition: SAME_REPOSITORY, code: BASE, ..ALONE }
        }
        ("rds-plan.yml", "plan") => {
            Allowed { permissions: comments, code: BASE, cache: false, ..server }
        }
        ("pr-secret-rotation-warning.yml", "warn") => {
            let known = Some(
                "needs.environments.outputs.names != '' && needs.environments.outputs.names != '[]'",
            );
            Allowed { permissions: comments, code: BASE, condition: known, cache: false, ..server }
        }
        ("rds-database-apply.yml", "environments") => Allowed {
            permissions: reads,
            condition: Some("github.ref == 'refs/heads/main'"),
            ..ALONE
        },
        ("rds-database-apply.yml", "apply") => Allowed {
            permissions: json!({ "contents": "write", "id-token": "write" }),
            environment: Some("${{ matrix.environment }}"),
            concurrency: Some(("rds-apply-${{ matrix.environment }}", false)),
            minutes: 60,
            code: NEWEST,
            ..server
        },
        ("secret-rotation-check.yml", "environments") => Allowed { permissions: reads, ..ALONE },
        ("secret-rotation-check.yml", "check") => {
            let issues = json!({ "contents": "read", "id-token": "write", "issues": "write" });
            Allowed { permissions: issues, ..server }
        }
        _ => return None,
    })
}

/// What is wrong with a workflow.
fn problems(file: &str, document: &Value) -> Vec<String> {
    let mut problems = Problems { file, found: Vec::new() };
    problems.same("permissions", &document["permissions"], &json!({}));
    if let Some((on, concurrency)) = workflow(file) {
        problems.same("on", &without_inputs(&document["on"]), &on);
        problems.waits("concurrency", &document["concurrency"], concurrency);
        for (name, found) in document["jobs"].as_object().unwrap() {
            match job(file, name) {
                Some(allowed) => problems.job(name, found, &allowed),
                None => problems.found.push(format!("{file}: nothing says what {name} may")),
            }
        }
    }
    for (name, job) in document["jobs"].as_object().unwrap() {
        let at = format!("jobs.{name}");
        let minutes = job["timeout-minutes"].as_u64().unwrap_or(u64::MAX);
        problems.expect(minutes <= 90, &format!("{at}.timeout-minutes"));
        problems.expect(job["permissions"].is_object(), &format!("{at}.permissions"));
        problems.steps(&at, job["steps"].as_array().unwrap());
    }
    problems.found
}

/// The fields of a form are compared with the schema of requests elsewhere.
fn without_inputs(on: &Value) -> Value {
    let mut on = on.clone();
    if let Some(dispatch) = on.get_mut("workflow_dispatch") {
        *dispatch = json!({});
    }
    on
}

struct Problems<'a> {
    file: &'a str,
    found: Vec<String>,
}

impl Problems<'_> {
    fn expect(&mut self, holds: bool, what: &str) {
        if !holds {
            self.found.push(format!("{}: {what}", self.file));
        }
    }

    fn same(&mut self, what: &str, found: &Value, wanted: &Value) {
        self.expect(found == wanted, &format!("{what} is {found}, not {wanted}"));
    }

    fn waits(&mut self, what: &str, found: &Value, wanted: Option<(&str, bool)>) {
        let wanted =
            wanted.map(|(group, cancels)| json!({ "group": group, "cancel-in-progress": cancels }));
        self.same(what, found, &wanted.into());
    }

    fn job(&mut self, name: &str, found: &Value, allowed: &Allowed) {
        let at = |what: &str| format!("jobs.{name}.{what}");
        self.same(&at("permissions"), &found["permissions"], &allowed.permissions);
        self.same(&at("environment"), &found["environment"], &json!(allowed.environment));
        self.same(&at("if"), &found["if"], &json!(allowed.condition));
        self.waits(&at("concurrency"), &found["concurrency"], allowed.concurrency);
        self.same(&at("runs-on"), &found["runs-on"], &json!(allowed.runs_on));
        self.same(&at("timeout-minutes"), &found["timeout-minutes"], &json!(allowed.minutes));
        let one_fails = found.get("strategy").is_none_or(|all| all["fail-fast"] == false);
        self.expect(one_fails, &at("strategy: one environment's failure stops the others"));
        let steps = found["steps"].as_array().unwrap();
        let code = steps.iter().find(|step| is(step, "actions/checkout@")).expect("a checkout");
        self.same(&at("checkout"), &code["with"]["ref"], &json!(allowed.code));
        let setup = steps.iter().find(|step| is(step, "./.github/actions/setup"));
        let cache = setup.map_or(&Value::Null, |step| &step["with"]["cache"]);
        self.same(&at("setup.cache"), cache, &allowed.cache.then_some("true").into());
    }

    fn steps(&mut self, at: &str, steps: &[Value]) {
        for step in steps {
            let Some(action) = step["uses"].as_str() else { continue };
            let commit = action.rsplit_once('@').map_or("", |(_, commit)| commit);
            let pinned = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
            let ours = action == "./.github/actions/setup";
            self.expect(pinned || ours, &format!("{at}: {action} is not pinned to a commit"));
            if is(step, "actions/checkout@") {
                let what = format!("{at}.checkout.persist-credentials");
                self.same(&what, &step["with"]["persist-credentials"], &json!(false));
            }
        }
    }
}

fn is(step: &Value, action: &str) -> bool {
    step["uses"].as_str().is_some_and(|uses| uses.starts_with(action))
}

fn of(file: &str) -> Value {
    document(&format!(".github/workflows/{file}"))
}

#[test]
fn every_workflow_starts_waits_and_may_as_it_should() {
    let found: Vec<String> =
        workflows().iter().flat_map(|file| problems(file, &of(file))).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_action_of_the_project_uses_pinned_ones() {
    let mut problems = Problems { file: super::ACTION, found: Vec::new() };
    problems.steps("runs", document(super::ACTION)["runs"]["steps"].as_array().unwrap());
    assert!(problems.found.is_empty(), "{:#?}", problems.found);
}

/// Somebody's careless change, as a place in the workflow and what is there then.
const SPOILT: &[(&str, &str, &str)] = &[
    ("rds-database-apply.yml", "/jobs/apply/concurrency", "null"),
    ("rds-database-apply.yml", "/jobs/apply/concurrency/group", "\"rds-apply\""),
    ("rds-database-apply.yml", "/jobs/apply/concurrency/cancel-in-progress", "true"),
    ("rds-database-apply.yml", "/jobs/apply/environment", "\"dev\""),
    ("rds-database-apply.yml", "/jobs/apply/strategy/fail-fast", "true"),
    ("rds-database-apply.yml", "/jobs/apply/timeout-minutes", "null"),
    ("rds-database-apply.yml", "/jobs/apply/steps/0/with/ref", "null"),
    ("rds-database-apply.yml", "/jobs/environments/if", "null"),
    ("rds-database-apply.yml", "/on/push/paths", r#"["envs/*-rds/**"]"#),
    ("rds-database-apply.yml", "/on/push/paths/0", "\"envs/dev-rds/**\""),
    ("rds-database-apply.yml", "/on/push/branches", "null"),
    ("rds-plan.yml", "/permissions", r#"{"contents": "read"}"#),
    ("rds-plan.yml", "/jobs/plan/permissions/contents", "\"write\""),
    ("rds-plan.yml", "/jobs/plan/environment", "\"${{ matrix.environment }}\""),
    ("rds-plan.yml", "/jobs/plan/steps/0/with/ref", "\"${{ github.sha }}\""),
    ("rds-plan.yml", "/jobs/plan/steps/1/with/persist-credentials", "true"),
    (
        "rds-plan.yml",
        "/jobs/plan/steps/3",
        r#"{"uses": "./.github/actions/setup", "with": {"cache": "true"}}"#,
    ),
    ("rds-plan.yml", "/jobs/environments/if", "null"),
    ("rds-plan.yml", "/jobs/environments/steps/0/uses", "\"actions/checkout@v7\""),
    ("rds-plan.yml", "/on/pull_request/branches", "null"),
    ("rds-plan.yml", "/on", r#"{"pull_request_target": {}}"#),
    ("pr-secret-rotation-warning.yml", "/on/pull_request/branches", r#"["**"]"#),
    ("pr-secret-rotation-warning.yml", "/jobs/warn/steps/0/with/ref", "null"),
    ("create-rds-database.yml", "/jobs/request/steps/0/with/ref", "null"),
    ("create-rds-database.yml", "/jobs/request/environment", "null"),
    ("create-rds-database.yml", "/concurrency/cancel-in-progress", "true"),
    ("secret-rotation-check.yml", "/on/schedule", "null"),
    ("secret-rotation-check.yml", "/jobs/check/permissions/issues", "null"),
    ("rds-size-approval-guard.yml", "/permissions", "null"),
    ("rds-size-approval-guard.yml", "/jobs/approvals/permissions", "null"),
    ("rds-size-approval-guard.yml", "/jobs/approvals/timeout-minutes", "null"),
    ("rds-size-approval-guard.yml", "/jobs/approvals/steps/0/with", "null"),
    ("ci.yml", "/jobs/ci/permissions", r#""write-all""#),
];

#[test]
fn a_careless_change_of_a_workflow_is_noticed() {
    for (file, place, value) in SPOILT {
        let mut document = of(file);
        let spoilt = document.pointer_mut(place).unwrap_or_else(|| panic!("{file}: no {place}"));
        *spoilt = serde_json::from_str(value).unwrap();
        assert!(!problems(file, &document).is_empty(), "{file}: {place} = {value}");
    }
    let mut stranger = of("rds-plan.yml");
    stranger["jobs"]["more"] = stranger["jobs"]["plan"].clone();
    assert!(!problems("rds-plan.yml", &stranger).is_empty(), "a job that nobody knows");
}

/// The guard of approvals has rules of its own; all the others are in the tables.
#[test]
fn every_workflow_but_the_guard_is_in_the_tables() {
    let known = workflows().into_iter().filter(|file| workflow(file).is_none());
    assert_eq!(
        known.collect::<BTreeSet<_>>(),
        BTreeSet::from(["rds-size-approval-guard.yml".to_owned()])
    );
}
