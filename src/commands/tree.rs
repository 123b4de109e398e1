//! What a commit has, from git's own list: no link is followed.

use std::collections::BTreeMap;
use std::path::Path;

use super::git::git;
use crate::error::{Error, Result};

/// The folders and files of a commit below some paths.
pub(super) struct Tree(BTreeMap<String, Entry>);

/// Equal entries have the same content, folders with everything in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    /// What it leads to may change without it.
    Link,
    /// Another repository.
    Module,
}

impl Tree {
    /// Reads the list of everything below `paths`, which are relative to `root`.
    pub(super) fn read(root: &Path, commit: &str, paths: &[&str]) -> Result<Self> {
        let arguments = [&["ls-tree", "-r", "-t", "-z", commit, "--"], paths].concat();
        let listed = git(root, &arguments)?;
        let failed = |why: &str| Error::new(format!("cannot list commit {commit}: {why}"));
        if !listed.status.success() {
            return Err(failed(String::from_utf8_lossy(&listed.stderr).trim()));
        }
        let text = String::from_utf8_lossy(&listed.stdout);
        let lines = text.split('\0').filter(|line| !line.is_empty());
        let entries = lines.map(|line| entry(line).ok_or_else(|| failed(&format!("`{line}`"))));
        entries.collect::<Result<_>>().map(Self)
    }

    pub(super) fn get(&self, path: &str) -> Option<&Entry> {
        self.0.get(path)
    }

    /// Everything below a folder.
    pub(super) fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let prefix = format!("{folder}/");
        let entries = self.0.range(prefix.clone()..);
        entries.map_while(move |(path, entry)| Some((path.strip_prefix(&prefix)?, entry)))
    }

    /// Refuses a path that is, or leads through, something that git keeps elsewhere.
    pub(super) fn refuse_detours(&self, path: &str, commit: &str) -> Result<()> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for part in ends.map(|end| &path[..end]) {
            let what = match self.get(part).map(|entry| entry.kind) {
                Some(Kind::Link) => "a link",
                Some(Kind::Module) => "a submodule",
                Some(Kind::Folder | Kind::File) | None => continue,
            };
            let message = format!("{part} of commit {commit} is {what}");
            let hint = "what changes behind it would go unseen; put the content itself there";
            return Err(Error::new(message).hint(hint));
        }
        Ok(())
    }
}

/// `100644 blob 8ab686ea…<TAB>path`
fn entry(line: &str) -> Option<(String, Entry)> {
    let (facts, path) = line.split_once('\t')?;
    let mut facts = facts.split(' ');
    let kind = match facts.next()? {
        "040000" => Kind::Folder,
        "120000" => Kind::Link,
        "160000" => Kind::Module,
        _ => Kind::File,
    };
    let id = facts.nth(1)?.to_owned();
    Some((path.to_owned(), Entry { kind, id }))
}
