//! Ctrl-C, SIGTERM and a terminal that is closed: the step under way is finished; a second signal ends the
//! process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Error, Result};

/// Remembers the first signal.
pub struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// Listens from now on. `told` is called at the first signal.
    ///
    /// # Errors
    /// When the operating system refuses to.
    pub fn listen(told: fn()) -> Result<Self> {
        let first = Arc::new(AtomicU8::new(0));
        let mut kinds = vec![(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)];
        if !ignores_hangup() {
            kinds.push((SignalKind::hangup(), 1));
        }
        for (kind, number) in kinds {
            let mut signals = signal(kind)
                .map_err(|error| Error::new(format!("cannot listen for signals: {error}")))?;
            let first = Arc::clone(&first);
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    if first.swap(number, Ordering::SeqCst) != 0 {
                        std::process::exit(128 + i32::from(number));
                    }
                    told();
                }
            });
        }
        Ok(Self(first))
    }

    /// The signal that came, by number.
    #[must_use]
    pub fn signal(&self) -> Option<u8> {
        match self.0.load(Ordering::SeqCst) {
            0 => None,
            number => Some(number),
        }
    }
}

/// Whether this process was started by `nohup` or its like. To listen would undo it.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // One bit for each signal; SIGHUP is the first.
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
}
