//! One file for each verb; each reads as the pipeline does.

mod ages;
mod apply;
mod approvals;
mod carry_over;
mod catalog;
mod catalog_status;
mod connections;
mod environments;
mod external_secret;
mod files;
mod git;
mod look;
mod master;
mod next;
mod observe;
mod plan;
mod proof;
mod repository;
mod request;
mod revision;
mod rotate;
mod rotation_status;
mod run;
mod sides;
mod tfvars;
mod tree;
mod variables;
mod verify;
mod wanted;

use crate::cli::{AuditVerb, CatalogVerb, Cli, Format, Verb};
use crate::desired::Desired;
use crate::error::Result;
use crate::new_versions::NewVersions;
use crate::output::Output;
use crate::plan::Plan;
use crate::render;
use crate::tfvars::Argument;

/// Runs the verb and gives the exit code. `arguments` are `--var` and `--var-file` in the order given.
///
/// # Errors
/// What stops the verb.
pub async fn run(cli: Cli, arguments: &[Argument], output: Output) -> Result<u8> {
    match cli.verb {
        Verb::Plan(args) => plan::run(&cli.global, &args, arguments, output).await,
        Verb::Approvals(args) => approvals::run(&cli.global, &args, output),
        Verb::Catalog(CatalogVerb::Check(args)) => {
            catalog::check(&cli.global, &args, arguments, output).await
        }
        Verb::Catalog(CatalogVerb::CarryOver(args)) => {
            carry_over::catalog(&cli.global, &args, output)
        }
        Verb::Audit(AuditVerb::CarryOver(args)) => carry_over::audit(&cli.global, &args, output),
        Verb::Environments(args) => environments::run(&cli.global, &args, output),
        Verb::Request(args) => request::run(&cli.global, &args, output),
        Verb::ExternalSecret(args) => external_secret::run(&cli.global, &args, arguments, output),
        Verb::Tfvars(args) => tfvars::run(&cli.global, &args, arguments, output),
        Verb::Apply(args) => apply::run(&cli.global, &args, arguments, output).await,
        Verb::Verify(args) => verify::run(&cli.global, &args, arguments, output).await,
        Verb::RotationStatus(args) => {
            rotation_status::run(&cli.global, &args, arguments, output).await
        }
        Verb::Rotate(args) => rotate::run(&cli.global, &args, arguments, output).await,
    }
}

/// The time and a random seed for the ids of this run.
fn mint() -> NewVersions {
    NewVersions { at: jiff::Timestamp::now(), seed: uuid::Uuid::new_v4() }
}

/// The date in UTC, `2026-01-15`.
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// The plan in the form asked for.
fn rendered(
    plan: &Plan,
    desired: &Desired,
    new: &NewVersions,
    format: Format,
    output: Output,
) -> Result<String> {
    match format {
        Format::Human => Ok(render::human(plan, output.color)),
        Format::Markdown | Format::Github => Ok(render::markdown(plan)),
        Format::Json => document(plan, desired, new, None),
    }
}

fn document(
    plan: &Plan,
    desired: &Desired,
    new: &NewVersions,
    outcome: Option<&crate::apply::Outcome>,
) -> Result<String> {
    render::document(plan, desired, new, outcome)
        .map_err(|error| crate::error::Error::new(format!("cannot write JSON: {error}")))
}
