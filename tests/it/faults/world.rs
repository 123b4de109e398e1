//! A server, its secrets behind a relay, and a run that can be repeated and disturbed.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::flow::{Flow, Place, Who};
use super::trail::{self, Trail};
use crate::harness::{Answer, ENV, Fault, Hit, Recorder, Stack, Statements, Trouble, answer};

const MASTER_SECRET: &str = "goldenpath/dev/rds/master";

pub const LABELS: [&str; 3] = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"];

/// No run may take longer, whatever goes wrong: the deadline of a call is 30 seconds.
const LONGEST: Duration = Duration::from_secs(60);

/// What an undisturbed run asks for, and what it leaves.
pub struct Undisturbed {
    pub requests: Vec<String>,
    pub statements: Vec<String>,
    pub state: String,
}

pub struct World {
    pub stack: Stack,
    pub recorder: Recorder,
    pub statements: Statements,
    pub trail: Trail,
    pub flow: Flow,
    pub who: Who,
    /// In the master's secret, and so in the entries'.
    pub port: u16,
    /// In seconds.
    pub statement_timeout: u32,
    rounds: usize,
}

impl World {
    pub async fn new(flow: Flow, who: Who) -> Self {
        let stack = Stack::with_settings(who.entries(), &trail::SETTINGS).await;
        let (recorder, statements) = (Recorder::start(), Statements::start(&stack));
        let (trail, port) = (Trail::default(), stack.port());
        stack.apply().expect(0);
        Self {
            stack,
            recorder,
            statements,
            trail,
            flow,
            who,
            port,
            statement_timeout: 300,
            rounds: 0,
        }
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
            Flow::Reset => {
                self.remove().await;
                self.make_by_hand().await;
                let alter = format!("ALTER ROLE {} PASSWORD 'Another-1'", self.who.role());
                self.stack.sql("postgres", &alter).await;
            }
            Flow::Restore => self.delete(false).await,
            Flow::Lost => self.delete(true).await,
            Flow::Rotate | Flow::Master => {}
            Flow::Update => {
                let real = self.stack.port();
                self.port = if self.port == real { real + 1 } else { real };
                let mut value = self.stack.master_secret();
                value["port"] = json!(self.port.to_string());
                let put = self.stack.secrets.put_secret_value().secret_id(MASTER_SECRET);
                put.secret_string(value.to_string()).send().await.unwrap();
            }
        }
        self.calm();
        self.trail.begin(&self.stack).await;
    }

    async fn remove(&self) {
        let role = self.who.role();
        match self.who {
            Who::Owner => self.stack.sql("postgres", "DROP DATABASE IF EXISTS app WITH (FORCE)"),
            Who::Reader => self.stack.sql("app", "DROP OWNED BY reports_user"),
            Who::Master => panic!("nobody makes the master"),
        }
        .await;
        self.stack.sql("postgres", &format!("DROP ROLE IF EXISTS {role}")).await;
        self.delete(true).await;
    }

    async fn delete(&self, for_good: bool) {
        let delete = self.stack.secrets.delete_secret().secret_id(self.who.secret());
        let delete = if for_good {
            delete.force_delete_without_recovery(true)
        } else {
            delete.recovery_window_in_days(7)
        };
        delete.send().await.unwrap();
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
            Flow::Create | Flow::Adopt | Flow::Update | Flow::Restore | Flow::Lost => {
                self.spawn(&["apply"], attempts)
            }
            Flow::Reset => self.spawn(&["apply", "--reset-password", self.who.key()], attempts),
            Flow::Rotate | Flow::Master => self.spawn(&["rotate", self.who.key()], attempts),
        }
    }

    /// The run after a disturbed one: what is easiest to type, and now and then `rotate` again.
    pub fn start_next(&self) -> Child {
        match self.flow {
            Flow::Rotate | Flow::Master if self.rounds % 2 == 1 => self.start(5),
            Flow::Reset => self.start(5),
            Flow::Create
            | Flow::Adopt
            | Flow::Update
            | Flow::Restore
            | Flow::Lost
            | Flow::Rotate
            | Flow::Master => self.spawn(&["apply"], 5),
        }
    }

    fn spawn(&self, verb: &[&str], attempts: usize) -> Child {
        let port = self.statements.port.to_string();
        let arguments = [verb, &["--env", ENV, "--auto-approve", "--port", &port]].concat();
        let mut command = self.stack.command(&arguments);
        command.args(["--statement-timeout", &self.statement_timeout.to_string()]);
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
        // A password by hand that cannot be tried holds its entry up.
        let is_held_up = answer.code == 3 && said.contains("could not be tried");
        assert!([0, 1].contains(&answer.code) || is_held_up, "{said}");
        assert!(!said.contains("panicked"), "{said}");
        for label in LABELS {
            let password = self.password(label).await;
            let told = password.is_some_and(|password| said.contains(&password));
            assert!(!told, "a password is told:\n{said}");
        }
        answer
    }

    /// Runs the next run, which must end well.
    pub async fn end_next(&self) {
        self.calm();
        self.end(self.start_next()).await.expect(0);
    }

    /// From now on this goes wrong.
    pub fn trouble(&self, place: Place, trouble: Trouble) {
        match place {
            Place::Request => self.recorder.trouble(Some(trouble)),
            Place::Statement => self.statements.trouble(Some(trouble)),
        }
    }

    fn calm(&self) {
        self.recorder.trouble(None);
        self.statements.trouble(None);
    }

    /// Waits until the run is stuck, or has ended; says which.
    pub fn wait_until_stuck(&self, place: Place, run: &mut Child) -> bool {
        match place {
            Place::Request => self.recorder.wait_until_stuck(run),
            Place::Statement => self.statements.wait_until_stuck(run),
        }
    }

    pub async fn undisturbed(&mut self) -> Undisturbed {
        self.prepare().await;
        self.end(self.start(5)).await.expect(0);
        let requests = self.recorder.seen().into_iter().map(|one| one.operation).collect();
        Undisturbed { requests, statements: self.statements.seen(), state: self.state().await }
    }

    /// One run that something goes wrong in.
    pub async fn disturbed(&mut self, place: Place, trouble: Trouble, attempts: usize) -> Answer {
        self.prepare().await;
        let had_role = self.has_role().await;
        self.trouble(place, trouble);
        let answer = self.end(self.start(attempts)).await;
        self.trail.note(&self.recorder);
        self.check_passwords(had_role).await;
        answer
    }

    /// No password may be lost on the way.
    pub async fn check_passwords(&self, had_role: bool) {
        if self.flow.keeps_a_password() && (had_role || self.has_role().await) {
            let label = self.first_label_that_logs_in().await;
            assert!(label.is_some(), "{:?}: nothing logs in", self.flow);
        }
    }

    /// The next run ends in the state of an undisturbed one.
    pub async fn recover(&mut self, wanted: &str) {
        self.end_next().await;
        self.settled(wanted).await;
    }

    /// The same where that run still sees the list that the disturbed one saw.
    pub async fn recover_behind(&mut self, wanted: &str) {
        self.calm();
        self.trouble(Place::Request, (Fault::Lagging, Hit::From(0)));
        // `rotate` would take its entry for due anyway.
        self.end(self.spawn(&["apply"], 5)).await.expect(0);
        self.settled(wanted).await;
    }

    async fn settled(&mut self, wanted: &str) {
        self.trail.note(&self.recorder);
        assert_eq!(wanted, self.state().await);
        assert_eq!(self.first_label_that_logs_in().await, Some("AWSCURRENT"));
        self.trail.check(&self.stack).await;
    }
}
