//! What Terraform 1.11 refuses and `hcl-edit` lets pass, in values that are never used too:
//! line breaks and bare quotes in quoted strings, text after the end marker of a heredoc,
//! expressions that go on in the next line, keywords without a space after them.

use std::ops::Range;

use ::hcl::edit::expr::{
    Array, BinaryOp, Conditional, Expression, ForCond, ForExpr, ForIntro, FuncArgs, Object,
    Parenthesis, Traversal, TraversalOperator,
};
use ::hcl::edit::structure::Body;
use ::hcl::edit::template::{
    Directive, Element, ForTemplateExpr, HeredocTemplate, IfTemplateExpr, Interpolation,
    StringTemplate,
};
use ::hcl::edit::visit::{self, Visit};
use ::hcl::edit::{Decorated, Span};

use super::diagnostic::Diagnostic;
use super::hcl::Script;
use super::scan::scan;

/// Checks a file, whether its values are used or not.
pub(super) fn check_body(script: &Script<'_>, body: &Body, problems: &mut Vec<Diagnostic>) {
    check_returns(script, problems);
    Check { script, problems, in_quotes: false, lines_join: false }.visit_body(body);
}

/// Terraform 1.11 takes a carriage return only before a line feed.
fn check_returns(script: &Script<'_>, problems: &mut Vec<Diagnostic>) {
    let text = script.source.text();
    if text.matches('\r').count() == text.matches("\r\n").count() {
        return;
    }
    if let Some(at) = scan(text).stray_return {
        let at = script.source.position(at..at + 1);
        problems.push(Diagnostic::at(at, "a carriage return that ends no line").hint("remove it"));
    }
}

/// Checks one expression.
pub(super) fn check_expression(
    script: &Script<'_>,
    expression: &Expression,
    problems: &mut Vec<Diagnostic>,
) {
    check_returns(script, problems);
    Check { script, problems, in_quotes: false, lines_join: false }.visit_expr(expression);
}

struct Check<'a> {
    script: &'a Script<'a>,
    problems: &'a mut Vec<Diagnostic>,
    /// Whether template text is that of a quoted string, not of a heredoc.
    in_quotes: bool,
    /// Whether brackets are open in which a line break means nothing.
    lines_join: bool,
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

    /// In the text of a directive the parser lets a bare quote pass.
    fn unescaped(&mut self, span: Range<usize>) {
        let mut escaped = false;
        let bare = self.script.slice(span.clone()).bytes().any(|byte| {
            let bare = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            bare
        });
        if bare {
            let problem = Diagnostic::at(self.script.position(span), "a bare quote in a string");
            self.problems.push(problem.hint("write a backslash before it"));
        }
    }

    /// What follows must begin on the line on which the expression before it ends.
    fn same_line(&mut self, before: Option<Range<usize>>, after: Option<Range<usize>>) {
        let (Some(before), Some(after)) = (before, after) else { return };
        let between = self.script.slice(before.end..after.start);
        if !self.lines_join && between.contains('\n') {
            let start = after.start - between.trim_start().len();
            let at = self.script.position(start..after.end);
            self.problems.push(Diagnostic::at(at, "an expression that goes on in a new line"));
        }
    }

    /// `in`, `if`: what follows must not be glued to the keyword.
    fn after_keyword(&mut self, expression: &Expression) {
        let Some(span) = expression.span() else { return };
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let before = self.script.slice(0..span.start).ends_with(word);
        if before && self.script.slice(span.clone()).starts_with(word) {
            let at = self.script.position(span);
            self.problems.push(Diagnostic::at(at, "a keyword without a space after it"));
        }
    }

    fn within(&mut self, lines_join: bool, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.lines_join, lines_join);
        visit(self);
        self.lines_join = outer;
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
            Element::Literal(text) if self.in_quotes => {
                self.quoted(text.span());
                self.unescaped(text.span().unwrap_or_default());
            }
            Element::Literal(_) | Element::Interpolation(_) | Element::Directive(_) => {
                visit::visit_element(self, node);
            }
        }
    }

    fn visit_array(&mut self, node: &Array) {
        self.within(true, |check| visit::visit_array(check, node));
    }

    fn visit_parenthesis(&mut self, node: &Parenthesis) {
        self.within(true, |check| visit::visit_parenthesis(check, node));
    }

    fn visit_func_args(&mut self, node: &FuncArgs) {
        self.within(true, |check| visit::visit_func_args(check, node));
    }

    fn visit_for_expr(&mut self, node: &ForExpr) {
        self.within(true, |check| visit::visit_for_expr(check, node));
    }

    fn visit_traversal_operator(&mut self, node: &TraversalOperator) {
        self.within(true, |check| visit::visit_traversal_operator(check, node));
    }

    fn visit_interpolation(&mut self, node: &Interpolation) {
        self.within(true, |check| visit::visit_interpolation(check, node));
    }

    fn visit_directive(&mut self, node: &Directive) {
        self.within(true, |check| visit::visit_directive(check, node));
    }

    fn visit_object(&mut self, node: &Object) {
        self.within(false, |check| visit::visit_object(check, node));
    }

    fn visit_traversal(&mut self, node: &Traversal) {
        let mut before = node.expr.span();
        for operator in &node.operators {
            self.same_line(before, operator.span());
            before = operator.span();
        }
        visit::visit_traversal(self, node);
    }

    fn visit_binary_op(&mut self, node: &BinaryOp) {
        self.same_line(node.lhs_expr.span(), node.rhs_expr.span());
        visit::visit_binary_op(self, node);
    }

    fn visit_conditional(&mut self, node: &Conditional) {
        self.same_line(node.cond_expr.span(), node.true_expr.span());
        self.same_line(node.true_expr.span(), node.false_expr.span());
        visit::visit_conditional(self, node);
    }

    fn visit_for_intro(&mut self, node: &ForIntro) {
        self.after_keyword(&node.collection_expr);
        visit::visit_for_intro(self, node);
    }

    fn visit_for_cond(&mut self, node: &ForCond) {
        self.after_keyword(&node.expr);
        visit::visit_for_cond(self, node);
    }

    fn visit_if_template_expr(&mut self, node: &IfTemplateExpr) {
        self.after_keyword(&node.cond_expr);
        visit::visit_if_template_expr(self, node);
    }

    fn visit_for_template_expr(&mut self, node: &ForTemplateExpr) {
        self.after_keyword(&node.collection_expr);
        visit::visit_for_template_expr(self, node);
    }
}
