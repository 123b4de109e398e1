//! From a YAML text to its tree.

use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::node::{Kind, Member, Node};
use crate::tfvars::{Diagnostic, Position, Source};

/// Nested lists and maps at most.
const MAX_DEPTH: usize = 64;

/// Parses one document.
///
/// # Errors
/// The first problem. Anchors, aliases and keys that are no scalars are problems too: nobody needs them
/// in these files, and an edit of an alias would change two places.
pub fn parse(source: &Source) -> Result<Node, Box<Diagnostic>> {
    Reader::new(source).document()
}

type Parsed<T> = Result<T, Box<Diagnostic>>;

struct Reader<'a> {
    source: &'a Source,
    parser: Parser<'a, StrInput<'a>>,
    /// The byte at which each character begins, and the text's length at the end.
    bytes: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source) -> Self {
        let text = source.text();
        let bytes = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        Self { source, parser: Parser::new_from_str(text), bytes }
    }

    fn next(&mut self) -> Parsed<(Event<'a>, Span)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.syntax_error(&error).boxed()),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Parsed<Node> {
        let mut found = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if found.is_none() => {}
                Event::DocumentStart(_) => {
                    let problem = Diagnostic::at(self.position(span), "a second document");
                    return Err(problem.hint("remove the line `---`").boxed());
                }
                Event::StreamEnd => break,
                Event::Alias(_)
                | Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..)
                | Event::MappingEnd => found = Some(self.node(event, span, 0)?),
            }
        }
        let at = self.source.end();
        Ok(found.unwrap_or(Node { kind: Kind::Null, at }))
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Parsed<Node> {
        let at = self.position(span);
        if depth == MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} nested levels");
            return Err(Diagnostic::at(at, message).boxed());
        }
        match event {
            Event::Scalar(text, style, 0, _) => {
                let at = self.scalar_position(span, style);
                Ok(Node { kind: scalar(&text, style), at })
            }
            Event::SequenceStart(0, _) => self.list(span, depth),
            Event::MappingStart(0, _) => self.map(span, depth),
            Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::MappingStart(..)
            | Event::Alias(_) => {
                let problem = Diagnostic::at(at, "an anchor or alias");
                Err(problem.hint("write the value itself").boxed())
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => Err(Diagnostic::at(at, "expected a value").boxed()),
        }
    }

    fn list(&mut self, start: Span, depth: usize) -> Parsed<Node> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let at = self.range(start.start, end.end);
                    return Ok(Node { kind: Kind::List(items), at });
                }
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, start: Span, depth: usize) -> Parsed<Node> {
        let mut members: Vec<Member> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                let at = self.range(start.start, span.end);
                return Ok(Node { kind: Kind::Map(members), at });
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            let member = self.member(key, value, &members)?;
            members.push(member);
        }
    }

    fn member(&self, key: Node, value: Node, others: &[Member]) -> Parsed<Member> {
        let (Kind::Text(text), at) = (key.kind, key.at.clone()) else {
            return Err(Diagnostic::at(key.at, "a key must be a word").hint("quote it").boxed());
        };
        match others.iter().find(|other| other.key == text) {
            Some(first) => Err(Diagnostic::at(at, format!("`{text}` is set twice"))
                .label("set again here")
                .related(first.key_at.clone(), "first set here")
                .hint("remove one of the two")
                .boxed()),
            None => Ok(Member { key: text, key_at: at, value }),
        }
    }

    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let at = self.byte(*error.marker());
        let next = self.source.text().get(at..).and_then(|rest| rest.chars().next());
        let at = self.source.position(at..at + next.map_or(0, char::len_utf8));
        Diagnostic::at(at, format!("YAML: {}", error.info()))
    }

    fn position(&self, span: Span) -> Position {
        self.range(span.start, span.end)
    }

    /// The parser lets a quoted scalar end where the comment after it ends, and a block scalar where the
    /// next key begins.
    fn scalar_position(&self, span: Span, style: ScalarStyle) -> Position {
        let bytes = self.byte(span.start)..self.byte(span.end);
        let written = self.source.text().get(bytes.clone()).unwrap_or_default();
        let length = match style {
            ScalarStyle::SingleQuoted => single_quoted_length(written),
            ScalarStyle::DoubleQuoted => double_quoted_length(written),
            ScalarStyle::Literal | ScalarStyle::Folded => written.trim_end().len(),
            ScalarStyle::Plain => written.len(),
        };
        self.source.position(bytes.start..bytes.start + length)
    }

    fn range(&self, start: Marker, end: Marker) -> Position {
        let bytes: Range<usize> = self.byte(start)..self.byte(end);
        self.source.position(bytes)
    }

    fn byte(&self, marker: Marker) -> usize {
        self.bytes.get(marker.index()).copied().unwrap_or(self.source.text().len())
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Kind {
    match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Kind::Null,
        (_, text) => Kind::Text(text.to_owned()),
    }
}

/// Up to the closing quote; two quotes stand for one.
fn single_quoted_length(written: &str) -> usize {
    let mut end = 1;
    loop {
        let rest = written.get(end..).unwrap_or_default();
        let Some(quote) = rest.find('\'') else { return written.len() };
        end += quote + 1;
        if !written.get(end..).unwrap_or_default().starts_with('\'') {
            return end;
        }
        end += 1;
    }
}

/// Up to the closing quote; a backslash escapes the next character.
fn double_quoted_length(written: &str) -> usize {
    let mut escaped = false;
    let closing = written.bytes().enumerate().skip(1).find(|(_, byte)| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    closing.map_or(written.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tfvars::Sources;

    fn parsed(text: &str) -> Result<Node, String> {
        let source = Sources::default().add("a.yaml", text.to_owned());
        parse(&source).map_err(|problem| {
            format!(
                "{}: {}",
                problem.at.map_or("?".to_owned(), |at| at.to_string()),
                problem.message
            )
        })
    }

    #[test]
    fn every_value_knows_its_place() {
        let text = "é: ü # c\nb:\n  c: \"d\"\n  e: [1, ~]\n";
        let node = parsed(text).unwrap();
        let d = node.get("b").and_then(|b| b.get("c")).unwrap();
        assert_eq!((d.text(), d.at.to_string().as_str()), (Some("d"), "a.yaml:3:6"));
        assert_eq!(&text[d.at.start..d.at.end], "\"d\"");
        let items = node.get("b").and_then(|b| b.get("e")).unwrap().items();
        assert_eq!((items[0].text(), &items[1].kind), (Some("1"), &Kind::Null));
    }

    #[test]
    fn a_quoted_value_ends_with_its_quote() {
        for written in ["'it''s'", "''", r#""a\\""#, r#""a \"b\" # c""#, "\"\""] {
            let text = format!("a: {written} # comment 'with' \"quotes\"\nb: 1\n");
            let at = parsed(&text).unwrap().get("a").unwrap().at.clone();
            assert_eq!(&text[at.start..at.end], written, "{text}");
        }
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for (text, message) in [
            ("a: 1\n'a': 2\n", "a.yaml:2:1: `a` is set twice"),
            ("a: &x 1\nb: *x\n", "a.yaml:1:4: an anchor or alias"),
            ("a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document"),
            ("[a]: 1\n", "a.yaml:1:1: a key must be a word"),
            (
                "a:\n\tb: 1\n",
                "a.yaml:2:2: YAML: tabs disallowed within this context (block indentation)",
            ),
        ] {
            assert_eq!(parsed(text), Err(message.to_owned()), "{text}");
        }
        assert!(parsed(&"[".repeat(100_000)).is_err());
        assert!(parsed(&"a: ".repeat(5)).is_err());
    }
}
