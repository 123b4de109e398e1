//! Files of the repository beside the variable files: read, and their problems shown.

use std::path::Path;
use std::sync::Arc;

use super::files::{read_or_empty, read_text};
use super::variables::refused;
use crate::error::Result;
use crate::output::Output;
use crate::rds_catalog::{self, Catalog};
use crate::tfvars::{Diagnostic, Source, Sources};

/// Reads a file that must be there.
pub(super) fn read<T>(
    root: &Path,
    path: &str,
    parse: impl Fn(&Arc<Source>) -> Result<T, Vec<Diagnostic>>,
    output: Output,
) -> Result<T> {
    parsed(path, read_text(&root.join(path))?, parse, output)
}

/// Reads the RDS catalog, as an empty one if there is none yet.
pub(super) fn catalog(root: &Path, output: Output) -> Result<Catalog> {
    let text = read_or_empty(&root.join(rds_catalog::PATH))?;
    parsed(rds_catalog::PATH, text, rds_catalog::read, output)
}

/// Reads a text that came from somewhere else than the folder.
pub(super) fn parsed<T>(
    path: &str,
    text: String,
    parse: impl Fn(&Arc<Source>) -> Result<T, Vec<Diagnostic>>,
    output: Output,
) -> Result<T> {
    let mut sources = Sources::default();
    let source = sources.add(path, text);
    parse(&source).map_err(|problems| refused(&sources, &problems, path, output))
}
