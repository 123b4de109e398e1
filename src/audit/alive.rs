//! Which runs are alive. Each locks a file of its own beside the audit; the kernel frees the lock when
//! the process ends, however it ends.
//!
//! The rows that begin and end an entry's part name their run, so that of rows without an end it is known
//! whose they are. Where there is no such file, the run is dead: rows of other machines come through git, when
//! their run is over. Rows of versions that named no run are taken for dead, too.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

const BEGIN: &str = ".rds_request_audit.";
const END: &str = ".run";

/// This run.
pub(super) struct ThisRun {
    id: Uuid,
    folder: PathBuf,
    file: Mutex<Option<File>>,
}

impl ThisRun {
    pub(super) fn new(folder: &Path) -> Self {
        Self { id: Uuid::now_v7(), folder: folder.to_owned(), file: Mutex::new(None) }
    }

    /// Says that it is alive. To be called by the holder of the audit's lock.
    pub(super) fn claim(&self) -> io::Result<()> {
        let mut claimed = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.is_none() {
            let file = OpenOptions::new().create(true).append(true).open(self.path())?;
            file.lock()?;
            *claimed = Some(file);
        }
        Ok(())
    }

    /// A message that names the run.
    pub(super) fn named(&self, message: &str) -> String {
        let id = self.id;
        if message.is_empty() { format!("run {id}") } else { format!("run {id}: {message}") }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{BEGIN}{}{END}", self.id))
    }
}

impl Drop for ThisRun {
    fn drop(&mut self) {
        let claimed = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        if claimed.is_some() {
            let _ = std::fs::remove_file(self.path());
        }
    }
}

/// The run that a message names; empty where it names none.
pub(super) fn run_of(message: &str) -> &str {
    let id = message.strip_prefix("run ").and_then(|rest| rest.get(..36));
    id.filter(|id| Uuid::try_parse(id).is_ok()).unwrap_or_default()
}

/// Whether a run of that name is alive.
pub(super) fn is_alive(folder: &Path, run: &str) -> bool {
    !run.is_empty() && is_locked(&folder.join(format!("{BEGIN}{run}{END}")))
}

/// Removes the files of dead runs. To be called by the holder of the audit's lock.
pub(super) fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if name.starts_with(BEGIN) && name.ends_with(END) && !is_locked(&path) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

fn is_locked(path: &Path) -> bool {
    let Ok(file) = OpenOptions::new().append(true).open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}
