//! `request`: gather, check, place, write two files, tell.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::files::{Rewrite, Staged, read_json, stage, write_together};
use super::variables::{self, RequestFile};
use super::{repository, today};
use crate::approvals;
use crate::cli::{Format, Global, RequestArgs};
use crate::enums;
use crate::error::{Error, ErrorKind, Result};
use crate::output::Output;
use crate::rds_catalog::{self, Catalog};
use crate::request::{
    Field, Fields, Placed, Refusal, Request, Surroundings, Variables, body, check, place,
};
use crate::tfvars::{Kind, Rules, Sources, Type, Value};

/// What the platform's RDS instances are called where the variable files do not say it.
const IDENTIFIER_PREFIX: &str = "goldenpath-platform-db";

pub(super) fn run(global: &Global, args: &RequestArgs, output: Output) -> Result<u8> {
    let fields = gather(global, args)?;
    let enums = repository::read(&global.root, enums::PATH, |s| enums::read(s), output)?;
    let request = check(&fields, &enums).map_err(|problems| {
        variables::refused(&Sources::default(), &problems, "the request", output)
    })?;
    let catalog = repository::catalog(&global.root, output)?;
    let mut file = variables::for_request(global, &request.environment, output)?;
    let placed = placed(&request, &catalog, &mut file, output)?;
    // Ready before anything else changes, so that a body that cannot be written stops the whole.
    let body = args.pr_body.as_ref().map(|path| {
        let around = surroundings(global, &request, &file, output)?;
        stage(path, &body(&request, &placed, &around))
    });
    let body = body.transpose()?;
    write_together(&rewrites(&global.root, &catalog, &file, &placed))?;
    body.map_or(Ok(()), Staged::put)?;
    output.result(&told(global.format, &request, &placed, &file.name));
    Ok(0)
}

/// From flags, from `--input`, or from the inputs of the workflow run. `--env` counts with all of them.
fn gather(global: &Global, args: &RequestArgs) -> Result<Fields> {
    let flags = [
        (Field::DatabaseName, &args.database_name),
        (Field::Username, &args.username),
        (Field::Owner, &args.owner),
        (Field::Requester, &args.requester),
        (Field::Domain, &args.domain),
        (Field::Risk, &args.risk),
        (Field::Size, &args.size),
    ];
    let given = flags.iter().filter_map(|(field, text)| Some((*field, (*text).clone()?)));
    let mut fields = Fields { texts: given.collect(), malformed: Vec::new() };
    if let Some(path) = &args.input {
        fields = Fields::of_document(&read_json(path)?);
    } else if fields.texts.is_empty() {
        fields = from_event()?;
    }
    if let Some(environment) = variables::given_environment(global)? {
        match fields.texts.insert(Field::Environment, environment.to_owned()) {
            Some(other) if other != environment => {
                let message = format!("the request is for `{other}`, --env is `{environment}`");
                return Err(Error::of(ErrorKind::Usage, message));
            }
            Some(_) | None => {}
        }
    }
    Ok(fields)
}

fn from_event() -> Result<Fields> {
    let hint = "give the fields as flags (see --help), or a JSON document with --input";
    let Some(path) = std::env::var_os("GITHUB_EVENT_PATH").map(PathBuf::from) else {
        return Err(Error::of(ErrorKind::Usage, "no request is given").hint(hint));
    };
    Fields::of_event(&read_json(&path)?).ok_or_else(|| {
        let message = format!("the event in {} has no inputs", path.display());
        Error::of(ErrorKind::Usage, message).hint(hint)
    })
}

/// A contradiction is nothing that the same command could ever get over; a layout is for a person to change.
fn placed(
    request: &Request,
    catalog: &Catalog,
    file: &mut RequestFile,
    output: Output,
) -> Result<Placed> {
    let variables = Variables { source: &file.source, databases: file.databases.as_ref() };
    place(request, catalog, variables, &today()).map_err(|refusal| {
        file.sources.add(catalog.source.name(), catalog.source.text().to_owned());
        let (problems, error) = match refusal {
            Refusal::Contradiction(problems) => {
                let message = "the request meets what is there already; nothing was written";
                let hint =
                    "ask for another name; what is there changes in a pull request that says why";
                (problems, Error::of(ErrorKind::Blocked, message).hint(hint))
            }
            Refusal::Layout(problem) => {
                let message = "a file cannot be extended as it stands; nothing was written";
                (vec![*problem], Error::new(message))
            }
        };
        output.tell(&format!("{}\n", file.sources.render(&problems, output.message_color)));
        error
    })
}

fn rewrites(root: &Path, catalog: &Catalog, file: &RequestFile, placed: &Placed) -> Vec<Rewrite> {
    let files = [
        (rds_catalog::PATH, &catalog.source, &placed.catalog),
        (file.name.as_str(), &file.source, &placed.variables),
    ];
    let changed = files.into_iter().filter_map(|(path, source, new)| {
        Some(Rewrite { path: root.join(path), old: source.text().to_owned(), new: new.clone()? })
    });
    changed.collect()
}

fn surroundings(
    global: &Global,
    request: &Request,
    file: &RequestFile,
    output: Output,
) -> Result<Surroundings> {
    let rules = repository::read(&global.root, approvals::PATH, |s| approvals::read(s), output)?;
    Ok(Surroundings {
        instance: instance(request, file),
        variables: file.name.clone(),
        required: rules.required(Some(request.size)),
        link_base: link_base(),
    })
}

/// `goldenpath-platform-db-dev`, as the Terraform module names it.
fn instance(request: &Request, file: &RequestFile) -> String {
    let prefix = file.variables.get("identifier_prefix", &Type::String, Rules::Terraform);
    match prefix {
        Ok(Some(Value { kind: Kind::String(prefix), .. })) => {
            format!("{prefix}-{}", request.environment)
        }
        Ok(_) | Err(_) => format!("{IDENTIFIER_PREFIX}-{}", request.environment),
    }
}

/// GitHub does not resolve relative links in a pull request.
fn link_base() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY")) {
        (Some(server), Some(repository)) => format!("{server}/{repository}/blob/HEAD/"),
        (_, _) => String::new(),
    }
}

fn told(format: Format, request: &Request, placed: &Placed, variables: &str) -> String {
    let (database, environment) = (&request.database, &request.environment);
    let files: Vec<&str> = [(&placed.catalog, rds_catalog::PATH), (&placed.variables, variables)]
        .into_iter()
        .filter_map(|(changed, path)| changed.as_ref().map(|_| path))
        .collect();
    match format {
        Format::Json => {
            let document = json!({
                "format_version": "1.0",
                "environment": environment,
                "database": database,
                "username": request.username,
                "catalog_key": placed.record.key,
                "entry_key": placed.entry,
                "secret": request.secret(),
                "changed_files": files,
            });
            format!("{document:#}\n")
        }
        Format::Human | Format::Markdown | Format::Github if files.is_empty() => {
            format!("No changes: `{database}` in `{environment}` is requested already.\n")
        }
        Format::Human | Format::Markdown | Format::Github => {
            format!("Requested `{database}` in `{environment}`: changed {}.\n", files.join(" and "))
        }
    }
}
