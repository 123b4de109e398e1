//! Standard output for results, standard error for the rest.

use std::io::{IsTerminal, Write, stderr, stdin, stdout};

use anstream::{AutoStream, ColorChoice};

/// Where text goes, and whether it may have colours.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Whether results may have colours.
    pub color: bool,
    /// Whether messages may have colours.
    pub message_color: bool,
    verbose: bool,
}

impl Output {
    /// Colours go to terminals only, and not when `NO_COLOR` or `--no-color` says so.
    #[must_use]
    pub fn new(no_color: bool, verbose: bool) -> Self {
        let colorful = |choice| !no_color && choice != ColorChoice::Never;
        Self {
            color: colorful(AutoStream::choice(&stdout())),
            message_color: colorful(AutoStream::choice(&stderr())),
            verbose,
        }
    }

    /// Writes a result. A reader that has gone away (`| head`) is not an error of ours.
    pub fn result(&self, text: &str) {
        let mut out = stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Writes a message.
    pub fn tell(&self, text: &str) {
        let _ = stderr().lock().write_all(text.as_bytes());
    }

    /// Writes a message that only `--verbose` asks for.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.tell(&format!("{text}\n"));
        }
    }

    /// Asks, and says whether the answer is `yes`. `None` when there is nobody to ask.
    #[must_use]
    pub fn confirm(&self, question: &str) -> Option<bool> {
        if !stdin().is_terminal() {
            return None;
        }
        self.tell(question);
        let mut answer = String::new();
        stdin().read_line(&mut answer).ok()?;
        Some(answer.trim() == "yes")
    }
}
