//! `apply`: read, compare, show, ask, carry out, and look again.

use std::path::Path;

use super::observe::Goal;
use super::run::{Planned, Run};
use super::{mint, variables};
use crate::audit::Verb;
use crate::cli::{ApplyArgs, Global};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Environment;
use crate::output::Output;
use crate::plan::Plan;
use crate::render::Saved;
use crate::tfvars::Argument;

pub(super) async fn run(
    global: &Global,
    args: &ApplyArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let saved = args.plan.as_deref().map(read_saved).transpose()?;
    let environment = environment(global, saved.as_ref())?;
    let planning = variables::with_saved(&args.planning, saved.as_ref());
    let desired = variables::desired(global, &environment, &planning, arguments, output)?;
    let run = Run::begin(Verb::Apply, global, &desired, args.lock_timeout, output).await?;
    let run = run.updating_catalog(args.update_catalog);
    let new = saved.as_ref().map_or_else(mint, |saved| saved.new);
    let (actual, plan) = run.observe(&Goal::Match, &new).await?;
    if let (Some(saved), Some(path)) = (&saved, &args.plan) {
        refuse_stale(saved, &plan, path)?;
    }
    let planned = Planned { actual: &actual, plan: &plan, goal: &Goal::Match, new: &new };
    run.go(&planned, args.auto_approve || saved.is_some()).await
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
    match (saved, variables::given_environment(global)?) {
        (Some(saved), Some(env)) if saved.environment != env => Err(Error::of(
            ErrorKind::Usage,
            format!("the saved plan is for environment `{}`, --env is `{env}`", saved.environment),
        )),
        (Some(saved), _) => variables::parse_environment(&saved.environment),
        (None, _) => variables::environment(global),
    }
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
