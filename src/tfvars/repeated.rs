//! Keys that are there twice, spelt the same: the parser stops at the second.

use std::ops::Range;

use hcl_edit::expr::Object;
use hcl_edit::visit::{self, Visit};
use hcl_edit::{Span, parser};

use super::brackets;
use super::diagnostic::Diagnostic;
use super::hcl::Script;

/// The problem, with the place of the first one.
pub(super) fn problem(script: &Script<'_>, offset: usize) -> Diagnostic {
    let rest = script.parsed.get(offset..).unwrap_or_default();
    let end = rest.find(['=', ':', '\n']).unwrap_or(rest.len());
    let key = rest.get(..end).unwrap_or_default().trim_end();
    let at = script.position(offset..offset + key.len());
    let problem = Diagnostic::at(at, format!("`{}` is set twice", key.trim_matches('"')))
        .label("set again here")
        .hint("remove one of the two; in a map Terraform would silently take the last one");
    match first(script, offset, key) {
        Some(first) => problem.related(script.position(first), "first set here"),
        None => problem,
    }
}

/// Parses what stands before the second key, closed properly, and looks for the first.
fn first(script: &Script<'_>, offset: usize, key: &str) -> Option<Range<usize>> {
    let head = script.parsed.get(..offset)?;
    let source_offset = script.span(offset..offset).start;
    let mut text = format!("{head}{}", brackets::closers(script.source, source_offset));
    if script.is_expression() {
        text.push(')');
    }
    let mut search = Search { text: &text, key, offset, found: None };
    if script.is_expression() {
        search.visit_expr(&parser::parse_expr(&text).ok()?);
    } else {
        let body = parser::parse_body(&text).ok()?;
        let top = body.attributes().find(|attribute| attribute.key.as_str() == key);
        search.found = top.and_then(|attribute| attribute.key.span());
        search.visit_body(&body);
    }
    search.found
}

struct Search<'a> {
    text: &'a str,
    key: &'a str,
    offset: usize,
    found: Option<Range<usize>>,
}

impl Visit for Search<'_> {
    /// Objects that reach to the second key; the innermost of them comes last.
    fn visit_object(&mut self, object: &Object) {
        if object.span().is_none_or(|span| span.end <= self.offset) {
            return;
        }
        let mut spans = object.iter().filter_map(|(key, _)| key.span());
        self.found = spans.find(|span| self.text.get(span.clone()) == Some(self.key));
        visit::visit_object(self, object);
    }
}
