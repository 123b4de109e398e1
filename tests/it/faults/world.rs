//! A server, its secrets behind a relay, and a run that can be repeated and disturbed.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::trail::Trail;
use crate::harness::{Answer, ENV, Fault, Hit, Recorder, Stack, answer};

const MASTER_SECRET: &str = "goldenpath/dev/rds/master";

const LABELS: [&str; 3] = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"];

/// No run may take longer, whatever goes wrong: the deadline of a call is 30 seconds.
const LONGEST: Duration = Duration::from_secs(60);

/// What the run under test does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// One new entry.
    Create,
    /// A role and a secret made by hand are taken over.
    Adopt,
    /// A new password.
    Rotate,
    /// The endpoint in the master's secret has changed, so the entry's secret does.
    Update,
}

/// Whose run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Owner,
    Reader,
}

impl Who {
    pub fn role(self) -> &'static str {
        match self {
            Self::Owner => "app_user",
            Self::Reader => "reports_user",
        }
    }

    pub fn secret(self) -> &'static str {
        match self {
            Self::Owner => "goldenpath/dev/app/postgres",
            Self::Reader => "goldenpath/dev/reports/postgres",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Owner => "app",
            Self::Reader => "reports",
        }
    }

    fn entries(self) -> &'static str {
        match self {
            Self::Owner => "app = { database_name = \"app\", username = \"app_user\" }",
            Self::Reader => {
                "app = { database_name = \"app\", username = \"app_user\" }\nreports = { database_name = \"app\", username = \"reports_user\", access_level = \"reader\" }"
            }
        }
    }
}

pub struct World {
    pub stack: Stack,
    pub recorder: Recorder,
    pub trail: Trail,
    flow: Flow,
    pub who: Who,
    port: u16,
    rounds: usize,
}

impl World {
    pub async fn new(flow: Flow, who: Who) -> Self {
        let settings = ["log_statement=ddl", "log_line_prefix=%a|"];
        let stack = Stack::with_settings(who.entries(), &settings).await;
        let (recorder, port) = (Recorder::start(), stack.port());
        stack.apply().expect(0);
        Self { stack, recorder, trail: Trail::default(), flow, who, port, rounds: 0 }
    }

    /// Gets everything ready for the next run.
    pub async fn prepare(&mut self) {
        self.rounds += 1;
        match self.flow {
            Flow::Create => self.remove().await,
            Flow::Adopt => {
                self.remove().await;
                self.make_by_hand().await;
            }
            Flow::Rotate => {}
            Flow::Update => {
                let real = self.stack.port();
                self.port = if self.port == real { real + 1 } else { real };
                let mut value = self.stack.master_secret();
                value["port"] = json!(self.port.to_string());
                let put = self.stack.secrets.put_secret_value().secret_id(MASTER_SECRET);
                put.secret_string(value.to_string()).send().await.unwrap();
            }
        }
        self.recorder.trouble(None);
        self.trail.begin(&self.stack).await;
    }

    async fn remove(&self) {
        let role = self.who.role();
        match self.who {
            Who::Owner => self.stack.sql("postgres", "DROP DATABASE IF EXISTS app WITH (FORCE)"),
            Who::Reader => self.stack.sql("app", "DROP OWNED BY reports_user"),
        }
        .await;
        self.stack.sql("postgres", &format!("DROP ROLE IF EXISTS {role}")).await;
        let delete = self.stack.secrets.delete_secret().secret_id(self.who.secret());
        delete.force_delete_without_recovery(true).send().await.unwrap();
    }

    async fn make_by_hand(&self) {
        let role = self.who.role();
        self.stack.make_foreign_role(role, "LOGIN PASSWORD 'Made-by-hand-1'").await;
        let value = json!({
            "username": role, "password": "Made-by-hand-1", "host": "localhost",
            "port": self.port.to_string(), "dbname": "app", "engine": "postgres",
        });
        self.stack.put_secret(self.who.secret(), &value).await;
    }

    /// Starts the run under test.
    pub fn start(&self, attempts: usize) -> Child {
        match self.flow {
            Flow::Create | Flow::Adopt | Flow::Update => self.spawn(&["apply"], attempts),
            Flow::Rotate => self.spawn(&["rotate", self.who.key()], attempts),
        }
    }

    /// The run after a disturbed one: what is easiest to type, and now and then `rotate` again.
    pub fn start_next(&self) -> Child {
        match self.flow {
            Flow::Rotate if self.rounds % 2 == 1 => self.start(5),
            Flow::Create | Flow::Adopt | Flow::Update | Flow::Rotate => self.spawn(&["apply"], 5),
        }
    }

