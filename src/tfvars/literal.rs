//! HCL expressions to values: literals only.
//!
//! Terraform takes constant expressions in variable files too (`1 + 2`, `for`, conditionals).
//! They are refused here with their place, never computed: nobody needs them for a list of
//! databases, and a slightly different arithmetic would be a different database.

use ::hcl::edit::expr::{Array, Expression, Object, ObjectKey};
use ::hcl::edit::template::{Element, HeredocTemplate, StringTemplate};
use ::hcl::edit::{Span, parser};

use super::diagnostic::Diagnostic;
use super::hcl::Script;
use super::heredoc;
use super::node::{Entry, Node, NodeKind};
use super::number;
use super::text::normalized;

/// Evaluates an expression; what is no literal is reported and becomes `Invalid`.
pub(super) fn evaluate(
    script: &Script<'_>,
    expression: &Expression,
    problems: &mut Vec<Diagnostic>,
) -> Node {
    Evaluation { script, problems }.node(expression)
}

struct Evaluation<'a> {
    script: &'a Script<'a>,
    problems: &'a mut Vec<Diagnostic>,
}

impl Evaluation<'_> {
    fn node(&mut self, expression: &Expression) -> Node {
        let kind = match expression {
            Expression::Null(_) => NodeKind::Null,
            Expression::Bool(value) => NodeKind::Bool(*value.value()),
            Expression::Number(_) => self.number(expression),
            Expression::String(text) => NodeKind::String(normalized(text.value().clone())),
            Expression::Array(array) => self.list(array),
            Expression::Object(object) => self.map(object),
            Expression::StringTemplate(template) => self.quoted(template),
            Expression::HeredocTemplate(heredoc) => self.heredoc(heredoc),
            Expression::Parenthesis(inner) => return self.node(inner.inner()),
            Expression::Variable(_)
            | Expression::Traversal(_)
            | Expression::FuncCall(_)
            | Expression::Conditional(_)
            | Expression::UnaryOp(_)
            | Expression::BinaryOp(_)
            | Expression::ForExpr(_) => self.not_constant(expression),
        };
        Node { kind, span: self.script.span_of(expression) }
    }

    /// From the digits as written: the parser's own number is a 64 bit one.
    fn number(&mut self, expression: &Expression) -> NodeKind {
        let span = expression.span().unwrap_or_default();
        let text: String = self.script.slice(span).split_whitespace().collect();
        match number::canonical(&text) {
            Ok(number) => NodeKind::Number(number),
            Err(error) => self.refuse(expression, error.to_string()),
        }
    }

    fn list(&mut self, array: &Array) -> NodeKind {
        NodeKind::List(array.iter().map(|item| self.node(item)).collect())
    }

    fn map(&mut self, object: &Object) -> NodeKind {
        let mut entries = Vec::with_capacity(object.len());
        for (key, value) in object {
            let value = self.node(value.expr());
            let key_span = self.script.span_of(key);
            if let Some(key) = self.key(key) {
                entries.push(Entry { key, key_span, value });
            }
        }
        NodeKind::Map(entries)
    }

    /// Terraform 1.11: a bare word is its own name, even `null`; of other keys the value counts.
    fn key(&mut self, key: &ObjectKey) -> Option<String> {
        let written = self.script.slice(key.span().unwrap_or_default());
        let expression = match key {
            ObjectKey::Ident(_) => return Some(normalized(written.to_owned())),
            ObjectKey::Expression(Expression::Null(_)) => return Some("null".to_owned()),
            ObjectKey::Expression(expression @ Expression::String(_)) => {
                let key = quoted_key(written);
                if key.is_none() {
                    self.refuse(expression, "a key with a template in it");
                }
                return key;
            }
            ObjectKey::Expression(expression) => expression,
        };
        match self.node(expression).kind {
            NodeKind::String(text) | NodeKind::Number(text) => Some(text),
            NodeKind::Bool(value) => Some(value.to_string()),
            NodeKind::Invalid => None,
            NodeKind::Null | NodeKind::List(_) | NodeKind::Map(_) => {
                self.refuse(expression, "a key must be a string");
                None
            }
        }
    }

    fn quoted(&mut self, template: &StringTemplate) -> NodeKind {
        self.literal_text(template.iter())
            .map_or(NodeKind::Invalid, |text| NodeKind::String(normalized(text)))
    }

    fn heredoc(&mut self, heredoc: &HeredocTemplate) -> NodeKind {
        let source = self.script.slice(heredoc.span().unwrap_or_default());
        let text = heredoc::text(source);
        self.literal_text(heredoc.template.iter())
            .map_or(NodeKind::Invalid, |_| NodeKind::String(normalized(text)))
    }

    /// The text of a template that has nothing but text; everything else is reported.
    fn literal_text<'e>(&mut self, elements: impl Iterator<Item = &'e Element>) -> Option<String> {
        let mut text = Some(String::new());
        for element in elements {
            match element {
                Element::Literal(literal) => {
                    if let Some(text) = &mut text {
                        text.push_str(literal);
                    }
                }
                Element::Interpolation(_) | Element::Directive(_) => {
                    self.refuse_template(element);
                    text = None;
                }
            }
        }
        text
    }

    fn refuse_template(&mut self, element: &Element) {
        let at = self.script.source.position(self.script.span_of(element));
        let problem = Diagnostic::at(at, "a string with a template in it")
            .label("tfvars take constants")
            .hint("write the value itself; for the characters themselves write `$${` or `%%{`");
        self.problems.push(problem);
    }

    fn not_constant(&mut self, expression: &Expression) -> NodeKind {
        let span = expression.span().unwrap_or_default();
        let text = self.script.slice(span);
        let text = text.lines().next().unwrap_or_default().trim_end();
        let message = match expression {
            Expression::Variable(_) => format!("reference to `{text}`"),
            Expression::Traversal(traversal) if is_variable(&traversal.expr) => {
                format!("reference to `{text}`")
            }
            Expression::FuncCall(call) => {
                format!("call of the function `{}`", call.name.name.as_str())
            }
            Expression::Traversal(_)
            | Expression::Conditional(_)
            | Expression::UnaryOp(_)
            | Expression::BinaryOp(_)
            | Expression::ForExpr(_)
            | Expression::Null(_)
            | Expression::Bool(_)
            | Expression::Number(_)
            | Expression::String(_)
            | Expression::Array(_)
            | Expression::Object(_)
            | Expression::StringTemplate(_)
            | Expression::HeredocTemplate(_)
            | Expression::Parenthesis(_) => "an expression that would have to be computed".into(),
        };
        self.refuse(expression, message)
    }

    fn refuse(&mut self, expression: &Expression, message: impl Into<String>) -> NodeKind {
        let at = self.script.source.position(self.script.span_of(expression));
        let problem = Diagnostic::at(at, message)
            .label("tfvars take constants")
            .hint("write the value itself");
        self.problems.push(problem);
        NodeKind::Invalid
    }
}

fn is_variable(expression: &Expression) -> bool {
    matches!(expression, Expression::Variable(_))
}

/// From the source: in the parsed copy a repeated key has another name.
fn quoted_key(written: &str) -> Option<String> {
    match parser::parse_expr(written) {
        Ok(Expression::String(text)) => Some(normalized(text.value().clone())),
        Ok(_) | Err(_) => None,
    }
}
