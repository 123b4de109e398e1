//! How the last run of each entry ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use super::row::{Status, Verb};
use super::{Audit, lost};
use crate::error::Result;
use crate::name::Environment;

/// The database and the username of an entry; empty for the server itself.
pub type Names = (String, String);

/// Whose last run was cut off or came to a bad end: what it did last may not be in a list that is minutes
/// behind. For reading only; a trail that is not there names nobody.
///
/// # Errors
/// When the file cannot be read.
pub fn unsettled(root: &Path, environment: &Environment) -> Result<BTreeSet<Names>> {
    let path = root.join(Audit::path(environment));
    let rows = last_rows(&path).map_err(|error| lost(&path, &error))?;
    let good = [Status::Success, Status::NoChange].map(Status::word);
    let bad = rows.into_iter().filter(|(_, row)| !good.contains(&row.get(7).unwrap_or_default()));
    Ok(bad.map(|(names, _)| names).collect())
}

/// The last row of each entry that a run began or ended with.
fn last_rows(path: &Path) -> std::io::Result<BTreeMap<Names, csv::StringRecord>> {
    let mut last = BTreeMap::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(last),
        Err(error) => return Err(error),
    };
    for record in csv::ReaderBuilder::new().flexible(true).from_reader(file).byte_records() {
        // A spreadsheet may have saved it in another encoding.
        let record = csv::StringRecord::from_byte_record_lossy(record?);
        let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
        if Verb::ALL.iter().any(|verb| verb.word() == cell(6)) {
            last.insert((cell(4), cell(5)), record);
        }
    }
    Ok(last)
}
