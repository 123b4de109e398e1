//! `external-secret`: read the entry, render its manifest, print or write it.

use std::fmt::Display;
use std::path::Path;

use super::files::{read_or_empty, write_file};
use super::variables;
use crate::cli::{ExternalSecretArgs, Format, Global, Planning};
use crate::desired::{Desired, Entry};
use crate::error::{Error, ErrorKind, Result};
use crate::external_secret::{
    Destination, Manifest, differences, manifest, usual_name, usual_namespace,
};
use crate::name::{NameError, Namespace, ResourceName};
use crate::output::Output;
use crate::tfvars::{Argument, Sources};

pub(super) fn run(
    global: &Global,
    args: &ExternalSecretArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let environment = variables::environment(global)?;
    let desired =
        variables::desired(global, &environment, &Planning::default(), arguments, output)?;
    let entry = entry(&desired, &args.key)?;
    let destination = destination(entry, args)?;
    let (text, extension) = rendered(&manifest(entry, &destination), global.format)?;
    match &args.output {
        Some(folder) => {
            let path = folder.join(format!("{}.{extension}", destination.name));
            let old = read_or_empty(&path)?;
            refuse_another(&path, &old, entry, &destination, output)?;
            write(&path, &old, &text, output)?;
        }
        None => output.result(&text),
    }
    Ok(0)
}

fn entry<'a>(desired: &'a Desired, key: &str) -> Result<&'a Entry> {
    let mut entries = desired.entries.values();
    entries.find(|entry| entry.key.as_str() == key).ok_or_else(|| {
        let keys: Vec<&str> = desired.entries.keys().map(|key| key.as_str()).collect();
        let message = format!("there is no entry `{key}` in environment `{}`", desired.environment);
        Error::of(ErrorKind::Usage, message).hint(format!("there are: {}", keys.join(", ")))
    })
}

fn destination(entry: &Entry, args: &ExternalSecretArgs) -> Result<Destination> {
    let name = given("--name", args.name.as_deref(), ResourceName::parse)?;
    let namespace = given("--namespace", args.namespace.as_deref(), Namespace::parse)?;
    Ok(Destination {
        version: args.api_version,
        name: name
            .map_or_else(|| usual_name(entry).map_err(|why| unusable(entry, "--name", why)), Ok)?,
        namespace: namespace.map_or_else(
            || usual_namespace(entry).map_err(|why| unusable(entry, "--namespace", why)),
            Ok,
        )?,
        store: ResourceName::parse(&args.store)
            .map_err(|why| refused("--store", &args.store, why))?,
        all: args.all,
    })
}

fn given<T>(
    flag: &str,
    text: Option<&str>,
    parse: fn(&str) -> Result<T, NameError>,
) -> Result<Option<T>> {
    text.map(|text| parse(text).map_err(|why| refused(flag, text, why))).transpose()
}

fn refused(flag: &str, text: &str, why: impl Display) -> Error {
    Error::of(ErrorKind::Usage, format!("{flag} {text}: {why}"))
}

fn unusable(entry: &Entry, flag: &str, why: impl Display) -> Error {
    let message = format!("no name for Kubernetes can be made of entry `{}`: {why}", entry.key);
    Error::of(ErrorKind::Usage, message).hint(format!("give {flag}"))
}

fn rendered(manifest: &Manifest<'_>, format: Format) -> Result<(String, &'static str)> {
    let failed = |error: &dyn Display| Error::new(format!("cannot write the manifest: {error}"));
    match format {
        Format::Human | Format::Markdown | Format::Github => {
            let layout = serde_saphyr::ser_options! { compact_list_indent: false };
            let text = serde_saphyr::to_string_with_options(manifest, layout);
            Ok((text.map_err(|error| failed(&error))?, "yaml"))
        }
        Format::Json => {
            let text = serde_json::to_string_pretty(manifest).map_err(|error| failed(&error))?;
            Ok((text + "\n", "json"))
        }
    }
}

/// Another secret's file is not written over: names of files say neither environment nor namespace, and
/// `inventory` and `inventory_service` have the same one.
fn refuse_another(
    path: &Path,
    old: &str,
    entry: &Entry,
    to: &Destination,
    output: Output,
) -> Result<()> {
    if old.trim().is_empty() {
        return Ok(());
    }
    let shown = path.display().to_string();
    let mut sources = Sources::default();
    let source = sources.add(&shown, old.to_owned());
    let problems = differences(&source, entry, to);
    if problems.is_empty() {
        return Ok(());
    }
    output.tell(&format!("{}\n", sources.render(&problems, output.message_color)));
    let message = format!("{shown} is there already, for something else; nothing was written");
    Err(Error::of(ErrorKind::Blocked, message)
        .hint("give the --name or --namespace that is meant")
        .hint("or give -o a folder of its own for each environment and namespace"))
}

/// A file that already says so keeps its time of change, for the tools that look at it.
fn write(path: &Path, old: &str, text: &str, output: Output) -> Result<()> {
    let shown = path.display();
    if old == text {
        output.tell(&format!("{shown} is up to date\n"));
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::new(format!("cannot make the folder {}: {error}", folder.display()))
        })?;
    }
    write_file(path, text)?;
    output.tell(&format!("wrote {shown}\n"));
    Ok(())
}
