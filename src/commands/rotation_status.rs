//! `rotation-status`: list the secrets, compare their ages with the policy, render.

use std::collections::BTreeSet;
use std::path::Path;

use super::ages::{Measure, ages};
use super::files::summarise;
use super::variables;
use crate::audit::unsettled;
use crate::cli::{Format, Global, Planning, RotationStatusArgs};
use crate::error::{Error, ErrorKind, Result};
use crate::output::Output;
use crate::render;
use crate::rotation::{Ages, Survey, Unread};
use crate::secrets_manager::{SecretsManager, Settings, connect};
use crate::tfvars::Argument;

pub(super) async fn run(
    global: &Global,
    args: &RotationStatusArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let names = names(global, args)?;
    let secrets = connect(&Settings { region: global.region.clone() }).await?;
    let mut survey = Survey::default();
    for name in &names {
        match one(global, name, &secrets, arguments, output).await {
            Ok(ages) => survey.environments.push(ages),
            // One environment that cannot be read must not hide the others.
            Err(error) if names.len() > 1 => {
                output.tell(&format!("error: environment `{name}`: {error}\n"));
                let (environment, message) = (name.clone(), error.message().to_owned());
                survey.unread.push(Unread { environment, message });
            }
            Err(error) => return Err(error),
        }
    }
    show(&survey, global.format, output)?;
    Ok(exit_code(&survey))
}

fn names(global: &Global, args: &RotationStatusArgs) -> Result<BTreeSet<String>> {
    match (args.all_envs, global.env.is_empty()) {
        (true, false) => {
            Err(Error::of(ErrorKind::Usage, "--env and --all-envs do not go together"))
        }
        (true, true) => all(&global.root),
        (false, _) => {
            let asked = variables::some_environments(global)?;
            Ok(asked.iter().map(ToString::to_string).collect())
        }
    }
}

/// That there is none is no compliance: the folder is the wrong one, or the checkout is incomplete.
fn all(root: &Path) -> Result<BTreeSet<String>> {
    let names = variables::environments(root);
    if names.is_empty() {
        let folder = root.join(variables::ENVIRONMENTS);
        let message = format!("there is no environment in {}", folder.display());
        return Err(Error::new(message).hint(
            "--root names the repository; an environment is a folder such as envs/dev-rds in it",
        ));
    }
    Ok(names)
}

async fn one(
    global: &Global,
    name: &str,
    secrets: &SecretsManager,
    arguments: &[Argument],
    output: Output,
) -> Result<Ages> {
    let environment = &variables::parse_environment(name)?;
    let desired = variables::desired(global, environment, &Planning::default(), arguments, output)?;
    let measure = Measure::of(global, &desired, arguments, output)?;
    let unsettled = unsettled(&global.root, environment)?;
    ages(secrets, &desired, &measure, &unsettled).await
}

fn show(survey: &Survey, format: Format, output: Output) -> Result<()> {
    match format {
        Format::Human => output.result(&render::ages(survey, output.color)),
        Format::Markdown => output.result(&render::ages_markdown(survey)),
        Format::Json => {
            let Survey { environments, unread } = survey;
            let document = serde_json::json!({
                "format_version": "1.0", "environments": environments, "unread": unread,
            });
            let text = serde_json::to_string_pretty(&document)
                .map_err(|error| Error::new(format!("cannot write JSON: {error}")))?;
            output.result(&(text + "\n"));
        }
        Format::Github => {
            output.result(&render::ages_annotations(survey));
            summarise(&render::ages_markdown(survey), output)?;
        }
    }
    Ok(())
}

/// A secret about which nothing can be said is a failure, not compliance.
fn exit_code(survey: &Survey) -> u8 {
    if survey.any_unknown() {
        Error::new("").exit_code()
    } else if survey.any_due() {
        2
    } else {
        0
    }
}
