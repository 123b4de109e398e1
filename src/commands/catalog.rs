//! `catalog check`: read all sides, compare, tell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::connections::Connections;
use super::files::summarise;
use super::observe::Scene;
use super::{mint, observe, repository, variables};
use crate::audit::unsettled;
use crate::cli::{CheckArgs, Format, Global, Planning};
use crate::desired::Desired;
use crate::enums::{self, Enums};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Environment;
use crate::output::Output;
use crate::postgres::Access;
use crate::rds_catalog::{Agreement, Catalog, Live, compare};
use crate::render;
use crate::tfvars::Argument;

pub(super) async fn check(
    global: &Global,
    args: &CheckArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let catalog = repository::catalog(&global.root, output)?;
    let enums = repository::read(&global.root, enums::PATH, |s| enums::read(s), output)?;
    let mut found = Vec::new();
    for environment in environments(global, args, &catalog)? {
        let desired = desired(global, &environment, arguments, output)?;
        found.push(if args.live {
            live(global, &catalog, &enums, &desired, output).await?
        } else {
            compare(&catalog, &enums, &desired, None)
        });
    }
    show(&found, global.format, output)?;
    Ok(if found.iter().all(Agreement::is_complete) { 0 } else { 2 })
}

/// Those of `--env`, or all that the catalog or the folder has.
fn environments(
    global: &Global,
    args: &CheckArgs,
    catalog: &Catalog,
) -> Result<BTreeSet<Environment>> {
    if !global.env.is_empty() {
        return variables::some_environments(global);
    }
    if args.live {
        let hint = "each environment has a server and a master's secret of its own";
        return Err(Error::of(ErrorKind::Usage, "--live needs --env").hint(hint));
    }
    let in_catalog = catalog.records.iter().map(|record| record.environment.clone());
    let folders = variables::environments(&global.root);
    // The local stack is thrown away: nobody answers for what is in it.
    let folders = folders
        .iter()
        .filter(|name| *name != "local")
        .map(|name| variables::parse_environment(name));
    in_catalog.map(Ok).chain(folders).collect()
}

/// An environment that only the catalog has asks for nothing.
fn desired(
    global: &Global,
    environment: &Environment,
    arguments: &[Argument],
    output: Output,
) -> Result<Desired> {
    if !variables::environments(&global.root).contains(environment.as_str())
        && global.env.is_empty()
    {
        return Ok(Desired {
            environment: environment.clone(),
            entries: BTreeMap::new(),
            isolate_server: false,
            reset_passwords: BTreeSet::new(),
        });
    }
    variables::desired(global, environment, &Planning::default(), arguments, output)
}

async fn live(
    global: &Global,
    catalog: &Catalog,
    enums: &Enums,
    desired: &Desired,
    output: Output,
) -> Result<Agreement> {
    let mut connections =
        Connections::open(global, &desired.environment, "catalog check", output).await?;
    let session = connections.session(Access::Read, output).await?;
    let (goal, new) = (observe::Goal::Match, mint());
    let scene = Scene {
        connections: &connections,
        session: &session,
        desired,
        unsettled: &unsettled(&global.root, &desired.environment)?,
        parallelism: usize::from(global.parallelism),
    };
    let (actual, plan) = observe::plan(&scene, &goal, &new).await?;
    let live = Live { actual: &actual, unclaimed: &plan.unclaimed };
    Ok(compare(catalog, enums, desired, Some(live)))
}

fn show(found: &[Agreement], format: Format, output: Output) -> Result<()> {
    match format {
        Format::Human => output.result(&render::agreements(found, output.color)),
        Format::Markdown => output.result(&render::agreements_markdown(found)),
        Format::Json => {
            let managed: usize = found.iter().map(|one| one.databases.len()).sum();
            let governed: usize = found.iter().map(Agreement::governed).sum();
            let document = json!({
                "format_version": "1.0",
                "governance": { "managed": managed, "governed": governed },
                "environments": found,
            });
            output.result(&format!("{document:#}\n"));
        }
        Format::Github => {
            output.result(&render::agreements_annotations(found));
            summarise(&render::agreements_markdown(found), output)?;
        }
    }
    Ok(())
}
