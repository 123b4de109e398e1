//! Writing files of the repository.

use std::fs::Permissions;
use std::io::{ErrorKind as IoErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};
use crate::output::Output;

/// Writes a file in one piece: a reader sees the old one or the new one.
pub(super) fn write_file(path: &Path, text: &str) -> Result<()> {
    stage(path, text)?.put()
}

/// A text on disk beside the file that it will become.
pub(super) struct Staged {
    path: PathBuf,
    file: NamedTempFile,
}

/// Readies a file, so that what could fail has failed before anything else is changed.
pub(super) fn stage(path: &Path, text: &str) -> Result<Staged> {
    if path.is_dir() {
        return Err(Error::new(format!("cannot write {}: it is a folder", path.display())));
    }
    Ok(Staged { path: path.to_owned(), file: beside(path, text)? })
}

impl Staged {
    /// Gives it its name.
    pub(super) fn put(self) -> Result<()> {
        self.file.persist(&self.path).map_err(|error| failed(&self.path, &error.error))?;
        Ok(())
    }
}

/// A change of one file.
pub(super) struct Rewrite {
    pub(super) path: PathBuf,
    /// What the change was made from; empty if there was no file.
    pub(super) old: String,
    pub(super) new: String,
}

/// Writes all files or none: everything is on disk under other names, and every file is still what it was,
/// before the first one gets its new name. When a later one cannot get it, the earlier ones are put back.
/// Only a kill between two of these steps leaves some of the files changed.
pub(super) fn write_together(rewrites: &[Rewrite]) -> Result<()> {
    let mut ready = Vec::new();
    for Rewrite { path, old, new } in rewrites {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(path, &error))?;
        }
        // Through a link, so that it stays one.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        ready.push((old.as_str(), stage(&path, new)?));
    }
    for (old, Staged { path, .. }) in &ready {
        if read_or_empty(path)? != **old {
            let message = format!("{} was changed by someone else just now", path.display());
            return Err(Error::new(message).hint("nothing was written; run the command again"));
        }
    }
    put_all(ready)
}

/// Gives all their names, or puts back the old texts of those that have theirs.
fn put_all(ready: Vec<(&str, Staged)>) -> Result<()> {
    let mut done: Vec<(PathBuf, Option<&str>)> = Vec::new();
    for (old, staged) in ready {
        let (path, old) = (staged.path.clone(), staged.path.exists().then_some(old));
        if let Err(error) = staged.put() {
            let kept = done.iter().try_for_each(|(path, old)| put_back(path, *old));
            return Err(match kept {
                Ok(()) => error.hint("nothing was changed; mend that and run the command again"),
                Err(why) => error.hint(format!(
                    "{}; run the same command again: it completes what is missing",
                    why.message()
                )),
            });
        }
        done.push((path, old));
    }
    Ok(())
}

fn put_back(path: &Path, old: Option<&str>) -> Result<()> {
    match old {
        Some(text) => write_file(path, text),
        None => std::fs::remove_file(path).map_err(|error| failed(path, &error)),
    }
}

/// Adds to the summary of a workflow's step, where GitHub takes one; else it is a result.
pub(super) fn summarise(markdown: &str, output: Output) -> Result<()> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) else {
        output.result(markdown);
        return Ok(());
    };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(markdown.as_bytes()))
        .map_err(|error| failed(&path, &error))
}

/// A JSON document.
pub(super) fn read_json(path: &Path) -> Result<Json> {
    serde_json::from_str(&read_text(path)?).map_err(|error| not_json(path, &error))
}

/// All JSON documents that follow each other in a file.
pub(super) fn read_jsons(path: &Path) -> Result<Vec<Json>> {
    let text = read_text(path)?;
    let documents = serde_json::Deserializer::from_str(&text).into_iter();
    documents.collect::<Result<_, _>>().map_err(|error| not_json(path, &error))
}

fn not_json(path: &Path, error: &serde_json::Error) -> Error {
    Error::new(format!("{} is not JSON: {error}", path.display()))
}

/// The text of a file that must be there.
pub(super) fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::new(format!("cannot read {}: {error}", path.display())))
}

/// The text of a file; empty if there is none.
pub(super) fn read_or_empty(path: &Path) -> Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == IoErrorKind::NotFound => Ok(String::new()),
        Err(_) => read_text(path),
    }
}

/// A temporary file beside `path` with the text in it, on disk, and with the permissions of the file that
/// it will replace.
fn beside(path: &Path, text: &str) -> Result<NamedTempFile> {
    let failed = |error: std::io::Error| failed(path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let usual = Permissions::from_mode(0o666);
    let mut file = Builder::new().permissions(usual).tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if let Ok(metadata) = std::fs::metadata(path) {
        file.as_file().set_permissions(metadata.permissions()).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(folder: &Path, name: &str, old: &str) -> Rewrite {
        Rewrite { path: folder.join(name), old: old.to_owned(), new: "new".to_owned() }
    }

    #[test]
    fn when_one_file_was_changed_meanwhile_none_is_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "a").unwrap();
        std::fs::write(folder.path().join("b"), "changed").unwrap();
        let both = |old: &str| [rewrite(folder.path(), "a", "a"), rewrite(folder.path(), "b", old)];
        let error = write_together(&both("b")).unwrap_err();
        assert!(error.message().ends_with("b was changed by someone else just now"), "{error}");
        let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!((text("a"), text("b")), ("a".to_owned(), "changed".to_owned()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        write_together(&both("changed")).unwrap();
        assert_eq!((text("a"), text("b")), ("new".to_owned(), "new".to_owned()));
    }

    /// A folder has come where the last file goes: of all failures of a rename the one that a test can make.
    #[test]
    fn when_a_file_cannot_get_its_name_those_before_it_are_put_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a"), "a").unwrap();
        let ready = ["a", "new", "z"].map(|name| (name, stage(&path(name), "changed").unwrap()));
        std::fs::create_dir(path("z")).unwrap();
        let error = put_all(ready.into()).unwrap_err().to_string();
        assert!(error.contains("/z: Is a directory"), "{error}");
        assert!(error.contains("hint: nothing was changed"), "{error}");
        assert_eq!(std::fs::read_to_string(path("a")).unwrap(), "a");
        assert!(!path("new").exists());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn when_one_file_cannot_be_written_none_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "a").unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let rewrites = [rewrite(folder.path(), "a", "a"), rewrite(folder.path(), "file/b", "")];
        assert!(write_together(&rewrites).is_err());
        assert_eq!(std::fs::read_to_string(folder.path().join("a")).unwrap(), "a");
    }
}
