//! A run that changes something, under the lock: compare, show, ask, carry out, look again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::connections::Connections;
use super::next::next;
use super::observe::{Goal, Scene};
use super::{document, observe, rendered};
use crate::actual::Actual;
use crate::apply::{Effects, Handovers, Interrupt, Outcome, apply};
use crate::audit::{Audit, BLOCKED, Names, Row, Status, Verb, unsettled};
use crate::cli::{Format, Global};
use crate::desired::Desired;
use crate::error::{Error, ErrorKind, Result};
use crate::name::Environment;
use crate::new_versions::NewVersions;
use crate::output::Output;
use crate::plan::Plan;
use crate::postgres::{Access, Lock, Session, acquire};
use crate::render;
use crate::visible::visible;

/// What the parts of one run share.
pub(super) struct Run<'a> {
    verb: Verb,
    pub(super) global: &'a Global,
    pub(super) desired: &'a Desired,
    pub(super) audit: Audit,
    pub(super) connections: Connections,
    session: Session,
    pub(super) output: Output,
    since: Instant,
    /// Whose last run came to no good end, when this one began.
    pub(super) unsettled: BTreeSet<Names>,
    updates_catalog: bool,
    _lock: Lock,
}

impl<'a> Run<'a> {
    /// Takes the lock before anything is read that a plan depends on.
    pub(super) async fn begin(
        verb: Verb,
        global: &'a Global,
        desired: &'a Desired,
        lock_timeout: u64,
        output: Output,
    ) -> Result<Self> {
        let (since, environment) = (Instant::now(), &desired.environment);
        require_permission(environment)?;
        let audit = Audit::open(&global.root, environment, &global.build_id, &global.run_id)?;
        let mut connections = Connections::open(global, environment, verb.word(), output).await?;
        let session = connections.session(Access::Write, output).await?;
        let patience = Duration::from_secs(lock_timeout);
        let mut waited = false;
        let told = |line: &str| {
            waited = true;
            output.tell(&format!("{}\n", visible(line)));
        };
        let _lock = acquire(&session, environment, patience, told).await?;
        if waited {
            // The run that we waited for may have changed the master's password.
            connections = Connections::open(global, environment, verb.word(), output).await?;
            connections.session(Access::Read, output).await?;
        }
        let unsettled = unsettled(&global.root, environment)?;
        close_unfinished(&audit, output)?;
        let updates_catalog = false;
        Ok(Self {
            verb,
            global,
            desired,
            audit,
            connections,
            session,
            output,
            since,
            unsettled,
            updates_catalog,
            _lock,
        })
    }

    /// Whether the RDS catalog is told what came of the databases.
    pub(super) fn updating_catalog(mut self, yes: bool) -> Self {
        self.updates_catalog = yes;
        self
    }

    pub(super) async fn observe(&self, goal: &Goal, new: &NewVersions) -> Result<(Actual, Plan)> {
        let parallelism = usize::from(self.global.parallelism);
        let scene = Scene {
            connections: &self.connections,
            session: &self.session,
            desired: self.desired,
            unsettled: &self.unsettled,
            parallelism,
        };
        observe::plan(&scene, goal, new).await
    }

    /// Shows the plan, asks unless it is approved already, and carries it out.
    pub(super) async fn go(&self, planned: &Planned<'_>, approved: bool) -> Result<u8> {
        let Planned { plan, new, .. } = planned;
        if self.global.format != Format::Json {
            let text = rendered(plan, self.desired, new, self.global.format, self.output)?;
            self.output.result(&text);
        }
        if plan.steps.is_empty() {
            self.record_obstacles(plan)?;
            return self.nothing_to_do(planned);
        }
        if !approved && !self.confirmed()? {
            self.output.tell("nothing was done\n");
            return Ok(1);
        }
        self.record_obstacles(plan)?;
        self.carry_out(planned).await
    }

    fn nothing_to_do(&self, planned: &Planned<'_>) -> Result<u8> {
        if planned.plan.obstacles.is_empty() {
            let (action, status, message) = (self.verb.word(), Status::NoChange, "");
            let duration = Some(self.since.elapsed());
            let row = Row { database: "", username: "", action, status, duration, message };
            self.audit.append(&row)?;
        }
        self.finish(planned, &Outcome::default())
    }

