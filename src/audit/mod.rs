//! The audit: `governance/<env>/rds_request_audit.csv`, one row for each effect.
//!
//! A row is on disk before the next effect begins. What an entry's run began and did not end is closed
//! by the next run, so the trail has no gap.

mod row;
mod runs;
mod torn;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::name::Environment;
pub use row::{BLOCKED, Row, Status, VERIFY, Verb};
use runs::last_rows;
pub use runs::{Names, unsettled};
use torn::{LONGEST_ROW, is_whole, last_record, take_torn_line};

const HEADER: [&str; 10] = [
    "timestamp_utc",
    "environment",
    "build_id",
    "run_id",
    "database",
    "username",
    "action",
    "status",
    "duration_ms",
    "message",
];

/// The audit file of an environment.
pub struct Audit {
    path: PathBuf,
    environment: Environment,
    build_id: String,
    run_id: String,
}

impl Audit {
    /// Makes sure that rows can be written; writes none.
    ///
    /// # Errors
    /// When the file, or the folder it would be in, cannot be written to.
    pub fn open(
        root: &Path,
        environment: &Environment,
        build_id: &str,
        run_id: &str,
    ) -> Result<Self> {
        let path = path_of(root, environment);
        let writable = if path.exists() {
            OpenOptions::new().append(true).open(&path).map(drop)
        } else {
            let folder = path.ancestors().skip(1).find(|folder| folder.exists());
            tempfile::tempfile_in(folder.unwrap_or(root)).map(drop)
        };
        writable.map_err(|error| {
            Error::new(format!("the audit {} cannot be written: {error}", path.display()))
                .hint("make it writable; nothing is done that the audit could not record")
        })?;
        let (build_id, run_id) = (build_id.to_owned(), run_id.to_owned());
        Ok(Self { path, environment: environment.clone(), build_id, run_id })
    }

    /// Appends a row and waits until it is on disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&self, row: &Row<'_>) -> Result<()> {
        self.write(&[self.record(row, &self.build_id, &self.run_id)])
            .map_err(|error| self.lost(&error))
    }

    /// Closes what earlier runs began and did not end. To be called by the one run that holds the
    /// lock. Returns how many there were.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn close_unfinished(&self) -> Result<usize> {
        self.mend().map_err(|error| self.lost(&error))?;
        let open = self.unfinished().map_err(|error| self.lost(&error))?;
        let records: Vec<_> = open
            .values()
            .map(|started| {
                let cell = |at: usize| started.get(at).unwrap_or_default();
                let row = Row {
                    database: cell(4),
                    username: cell(5),
                    action: cell(6),
                    status: Status::Interrupted,
                    duration: None,
                    message: &format!("the run that began at {} did not end", cell(0)),
                };
                self.record(&row, cell(2), cell(3))
            })
            .collect();
        if !records.is_empty() {
            self.write(&records).map_err(|error| self.lost(&error))?;
        }
        Ok(records.len())
    }

    /// The last `started` row of each entry that has no end, by database and username.
    fn unfinished(&self) -> std::io::Result<BTreeMap<Names, csv::StringRecord>> {
        let mut open = last_rows(&self.path)?;
        open.retain(|_, last| last.get(7) == Some(Status::Started.word()));
        Ok(open)
    }

    /// A row that a killed run was writing may have a line break inside its last cell, so the whole file
    /// is looked at; once in a run.
    fn mend(&self) -> std::io::Result<()> {
        let mut file = match OpenOptions::new().read(true).append(true).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        file.lock()?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let last = last_record(&text)?;
        if is_whole(&text[last..]) || text.len() - last > LONGEST_ROW {
            return Ok(());
        }
        let torn = String::from_utf8_lossy(&text[last..]).into_owned();
        let mut lines = csv::Writer::from_writer(Vec::new());
        lines.write_record(self.torn_record(&torn).map(defused))?;
        let lines = lines.into_inner().map_err(csv::IntoInnerError::into_error)?;
        file.set_len(last as u64)?;
        file.write_all(&lines)?;
        file.sync_all()
    }

    fn record(&self, row: &Row<'_>, build_id: &str, run_id: &str) -> [String; 10] {
        [
            Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            self.environment.to_string(),
            build_id.to_owned(),
            run_id.to_owned(),
            row.database.to_owned(),
            row.username.to_owned(),
            row.action.to_owned(),
            row.status.word().to_owned(),
            row.duration.map(|duration| duration.as_millis().to_string()).unwrap_or_default(),
            row.message.to_owned(),
        ]
    }

    /// Whole lines under a lock, in one write, and synced.
    fn write(&self, records: &[[String; 10]]) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&self.path)?;
        file.lock()?;
        let torn = take_torn_line(&mut file)?;
        let mut lines = csv::Writer::from_writer(Vec::new());
        if file.metadata()?.len() == 0 {
            lines.write_record(HEADER)?;
        }
        if let Some(torn) = torn {
            lines.write_record(self.torn_record(&torn).map(defused))?;
        }
        for record in records {
            lines.write_record(record.each_ref().map(|cell| defused(cell.clone())))?;
        }
        let lines = lines.into_inner().map_err(csv::IntoInnerError::into_error)?;
        file.write_all(&lines)?;
        file.sync_all()?;
        file.unlock()
    }

    fn torn_record(&self, torn: &str) -> [String; 10] {
        let message = format!("an earlier run ended in the middle of this row: {torn}");
        let row = Row {
            database: "",
            username: "",
            action: "audit",
            status: Status::Warning,
            duration: None,
            message: &message,
        };
        self.record(&row, "", "")
    }

    fn lost(&self, error: &std::io::Error) -> Error {
        lost(&self.path, error)
    }
}

fn path_of(root: &Path, environment: &Environment) -> PathBuf {
    root.join("governance").join(environment.as_str()).join("rds_request_audit.csv")
}

fn lost(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("the audit {} cannot be kept: {error}", path.display()))
        .hint("nothing more was done; mend the file or the disk and run again")
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, CSV
/// injection).
fn defused(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests;
