//! Rows that were written into another copy of the audit.

use std::collections::BTreeMap;

use super::torn::{is_whole, last_record};
use super::{Audit, HEADER};
use crate::error::Result;

impl Audit {
    /// Appends the rows that `other` has beyond `base`, from which both copies began, and that this one
    /// lacks. Returns how many.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn carry_over(&self, base: &[u8], other: &[u8]) -> Result<usize> {
        self.mend().map_err(|error| self.lost(&error))?;
        let here = self.text().map_err(|error| self.lost(&error))?;
        let rows = self.lacking(base, other, &here).map_err(|error| self.lost(&error))?;
        if !rows.is_empty() {
            self.write(&rows).map_err(|error| self.lost(&error))?;
        }
        Ok(rows.len())
    }

    fn text(&self) -> std::io::Result<Vec<u8>> {
        match std::fs::read(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }
    }

    /// Row by row, since line by line would mix up cells that have lines of their own.
    fn lacking(
        &self,
        base: &[u8],
        other: &[u8],
        here: &[u8],
    ) -> std::io::Result<Vec<[String; 10]>> {
        let (other, torn) = other.split_at(whole(other)?);
        let rows = beyond(beyond(rows(other)?, rows(base)?), rows(here)?);
        let mut rows: Vec<[String; 10]> = rows.iter().map(record).collect();
        if !torn.is_empty() {
            rows.push(self.torn_record(&String::from_utf8_lossy(torn)));
        }
        Ok(rows)
    }
}

/// How much of a text is whole rows: a killed run may have left a part of one.
fn whole(text: &[u8]) -> std::io::Result<usize> {
    let last = last_record(text)?;
    Ok(if is_whole(&text[last..]) { text.len() } else { last })
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

fn record(row: &Cells) -> [String; 10] {
    let cell = |at: usize| row.get(at).map(|cell| String::from_utf8_lossy(cell).into_owned());
    std::array::from_fn(|at| cell(at).unwrap_or_default())
}
