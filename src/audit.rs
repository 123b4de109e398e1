//! The audit: `governance/<env>/rds_request_audit.csv`, one row for each effect.
//!
//! A row is on disk before the next effect begins. What an entry's run began and did not end is closed
//! by the next run, so the trail has no gap.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::name::Environment;

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

/// In bytes; a row is far shorter. What is longer is no row that a run was writing.
const LONGEST_ROW: usize = 1 << 16;

/// The verb of a run. It is the action of the rows that begin and end an entry's part of it; the rows
/// between name their change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `apply`.
    Apply,
    /// `rotate`.
    Rotate,
}

impl Verb {
    const ALL: [Self; 2] = [Self::Apply, Self::Rotate];

    /// As on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Rotate => "rotate",
        }
    }
}

/// The action of the row for an obstacle that held up its entry.
pub const BLOCKED: &str = "blocked";

/// The action of the row for a second look that found something wrong.
pub const VERIFY: &str = "verify";

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It begins.
    Started,
    /// It was done.
    Success,
    /// There was nothing to do.
    NoChange,
    /// It calls for attention.
    Warning,
    /// It failed.
    Error,
    /// It was begun and not ended.
    Interrupted,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Success => "success",
            Self::NoChange => "no_change",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
        }
    }
}

/// One row, without what all rows of a run have in common.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The database; empty for the server itself.
    pub database: &'a str,
    /// The role; empty for the server itself.
    pub username: &'a str,
    /// A [`Verb`]'s word, [`BLOCKED`], [`VERIFY`], or the name of a change.
    pub action: &'a str,
    /// How it went.
    pub status: Status,
    /// How long it took.
    pub duration: Option<Duration>,
    /// What there is to say; never a secret.
    pub message: &'a str,
}

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
        let path = root.join("governance").join(environment.as_str()).join("rds_request_audit.csv");
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
    fn unfinished(&self) -> std::io::Result<BTreeMap<(String, String), csv::StringRecord>> {
        let mut open = BTreeMap::new();
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(open),
            Err(error) => return Err(error),
        };
        for record in csv::ReaderBuilder::new().flexible(true).from_reader(file).byte_records() {
            // A spreadsheet may have saved it in another encoding.
            let record = csv::StringRecord::from_byte_record_lossy(record?);
            let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
            if Verb::ALL.iter().all(|verb| verb.word() != cell(6)) {
                continue;
            }
            let key = (cell(4), cell(5));
            if cell(7) == Status::Started.word() {
                open.insert(key, record);
            } else {
                open.remove(&key);
            }
        }
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
        Error::new(format!("the audit {} cannot be kept: {error}", self.path.display()))
            .hint("nothing more was done; mend the file or the disk and run again")
    }
}

/// Where the last record begins.
fn last_record(text: &[u8]) -> std::io::Result<usize> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let (mut record, mut last) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record)? {
        last = record.position().map_or(last, |at| usize::try_from(at.byte()).unwrap_or(last));
    }
    Ok(last)
}

/// Whether a record ends: what comes after it is another one.
fn is_whole(record: &[u8]) -> bool {
    let text = [record, b"x"].concat();
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*text);
    record.is_empty() || record.ends_with(b"\n") && reader.into_byte_records().count() == 2
}

/// Takes off what stands after the last line break: the row that a killed run was writing.
fn take_torn_line(file: &mut File) -> std::io::Result<Option<String>> {
    let length = file.metadata()?.len();
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_ROW as u64)))?;
    file.read_to_end(&mut text)?;
    if text.is_empty() || text.ends_with(b"\n") {
        return Ok(None);
    }
    let begin = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let torn = text.split_off(begin);
    file.set_len(length - torn.len() as u64)?;
    Ok(Some(String::from_utf8_lossy(&torn).into_owned()))
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, CSV
/// injection).
fn defused(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audit(root: &Path) -> Audit {
        Audit::open(root, &Environment::parse("dev").unwrap(), "b1", "=r1").unwrap()
    }

    fn row<'a>(action: &'a str, status: Status, message: &'a str) -> Row<'a> {
        let duration = Some(Duration::from_millis(7));
        Row { database: "app", username: "app_user", action, status, duration, message }
    }

    fn records(audit: &Audit) -> Vec<csv::StringRecord> {
        csv::Reader::from_path(&audit.path).unwrap().records().map(Result::unwrap).collect()
    }

    #[test]
    fn cells_survive_and_formulas_are_defused() {
        let root = tempfile::tempdir().unwrap();
        let audit = audit(root.path());
        assert!(!audit.path.exists());
        let message = "a \"quoted\", word\nand a line";
        audit.append(&row("create_role", Status::Success, message)).unwrap();
        let records = records(&audit);
        assert_eq!(records.len(), 1);
        assert_eq!(&records[0][9], message);
        assert_eq!(&records[0][3], "'=r1");
        assert_eq!((&records[0][7], &records[0][8]), ("success", "7"));
    }

    #[test]
    fn what_was_begun_and_not_ended_is_closed_once() {
        let root = tempfile::tempdir().unwrap();
        let audit = audit(root.path());
        audit.append(&row(Verb::Apply.word(), Status::Started, "")).unwrap();
        audit.append(&row("create_role", Status::Success, "")).unwrap();
        assert_eq!(audit.close_unfinished().unwrap(), 1);
        assert_eq!(audit.close_unfinished().unwrap(), 0);
        assert_eq!(&records(&audit)[2][7], "interrupted");
    }

    #[test]
    fn a_torn_line_becomes_a_warning_that_keeps_its_text() {
        let root = tempfile::tempdir().unwrap();
        let audit = audit(root.path());
        audit.append(&row(Verb::Apply.word(), Status::Success, "")).unwrap();
        let mut file = OpenOptions::new().append(true).open(&audit.path).unwrap();
        file.write_all(b"2026-11-22T00:00:00Z,dev,\"half").unwrap();
        audit.append(&row(Verb::Apply.word(), Status::Success, "")).unwrap();
        let records = records(&audit);
        assert_eq!(records.len(), 3);
        assert!(records[1][9].ends_with("2026-11-22T00:00:00Z,dev,\"half"));
        assert_eq!(&records[1][7], "warning");
    }

    #[test]
    fn a_row_torn_inside_a_cell_or_a_letter_is_mended_before_the_next_run() {
        let torn: [&[u8]; 4] = [
            b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"two\nlines",
            b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"a line\n",
            "2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,\"caf\u{e9}".as_bytes(),
            b"2026-11-22T00:00:00Z,dev,b1,r1,app,app_user,apply,error,7,caf\xc3",
        ];
        for torn in torn {
            let root = tempfile::tempdir().unwrap();
            let audit = audit(root.path());
            audit.append(&row("create_role", Status::Success, "a \"cell\"\nof two lines")).unwrap();
            OpenOptions::new().append(true).open(&audit.path).unwrap().write_all(torn).unwrap();
            assert_eq!(audit.close_unfinished().unwrap(), 0);
            audit.append(&row(Verb::Apply.word(), Status::Success, "")).unwrap();
            let records = records(&audit);
            assert_eq!(records.len(), 3, "{records:?}");
            assert_eq!((&records[1][6], &records[1][7]), ("audit", "warning"));
            assert!(records[1][9].contains("2026-11-22T00:00:00Z,dev"), "{records:?}");
            assert_eq!(&records[2][7], "success");
        }
    }
}
