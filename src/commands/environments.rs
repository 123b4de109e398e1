//! `environments`: two commits, the folders and records that differ, the environments they belong to.

use std::collections::BTreeSet;
use std::path::Path;

use super::revision::Revision;
use super::tree::{Entry, Kind, Tree};
use super::variables::parse_environment;
use super::{git, repository};
use crate::approvals::differing_fields;
use crate::cli::{EnvironmentsArgs, Format, Global};
use crate::error::{Error, Result};
use crate::name::Environment;
use crate::output::Output;
use crate::rds_catalog::{self, Catalog, Record};

/// The folder of the environments' folders.
const FOLDER: &str = "envs";

/// The stack on a developer's machine; no workflow reaches it.
const LOCAL: &str = "local";

pub(super) fn run(global: &Global, args: &EnvironmentsArgs, output: Output) -> Result<u8> {
    let names = chosen(&global.root, args, output)?;
    match global.format {
        Format::Human | Format::Markdown | Format::Github => {
            output.result(&names.iter().map(|name| format!("{name}\n")).collect::<String>());
        }
        // On one line, as a step's output and a job's matrix take it.
        Format::Json => {
            let names: Vec<&str> = names.iter().map(Environment::as_str).collect();
            output.result(&format!("{}\n", serde_json::json!(names)));
        }
    }
    Ok(0)
}

fn chosen(root: &Path, args: &EnvironmentsArgs, output: Output) -> Result<BTreeSet<Environment>> {
    let head = Side::at(root, git::commit(root, &args.head)?)?;
    let all = head.environments()?;
    if !args.only.is_empty() {
        return only(&args.only, &all);
    }
    let Some(base) = base(root, args, &head.commit) else { return Ok(all) };
    let catalog = head.catalog(root, output)?;
    let Ok(before) = base.catalog(root, output) else {
        output.tell("what the base's catalog said is not known, so all environments are told\n");
        return Ok(all);
    };
    let recorded = concerned(&before, &catalog);
    Ok(all
        .into_iter()
        .filter(|name| recorded.contains(name) || !head.has_folder_of(&base, name))
        .collect())
}

fn only(name: &str, all: &BTreeSet<Environment>) -> Result<BTreeSet<Environment>> {
    let name = parse_environment(name)?;
    if all.contains(&name) {
        return Ok(BTreeSet::from([name]));
    }
    let known: Vec<&str> = all.iter().map(Environment::as_str).collect();
    let message = if name.as_str() == LOCAL {
        "`local` is the stack on a developer's machine".to_owned()
    } else {
        format!("there is no folder {}", folder_of(&name))
    };
    Err(Error::new(message).hint(format!("there are: {}", known.join(", "))))
}

/// `None` if there is no such commit: of a new branch GitHub says zeros, and a commit that a forced push
/// removed is in no clone.
fn base(root: &Path, args: &EnvironmentsArgs, head: &str) -> Option<Side> {
    let base = git::commit(root, &args.base).ok()?;
    let base = if args.merge_base { git::merge_base(root, &base, head).ok()? } else { base };
    Side::at(root, base).ok()
}

/// The environments of the records that differ.
fn concerned(before: &Catalog, after: &Catalog) -> BTreeSet<Environment> {
    let is_kept = |record: &&Record| {
        let same = after.get(&record.environment, &record.database);
        same.is_some_and(|same| differing_fields(record, same).is_empty())
    };
    let is_new = |record: &&Record| before.get(&record.environment, &record.database).is_none();
    let gone = before.records.iter().filter(|record| !is_kept(record));
    let new = after.records.iter().filter(is_new);
    gone.chain(new).map(|record| record.environment.clone()).collect()
}

fn folder_of(name: &Environment) -> String {
    format!("{FOLDER}/{name}-rds")
}

/// One of the two commits.
struct Side {
    commit: String,
    tree: Tree,
}

impl Side {
    fn at(root: &Path, commit: String) -> Result<Self> {
        let catalogs = rds_catalog::PATH.split('/').next().unwrap_or_default();
        let tree = Tree::read(root, &commit, &[FOLDER, catalogs])?;
        Ok(Self { commit, tree })
    }

    fn environments(&self) -> Result<BTreeSet<Environment>> {
        self.tree.refuse_detours(FOLDER, &self.commit)?;
        let folders = self.tree.below(FOLDER).filter(|(_, entry)| entry.kind != Kind::File);
        let names = folders.filter_map(|(path, _)| path.strip_suffix("-rds"));
        let names = names.filter(|name| !name.contains('/') && *name != LOCAL);
        names.map(parse_environment).collect()
    }

    /// Whether an environment's folder is the same on both sides. Of what a link in it leads to, nobody
    /// knows.
    fn has_folder_of(&self, other: &Self, name: &Environment) -> bool {
        let folder = folder_of(name);
        let is_known = |entry: &Entry| matches!(entry.kind, Kind::Folder | Kind::File);
        let (entry, mut content) = (self.tree.get(&folder), self.tree.below(&folder));
        entry.is_some_and(is_known)
            && content.all(|(_, entry)| is_known(entry))
            && entry == other.tree.get(&folder)
    }

    fn catalog(&self, root: &Path, output: Output) -> Result<Catalog> {
        self.tree.refuse_detours(rds_catalog::PATH, &self.commit)?;
        let text = Revision::open(root, &self.commit)?.text(rds_catalog::PATH)?;
        repository::parsed(rds_catalog::PATH, text, rds_catalog::read, output)
    }
}
