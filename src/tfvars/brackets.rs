//! Where an unclosed brace, string, comment or heredoc began: the parser says 1:1.

use std::ops::Range;

use ::hcl::edit::parser;

use super::diagnostic::Diagnostic;
use super::hcl::Script;
use super::scan::{Scan, Token, TokenKind, Unclosed, scan};
use super::source::Source;

/// What is not closed or closed wrongly, if that is what made the parser stop at `offset` of
/// the source.
pub(super) fn problem(script: &Script<'_>, offset: usize) -> Option<Diagnostic> {
    let source = script.source;
    let scan = scan(source.text());
    let helpless = offset == script.start() && may_begin(script);
    if let Some((kind, span)) = &scan.unclosed
        && (helpless || span.start <= offset)
    {
        return Some(unclosed_text(source, *kind, span.clone()));
    }
    let at_end = offset >= source.text().trim_end().len();
    match pair(source.text(), &scan.tokens) {
        Pairs::Wrong(open, close) if helpless || close.start <= offset => {
            Some(wrong_close(source, open, close))
        }
        Pairs::Open { innermost, suspect } if helpless || at_end => {
            Some(unclosed_bracket(source, innermost, suspect))
        }
        Pairs::Wrong(..) | Pairs::Open { .. } | Pairs::Closed if helpless => {
            broken_template(source, &scan)
        }
        Pairs::Wrong(..) | Pairs::Open { .. } | Pairs::Closed => None,
    }
}

/// Whether a string is left open on the line of `offset`, further on than the parser stopped.
pub(super) fn lacks_quote(source: &Source, offset: usize) -> bool {
    let line = |at: usize| source.position(at..at).line;
    matches!(scan(source.text()).unclosed, Some((Unclosed::String, span)) if line(span.start) == line(offset))
}

/// Whether the beginning is right, so that the parser cannot mean it when it points there.
fn may_begin(script: &Script<'_>) -> bool {
    let begins =
        |first: char| first.is_alphabetic() || first.is_whitespace() || "_#/".contains(first);
    script.is_expression() || script.parsed.starts_with(begins)
}

fn unclosed_text(source: &Source, kind: Unclosed, span: Range<usize>) -> Diagnostic {
    let opened = source.position(span);
    match kind {
        Unclosed::String => {
            Diagnostic::at(opened, "the string is not closed on its line").label("opened here")
        }
        Unclosed::Comment => {
            Diagnostic::at(opened, "the comment is not closed").label("opened here")
        }
        Unclosed::Heredoc => Diagnostic::at(source.end(), "the end marker of a heredoc is missing")
            .related(opened, "opened here"),
    }
}

fn wrong_close(source: &Source, open: Option<Range<usize>>, close: Range<usize>) -> Diagnostic {
    let bracket = source.text().get(close.clone()).unwrap_or_default();
    let problem = Diagnostic::at(
        source.position(close),
        format!("`{bracket}` does not close what is open here"),
    );
    match open {
        Some(open) => problem.related(source.position(open), "still open"),
        None => problem.label("nothing is open"),
    }
}

fn unclosed_bracket(
    source: &Source,
    innermost: Range<usize>,
    suspect: Option<(Range<usize>, Range<usize>)>,
) -> Diagnostic {
    let bracket = source.text().get(innermost.clone()).unwrap_or_default();
    let problem = Diagnostic::at(source.end(), format!("`{bracket}` is never closed"))
        .label("the text ends here")
        .related(source.position(innermost), "opened here");
    match suspect {
        Some((open, close)) => problem
            .related(source.position(open), "perhaps this one is not closed")
            .related(source.position(close), "this closes it, but is indented otherwise"),
        None => problem,
    }
}

/// The parser gives no place for a bad directive: try each template alone.
fn broken_template(source: &Source, scan: &Scan) -> Option<Diagnostic> {
    let templates = scan.tokens.iter().filter(|token| token.kind == TokenKind::Template);
    let mut broken = templates.filter(|token| {
        let text = source.text().get(token.span.clone()).unwrap_or_default();
        parser::parse_expr(text).is_err()
    });
    let at = source.position(broken.next()?.span.clone());
    let problem = Diagnostic::at(at, "a template that cannot be read");
    Some(problem.label("tfvars take constants").hint("for the characters write `$${` or `%%{`"))
}

/// How the brackets of a text pair up.
enum Pairs {
    Closed,
    /// A closing bracket and the other kind of bracket that is open there.
    Wrong(Option<Range<usize>>, Range<usize>),
    Open {
        innermost: Range<usize>,
        /// The first pair on lines of different indentation.
        suspect: Option<(Range<usize>, Range<usize>)>,
    },
}

fn pair(text: &str, tokens: &[Token]) -> Pairs {
    let mut open: Vec<Range<usize>> = Vec::new();
    let mut suspect = None;
    for Token { kind, span } in tokens {
        match kind {
            TokenKind::Open => open.push(span.clone()),
            TokenKind::Close => match open.pop() {
                Some(opened) if matches(text, &opened, span) => {
                    if suspect.is_none() && differently_indented(text, &opened, span) {
                        suspect = Some((opened, span.clone()));
                    }
                }
                opened => return Pairs::Wrong(opened, span.clone()),
            },
            TokenKind::Template => {}
        }
    }
    match open.pop() {
        Some(innermost) => Pairs::Open { innermost, suspect },
        None => Pairs::Closed,
    }
}

fn matches(text: &str, open: &Range<usize>, close: &Range<usize>) -> bool {
    let pair = (text.get(open.clone()), text.get(close.clone()));
    matches!(pair, (Some("{"), Some("}")) | (Some("["), Some("]")) | (Some("("), Some(")")))
}

/// Whether the closing bracket begins its line, and that line is indented unlike the opening one.
fn differently_indented(text: &str, open: &Range<usize>, close: &Range<usize>) -> bool {
    let before = |at: usize| {
        let head = text.get(..at).unwrap_or_default();
        head.get(head.rfind('\n').map_or(0, |newline| newline + 1)..).unwrap_or_default()
    };
    let blanks = |line: &str| line.len() - line.trim_start().len();
    let (opening, closing) = (before(open.start), before(close.start));
    closing.trim().is_empty() && blanks(opening) != closing.len()
}