    fn spawn(&self, verb: &[&str], attempts: usize) -> Child {
        let port = self.stack.port().to_string();
        let arguments = [verb, &["--env", ENV, "--auto-approve", "--port", &port]].concat();
        let mut command = self.stack.command(&arguments);
        command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.recorder.endpoint());
        command.env("AWS_MAX_ATTEMPTS", attempts.to_string());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be started")
    }

    /// Waits for the end of a run that must not hang, nor panic, nor tell a secret.
    pub async fn end(&self, mut run: Child) -> Answer {
        let deadline = Instant::now() + LONGEST;
        while run.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                run.kill().unwrap();
                let answer = answer(run.wait_with_output().unwrap());
                panic!("it hangs:\n{}{}", answer.stdout, answer.stderr);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let answer = answer(run.wait_with_output().unwrap());
        let said = format!("{}{}", answer.stdout, answer.stderr);
        assert!([0, 1].contains(&answer.code) && !said.contains("panicked"), "{said}");
        for label in LABELS {
            let password = self.password(label).await;
            let told = password.is_some_and(|password| said.contains(&password));
            assert!(!told, "a password is told:\n{said}");
        }
        answer
    }

    /// Runs the next run, which must end well.
    pub async fn end_next(&self) {
        self.recorder.trouble(None);
        self.end(self.start_next()).await.expect(0);
    }

    async fn password(&self, label: &str) -> Option<String> {
        let request = self.stack.secrets.get_secret_value().secret_id(self.who.secret());
        let answer = request.version_stage(label).send().await.ok()?;
        let value: Value = serde_json::from_str(answer.secret_string()?).expect("it is JSON");
        value["password"].as_str().map(str::to_owned)
    }

    /// The first label whose password is the role's, as applications would look for it.
    pub async fn first_label_that_logs_in(&self) -> Option<&'static str> {
        for label in LABELS {
            // Where there is no database yet, the password is accepted all the same.
            if let Some(password) = self.password(label).await
                && self.stack.login(self.who.role(), &password, "postgres").await.is_ok()
            {
                return Some(label);
            }
        }
        None
    }

    /// Lines of the audit.
    pub fn lines(&self) -> usize {
        let path = self.stack.root().join("governance/dev/rds_request_audit.csv");
        std::fs::read_to_string(path).unwrap_or_default().lines().count()
    }

    pub async fn has_role(&self) -> bool {
        let sql = format!("SELECT 1 FROM pg_roles WHERE rolname = '{}'", self.who.role());
        !self.stack.sql("postgres", &sql).await.is_empty()
    }

    /// All that a run leaves, apart from passwords and ids.
    pub async fn state(&self) -> String {
        let mut state = String::new();
        for sql in [
            "SELECT concat_ws(' ', datname, datdba::regrole, datallowconn, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a), shobj_description(oid, 'pg_database')) FROM pg_database WHERE NOT datistemplate ORDER BY 1",
            "SELECT concat_ws(' ', rolname, rolcanlogin, rolcreatedb, rolconnlimit, split_part(shobj_description(oid, 'pg_authid'), 'secret-version', 1)) FROM pg_roles WHERE rolname LIKE '%user' ORDER BY 1",
            "SELECT concat_ws(' ', roleid::regrole, member::regrole) FROM pg_auth_members WHERE roleid::regrole::text LIKE '%user' ORDER BY 1",
        ] {
            state += &format!("{:?}\n", self.stack.sql("postgres", sql).await);
        }
        for sql in [
            "SELECT array_agg(a::text ORDER BY a::text) FROM pg_namespace, unnest(nspacl) a WHERE nspname = 'public'",
            "SELECT concat_ws(' ', defaclrole::regrole, defaclobjtype, defaclacl) FROM pg_default_acl ORDER BY 1",
        ] {
            state += &format!("{:?}\n", self.stack.sql("app", sql).await);
        }
        state + &self.secret_state().await
    }

    async fn secret_state(&self) -> String {
        let (name, role) = (self.who.secret(), self.who.role());
        let answer = self.stack.secrets.describe_secret().secret_id(name).send().await.unwrap();
        let mut tags: Vec<_> = answer.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
        tags.sort();
        let labels = self.stack.labels(name).await;
        let sql = format!(
            "SELECT split_part(shobj_description('{role}'::regrole, 'pg_authid'), 'secret-version=', 2)"
        );
        let marked = self.stack.value("postgres", &sql).await;
        let is_marked = labels.get("AWSCURRENT") == Some(&marked);
        let mut value = self.stack.secret(name).await;
        value["password"] = json!("");
        let labels: Vec<_> = labels.keys().collect();
        format!("{tags:?} {labels:?} marked: {is_marked} {value}")
            .replace(&self.port.to_string(), "PORT")
    }

    /// The number of requests of an undisturbed run, and what it leaves.
    pub async fn undisturbed(&mut self) -> (Vec<String>, String) {
        self.prepare().await;
        self.end(self.start(5)).await.expect(0);
        let requests = self.recorder.requests();
        (requests.into_iter().map(|request| request.operation).collect(), self.state().await)
    }

    /// One run that something goes wrong in, and the next.
    pub async fn disturbed(&mut self, fault: Fault, hit: Hit, attempts: usize) -> Answer {
        self.prepare().await;
        let had_role = self.has_role().await;
        self.recorder.trouble(Some((fault, hit)));
        let answer = self.end(self.start(attempts)).await;
        self.trail.note(&self.recorder);
        self.check_passwords(had_role).await;
        answer
    }

    /// No password may be lost on the way.
    pub async fn check_passwords(&self, had_role: bool) {
        if had_role || self.has_role().await {
            let label = self.first_label_that_logs_in().await;
            assert!(label.is_some(), "{:?}: nothing logs in", self.flow);
        }
    }

    /// The next run ends in the state of an undisturbed one.
    pub async fn recover(&mut self, wanted: &str) {
        self.end_next().await;
        self.trail.note(&self.recorder);
        assert_eq!(wanted, self.state().await);
        assert_eq!(self.first_label_that_logs_in().await, Some("AWSCURRENT"));
        self.trail.check(&self.stack).await;
    }
}
