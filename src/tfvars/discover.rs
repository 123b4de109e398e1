//! Which files Terraform 1.11 reads, and in which order (measured).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;

/// A file to read; the last one that sets a variable wins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// The name in messages.
    pub(super) shown_as: String,
}

impl File {
    /// Terraform 1.11: `.json` at the end of the name given selects JSON, anything else is HCL.
    pub(super) fn is_json(&self) -> bool {
        self.path.as_os_str().as_encoded_bytes().ends_with(b".json")
    }
}

const FIXED: [&str; 2] = ["terraform.tfvars", "terraform.tfvars.json"];

/// Whether a file of this name is read unasked.
pub fn is_read_unasked(name: &str) -> bool {
    FIXED.contains(&name) || is_automatic(name)
}

/// The files that Terraform reads from a folder unasked: `terraform.tfvars`,
/// `terraform.tfvars.json`, then every name that ends in `.auto.tfvars` or `.auto.tfvars.json`
/// in byte order, hidden ones too.
pub(super) fn in_folder(folder: &Path, shown_as: &str) -> Result<Vec<File>, Box<Diagnostic>> {
    let listed = names(folder).map_err(|error| {
        Diagnostic::anywhere(format!("folder `{}` cannot be read: {error}", folder.display()))
            .boxed()
    })?;
    let fixed = FIXED.map(str::to_owned);
    let fixed = fixed.into_iter().filter(|name| folder.join(name).exists());
    let file = |name: String| File { path: folder.join(&name), shown_as: shown(shown_as, &name) };
    Ok(fixed.chain(listed).map(file).collect())
}

/// The names of the automatic files. Links and folders count: reading them may fail later.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if is_automatic(&name.to_string_lossy()) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn is_automatic(name: &str) -> bool {
    name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json")
}

fn shown(folder: &str, name: &str) -> String {
    match folder {
        "" | "." => name.to_owned(),
        folder => format!("{}/{name}", folder.trim_end_matches('/')),
    }
}

/// The bytes of a file, or why there are none.
pub(super) fn read(file: &File) -> Result<Vec<u8>, Box<Diagnostic>> {
    fs::read(&file.path).map_err(|error| unreadable(&file.shown_as, &error).boxed())
}

fn unreadable(name: &str, error: &io::Error) -> Diagnostic {
    let reason = if error.kind() == io::ErrorKind::NotFound {
        "does not exist".to_owned()
    } else if error.kind() == io::ErrorKind::IsADirectory {
        "is a folder, not a variable file".to_owned()
    } else {
        format!("cannot be read: {error}")
    };
    Diagnostic::anywhere(format!("`{name}` {reason}"))
}
