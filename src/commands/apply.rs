//! `apply`: read, compare, show, ask, carry out, and look again.

use std::path::Path;
use std::time::{Duration, Instant};

use super::connections::Connections;
use super::{document, mint, observe, rendered, variables};
use crate::actual::Actual;
use crate::apply::{Effects, Interrupt, Outcome, apply};
use crate::audit::{Audit, BLOCKED, RUN, Row, Status, VERIFY};
use crate::cli::{ApplyArgs, Format, Global};
use crate::desired::Desired;
use crate::error::{Error, ErrorKind, Result};
use crate::name::Environment;
use crate::new_versions::NewVersions;
use crate::output::Output;
use crate::plan::Plan;
use crate::postgres::{Access, Session, acquire};
use crate::render::{self, Saved};
use crate::tfvars::Argument;

pub(super) async fn run(
    global: &Global,
    args: &ApplyArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let since = Instant::now();
    let saved = args.plan.as_deref().map(read_saved).transpose()?;
    let environment = environment(global, saved.as_ref())?;
    let planning = variables::with_saved(&args.planning, saved.as_ref());
    let desired = variables::desired(global, &environment, &planning, arguments, output)?;
    require_permission(&environment)?;
    let audit = Audit::open(&global.root, &environment, &global.build_id, &global.run_id)?;
    let connections = Connections::open(global, &environment, "apply", output).await?;
    let session = connections.session(Access::Write).await?;
    let patience = Duration::from_secs(args.lock_timeout);
    let _lock = acquire(&session, patience, |line| output.tell(&format!("{line}\n"))).await?;
    close_unfinished(&audit, output)?;

    let run = Run {
        global,
        connections: &connections,
        session: &session,
        desired: &desired,
        audit: &audit,
        output,
    };
    let new = saved.as_ref().map_or_else(mint, |saved| saved.new);
    let (actual, plan) = run.observe(&new).await?;
    if let (Some(saved), Some(path)) = (&saved, &args.plan) {
        refuse_stale(saved, &plan, path)?;
    }
    if global.format != Format::Json {
        output.result(&rendered(&plan, &desired, &new, global.format, output)?);
    }
    if plan.steps.is_empty() {
        run.record_obstacles(&plan)?;
        return run.nothing_to_do(&plan, &new, since);
    }
    let approved = args.auto_approve || saved.is_some() || run.confirmed()?;
    if !approved {
        output.tell("nothing was done\n");
        return Ok(1);
    }
    run.record_obstacles(&plan)?;
    run.carry_out(&actual, &plan, &new).await
}

/// What the parts of one apply share.
pub(super) struct Run<'a> {
    global: &'a Global,
    connections: &'a Connections,
    session: &'a Session,
    pub(super) desired: &'a Desired,
    audit: &'a Audit,
    pub(super) output: Output,
}

