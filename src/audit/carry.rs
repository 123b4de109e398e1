//! Rows that were written into another copy of the audit.

use std::collections::BTreeMap;

use super::torn::tail;
use super::{Audit, HEADER, Record};
use crate::error::Result;

impl Audit {
    /// Appends the rows that `other` has beyond `base`, from which both copies began, and that this one
    /// lacks. Returns how many.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn carry_over(&self, base: &[u8], other: &[u8]) -> Result<usize> {
        self.carry(base, other).map_err(|error| self.lost(&error))
    }

    /// What a killed run left torn here is mended first, so that it is compared as a row.
    fn carry(&self, base: &[u8], other: &[u8]) -> std::io::Result<usize> {
        if self.path.exists() {
            self.write(&[])?;
        }
        let here = self.text()?;
        let records = self.lacking(base, other, &here)?;
        if !records.is_empty() {
            self.write(&records)?.sync_all()?;
        }
        Ok(records.len())
    }

    fn text(&self) -> std::io::Result<Vec<u8>> {
        match std::fs::read(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }
    }

    /// Row by row, since line by line would mix up cells that have lines of their own.
    fn lacking(&self, base: &[u8], other: &[u8], here: &[u8]) -> std::io::Result<Vec<Record>> {
        let torn = tail(other);
        let mut other = other.to_vec();
        let ending = torn.ending(&other).unwrap_or_default();
        other.extend(ending.as_bytes());
        let lacking = beyond(beyond(rows(&other)?, rows(base)?), rows(here)?);
        let mut records: Vec<Record> = lacking.iter().map(record).collect();
        if !ending.is_empty() {
            records.push(self.warning());
        }
        Ok(records)
    }
}

/// The cells of a row, however they are quoted.
type Cells = Vec<Vec<u8>>;

fn rows(text: &[u8]) -> std::io::Result<Vec<Cells>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut rows = Vec::new();
    for record in reader.byte_records() {
        let row: Cells = record?.iter().map(<[u8]>::to_vec).collect();
        if row != HEADER.map(|name| name.as_bytes().to_vec()) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The rows that are not among the others, each of which stands for one.
fn beyond(rows: Vec<Cells>, others: Vec<Cells>) -> Vec<Cells> {
    let mut counts: BTreeMap<Cells, usize> = BTreeMap::new();
    for other in others {
        *counts.entry(other).or_default() += 1;
    }
    let mut is_new = |row: &Cells| match counts.get_mut(row) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        Some(_) | None => true,
    };
    rows.into_iter().filter(|row| is_new(row)).collect()
}

fn record(row: &Cells) -> Record {
    let cell = |at: usize| row.get(at).map(|cell| String::from_utf8_lossy(cell).into_owned());
    std::array::from_fn(|at| cell(at).unwrap_or_default())
}
