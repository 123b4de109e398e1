//! The two ends of a change that `approvals` judges, and the rules, from commits or from files.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::read_text;
use super::revision::Revision;
use super::wanted::wanted;
use super::{git, repository};
use crate::approvals::{self, Rules, Side};
use crate::cli::{ApprovalsArgs, Global};
use crate::error::{Error, ErrorKind, Result};
use crate::output::Output;
use crate::rds_catalog;

/// What is compared, and the rules. They are those of the base: a change does not approve itself.
pub(super) struct Sides {
    pub(super) base: Side,
    pub(super) head: Side,
    pub(super) rules: Rules,
    pub(super) head_commit: Option<String>,
}

impl Sides {
    pub(super) fn read(global: &Global, args: &ApprovalsArgs, output: Output) -> Result<Self> {
        let (base, head) = (args.base.as_str(), args.head.as_str());
        match (Path::new(base).is_file(), Path::new(head).is_file()) {
            (true, true) => Self::of_files(&global.root, base, head, output),
            (true, false) => Err(mixed(base, head)),
            (false, true) => Err(mixed(head, base)),
            (false, false) => Self::of_commits(global, base, head, output),
        }
    }

    /// Two catalogs say nothing of variable files.
    fn of_files(root: &Path, base: &str, head: &str, output: Output) -> Result<Self> {
        let side = |path: &str| {
            let text = read_text(Path::new(path))?;
            let catalog = repository::parsed(path, text, rds_catalog::read, output)?;
            Ok(Side { catalog, entries: BTreeMap::new() })
        };
        let rules = read_text(&root.join(approvals::PATH))?;
        Ok(Self {
            base: side(base)?,
            head: side(head)?,
            rules: parsed_rules(rules, output)?,
            head_commit: None,
        })
    }

    fn of_commits(global: &Global, base: &str, head: &str, output: Output) -> Result<Self> {
        let root = &global.root;
        let (base, head) = (git::commit(root, base)?, git::commit(root, head)?);
        let left_at = git::merge_base(root, &base, &head)?;
        let rules = Revision::open(root, &base)?.text(approvals::PATH)?;
        Ok(Self {
            base: side(global, &Revision::open(root, &left_at)?, output)?,
            head: side(global, &Revision::open(root, &head)?, output)?,
            rules: parsed_rules(rules, output)?,
            head_commit: Some(head),
        })
    }
}

fn side(global: &Global, revision: &Revision<'_>, output: Output) -> Result<Side> {
    let read = || {
        let text = revision.text(rds_catalog::PATH)?;
        let catalog = repository::parsed(rds_catalog::PATH, text, rds_catalog::read, output)?;
        let folder = tempfile::tempdir()
            .map_err(|error| Error::new(format!("cannot make a temporary folder: {error}")))?;
        revision.unpack_variables(folder.path())?;
        let allowed = &global.allow_attribute;
        Ok(Side { catalog, entries: wanted(folder.path(), allowed, output)? })
    };
    read().map_err(|error: Error| error.context(revision.shown()))
}

fn parsed_rules(text: String, output: Output) -> Result<Rules> {
    repository::parsed(approvals::PATH, text, |source| approvals::read(source), output)
}

fn mixed(file: &str, other: &str) -> Error {
    Error::of(ErrorKind::Usage, format!("`{file}` is a file, and `{other}` is none"))
        .hint("--base and --head are two commits or two catalog files; refs/heads/NAME names a branch that is called like a file")
}
