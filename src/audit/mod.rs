//! The audit: `governance/<env>/rds_request_audit.csv`, one row for each effect.
//!
//! A row is on disk before the next effect begins. What an entry's run began and did not end is closed
//! by a later run, once the one that began it is dead, so the trail has no gap.

mod alive;
mod carry;
mod row;
mod runs;
mod torn;
mod unfinished;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::name::Environment;
use alive::ThisRun;
pub use row::{AUDIT, BLOCKED, Row, Status, VERIFY, Verb};
pub use runs::{Names, unsettled};
use torn::{half_letter, tail};
use unfinished::unfinished;

const COLUMNS: usize = 10;

type Record = [String; COLUMNS];

const HEADER: [&str; COLUMNS] = [
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
    this_run: ThisRun,
    /// Up to here the file is known to consist of whole rows.
    whole: Mutex<u64>,
    /// Rows that could not be written; the next one that can takes them along.
    unwritten: Mutex<Vec<Record>>,
}

impl Audit {
    /// Where an environment's audit stands in the repository.
    #[must_use]
    pub fn path(environment: &Environment) -> String {
        format!("governance/{environment}/rds_request_audit.csv")
    }

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
        let path = root.join(Self::path(environment));
        require_writable(&path, root).map_err(|error| {
            Error::new(format!("the audit {} cannot be written: {error}", path.display())).hint(
                "make it and its folder writable; nothing is done that the audit could not record",
            )
        })?;
        let folder = path.parent().unwrap_or(root).to_owned();
        Ok(Self {
            path,
            environment: environment.clone(),
            build_id: build_id.to_owned(),
            run_id: run_id.to_owned(),
            this_run: ThisRun::new(&folder),
            whole: Mutex::default(),
            unwritten: Mutex::default(),
        })
    }

    /// Appends a row and waits until it is on disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&self, row: &Row<'_>) -> Result<()> {
        let record = self.record(row, &self.build_id, &self.run_id);
        let mut rows = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push(record);
        let file = self.write(&rows).map_err(|error| self.lost(&error))?;
        rows.clear();
        file.sync_all().map_err(|error| self.lost(&error))
    }

    /// The rows that could not be written, for another place.
    #[must_use]
    pub fn unwritten(&self) -> String {
        let rows = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        lines(&rows).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    /// Closes what dead runs began and did not end. Returns how many there were.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn close_unfinished(&self) -> Result<usize> {
        if !self.path.exists() {
            return Ok(0);
        }
        self.close_unfinished_rows().map_err(|error| self.lost(&error))
    }

    fn close_unfinished_rows(&self) -> io::Result<usize> {
        let mut file = self.locked()?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let mut open = unfinished(&text)?;
        open.retain(|begun| !alive::is_alive(self.folder(), &begun.run));
        let records: Vec<_> = open.iter().map(|begun| self.closing(begun)).collect();
        self.write_to(&mut file, &records)?;
        file.sync_all()?;
        alive::sweep(self.folder());
        Ok(records.len())
    }

    fn closing(&self, begun: &unfinished::Begun) -> Record {
        let row = Row {
            database: begun.cell(4),
            username: begun.cell(5),
            action: begun.cell(6),
            status: Status::Interrupted,
            duration: None,
            message: &begun.closing(),
        };
        self.row(&row, begun.cell(2), begun.cell(3), row.message.to_owned())
    }

    /// The rows that begin and end an entry's part name the run.
    fn record(&self, row: &Row<'_>, build_id: &str, run_id: &str) -> Record {
        let is_of_a_run = Verb::ALL.iter().any(|verb| verb.word() == row.action);
        let message = row.message.to_owned();
        let message = if is_of_a_run { self.this_run.named(&message) } else { message };
        self.row(row, build_id, run_id, message)
    }

    fn row(&self, row: &Row<'_>, build_id: &str, run_id: &str, message: String) -> Record {
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
            message,
        ]
    }

    /// Whole lines under a lock, in one write. They are not synced yet.
    fn write(&self, records: &[Record]) -> io::Result<File> {
        std::fs::create_dir_all(self.folder())?;
        let mut file = self.locked()?;
        self.this_run.claim()?;
        self.write_to(&mut file, records)?;
        Ok(file)
    }

    /// The lock is freed when the file is closed.
    fn locked(&self) -> io::Result<File> {
        let file = OpenOptions::new().create(true).read(true).append(true).open(&self.path)?;
        file.lock()?;
        Ok(file)
    }

    fn write_to(&self, file: &mut File, records: &[Record]) -> io::Result<()> {
        let mut text = self.mending(file)?;
        text.extend(lines(records)?);
        file.write_all(&text)
    }

    /// What has to come before the next row: the header, or the end of a row that was cut off, with a
    /// warning. Nothing of that row is taken away: on a full disk nothing could be written in its place.
    fn mending(&self, file: &mut File) -> io::Result<Vec<u8>> {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let length = file.metadata()?.len();
        let from = if *whole > length { 0 } else { *whole };
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.read_to_end(&mut text)?;
        let mut header = lines(&[HEADER.map(str::to_owned)])?;
        if from == 0 && text.len() < header.len() && header.starts_with(&text) {
            return Ok(header.split_off(text.len()));
        }
        let tail = tail(&text);
        *whole = from + tail.begin as u64;
        let Some(ending) = tail.ending(&text) else { return Ok(Vec::new()) };
        file.set_len(length - half_letter(&text) as u64)?;
        Ok([ending.into_bytes(), lines(&[self.warning()])?].concat())
    }

    fn warning(&self) -> Record {
        let message = "the row before this one was cut off while it was written";
        let (action, status) = (AUDIT, Status::Warning);
        let row = Row { database: "", username: "", action, status, duration: None, message };
        self.record(&row, "", "")
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    fn lost(&self, error: &io::Error) -> Error {
        lost(&self.path, error)
    }
}

/// The file, and the folder: runs have files of their own in it.
fn require_writable(path: &Path, root: &Path) -> io::Result<()> {
    if path.exists() {
        OpenOptions::new().append(true).open(path)?;
    }
    let folder = path.ancestors().skip(1).find(|folder| folder.exists());
    tempfile::tempfile_in(folder.unwrap_or(root)).map(drop)
}

fn lines(records: &[Record]) -> io::Result<Vec<u8>> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    for record in records {
        lines.write_record(record.each_ref().map(|cell| defused(cell.clone())))?;
    }
    lines.into_inner().map_err(csv::IntoInnerError::into_error)
}

fn lost(path: &Path, error: &io::Error) -> Error {
    Error::new(format!("the audit {} cannot be kept: {error}", path.display()))
        .hint("nothing more was begun; mend the file or the disk and run again")
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, CSV
/// injection).
fn defused(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests;
