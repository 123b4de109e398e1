//! Files as a commit of the repository has them.

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

/// The text of a file in a commit; empty if it has none. `path` is relative to `root`.
pub(super) fn text(root: &Path, commit: &str, path: &str) -> Result<String> {
    let listed = git(root, &["ls-tree", "--name-only", commit, "--", path])?;
    if listed.status.success() && listed.stdout.is_empty() {
        return Ok(String::new());
    }
    let shown = git(root, &["show", &format!("{commit}:./{path}")])?;
    let failed = |why: &str| Error::new(format!("cannot read {path} of commit {commit}: {why}"));
    if !shown.status.success() {
        return Err(failed(String::from_utf8_lossy(&shown.stderr).trim()));
    }
    String::from_utf8(shown.stdout).map_err(|_| failed("it is not UTF-8"))
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
