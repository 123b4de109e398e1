//! The repository as a commit has it.

use std::collections::BTreeMap;
use std::path::Path;

use super::git::{self, Item, ItemKind};
use super::variables::ENVIRONMENTS;
use crate::error::{Error, Result};
use crate::tfvars::is_read_unasked;

/// So many links may lead from one to the next.
const LINKS: usize = 8;

/// The files of a commit. Links are followed as long as they stay among them: what they lead to elsewhere
/// is no part of the change.
pub(super) struct Revision<'a> {
    root: &'a Path,
    commit: &'a str,
    files: BTreeMap<String, Item>,
}

impl<'a> Revision<'a> {
    pub(super) fn open(root: &'a Path, commit: &'a str) -> Result<Self> {
        Ok(Self { root, commit, files: git::files(root, commit)?.into_iter().collect() })
    }

    /// What messages call it.
    pub(super) fn shown(&self) -> String {
        format!("commit {}", self.commit.get(..12).unwrap_or(self.commit))
    }

    /// The text of a file; empty if there is none.
    pub(super) fn text(&self, path: &str) -> Result<String> {
        if !self.files.contains_key(path) {
            return Ok(String::new());
        }
        String::from_utf8(self.bytes(path)?).map_err(|_| self.refused(path, "is not UTF-8"))
    }

    /// Puts the variable files of all environments into a folder, each link as the file that it leads to,
    /// so that they are read there as they are read everywhere.
    pub(super) fn unpack_variables(&self, folder: &Path) -> Result<()> {
        for path in self.files.keys() {
            let mut parts = path.splitn(3, '/');
            let (Some(ENVIRONMENTS), environment, name) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let Some(environment) = environment else {
                return Err(self.refused(path, "is a file or a link, no folder"));
            };
            if environment.ends_with("-rds") {
                self.unpack(folder, path, environment, name)?;
            }
        }
        Ok(())
    }

    fn unpack(
        &self,
        folder: &Path,
        path: &str,
        environment: &str,
        name: Option<&str>,
    ) -> Result<()> {
        let Some(name) = name else {
            return Err(self.refused(path, "is a file, a link or a submodule, no folder"));
        };
        let folder = folder.join(ENVIRONMENTS).join(environment);
        let failed = |error: std::io::Error| {
            Error::new(format!("cannot write into {}: {error}", folder.display()))
        };
        std::fs::create_dir_all(&folder).map_err(failed)?;
        if !name.contains('/') && is_read_unasked(name) {
            std::fs::write(folder.join(name), self.bytes(path)?).map_err(failed)?;
        }
        Ok(())
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let mut at = path.to_owned();
        for _ in 0..=LINKS {
            let nowhere = || self.refused(path, &format!("is a link to {at}, which is no file"));
            let Item { kind, object } = self.files.get(&at).ok_or_else(nowhere)?;
            let content = match kind {
                ItemKind::File => return git::content(self.root, object),
                ItemKind::Link => git::content(self.root, object)?,
                ItemKind::Module => return Err(nowhere()),
            };
            let target = String::from_utf8_lossy(&content).into_owned();
            let out = || self.refused(path, "is a link that leads out of the repository");
            at = followed(&at, &target).ok_or_else(out)?;
        }
        Err(self.refused(path, "is a link to a link, again and again"))
    }

    fn refused(&self, path: &str, why: &str) -> Error {
        Error::new(format!("{path} of {} {why}", self.shown()))
            .hint("what cannot be read cannot be approved; put the file itself there")
    }
}

/// Where a link leads, if it stays inside.
fn followed(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::followed;

    #[test]
    fn a_link_is_followed_only_inside() {
        let link = "envs/dev-rds/x.auto.tfvars";
        for (target, leads_to) in [
            ("y.tfvars", Some("envs/dev-rds/y.tfvars")),
            ("./../common//y.tfvars", Some("envs/common/y.tfvars")),
            ("../../../y.tfvars", None),
            ("../../../../repository/y.tfvars", None),
            ("/etc/passwd", None),
        ] {
            assert_eq!(followed(link, target).as_deref(), leads_to, "{target}");
        }
    }
}
