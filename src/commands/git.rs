//! What git says of the repository's commits.

use std::path::Path;
use std::process::{Command, Output as Finished};

use crate::error::{Error, Result};

/// The full id of a commit.
pub(super) fn commit(root: &Path, revision: &str) -> Result<String> {
    let wanted = format!("{revision}^{{commit}}");
    let found = git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
    if found.status.success() {
        return Ok(String::from_utf8_lossy(&found.stdout).trim().to_owned());
    }
    let hint = "a shallow clone may lack it: `fetch-depth: 0` for actions/checkout";
    Err(Error::new(format!("there is no commit `{revision}` in {}", root.display())).hint(hint))
}

/// The commit at which `head` left `base`, so that what `base` got meanwhile is not taken for the doing
/// of `head`.
pub(super) fn merge_base(root: &Path, base: &str, head: &str) -> Result<String> {
    let found = git(root, &["merge-base", base, head])?;
    if found.status.success() {
        return Ok(String::from_utf8_lossy(&found.stdout).trim().to_owned());
    }
    let hint = "a shallow clone lacks their common history: `fetch-depth: 0` for actions/checkout";
    Err(Error::new(format!("commits {base} and {head} have nothing in common")).hint(hint))
}

/// Something that a commit has under a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) object: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    File,
    Link,
    /// Another repository.
    Module,
}

/// All files of a commit, with their paths relative to `root`. What attributes would make of them on the
/// way into a folder, to leave them out for one, does not touch them here.
pub(super) fn files(root: &Path, commit: &str) -> Result<Vec<(String, Item)>> {
    let listed = git(root, &["ls-tree", "-r", "-z", commit])?;
    let failed = |why: &str| Error::new(format!("cannot list the files of {commit}: {why}"));
    if !listed.status.success() {
        return Err(failed(String::from_utf8_lossy(&listed.stderr).trim()));
    }
    let text = String::from_utf8_lossy(&listed.stdout);
    let lines = text.split('\0').filter(|line| !line.is_empty());
    lines.map(|line| item(line).ok_or_else(|| failed(line))).collect()
}

/// `100644 blob 0123…<TAB>path`
fn item(line: &str) -> Option<(String, Item)> {
    let (facts, path) = line.split_once('\t')?;
    let [mode, _, object] = facts.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let kind = match mode {
        "120000" => ItemKind::Link,
        "160000" => ItemKind::Module,
        _ => ItemKind::File,
    };
    Some((path.to_owned(), Item { kind, object: object.to_owned() }))
}

/// The bytes of a file.
pub(super) fn content(root: &Path, object: &str) -> Result<Vec<u8>> {
    let found = git(root, &["cat-file", "blob", object])?;
    if found.status.success() {
        return Ok(found.stdout);
    }
    let why = String::from_utf8_lossy(&found.stderr).trim().to_owned();
    Err(Error::new(format!("cannot read {object} of the repository: {why}")))
}

/// Runs git in the repository.
pub(super) fn git(root: &Path, arguments: &[&str]) -> Result<Finished> {
    Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .output()
        .map_err(|error| Error::new(format!("cannot run git: {error}")))
}