    /// The trail says why nothing was done for an entry.
    fn record_obstacles(&self, plan: &Plan) -> Result<()> {
        plan.obstacles.iter().try_for_each(|obstacle| {
            let (database, username) = self.desired.names_of(obstacle.entry.as_ref());
            let (action, status, message) = (BLOCKED, Status::Warning, obstacle.message.as_str());
            self.audit.append(&Row { database, username, action, status, duration: None, message })
        })
    }

    /// A JSON document comes at the end, so there is nothing yet that could be confirmed.
    fn confirmed(&self) -> Result<bool> {
        let environment = &self.desired.environment;
        let question =
            format!("\nCarry this out in environment `{environment}`? Only `yes` is taken: ");
        let answer = match self.global.format {
            Format::Human | Format::Markdown | Format::Github => self.output.confirm(&question),
            Format::Json => None,
        };
        answer.ok_or_else(|| {
            let message = "nobody can be asked, without a terminal or with --format json";
            Error::of(ErrorKind::Usage, message).hint("give --auto-approve, or apply a saved plan")
        })
    }

    async fn carry_out(&self, planned: &Planned<'_>) -> Result<u8> {
        let plan = planned.plan;
        let effects = Effects {
            desired: self.desired,
            server: &planned.actual.server,
            session: &self.session,
            connector: &self.connections.connector,
            master_password: &self.connections.master.password,
            secrets: &self.connections.secrets,
            handovers: Handovers::default(),
        };
        let output = self.output;
        let interrupt = Interrupt::listen(|| {
            Output::new(true, false).tell("stopping after this step; again to stop at once\n");
        })?;
        let mut outcome = apply(self.verb, plan, &effects, &self.audit, &interrupt, |event| {
            output.tell(&render::progress(event, output.message_color));
        })
        .await;
        outcome.rotated = effects.rotated(plan).await;
        if outcome.signal.is_none() && !effects.session.is_lost() && !self.has_lost_rows() {
            let failed = self.verify(planned, &effects, &outcome, &interrupt).await?;
            outcome.failed.extend(failed.into_iter().map(|failed| self.recorded(failed)));
            outcome.signal = interrupt.signal();
        }
        self.tell_lost_rows();
        self.finish(planned, &outcome)
    }

    fn finish(&self, planned: &Planned<'_>, outcome: &Outcome) -> Result<u8> {
        let Planned { plan, new, .. } = planned;
        let (format, output) = (self.global.format, self.output);
        match format {
            Format::Json => output.result(&document(plan, self.desired, new, Some(outcome))?),
            Format::Human | Format::Markdown | Format::Github if plan.steps.is_empty() => {}
            Format::Human | Format::Markdown | Format::Github => {
                let next = next(self.desired, planned.goal, outcome);
                output.result(&render::outcome(self.verb, plan, outcome, &next, output.color));
            }
        }
        if self.updates_catalog {
            self.record_in_catalog(planned, outcome)?;
        }
        let kind = match outcome.signal {
            Some(number) => ErrorKind::Signal(number),
            None if outcome.failed.iter().any(|failed| !failed.is_blocked) => ErrorKind::Failure,
            None if !outcome.failed.is_empty() || !plan.obstacles.is_empty() => ErrorKind::Blocked,
            None => return Ok(0),
        };
        Ok(Error::of(kind, "").exit_code())
    }
}

/// A plan, and what it was made from.
pub(super) struct Planned<'a> {
    pub(super) actual: &'a Actual,
    pub(super) plan: &'a Plan,
    pub(super) goal: &'a Goal,
    pub(super) new: &'a NewVersions,
}

/// Environments other than these two are changed only where somebody said so beforehand.
fn require_permission(environment: &Environment) -> Result<()> {
    let free = matches!(environment.as_str(), "dev" | "local");
    if free || std::env::var("ALLOW_DB_PROVISION").is_ok_and(|value| value == "true") {
        return Ok(());
    }
    let message = format!("environment `{environment}` is not changed without permission");
    Err(Error::new(message).hint("set ALLOW_DB_PROVISION=true if this run is meant to change it"))
}

fn close_unfinished(audit: &Audit, output: Output) -> Result<()> {
    match audit.close_unfinished()? {
        0 => {}
        count => output.tell(&format!(
            "warning: an earlier run did not end; {count} entries were closed as `interrupted` in the audit\n"
        )),
    }
    Ok(())
}
