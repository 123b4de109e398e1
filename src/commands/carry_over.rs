//! `audit carry-over`, `catalog carry-over`: what an apply wrote down in one checkout, put into another, newer one.
//!
//! Meanwhile others have merged requests and recorded applies of their own, so the files of the first
//! checkout must not replace those of the second.

use std::path::Path;

use super::files::{Rewrite, write_together};
use super::revision::Revision;
use super::{git, repository, variables};
use crate::audit::Audit;
use crate::cli::{CarryOverArgs, Global};
use crate::error::{Error, Result};
use crate::name::Environment;
use crate::output::Output;
use crate::rds_catalog::{self, Catalog, Record, Status, set_status};

pub(super) fn audit(global: &Global, args: &CarryOverArgs, output: Output) -> Result<u8> {
    let environment = variables::environment(global)?;
    let path = Audit::path(&environment);
    let shown = git::git(&args.from, &["show", &format!("{}:./{path}", head(&args.from)?)])?;
    // Where it is new, git says so with a failure.
    let base = if shown.status.success() { shown.stdout } else { Vec::new() };
    let other = bytes(&args.from.join(&path))?;
    let audit = Audit::open(&global.root, &environment, "", "")?;
    let count = audit.carry_over(&base, &other)?;
    output.tell(&format!("audit: {count} rows carried over into {path}\n"));
    Ok(0)
}

pub(super) fn catalog(global: &Global, args: &CarryOverArgs, output: Output) -> Result<u8> {
    let environment = variables::environment(global)?;
    let text = Revision::open(&args.from, &head(&args.from)?)?.text(rds_catalog::PATH)?;
    let base = repository::parsed(rds_catalog::PATH, text, rds_catalog::read, output)?;
    let other = repository::catalog(&args.from, output)?;
    let here = repository::catalog(&global.root, output)?;
    let (mut statuses, mut told) = (Vec::new(), String::new());
    for moved in moves(&base, &other, &environment) {
        match moved.onto(&here) {
            Onto::Set(record) => {
                told += &format!("catalog: {} is {}\n", record.key, moved.to);
                statuses.push((record, moved.to));
            }
            Onto::Done => {}
            Onto::Left(why) => told += &format!("catalog: {} is left alone: {why}\n", moved.key),
        }
    }
    write(&global.root, &here, &statuses)?;
    output.tell(&told);
    Ok(0)
}

/// The audit may have passed through a program that saved it in another encoding; nothing if there is none.
fn bytes(path: &Path) -> Result<Vec<u8>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::new(format!("cannot read {}: {error}", path.display()))),
    }
}

fn head(checkout: &Path) -> Result<String> {
    git::commit(checkout, "HEAD").map_err(|error| error.context("--from"))
}

/// A status that an apply has set.
struct Move<'a> {
    key: &'a str,
    record: &'a Record,
    from: Option<Status>,
    to: Status,
}

/// What becomes of it in another catalog.
enum Onto<'a> {
    Set(&'a Record),
    /// It is there already.
    Done,
    /// Somebody has changed the record meanwhile.
    Left(String),
}

fn moves<'a>(base: &'a Catalog, other: &'a Catalog, environment: &Environment) -> Vec<Move<'a>> {
    let records = other.records.iter().filter(|record| record.environment == *environment);
    let moved = records.filter_map(|record| {
        let before = base.get(environment, &record.database)?;
        let (from, to) = (before.status, record.status?);
        (from != Some(to)).then_some(Move { key: &record.key, record, from, to })
    });
    moved.collect()
}

impl Move<'_> {
    fn onto<'a>(&self, catalog: &'a Catalog) -> Onto<'a> {
        match catalog.get(&self.record.environment, &self.record.database) {
            None => Onto::Left("its record was removed meanwhile".to_owned()),
            Some(record) if record.status == Some(self.to) => Onto::Done,
            Some(record) if record.status == self.from => Onto::Set(record),
            Some(record) => {
                let status = record.status.map_or("nothing", Status::as_str);
                Onto::Left(format!("its status was changed to {status} meanwhile"))
            }
        }
    }
}

fn write(root: &Path, catalog: &Catalog, statuses: &[(&Record, Status)]) -> Result<()> {
    if statuses.is_empty() {
        return Ok(());
    }
    let path = rds_catalog::PATH;
    let new = set_status(catalog, statuses)
        .map_err(|why| Error::new(format!("cannot write the status into {path}: {why}")))?;
    let old = catalog.source.text().to_owned();
    write_together(&[Rewrite { path: root.join(path), old, new }])
}
