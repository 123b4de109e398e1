//! What was begun and not ended.

use std::collections::BTreeMap;

use super::alive::run_of;
use super::row::{Status, Verb};

/// The `started` row of an entry's part of a run.
pub(super) struct Begun {
    /// Which run began it; empty in rows of versions that did not say so.
    pub(super) run: String,
    record: csv::StringRecord,
}

impl Begun {
    pub(super) fn cell(&self, at: usize) -> &str {
        self.record.get(at).unwrap_or_default()
    }

    /// The message of the row that closes it.
    pub(super) fn closing(&self) -> String {
        let what = format!("the run that began at {} did not end", self.cell(0));
        if self.run.is_empty() { what } else { format!("run {}: {what}", self.run) }
    }
}

/// The last `started` row of each run and entry that has no end. Two runs, on two servers, may be at the
/// same entry.
pub(super) fn unfinished(text: &[u8]) -> std::io::Result<Vec<Begun>> {
    let mut open = BTreeMap::new();
    for record in csv::ReaderBuilder::new().flexible(true).from_reader(text).byte_records() {
        // A spreadsheet may have saved it in another encoding.
        let record = csv::StringRecord::from_byte_record_lossy(record?);
        let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
        if Verb::ALL.iter().all(|verb| verb.word() != cell(6)) {
            continue;
        }
        let run = run_of(&cell(9)).to_owned();
        let key = (run.clone(), cell(4), cell(5));
        if cell(7) == Status::Started.word() {
            open.insert(key, Begun { run, record });
        } else {
            open.remove(&key);
        }
    }
    Ok(open.into_values().collect())
}
