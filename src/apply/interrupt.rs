//! Ctrl-C and SIGTERM: the step under way is finished; a second signal ends the process at once.

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
        for (kind, number) in [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)] {
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
