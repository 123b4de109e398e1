//! Values to declared types, as Terraform 1.11 converts them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::diagnostic::Diagnostic;
use super::listing::to_json;
use super::node::{Entry, Node, NodeKind};
use super::primitive::{to_bool, to_number, to_string};
use super::source::{Position, Source};
use super::types::{Rules, Type};
use super::value::{Kind, Member, Value};

/// Converts what was written to `ty`. Every problem is reported; `None` if there was one.
pub(super) fn convert(
    node: &Node,
    ty: &Type,
    context: &Context<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Value> {
    Conversion { context, problems }.value(node, ty, &node.span)
}

/// What a conversion needs to know beside value and type.
pub(super) struct Context<'a> {
    pub(super) source: &'a Source,
    pub(super) rules: Rules<'a>,
    /// JSON: Terraform 1.11 refuses a name that is there twice, in HCL it takes the last one.
    pub(super) refuse_repeated: bool,
}

pub(super) struct Conversion<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) problems: &'a mut Vec<Diagnostic>,
}

impl Conversion<'_> {
    pub(super) fn at(&self, node: &Node) -> Position {
        self.place(&node.span)
    }

    pub(super) fn place(&self, span: &Range<usize>) -> Position {
        self.context.source.position(span.clone())
    }

    /// `name` is the place to show for what is missing: the key, if there is one.
    pub(super) fn value(&mut self, node: &Node, ty: &Type, name: &Range<usize>) -> Option<Value> {
        let kind = match (&node.kind, ty) {
            (NodeKind::Invalid, _) => None,
            (NodeKind::Null, Type::Object(_)) => self.null_object(node),
            (NodeKind::Null, _) => Some(Kind::Null),
            (_, Type::Any) => self.any(node),
            (_, Type::String | Type::Number | Type::Bool) => self.primitive(node, ty),
            (NodeKind::List(items), Type::List(element)) => self.list(items, element),
            (NodeKind::List(items), Type::Set(element)) => self.set(items, element),
            (NodeKind::Map(entries), Type::Map(element)) => self.map(entries, element),
            (NodeKind::Map(entries), Type::Object(attributes)) => {
                self.object(name, entries, attributes)
            }
            (_, Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Object(_)) => {
                self.wrong_type(node, ty)
            }
        };
        Some(Value { kind: kind?, at: self.at(node) })
    }

    fn wrong_type(&mut self, node: &Node, ty: &Type) -> Option<Kind> {
        let message = format!("{} is required, found {}", with_article(ty), found(&node.kind));
        self.problems.push(Diagnostic::at(self.at(node), message).label(format!("not a {ty}")));
        None
    }

    fn null_object(&mut self, node: &Node) -> Option<Kind> {
        match self.context.rules {
            Rules::Terraform => Some(Kind::Null),
            Rules::Strict { .. } => {
                let problem = Diagnostic::at(self.at(node), "null in place of an object")
                    .label("an object is required")
                    .hint("write the object, or remove the key");
                self.problems.push(problem);
                None
            }
        }
    }

    fn any(&mut self, node: &Node) -> Option<Kind> {
        Some(match &node.kind {
            NodeKind::Null => Kind::Null,
            NodeKind::Bool(value) => Kind::Bool(*value),
            NodeKind::Number(text) => Kind::Number(text.clone()),
            NodeKind::String(text) => Kind::String(text.clone()),
            NodeKind::List(items) => return self.list(items, &Type::Any),
            NodeKind::Map(entries) => return self.map(entries, &Type::Any),
            NodeKind::Invalid => return None,
        })
    }

    fn primitive(&mut self, node: &Node, ty: &Type) -> Option<Kind> {
        let converted = match ty {
            Type::String => to_string(&node.kind).map(Kind::String),
            Type::Number => to_number(&node.kind).map(Kind::Number),
            Type::Bool => to_bool(&node.kind).map(Kind::Bool),
            Type::Any | Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Object(_) => None,
        };
        converted.or_else(|| self.wrong_type(node, ty))
    }

    /// All items, so that each problem is told, not only the first.
    fn items(&mut self, items: &[Node], element: &Type) -> Option<Vec<Value>> {
        let converted: Vec<_> =
            items.iter().map(|item| self.value(item, element, &item.span)).collect();
        converted.into_iter().collect()
    }

    fn list(&mut self, items: &[Node], element: &Type) -> Option<Kind> {
        self.items(items, element).map(Kind::List)
    }

    fn set(&mut self, items: &[Node], element: &Type) -> Option<Kind> {
        let mut values = self.items(items, element)?;
        values.sort_by(|a, b| set_order(&a.kind, &b.kind));
        values.dedup_by(|later, earlier| same(&later.kind, &earlier.kind));
        Some(Kind::List(values))
    }

    fn map(&mut self, entries: &[Entry], element: &Type) -> Option<Kind> {
        let mut members = BTreeMap::new();
        let mut complete = true;
        for (key, entry) in self.last_of_each(entries) {
            match self.value(&entry.value, element, &entry.key_span) {
                Some(value) => {
                    members.insert(key.to_owned(), self.member(entry, value));
                }
                None => complete = false,
            }
        }
        complete.then_some(Kind::Map(members))
    }

    pub(super) fn member(&self, entry: &Entry, value: Value) -> Member {
        Member { key_at: self.context.source.position(entry.key_span.clone()), value }
    }

    /// The entry that counts for each key; earlier ones of the same key are reported if the
    /// rules say so.
    pub(super) fn last_of_each<'n>(
        &mut self,
        entries: &'n [Entry],
    ) -> BTreeMap<&'n str, &'n Entry> {
        let mut last = BTreeMap::new();
        for entry in entries {
            if let Some(first) = last.insert(entry.key.as_str(), entry)
                && (self.context.refuse_repeated || self.context.rules != Rules::Terraform)
            {
                self.repeated(first, entry);
            }
        }
        last
    }

    fn repeated(&mut self, first: &Entry, again: &Entry) {
        let source = self.context.source;
        let at = source.position(again.key_span.clone());
        let problem = Diagnostic::at(at, format!("`{}` is set twice", again.key))
            .label("set again here")
            .related(source.position(first.key_span.clone()), "first set here")
            .hint(if self.context.refuse_repeated {
                "remove one of the two"
            } else {
                "remove one of the two; Terraform would silently take the last one"
            });
        self.problems.push(problem);
    }
}

pub(super) fn with_article(ty: &Type) -> String {
    match ty {
        Type::Object(_) => format!("an {ty}"),
        Type::Any
        | Type::String
        | Type::Number
        | Type::Bool
        | Type::List(_)
        | Type::Set(_)
        | Type::Map(_) => format!("a {ty}"),
    }
}

fn found(kind: &NodeKind) -> String {
    match kind {
        NodeKind::Null => "null".into(),
        NodeKind::Bool(value) => format!("the bool {value}"),
        NodeKind::Number(text) => format!("the number {text}"),
        NodeKind::String(text) => format!("the string {text:?}"),
        NodeKind::List(_) => "a list".into(),
        NodeKind::Map(_) => "a map".into(),
        NodeKind::Invalid => "nothing usable".into(),
    }
}

/// Terraform's order of the elements of a set of strings; others are kept in order of writing.
fn set_order(a: &Kind, b: &Kind) -> std::cmp::Ordering {
    match (a, b) {
        (Kind::String(a), Kind::String(b)) => a.cmp(b),
        (_, _) => std::cmp::Ordering::Equal,
    }
}

/// Equality without places.
fn same(a: &Kind, b: &Kind) -> bool {
    to_json(a) == to_json(b)
}
