//! JSON as Terraform 1.11 takes it: strict, exact numbers, a place for every value.
//!
//! An own parser, because no setting of `serde_json` gives all of that: places only through
//! raw slices that are parsed again at each level, exact digits only through a feature that
//! changes every JSON value of the program. Both are compared on mutated texts in the tests.

use std::ops::Range;

use super::node::{Entry, Node, NodeKind};
use super::number;
use super::text::normalized;

/// Nested arrays and objects at most; Terraform has no limit, `serde_json` has the same one.
const MAX_DEPTH: usize = 128;

/// A syntax error at a byte range.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

type Parsed<T> = Result<T, SyntaxError>;

/// Parses a whole document.
pub(super) fn parse(text: &str) -> Parsed<Node> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    parser.skip_space();
    let value = parser.value()?;
    parser.skip_space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.unexpected("the end of the file")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn error(&self, span: Range<usize>, message: impl Into<String>) -> SyntaxError {
        SyntaxError { span, message: message.into() }
    }

    fn unexpected(&self, wanted: &str) -> SyntaxError {
        let found = match self.peek() {
            None => "the end of the file".to_owned(),
            Some(character) => format!("`{}`", character.escape_debug()),
        };
        let end = self.at + self.peek().map_or(0, char::len_utf8);
        self.error(self.at..end, format!("expected {wanted}, found {found}"))
    }

    fn value(&mut self) -> Parsed<Node> {
        let start = self.at;
        let kind = match self.peek() {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::array)?,
            Some('"') => NodeKind::String(normalized(self.string()?)),
            Some('-' | '0'..='9') => self.number()?,
            Some('a'..='z' | 'A'..='Z') => self.word()?,
            Some(_) | None => return Err(self.unexpected("a value")),
        };
        Ok(Node { kind, span: start..self.at })
    }

    fn nested(&mut self, parse: fn(&mut Self) -> Parsed<NodeKind>) -> Parsed<NodeKind> {
        if self.depth == MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} nested levels");
            return Err(self.error(self.at..self.at + 1, message));
        }
        self.depth += 1;
        let kind = parse(self)?;
        self.depth -= 1;
        Ok(kind)
    }

    fn object(&mut self) -> Parsed<NodeKind> {
        let mut entries = Vec::new();
        self.items('}', |parser| {
            let start = parser.at;
            if parser.peek() != Some('"') {
                return Err(parser.unexpected("a name in double quotes"));
            }
            let key = normalized(parser.string()?);
            let key_span = start..parser.at;
            parser.skip_space();
            if parser.peek() != Some(':') {
                return Err(parser.unexpected("`:`"));
            }
            parser.at += 1;
            parser.skip_space();
            entries.push(Entry { key, key_span, value: parser.value()? });
            Ok(())
        })?;
        Ok(NodeKind::Map(entries))
    }

    fn array(&mut self) -> Parsed<NodeKind> {
        let mut items = Vec::new();
        self.items(']', |parser| {
            items.push(parser.value()?);
            Ok(())
        })?;
        Ok(NodeKind::List(items))
    }

    /// Items between commas up to `close`; a comma before `close` is an error.
    fn items(&mut self, close: char, mut item: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            self.skip_space();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(found) if found == close => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) | None => return Err(self.unexpected(&format!("`,` or `{close}`"))),
            }
            self.skip_space();
        }
    }

    fn word(&mut self) -> Parsed<NodeKind> {
        let rest = self.rest();
        let word = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let kind = match word {
            "null" => NodeKind::Null,
            "true" => NodeKind::Bool(true),
            "false" => NodeKind::Bool(false),
            other => {
                let message = format!("expected a value, found the bare word `{other}`");
                return Err(self.error(self.at..self.at + other.len(), message));
            }
        };
        self.at += word.len();
        Ok(kind)
    }

    fn number(&mut self) -> Parsed<NodeKind> {
        let rest = self.rest();
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or_default();
        let span = self.at..self.at + end;
        if !is_json_number(text) {
            return Err(self.error(span, format!("`{text}` is not a JSON number")));
        }
        let number =
            number::canonical(text).map_err(|error| self.error(span, error.to_string()))?;
        self.at += end;
        Ok(NodeKind::Number(number))
    }

    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            let plain = self.rest().find(|c: char| matches!(c, '"' | '\\') || c < ' ');
            let Some(plain) = plain else {
                return Err(self.error(start..start + 1, "the string is not closed"));
            };
            value.push_str(self.rest().get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some('"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some('\\') => value.push(self.escape()?),
                Some(_) | None => {
                    let message = "a control character must be written as an escape";
                    return Err(self.error(self.at..self.at + 1, message));
                }
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let start = self.at;
        self.at += 1;
        let kind = self.peek();
        self.at += kind.map_or(0, char::len_utf8);
        Ok(match kind {
            Some(plain @ ('"' | '\\' | '/')) => plain,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode_escape(start),
            Some(_) | None => return Err(self.error(start..self.at, "unknown escape")),
        })
    }

    /// `\uXXXX`, or two of them that make a surrogate pair.
    fn unicode_escape(&mut self, start: usize) -> Parsed<char> {
        let first = self.four_hex(start)?;
        let code = match first {
            0xD800..=0xDBFF if self.rest().starts_with("\\u") => {
                self.at += 2;
                let second = self.four_hex(start)?;
                let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400);
                low.map(|low| 0x10000 + ((first - 0xD800) << 10) + low)
            }
            other => Some(other),
        };
        let character = code.and_then(char::from_u32);
        character.ok_or_else(|| self.error(start..self.at, "half of a surrogate pair"))
    }

    fn four_hex(&mut self, start: usize) -> Parsed<u32> {
        let digits = self.rest().get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let message = "\\u needs four hexadecimal digits";
        let code = code.ok_or_else(|| self.error(start..self.at, message))?;
        self.at += 4;
        Ok(code)
    }
}

