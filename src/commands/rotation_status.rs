//! `rotation-status`: list the secrets, compare their ages with the policy, render.

use std::collections::BTreeSet;

use super::ages::{Measure, ages};
use super::files::summarise;
use super::variables;
use crate::audit::unsettled;
use crate::cli::{Format, Global, Planning, RotationStatusArgs};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Environment;
use crate::output::Output;
use crate::render;
use crate::rotation::Ages;
use crate::secrets_manager::{SecretsManager, Settings, connect};
use crate::tfvars::Argument;

pub(super) async fn run(
    global: &Global,
    args: &RotationStatusArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let environments = environments(global, args)?;
    let secrets = connect(&Settings { region: global.region.clone() }).await?;
    let (mut read, mut failed) = (Vec::new(), false);
    for environment in &environments {
        match one(global, environment, &secrets, arguments, output).await {
            Ok(ages) => read.push(ages),
            // One environment that cannot be read must not hide the others.
            Err(error) if environments.len() > 1 => {
                output.tell(&format!("error: environment `{environment}`: {error}\n"));
                failed = true;
            }
            Err(error) => return Err(error),
        }
    }
    show(&read, global.format, output)?;
    Ok(exit_code(&read, failed))
}

fn environments(global: &Global, args: &RotationStatusArgs) -> Result<BTreeSet<Environment>> {
    match (args.all_envs, global.env.is_empty()) {
        (true, false) => {
            Err(Error::of(ErrorKind::Usage, "--env and --all-envs do not go together"))
        }
        (true, true) => {
            let names = variables::environments(&global.root);
            names.iter().map(|name| variables::parse_environment(name)).collect()
        }
        (false, _) => variables::some_environments(global),
    }
}

async fn one(
    global: &Global,
    environment: &Environment,
    secrets: &SecretsManager,
    arguments: &[Argument],
    output: Output,
) -> Result<Ages> {
    let desired = variables::desired(global, environment, &Planning::default(), arguments, output)?;
    let measure = Measure::of(global, &desired, arguments, output)?;
    let unsettled = unsettled(&global.root, environment)?;
    ages(secrets, &desired, &measure, &unsettled).await
}

fn show(read: &[Ages], format: Format, output: Output) -> Result<()> {
    match format {
        Format::Human => output.result(&render::ages(read, output.color)),
        Format::Markdown => output.result(&render::ages_markdown(read)),
        Format::Json => {
            let document = serde_json::json!({ "format_version": "1.0", "environments": read });
            let text = serde_json::to_string_pretty(&document)
                .map_err(|error| Error::new(format!("cannot write JSON: {error}")))?;
            output.result(&(text + "\n"));
        }
        Format::Github => {
            output.result(&render::ages_annotations(read));
            summarise(&render::ages_markdown(read), output)?;
        }
    }
    Ok(())
}

/// A secret about which nothing can be said is a failure, not compliance.
fn exit_code(read: &[Ages], failed: bool) -> u8 {
    if failed || read.iter().any(Ages::any_unknown) {
        Error::new("").exit_code()
    } else if read.iter().any(Ages::any_due) {
        2
    } else {
        0
    }
}
