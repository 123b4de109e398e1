//! Rows whose writing was cut off: by a signal, or by a disk that was full.

use super::COLUMNS;

/// In bytes; a row is far shorter. What is longer is no row that a run was writing.
const LONGEST_ROW: usize = 1 << 16;

/// The end of a text, after its last whole record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// Where it begins.
    pub(super) begin: usize,
    in_quotes: bool,
    cells: usize,
}

/// Where a reader is in a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellBegins,
    Plain,
    Quoted,
    /// The end of a quoted cell, or half of a quote inside it.
    AfterQuote,
}

/// What stands after the last whole record; nothing, usually. A line break may be inside a cell.
pub(super) fn tail(text: &[u8]) -> Tail {
    let (mut state, mut tail) = (State::CellBegins, Tail { begin: 0, in_quotes: false, cells: 1 });
    for (at, byte) in text.iter().enumerate() {
        state = match (state, byte) {
            (State::Quoted, b'"') => State::AfterQuote,
            (State::Quoted, _) | (State::CellBegins | State::AfterQuote, b'"') => State::Quoted,
            (State::CellBegins | State::Plain | State::AfterQuote, b'\n') => {
                tail = Tail { begin: at + 1, in_quotes: false, cells: 1 };
                State::CellBegins
            }
            (State::CellBegins | State::Plain | State::AfterQuote, b',') => {
                tail.cells += 1;
                State::CellBegins
            }
            (State::CellBegins | State::Plain | State::AfterQuote, _) => State::Plain,
        };
    }
    tail.in_quotes = state == State::Quoted;
    tail
}

impl Tail {
    /// What makes a row of it. `None` where there is nothing to mend, or nothing that a run wrote.
    pub(super) fn ending(&self, text: &[u8]) -> Option<String> {
        let length = text.len() - self.begin;
        if length == 0 || length > LONGEST_ROW {
            return None;
        }
        let quote = if self.in_quotes { "\"" } else { "" };
        Some(format!("{quote}{}\n", ",".repeat(COLUMNS.saturating_sub(self.cells))))
    }
}

/// How many bytes at the end are the beginning of a letter whose rest was not written.
pub(super) fn half_letter(text: &[u8]) -> usize {
    let is_half = |length: &usize| {
        let end = &text[text.len() - length..];
        std::str::from_utf8(end)
            .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    };
    (1..=text.len().min(3)).rev().find(is_half).unwrap_or(0)
}