/// `-? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?`
fn is_json_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::parse;
    use crate::tfvars::node::{Node, NodeKind};

    fn same(ours: &Node, theirs: &serde_json::Value) -> bool {
        match &ours.kind {
            NodeKind::Null | NodeKind::Invalid => theirs.is_null(),
            NodeKind::Bool(value) => theirs == value,
            NodeKind::Number(text) => text.parse().ok() == theirs.as_f64(),
            NodeKind::String(text) => theirs == text,
            NodeKind::List(items) => theirs.as_array().is_some_and(|theirs| {
                items.len() == theirs.len() && items.iter().zip(theirs).all(|(a, b)| same(a, b))
            }),
            NodeKind::Map(entries) => entries.iter().all(|entry| {
                let last = entries.iter().rfind(|other| other.key == entry.key);
                last.is_some_and(|last| same(&last.value, &theirs[&entry.key]))
            }),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Pieces of JSON in any order: what one parser takes, the other takes, as the same value.
        #[test]
        fn agrees_with_serde_json(text in proptest::collection::vec(proptest::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\\u0041\\n\"", "1", "-0.5e1", "01", ".5", "true",
            "nul", "null", " ", "\n", "\"\\x\"", "\"\\ud83d\\ude00\"", "\u{a0}", "\u{1}", "\"",
            "{\"a\":", "[1,", "\"k\":{}", "1]", "2}",
        ]), 0..10)) {
            let text = text.concat();
            let ours = parse(&text);
            let accepted = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(ours.is_ok(), accepted, "{}", text);
            if let (Ok(ours), Ok(theirs)) = (ours, serde_json::from_str(&text)) {
                prop_assert!(same(&ours, &theirs), "{}", text);
            }
        }
    }

    #[test]
    fn knows_where_a_value_stands() {
        let text = "{\"a\": [1, \"é\", 2.50]}";
        let NodeKind::Map(entries) = parse(text).expect("JSON").kind else { panic!("no map") };
        assert_eq!(&text[entries[0].key_span.clone()], "\"a\"");
        let NodeKind::List(items) = &entries[0].value.kind else { panic!("no list") };
        let texts: Vec<_> = items.iter().map(|item| &text[item.span.clone()]).collect();
        assert_eq!(texts, ["1", "\"é\"", "2.50"]);
        assert_eq!(items[2].kind, NodeKind::Number("2.5".into()));
    }

    #[test]
    fn refuses_deep_nesting_before_the_stack_ends() {
        let error = parse(&"[".repeat(100_000)).expect_err("too deep");
        assert_eq!(error.message, "more than 128 nested levels");
    }
}
