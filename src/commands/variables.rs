//! From the variable files and the command line to what is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::repository;
use crate::cli::{Global, Planning};
use crate::desired::{Desired, Entry, VARIABLE, entries, entry_type, environment_matches};
use crate::error::{Error, ErrorKind, Result};
use crate::name::{EntryKey, Environment};
use crate::output::Output;
use crate::render::Saved;
use crate::rotation::Policy;
use crate::tfvars::{
    Argument, Diagnostic, Request, Rules, Source, Sources, Type, Value, Variables, read,
};

/// The environment of `--env`.
pub(super) fn environment(global: &Global) -> Result<Environment> {
    parse_environment(given_environment(global)?.ok_or_else(|| no_environment(global))?)
}

/// The environments of `--env`, for the verbs that take several.
pub(super) fn some_environments(global: &Global) -> Result<BTreeSet<Environment>> {
    if global.env.is_empty() {
        return Err(no_environment(global));
    }
    global.env.iter().map(|env| parse_environment(env)).collect()
}

/// `--env` as it was given, for the verbs that take one.
pub(super) fn given_environment(global: &Global) -> Result<Option<&str>> {
    match global.env.as_slice() {
        [] => Ok(None),
        [env] => Ok(Some(env)),
        [_, _, ..] => Err(Error::of(ErrorKind::Usage, "--env is given more than once").hint(
            "one run changes one environment; rotation-status and catalog check take several",
        )),
    }
}

fn no_environment(global: &Global) -> Error {
    Error::of(ErrorKind::Usage, "no environment is given")
        .hint(format!("give --env; there are: {}", known_environments(&global.root)))
}

/// An environment's name.
pub(super) fn parse_environment(text: &str) -> Result<Environment> {
    Environment::parse(text)
        .map_err(|why| Error::of(ErrorKind::Usage, format!("environment `{text}`: {why}")))
}

/// A saved plan was made with these flags, and is compared with a plan made with them.
pub(super) fn with_saved(planning: &Planning, saved: Option<&Saved>) -> Planning {
    match saved {
        Some(saved) => Planning {
            isolate_server: saved.isolate_server,
            reset_password: saved.reset_passwords.clone(),
        },
        None => planning.clone(),
    }
}

/// Everything that is wanted.
pub(super) fn desired(
    global: &Global,
    environment: &Environment,
    planning: &Planning,
    arguments: &[Argument],
    output: Output,
) -> Result<Desired> {
    let shown_as = folder_name(environment);
    let (sources, variables) = read_folder(global, environment, arguments)?;
    let shown = |problems: Vec<Diagnostic>| refused(&sources, &problems, &shown_as, output);
    let variables = variables.map_err(shown)?;
    let (_, mut entries) =
        checked(&variables, environment, &global.allow_attribute).map_err(shown)?;
    let catalog = repository::catalog(&global.root, output)?;
    for entry in entries.values_mut() {
        if let Some(record) = catalog.get(environment, &entry.database) {
            entry.governance = record.governance();
        }
    }
    output.detail(&format!("read {} entries from {shown_as}", entries.len()));
    let resets = reset_keys(planning)?;
    Desired::new(environment.clone(), entries, planning.isolate_server, resets).map_err(|key| {
        Error::of(ErrorKind::Usage, format!("--reset-password {key}: there is no such entry"))
    })
}

/// After how many days passwords are due in an environment.
pub(super) fn rotation_policy(
    global: &Global,
    environment: &Environment,
    arguments: &[Argument],
    output: Output,
) -> Result<Policy> {
    let (sources, variables) = read_folder(global, environment, arguments)?;
    let shown =
        |problems: Vec<Diagnostic>| refused(&sources, &problems, &folder_name(environment), output);
    let rules = Rules::Strict { allow_attributes: &[] };
    let ty = Policy::variable_type();
    let variables = variables.map_err(shown)?;
    let value = variables.get(crate::rotation::VARIABLE, &ty, rules).map_err(shown)?;
    value.map_or_else(|| Ok(Policy::default()), |value| Policy::read(&value).map_err(shown))
}

/// The variables and the checked value of [`VARIABLE`], to be shown.
pub(super) fn listed(
    global: &Global,
    environment: &Environment,
    arguments: &[Argument],
    output: Output,
) -> Result<(Variables, Value)> {
    let (sources, variables) = read_folder(global, environment, arguments)?;
    let shown =
        |problems: Vec<Diagnostic>| refused(&sources, &problems, &folder_name(environment), output);
    let variables = variables.map_err(shown)?;
    let (value, _) = checked(&variables, environment, &global.allow_attribute).map_err(shown)?;
    Ok((variables, value))
}

/// The variable file that requests are added to, and what it says.
pub(super) struct RequestFile {
    pub(super) sources: Sources,
    /// Its text; empty if there is no such file yet.
    pub(super) source: Arc<Source>,
    pub(super) variables: Variables,
    pub(super) databases: Option<Value>,
    /// Its name in messages, which is its path in the repository.
    pub(super) name: String,
}

