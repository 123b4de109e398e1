//! Source texts and places in them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A place in a source: what a message names and what the marker underlines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The file as shown to the user, or `TF_VAR_name`, or `--var name`.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1; a leading byte order mark is not counted.
    pub column: usize,
    /// First byte.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One text with the index that makes looking up a place cheap.
#[derive(Debug)]
pub struct Source {
    name: Arc<str>,
    text: String,
    /// Byte at which each line begins.
    lines: Vec<usize>,
    /// Number of characters before byte `BLOCK * i`.
    characters: Vec<usize>,
}

const BLOCK: usize = 256;

/// What Terraform 1.11 skips once at the beginning of HCL.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

impl Source {
    fn new(name: Arc<str>, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        let lines = lines.collect();
        let mut count = 0;
        let mut characters = Vec::with_capacity(text.len() / BLOCK + 1);
        for (at, byte) in text.bytes().enumerate() {
            if at % BLOCK == 0 {
                characters.push(count);
            }
            count += usize::from(begins_character(byte));
        }
        characters.push(count);
        Self { name, text, lines, characters }
    }

    /// The name shown to the user.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place of a byte range, moved into the text and to the ends of characters.
    pub fn position(&self, span: Range<usize>) -> Position {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end.max(start));
        let line = self.lines.partition_point(|&begin| begin <= start);
        let begin = self.line_start(line);
        let mark = begin == 0 && start > 0 && self.text.starts_with(BYTE_ORDER_MARK);
        let column =
            self.characters_before(start) - self.characters_before(begin) + 1 - usize::from(mark);
        Position { file: self.name.clone(), line, column, start, end }
    }

    /// The place just after the last character.
    pub fn end(&self) -> Position {
        self.position(self.text.len()..self.text.len())
    }

    /// The byte at which a line (from 1) begins.
    fn line_start(&self, line: usize) -> usize {
        self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    fn characters_before(&self, at: usize) -> usize {
        let block = at / BLOCK;
        let counted = self.characters.get(block).copied().unwrap_or_default();
        let rest = self.text.as_bytes().get(block * BLOCK..at).unwrap_or_default();
        counted + rest.iter().filter(|&&byte| begins_character(byte)).count()
    }

    /// The whole lines that hold all of `spans`: line number, first byte, text.
    pub(super) fn excerpt(&self, spans: &[Range<usize>]) -> (usize, usize, &str) {
        let first = spans.iter().map(|span| span.start).min().unwrap_or_default();
        let last = spans.iter().map(|span| span.end).max().unwrap_or_default();
        let line = self.lines.partition_point(|&begin| begin <= first);
        let start = self.line_start(line);
        let rest = self.text.get(last..).unwrap_or_default();
        let end = last + rest.find('\n').unwrap_or(rest.len());
        (line, start, self.text.get(start..end).unwrap_or_default())
    }
}

fn begins_character(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

/// The texts that were read, kept to show diagnostics with their source lines.
#[derive(Debug, Default)]
pub struct Sources {
    by_name: BTreeMap<Arc<str>, Arc<Source>>,
}

impl Sources {
    /// Keeps a text. A second text under a name gets ` (2)` after it.
    pub fn add(&mut self, name: &str, text: String) -> Arc<Source> {
        let name = self.free_name(name, &text);
        let source =
            self.by_name.entry(name.clone()).or_insert_with(|| Arc::new(Source::new(name, text)));
        source.clone()
    }

    fn free_name(&self, wanted: &str, text: &str) -> Arc<str> {
        let free = |name: &str| self.by_name.get(name).is_none_or(|known| known.text == text);
        let numbered = (2_usize..).map(|n| format!("{wanted} ({n})"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        names.find(|name| free(name)).unwrap_or_default().into()
    }

    /// The text under a name.
    pub fn get(&self, name: &str) -> Option<&Source> {
        self.by_name.get(name).map(Arc::as_ref)
    }
}
