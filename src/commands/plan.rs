//! `plan`: read, compare, render.

use super::connections::Connections;
use super::files::write_file;
use super::observe::{Goal, Scene};
use super::{mint, observe, rendered, variables};
use crate::audit::unsettled;
use crate::cli::{Global, PlanArgs};
use crate::error::{ErrorKind, Result};
use crate::output::Output;
use crate::plan::Plan;
use crate::postgres::Access;
use crate::tfvars::Argument;

pub(super) async fn run(
    global: &Global,
    args: &PlanArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let environment = variables::environment(global)?;
    let desired = variables::desired(global, &environment, &args.planning, arguments, output)?;
    let mut connections = Connections::open(global, &environment, "plan", output).await?;
    let session = connections.session(Access::Read, output).await?;
    let new = mint();
    let scene = Scene {
        connections: &connections,
        session: &session,
        desired: &desired,
        unsettled: &unsettled(&global.root, &environment)?,
        parallelism: usize::from(global.parallelism),
    };
    let (_, plan) = observe::plan(&scene, &Goal::Match, &new).await?;
    if let Some(path) = &args.out {
        write_file(path, &super::document(&plan, &desired, &new, None)?)?;
        output.tell(&format!(
            "saved the plan; carry it out with `goldenpath-rds apply {}`\n",
            path.display()
        ));
    }
    output.result(&rendered(&plan, &desired, &new, global.format, output)?);
    Ok(exit_code(&plan, args.detailed_exitcode))
}

/// An obstacle outweighs pending changes.
fn exit_code(plan: &Plan, detailed: bool) -> u8 {
    if !plan.obstacles.is_empty() {
        crate::error::Error::of(ErrorKind::Blocked, "").exit_code()
    } else if detailed && !plan.steps.is_empty() {
        2
    } else {
        0
    }
}