/// Reads the repository's variable files, without this process's environment and flags: a request changes
/// what everybody will read.
pub(super) fn for_request(
    global: &Global,
    environment: &Environment,
    output: Output,
) -> Result<RequestFile> {
    let shown_as = folder_name(environment);
    let (mut sources, variables) =
        read_folder_with(&global.root, environment, &[], &BTreeMap::new())?;
    let shown = |problems: Vec<Diagnostic>| refused(&sources, &problems, &shown_as, output);
    let variables = variables.map_err(shown)?;
    let winner = variables.names().find(|(name, _)| *name == VARIABLE).map(|(_, file)| file);
    let name = format!("{shown_as}/terraform.tfvars");
    if let Some(other) = winner.filter(|winner| *winner != name) {
        let message = format!("`{VARIABLE}` is set in {other}; an entry in {name} would not count");
        return Err(Error::new(message).hint(format!("move the map to {name}")));
    }
    let databases = match winner {
        Some(_) => {
            Some(checked(&variables, environment, &global.allow_attribute).map_err(shown)?.0)
        }
        None => named(&variables, environment).map(|()| None).map_err(shown)?,
    };
    let text = sources.get(&name).map_or("", Source::text).to_owned();
    let source = sources.add(&name, text);
    Ok(RequestFile { sources, source, variables, databases, name })
}

/// The folder of the environments' folders.
pub(super) const ENVIRONMENTS: &str = "envs";

/// The folder of an environment, as messages name it.
pub(super) fn folder_name(environment: &Environment) -> String {
    format!("{ENVIRONMENTS}/{environment}-rds")
}

fn read_folder(
    global: &Global,
    environment: &Environment,
    arguments: &[Argument],
) -> Result<(Sources, Result<Variables, Vec<Diagnostic>>)> {
    let process: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    read_folder_with(&global.root, environment, arguments, &process)
}

/// Reads an environment's folder under `root`.
pub(super) fn read_folder_with(
    root: &Path,
    environment: &Environment,
    arguments: &[Argument],
    process: &BTreeMap<String, String>,
) -> Result<(Sources, Result<Variables, Vec<Diagnostic>>)> {
    let shown_as = folder_name(environment);
    let folder = root.join(&shown_as);
    if !folder.is_dir() {
        return Err(Error::new(format!("there is no folder {}", folder.display())).hint(format!(
            "there are: {}; a new environment begins with that folder and a terraform.tfvars in it; --root names the repository",
            known_environments(root)
        )));
    }
    Ok(read(&Request {
        folder: &folder,
        shown_as: &shown_as,
        working_folder: Path::new("."),
        arguments,
        environment: process,
    }))
}

/// Checks both variables, so that the problems of both are told.
pub(super) fn checked(
    variables: &Variables,
    environment: &Environment,
    allow_attributes: &[String],
) -> Result<(Value, BTreeMap<EntryKey, Entry>), Vec<Diagnostic>> {
    let databases = databases(variables, environment, allow_attributes);
    match (named(variables, environment), databases) {
        (Ok(()), databases) => databases,
        (Err(problems), Ok(_)) => Err(problems),
        (Err(problems), Err(more)) => Err([problems, more].concat()),
    }
}

/// The variable `environment`, where the files have it, says the same as `--env`.
fn named(variables: &Variables, environment: &Environment) -> Result<(), Vec<Diagnostic>> {
    let named = variables.get("environment", &Type::String, Rules::Terraform)?;
    environment_matches(named.as_ref(), environment).map_err(|problem| vec![*problem])
}

fn databases(
    variables: &Variables,
    environment: &Environment,
    allow_attributes: &[String],
) -> Result<(Value, BTreeMap<EntryKey, Entry>), Vec<Diagnostic>> {
    match variables.get(VARIABLE, &entry_type(), Rules::Strict { allow_attributes })? {
        Some(value) => entries(&value, environment).map(|entries| (value, entries)),
        None => Err(vec![
            Diagnostic::anywhere(format!("nothing sets `{VARIABLE}`"))
                .hint(format!("an environment without databases says so: `{VARIABLE} = {{}}`")),
        ]),
    }
}

fn reset_keys(planning: &Planning) -> Result<BTreeSet<EntryKey>> {
    let parse = |key: &String| {
        EntryKey::parse(key)
            .map_err(|why| Error::of(ErrorKind::Usage, format!("--reset-password {key}: {why}")))
    };
    planning.reset_password.iter().map(parse).collect()
}

/// The problems themselves are shown at once; the error counts them.
pub(super) fn refused(
    sources: &Sources,
    problems: &[Diagnostic],
    shown_as: &str,
    output: Output,
) -> Error {
    output.tell(&sources.render(problems, output.message_color));
    output.tell("\n");
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    Error::new(format!("{shown_as}: {count}; nothing was done"))
}

/// The environments that the repository has.
pub(super) fn environments(root: &Path) -> BTreeSet<String> {
    std::fs::read_dir(root.join(ENVIRONMENTS))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix("-rds").map(str::to_owned))
        .collect()
}

/// The same, for a hint.
fn known_environments(root: &Path) -> String {
    let names = environments(root);
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.into_iter().collect::<Vec<_>>().join(", ")
    }
}
