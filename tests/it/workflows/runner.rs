//! Runs a workflow as GitHub would: jobs in the order of their needs, each in a workspace of its own,
//! `run:` blocks in the shell that GitHub takes. Of the actions it knows what they leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::expression::{Context, shown};
use super::github::{GitHub, project};
use crate::harness::Stack;

/// What started the run.
pub struct Event<'a> {
    pub name: &'a str,
    pub payload: Value,
    pub branch: &'a str,
    pub sha: String,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Jobs that failed, with the matrix's value.
    pub failed: BTreeSet<String>,
    /// Everything that was printed, and the summary.
    pub log: String,
    /// `file: job: step` of each `run:` block that ran.
    pub covered: BTreeSet<String>,
    /// The GitHub environments whose roles were taken.
    pub roles: BTreeSet<String>,
    /// The uploaded files of each artifact, by their paths.
    pub artifacts: BTreeMap<String, BTreeMap<String, String>>,
}

/// A workflow or an action, as parsed.
pub fn document(path: &str) -> Value {
    let text = std::fs::read_to_string(project().join(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The steps of a job or an action, each with its name for messages.
pub fn steps(file: &str, job: &str, steps: &Value) -> Vec<(String, Value)> {
    let steps = steps.as_array().expect("a list of steps");
    let name = |step: &Value| step["name"].as_str().or(step["run"].as_str()).map(str::to_owned);
    steps
        .iter()
        .map(|step| (format!("{file}: {job}: {}", name(step).unwrap_or_default()), step.clone()))
        .collect()
}

struct Runner<'a> {
    file: String,
    workflow: Value,
    github: &'a GitHub,
    stack: &'a Stack,
    event: &'a Event<'a>,
    needs: Map<String, Value>,
    run: Run,
}

/// One job at work.
struct Job {
    name: String,
    document: Value,
    context: Context,
    folder: TempDir,
    /// What actions gave to the steps after them.
    environment: BTreeMap<String, String>,
}

impl Job {
    fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }
}

/// Runs a workflow of the project.
pub fn run(file: &str, github: &GitHub, stack: &Stack, event: &Event<'_>) -> Run {
    let workflow = document(&format!(".github/workflows/{file}"));
    assert!(workflow["on"].get(event.name).is_some(), "{file} does not start on {}", event.name);
    let (file, needs, run) = (file.to_owned(), Map::new(), Run::default());
    let mut runner = Runner { file, workflow, github, stack, event, needs, run };
    // Written in the order of their needs.
    for (name, job) in runner.workflow["jobs"].as_object().unwrap().clone() {
        runner.job(&name, &job);
    }
    runner.run
}

impl Runner<'_> {
    fn job(&mut self, name: &str, job: &Value) {
        let needs = job.get("needs").into_iter().map(shown);
        let ready = needs.clone().all(|needed| self.needs.contains_key(&needed));
        let context = self.context(Value::Null);
        if !ready || !context.runs(job.get("if")) {
            return;
        }
        let values = job.get("strategy").map(|strategy| {
            let list = strategy["matrix"]["environment"].as_str().expect("an expression");
            context.value(list.trim_start_matches("${{").trim_end_matches("}}"))
        });
        for value in
            values.as_ref().map_or(vec![Value::Null], |list| list.as_array().unwrap().clone())
        {
            self.one(name, job, value);
        }
    }

    fn one(&mut self, name: &str, document: &Value, matrix: Value) {
        let mut context = self.context(matrix.clone());
        let environment = document.get("environment").map(|name| context.text(&shown(name)));
        context.values["vars"] = json!({
            "AWS_ROLE": environment, "AWS_REGION": self.stack.environment()["AWS_REGION"],
            "RDS_REQUESTS_APP": "Iv1.app",
            "RDS_RECORDS_APP": if environment.as_deref() == Some("dev") { "Iv1.app" } else { "" },
        });
        let shown_name = format!("{name} {}", shown(&matrix)).trim().to_owned();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("temp")).unwrap();
        std::fs::create_dir_all(folder.path().join("workspace")).unwrap();
        let document = document.clone();
        let mut job =
            Job { name: name.to_owned(), document, context, folder, environment: BTreeMap::new() };
        for (step, content) in steps(&self.file, name, &job.document["steps"].clone()) {
            self.step(&mut job, &step, &content);
        }
        if job.context.failed {
            self.run.failed.insert(shown_name);
        } else {
            let outputs = job.document.get("outputs").and_then(Value::as_object).cloned();
            let outputs = outputs.unwrap_or_default().into_iter();
            let outputs: Map<String, Value> =
                outputs.map(|(key, text)| (key, json!(job.context.text(&shown(&text))))).collect();
            self.needs.insert(name.to_owned(), json!({ "outputs": outputs }));
        }
    }

    fn context(&self, matrix: Value) -> Context {
        let event = self.event;
        let values = json!({
            "github": {
                "event": event.payload, "sha": event.sha, "ref_name": event.branch,
                "ref": if event.branch.ends_with("/merge") {
                    format!("refs/pull/{}", event.branch)
                } else {
                    format!("refs/heads/{}", event.branch)
                },
                "run_attempt": "1",
                "repository": "acme/platform", "token": "github-token", "run_id": "4711",
                "event_name": event.name,
            },
            "inputs": event.payload.get("inputs").cloned().unwrap_or_default(),
            "matrix": { "environment": matrix },
            "needs": self.needs,
            "steps": {},
            "secrets": { "RDS_REQUESTS_KEY": "private key", "RDS_RECORDS_KEY": "private key" },
        });
        Context { values, failed: false }
    }

    fn step(&mut self, job: &mut Job, name: &str, step: &Value) {
        let outcome = if !job.context.runs(step.get("if")) {
            "skipped"
        } else if self.carry_out(job, name, step) {
            "success"
        } else {
            "failure"
        };
        if outcome == "failure" && step.get("continue-on-error") != Some(&Value::Bool(true)) {
            job.context.failed = true;
        }
        if let Some(id) = step["id"].as_str() {
            let outputs = job.folder.path().join("outputs");
            let text = std::fs::read_to_string(&outputs).unwrap_or_default();
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            let pairs: Map<String, Value> =
                pairs.map(|(key, value)| (key.to_owned(), json!(value))).collect();
            job.context.values["steps"][id] = json!({ "outcome": outcome, "outputs": pairs });
        }
        let _ = std::fs::remove_file(job.folder.path().join("outputs"));
    }

    fn carry_out(&mut self, job: &mut Job, name: &str, step: &Value) -> bool {
        match (step["uses"].as_str(), step["run"].as_str()) {
            (Some(action), None) => self.action(job, action, &step["with"]),
            (None, Some(script)) => self.script(job, name, step, script),
            _ => panic!("{name}: neither `uses` nor `run`"),
        }
    }

    /// What an action leaves behind for the steps after it.
    fn action(&mut self, job: &mut Job, action: &str, with: &Value) -> bool {
        let given = |key: &str| with.get(key).map(|value| job.context.text(&shown(value)));
        match action.split('@').next().unwrap() {
            "actions/checkout" => {
                let reference = given("ref").unwrap_or_else(|| self.event.sha.clone());
                let folder = job.workspace().join(given("path").unwrap_or_default());
                clone(&self.github.origin(), &folder, &reference);
            }
            "aws-actions/configure-aws-credentials" => {
                let token = &job.document["permissions"]["id-token"];
                assert_eq!(token, "write", "{}: a role needs the permission id-token", job.name);
                self.run.roles.insert(given("role-to-assume").expect("a role"));
                let region = given("aws-region").expect("a region");
                let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
                let keys = keys.map(|key| (key.to_owned(), self.stack.environment()[key].clone()));
                job.environment.extend(keys);
                job.environment.insert("AWS_REGION".to_owned(), region);
            }
            "actions/create-github-app-token" => {
                assert_eq!(given("private-key").as_deref(), Some("private key"));
                std::fs::write(job.folder.path().join("outputs"), "token=app-token\n").unwrap();
            }
            "actions/upload-artifact" => {
                let paths = given("path").expect("a path");
                let text = |path: &str| std::fs::read_to_string(job.workspace().join(path)).ok();
                let files = paths.lines().filter_map(|path| Some((path.to_owned(), text(path)?)));
                self.run.artifacts.insert(given("name").expect("a name"), files.collect());
            }
            "actions/cache" => {}
            local if local.starts_with("./") => return self.composite(job, local, with),
            other => panic!("the tests do not know the action {other}"),
        }
        true
    }

    /// An action of the project, as the checkout has it.
    fn composite(&mut self, job: &mut Job, action: &str, with: &Value) -> bool {
        let path = format!("{}/action.yml", action.trim_start_matches("./"));
        let text = std::fs::read_to_string(job.workspace().join(&path)).unwrap();
        let document: Value = serde_saphyr::from_str(&text).unwrap();
        let given = |name: &str, input: &Value| with.get(name).unwrap_or(&input["default"]).clone();
        let inputs = document["inputs"].as_object().into_iter().flatten();
        let inputs: Map<String, Value> =
            inputs.map(|(name, input)| (name.clone(), given(name, input))).collect();
        let outer = std::mem::replace(&mut job.context.values["inputs"], inputs.into());
        for (name, step) in steps(&path, "action", &document["runs"]["steps"]) {
            self.step(job, &name, &step);
        }
        job.context.values["inputs"] = outer;
        !job.context.failed
    }

    fn script(&mut self, job: &Job, name: &str, step: &Value, script: &str) -> bool {
        assert!(!script.contains("${{"), "{name}: a value that comes by an expression is no shell");
        self.run.covered.insert(name.to_owned());
        let file = job.folder.path().join("script.sh");
        std::fs::write(&file, script).unwrap();
        let mut command = Command::new("bash");
        let chosen = step.get("shell").unwrap_or(&self.workflow["defaults"]["run"]["shell"]);
        match chosen.as_str() {
            Some("bash") => command.args(["--noprofile", "--norc", "-eo", "pipefail"]),
            None => command.arg("-e"),
            Some(other) => panic!("{name}: shell {other}"),
        };
        command.arg(&file).current_dir(job.workspace()).stdin(Stdio::null()).env_clear();
        command.envs(self.environment(job)).envs(self.variables(job, step));
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        self.run.log += &format!("## {name}\n{}", String::from_utf8_lossy(&text));
        let summary = job.folder.path().join("summary");
        self.run.log += &std::fs::read_to_string(&summary).unwrap_or_default();
        let _ = std::fs::remove_file(summary);
        output.status.success()
    }

    /// The `env:` of workflow, job and step.
    fn variables(&self, job: &Job, step: &Value) -> BTreeMap<String, String> {
        let levels = [&self.workflow["env"], &job.document["env"], &step["env"]];
        let pairs = levels.into_iter().filter_map(Value::as_object).flatten();
        pairs.map(|(key, value)| (key.clone(), job.context.text(&shown(value)))).collect()
    }

    fn environment(&self, job: &Job) -> BTreeMap<String, String> {
        let at = |name: &str| job.folder.path().join(name).display().to_string();
        std::fs::write(at("event.json"), self.event.payload.to_string()).unwrap();
        let own = self.stack.environment();
        let programs = [
            std::fs::read_to_string(at("path")).unwrap_or_default().trim().to_owned(),
            self.github.programs().display().to_string(),
            own["PATH"].clone(),
        ];
        let mut environment = job.environment.clone();
        let mut set = |name: &str, value: String| environment.insert(name.to_owned(), value);
        set(
            "PATH",
            programs.into_iter().filter(|path| !path.is_empty()).collect::<Vec<_>>().join(":"),
        );
        set("HOME", at(""));
        set("CI", "true".to_owned());
        for (name, file) in [
            ("GITHUB_WORKSPACE", "workspace"),
            ("GITHUB_OUTPUT", "outputs"),
            ("GITHUB_STEP_SUMMARY", "summary"),
            ("GITHUB_PATH", "path"),
            ("GITHUB_EVENT_PATH", "event.json"),
            ("RUNNER_TEMP", "temp"),
        ] {
            set(name, at(file));
        }
        set("GITHUB_RUN_ID", "4711".to_owned());
        set("GITHUB_SHA", self.event.sha.clone());
        set("GITHUB_REF_NAME", self.event.branch.to_owned());
        set("GITHUB_EVENT_NAME", self.event.name.to_owned());
        set("GITHUB_REPOSITORY", "acme/platform".to_owned());
        set("GITHUB_SERVER_URL", "https://github.example".to_owned());
        set("GH_STATE", self.github.state().display().to_string());
        set("TEST_EXECUTABLE", env!("CARGO_BIN_EXE_goldenpath-rds").to_owned());
        set("TEST_CA", own["PGSSLROOTCERT"].clone());
        for name in ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_EC2_METADATA_DISABLED"] {
            set(name, own[name].clone());
        }
        environment
    }
}

fn clone(origin: &Path, folder: &Path, reference: &str) {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {stderr}");
    };
    let shown = folder.display().to_string();
    git(&["clone", "--quiet", &origin.display().to_string(), &shown]);
    git(&["-C", &shown, "-c", "advice.detachedHead=false", "checkout", "--quiet", reference]);
}
