//! HCL texts, parsed by `hcl-edit` and checked for what it lets pass.

use std::borrow::Cow;
use std::ops::Range;

use ::hcl::edit::expr::Expression;
use ::hcl::edit::parser;
use ::hcl::edit::structure::{Body, Structure};
use ::hcl::edit::{Ident, Span};

use super::brackets;
use super::diagnostic::Diagnostic;
use super::lexical;
use super::repeated;
use super::source::{BYTE_ORDER_MARK, Position, Source};

/// What the parser was given, and how its byte offsets lie to those of the source.
pub(super) struct Script<'a> {
    pub(super) source: &'a Source,
    pub(super) parsed: Cow<'a, str>,
    /// Bytes before `parsed` that are in the source only.
    skipped: usize,
    /// Bytes at the beginning of `parsed` that are not in the source.
    added: usize,
}

impl<'a> Script<'a> {
    /// A file. Terraform 1.11 skips one byte order mark.
    pub(super) fn file(source: &'a Source) -> Self {
        let (skipped, text) = without_mark(source.text());
        Self { source, parsed: Cow::Borrowed(text), skipped, added: 0 }
    }

    /// One expression. Line breaks and comments may stand around it, which the parser takes
    /// only inside parentheses.
    pub(super) fn expression(source: &'a Source) -> Self {
        let (skipped, text) = without_mark(source.text());
        Self { source, parsed: Cow::Owned(format!("({text}\n)")), skipped, added: 1 }
    }

    /// A range of the parsed text as a range of the source.
    pub(super) fn span(&self, parsed: Range<usize>) -> Range<usize> {
        let shift = |at: usize| (at + self.skipped).saturating_sub(self.added);
        shift(parsed.start)..shift(parsed.end)
    }

    /// Where the parsed text begins in the source.
    pub(super) fn start(&self) -> usize {
        self.skipped
    }

    pub(super) fn is_expression(&self) -> bool {
        self.added > 0
    }

    pub(super) fn span_of(&self, node: &impl Span) -> Range<usize> {
        self.span(node.span().unwrap_or_default())
    }

    pub(super) fn position(&self, parsed: Range<usize>) -> Position {
        self.source.position(self.span(parsed))
    }

    pub(super) fn slice(&self, parsed: Range<usize>) -> &str {
        self.parsed.get(parsed).unwrap_or_default()
    }
}

fn without_mark(text: &str) -> (usize, &str) {
    match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => (BYTE_ORDER_MARK.len_utf8(), rest),
        None => (0, text),
    }
}

/// `name = expression` at top level, not evaluated yet.
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) expression: Expression,
}

/// Reads a file: attributes only, every problem reported.
pub(super) fn assignments(source: &Source, problems: &mut Vec<Diagnostic>) -> Vec<Assignment> {
    let script = Script::file(source);
    match repeated::parse(&script.parsed, parser::parse_body) {
        Ok(body) => {
            lexical::check_body(&script, &body, problems);
            top_level(&script, body, problems)
        }
        Err(error) => {
            problems.push(syntax_error(&script, &error));
            Vec::new()
        }
    }
}

fn top_level(script: &Script<'_>, body: Body, problems: &mut Vec<Diagnostic>) -> Vec<Assignment> {
    let mut assignments = Vec::new();
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => assignments.push(Assignment {
                name: super::text::normalized(attribute.key.as_str().to_owned()),
                expression: attribute.value,
            }),
            Structure::Block(block) => {
                let at = position_of(script, block.ident.span());
                problems.push(refused_block(&block.ident, at));
            }
        }
    }
    assignments
}

fn position_of(script: &Script<'_>, span: Option<Range<usize>>) -> Position {
    script.position(span.unwrap_or_default())
}

fn refused_block(name: &Ident, at: Position) -> Diagnostic {
    let name = name.as_str();
    Diagnostic::at(at, format!("block `{name}` in a variable file"))
        .label("only `name = value` can stand here")
        .hint(format!("if `{name}` is a variable, write `{name} = {{ … }}`"))
}

/// Reads one expression, as Terraform 1.11 does for `-var` and `TF_VAR_` values of variables
/// whose type is no string, number or bool.
pub(super) fn expression(
    script: &Script<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Expression> {
    match repeated::parse(&script.parsed, parser::parse_expr) {
        Ok(whole @ Expression::Parenthesis(_)) if spans_all(&whole, script) => {
            lexical::check_expression(script, &whole, problems);
            Some(whole)
        }
        // As `1) + (2`, which makes two pairs of parentheses out of ours.
        Ok(_) => {
            let at = script.source.position(0..script.source.text().len());
            problems.push(Diagnostic::at(at, "more than one expression").label("expected one"));
            None
        }
        Err(error) => {
            problems.push(syntax_error(script, &error));
            None
        }
    }
}

fn spans_all(expression: &Expression, script: &Script<'_>) -> bool {
    expression.span() == Some(0..script.parsed.len())
}

/// What the parser found, unless looking at the brackets tells more.
fn syntax_error(script: &Script<'_>, error: &parser::Error) -> Diagnostic {
    let offset = error.location().offset();
    let message = error.message();
    if message.contains("found redefined") {
        return repeated::problem(script, offset);
    }
    if let Some(problem) = brackets::problem(script, script.span(offset..offset).start) {
        return problem;
    }
    let next = script.parsed.get(offset..).and_then(|rest| rest.chars().next());
    let at = script.position(offset..offset + next.map_or(0, char::len_utf8));
    let lacks_quote = brackets::lacks_quote(script.source, at.start);
    let problem = Diagnostic::at(at, format!("syntax error: {}", message.replace("; ", ": ")));
    if lacks_quote { problem.hint("a double quote is missing on this line") } else { problem }
}
