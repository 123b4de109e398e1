//! Brackets, strings, heredocs and comments of an HCL text, without its grammar: for texts that
//! the parser refuses without a helpful place.

use std::ops::Range;

/// A bracket or a string, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Open,
    Close,
    /// A quoted string or heredoc with `${` or `%{` in it.
    Template,
}

/// Something that the text does not close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclosed {
    String,
    Heredoc,
    Comment,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) tokens: Vec<Token>,
    /// The first thing that is not closed; nothing after it is looked at.
    pub(super) unclosed: Option<(Unclosed, Range<usize>)>,
    /// The first carriage return that ends no line, outside strings, heredocs and comments.
    pub(super) stray_return: Option<usize>,
}

/// As the parser: strings in templates in strings more deeply than this are not followed.
const MAX_DEPTH: usize = 64;

pub(super) fn scan(text: &str) -> Scan {
    let mut scan = Scan::default();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if scan.stray_return.is_none() && rest.starts_with('\r') && !rest.starts_with("\r\n") {
            scan.stray_return = Some(at);
        }
        at = match piece(rest) {
            Piece::Skip(length) => at + length,
            Piece::Token(kind, length) => {
                scan.tokens.push(Token { kind, span: at..at + length });
                at + length
            }
            Piece::Unclosed(kind, length) => {
                scan.unclosed = Some((kind, at..at + length));
                return scan;
            }
        };
    }
    scan
}

/// What a text begins with, and its length in bytes.
enum Piece {
    Skip(usize),
    Token(TokenKind, usize),
    Unclosed(Unclosed, usize),
}

fn piece(rest: &str) -> Piece {
    if rest.starts_with('#') || rest.starts_with("//") {
        return Piece::Skip(line_length(rest));
    }
    if rest.starts_with("/*") {
        return match rest.get(2..).and_then(|inside| inside.find("*/")) {
            Some(end) => Piece::Skip(end + 4),
            None => Piece::Unclosed(Unclosed::Comment, 2),
        };
    }
    if rest.starts_with('"') {
        return match quoted_length(rest, 0) {
            Some(length) => text_piece(rest, length),
            None => Piece::Unclosed(Unclosed::String, line_length(rest).max(1)),
        };
    }
    if let Some(marker) = heredoc_marker(rest) {
        return match heredoc_length(rest, marker) {
            Some(length) => text_piece(rest, length),
            None => Piece::Unclosed(Unclosed::Heredoc, line_length(rest)),
        };
    }
    match rest.chars().next() {
        Some('{' | '[' | '(') => Piece::Token(TokenKind::Open, 1),
        Some('}' | ']' | ')') => Piece::Token(TokenKind::Close, 1),
        Some(other) => Piece::Skip(other.len_utf8()),
        None => Piece::Skip(1),
    }
}

fn text_piece(rest: &str, length: usize) -> Piece {
    let text = rest.get(..length).unwrap_or_default();
    if text.contains("${") || text.contains("%{") {
        Piece::Token(TokenKind::Template, length)
    } else {
        Piece::Skip(length)
    }
}

fn line_length(rest: &str) -> usize {
    rest.find(['\n', '\r']).unwrap_or(rest.len())
}

/// The length of a quoted string; `None` if its line ends first.
pub(super) fn quoted_length(rest: &str, depth: usize) -> Option<usize> {
    let mut at = 1;
    loop {
        let tail = rest.get(at..)?;
        at += match tail.chars().next()? {
            '"' => return Some(at + 1),
            '\n' | '\r' => return None,
            '\\' => 1 + tail.chars().nth(1)?.len_utf8(),
            '$' | '%' if tail.starts_with("$${") || tail.starts_with("%%{") => 3,
            '$' | '%' if tail.get(1..)?.starts_with('{') => template_length(tail, depth + 1)?,
            other => other.len_utf8(),
        };
    }
}

/// The length of `${ … }`, which may hold strings and braces.
fn template_length(rest: &str, depth: usize) -> Option<usize> {
    let (mut at, mut open) = (2, 1);
    while open > 0 && depth < MAX_DEPTH {
        let tail = rest.get(at..)?;
        at += match tail.chars().next()? {
            '"' => quoted_length(tail, depth)?,
            '{' => {
                open += 1;
                1
            }
            '}' => {
                open -= 1;
                1
            }
            other => other.len_utf8(),
        };
    }
    (open == 0).then_some(at)
}

/// The end marker's name, if a heredoc begins here.
fn heredoc_marker(rest: &str) -> Option<&str> {
    let line = rest.lines().next()?;
    let name = line.strip_prefix("<<")?;
    let name = name.strip_prefix('-').unwrap_or(name);
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(word)).then_some(name)
}

fn heredoc_length(rest: &str, marker: &str) -> Option<usize> {
    let mut at = 0;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        if number > 0 && line.trim() == marker {
            return Some(at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{TokenKind, Unclosed, scan};

    #[test]
    fn sees_only_brackets_that_count() {
        let text = "a = { # {\n b = \"}${[\"]\"]}\" /* ( */ c = <<E\n}\nE\n}";
        let kinds: Vec<_> = scan(text).tokens.into_iter().map(|token| token.kind).collect();
        assert_eq!(kinds, [TokenKind::Open, TokenKind::Template, TokenKind::Close]);
    }

    #[test]
    fn names_what_is_not_closed() {
        for (text, kind, start) in [
            ("a = \"x\nb = 1", Unclosed::String, 4),
            ("a = <<E\nx\n", Unclosed::Heredoc, 4),
            ("a = 1\n/* x", Unclosed::Comment, 6),
        ] {
            let (unclosed, span) = scan(text).unclosed.expect(text);
            assert_eq!((unclosed, span.start), (kind, start), "{text}");
        }
    }
}