impl Run<'_> {
    pub(super) async fn observe(&self, new: &NewVersions) -> Result<(Actual, Plan)> {
        let parallelism = usize::from(self.global.parallelism);
        observe::plan(self.connections, self.session, self.desired, new, parallelism).await
    }

    fn nothing_to_do(&self, plan: &Plan, new: &NewVersions, since: Instant) -> Result<u8> {
        if !plan.obstacles.is_empty() {
            return self.finish(plan, new, &Outcome::default());
        }
        let (status, message) = (Status::NoChange, "");
        let duration = Some(since.elapsed());
        let row = Row { database: "", username: "", action: RUN, status, duration, message };
        self.audit.append(&row)?;
        self.finish(plan, new, &Outcome::default())
    }

    /// The trail says why nothing was done for an entry.
    fn record_obstacles(&self, plan: &Plan) -> Result<()> {
        plan.obstacles.iter().try_for_each(|obstacle| {
            let (database, username) = self.desired.names_of(obstacle.entry.as_ref());
            let (action, status, message) = (BLOCKED, Status::Warning, obstacle.message.as_str());
            self.audit.append(&Row { database, username, action, status, duration: None, message })
        })
    }

    /// The command that goes on from here; a saved plan is stale by now.
    fn again(&self) -> String {
        let mut command = format!("goldenpath-rds apply --env {}", self.desired.environment);
        if self.desired.isolate_server {
            command.push_str(" --isolate-server");
        }
        for key in &self.desired.reset_passwords {
            command.push_str(&format!(" --reset-password {key}"));
        }
        command
    }

    /// A JSON document comes at the end, so there is nothing yet that could be confirmed.
    fn confirmed(&self) -> Result<bool> {
        let environment = &self.desired.environment;
        let question =
            format!("\nCarry this out in environment `{environment}`? Only `yes` is taken: ");
        let answer = match self.global.format {
            Format::Human | Format::Markdown => self.output.confirm(&question),
            Format::Json => None,
        };
        answer.ok_or_else(|| {
            let message = "nobody can be asked, without a terminal or with --format json";
            Error::of(ErrorKind::Usage, message).hint("give --auto-approve, or apply a saved plan")
        })
    }

    async fn carry_out(&self, actual: &Actual, plan: &Plan, new: &NewVersions) -> Result<u8> {
        let effects = Effects {
            desired: self.desired,
            server: &actual.server,
            session: self.session,
            connector: &self.connections.connector,
            master_password: &self.connections.master.password,
            secrets: &self.connections.secrets,
        };
        let output = self.output;
        let interrupt = Interrupt::listen(|| {
            Output::new(true, false).tell("stopping after this step; again to stop at once\n");
        })?;
        let mut outcome = apply(plan, &effects, self.audit, &interrupt, |event| {
            output.tell(&render::progress(event, output.message_color));
        })
        .await?;
        if outcome.signal.is_none() {
            for failed in self.verify(plan, &effects, &outcome).await? {
                let (database, username) = self.desired.names_of(failed.entry.as_ref());
                let (action, status, message) = (VERIFY, Status::Error, failed.message.as_str());
                let row = Row { database, username, action, status, duration: None, message };
                self.audit.append(&row)?;
                outcome.failed.push(failed);
            }
        }
        self.finish(plan, new, &outcome)
    }

    fn finish(&self, plan: &Plan, new: &NewVersions, outcome: &Outcome) -> Result<u8> {
        let (format, output) = (self.global.format, self.output);
        match format {
            Format::Json => output.result(&document(plan, self.desired, new, Some(outcome))?),
            Format::Human | Format::Markdown if plan.steps.is_empty() => {}
            Format::Human | Format::Markdown => {
                output.result(&render::outcome(plan, outcome, &self.again(), output.color));
            }
        }
        let kind = match outcome.signal {
            Some(number) => ErrorKind::Signal(number),
            None if !outcome.failed.is_empty() => ErrorKind::Failure,
            None if !plan.obstacles.is_empty() => ErrorKind::Blocked,
            None => return Ok(0),
        };
        Ok(Error::of(kind, "").exit_code())
    }
}

fn read_saved(path: &Path) -> Result<Saved> {
    let shown = path.display();
    let hint = "make a new one with `goldenpath-rds plan --out FILE`";
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::new(format!("cannot read the plan {shown}: {error}")).hint(hint))?;
    Saved::parse(&text)
        .map_err(|why| Error::new(format!("{shown} is not a saved plan: {why}")).hint(hint))
}

fn environment(global: &Global, saved: Option<&Saved>) -> Result<Environment> {
    match (saved, &global.env) {
        (Some(saved), Some(env)) if saved.environment != *env => Err(Error::of(
            ErrorKind::Usage,
            format!("the saved plan is for environment `{}`, --env is `{env}`", saved.environment),
        )),
        (Some(saved), _) => variables::parse_environment(&saved.environment),
        (None, _) => variables::environment(global),
    }
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

fn refuse_stale(saved: &Saved, plan: &Plan, path: &Path) -> Result<()> {
    if saved.agrees_with(plan) {
        return Ok(());
    }
    let message =
        format!("the saved plan {} is stale: a fresh plan has other steps", path.display());
    Err(Error::of(ErrorKind::Blocked, message)
        .hint("something changed since it was made; look at a new one with `goldenpath-rds plan --out FILE`"))
}
