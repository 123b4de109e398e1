//! What Terraform 1.11 refuses and `hcl-edit` lets pass: line breaks in quoted strings, and
//! text after the end marker of a heredoc.

use std::ops::Range;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;
use hcl_edit::template::{Element, HeredocTemplate, StringTemplate};
use hcl_edit::visit::{self, Visit};
use hcl_edit::{Decorated, Span};

use super::diagnostic::Diagnostic;
use super::hcl::Script;

/// Checks a file, whether its values are used or not.
pub(super) fn check_body(script: &Script<'_>, body: &Body, problems: &mut Vec<Diagnostic>) {
    Check { script, problems, in_quotes: false }.visit_body(body);
}

/// Checks one expression.
pub(super) fn check_expression(
    script: &Script<'_>,
    expression: &Expression,
    problems: &mut Vec<Diagnostic>,
) {
    Check { script, problems, in_quotes: false }.visit_expr(expression);
}

struct Check<'a> {
    script: &'a Script<'a>,
    problems: &'a mut Vec<Diagnostic>,
    /// Whether template text is that of a quoted string, not of a heredoc.
    in_quotes: bool,
}

impl Check<'_> {
    fn quoted(&mut self, span: Option<Range<usize>>) {
        let span = span.unwrap_or_default();
        if !self.script.slice(span.clone()).contains(['\n', '\r']) {
            return;
        }
        let problem = Diagnostic::at(self.script.position(span), "line break in a quoted string")
            .hint("write `\\n` for a line break, or use a heredoc (`<<EOF`)");
        self.problems.push(problem);
    }

    fn after_heredoc(&mut self, end: usize) {
        let rest = self.script.parsed.get(end..).unwrap_or_default();
        let rest = rest.trim_start_matches([' ', '\t']);
        if rest.starts_with('\n') || rest.starts_with("\r\n") {
            return;
        }
        // Terraform reads on to the end of the file, and says so there.
        let problem = Diagnostic::at(self.script.source.end(), "a heredoc has no end marker")
            .related(self.script.position(end..end), "the marker must stand alone on its line")
            .hint("put a line break after the marker");
        self.problems.push(problem);
    }
}

impl Visit for Check<'_> {
    fn visit_string(&mut self, node: &Decorated<String>) {
        self.quoted(node.span());
    }

    fn visit_string_template(&mut self, node: &StringTemplate) {
        let outer = std::mem::replace(&mut self.in_quotes, true);
        visit::visit_string_template(self, node);
        self.in_quotes = outer;
    }

    fn visit_heredoc_template(&mut self, node: &HeredocTemplate) {
        let outer = std::mem::replace(&mut self.in_quotes, false);
        visit::visit_heredoc_template(self, node);
        self.in_quotes = outer;
        self.after_heredoc(node.span().unwrap_or_default().end);
    }

    fn visit_element(&mut self, node: &Element) {
        match node {
            Element::Literal(text) if self.in_quotes => self.quoted(text.span()),
            Element::Literal(_) | Element::Interpolation(_) | Element::Directive(_) => {
                visit::visit_element(self, node);
            }
        }
    }
}
