//! Objects: attributes that must be there, may be missing, or should not be there.

use std::collections::BTreeMap;
use std::ops::Range;

use super::convert::{Conversion, with_article};
use super::diagnostic::Diagnostic;
use super::node::{Entry, Node, NodeKind};
use super::source::Position;
use super::spelling;
use super::types::{Attribute, Presence, Rules};
use super::value::{Kind, Member, Value};

impl Conversion<'_> {
    pub(super) fn object(
        &mut self,
        name: &Range<usize>,
        entries: &[Entry],
        attributes: &[Attribute],
    ) -> Option<Kind> {
        let mut given = self.last_of_each(entries);
        let mut members = BTreeMap::new();
        let mut complete = true;
        for attribute in attributes {
            match self.attribute(name, given.remove(attribute.name.as_str()), attribute) {
                Some(member) => {
                    members.insert(attribute.name.clone(), member);
                }
                None => complete = false,
            }
        }
        for entry in given.into_values() {
            complete &= self.may_drop(entry, attributes);
        }
        complete.then_some(Kind::Map(members))
    }

    fn attribute(
        &mut self,
        object: &Range<usize>,
        given: Option<&Entry>,
        attribute: &Attribute,
    ) -> Option<Member> {
        match (given, &attribute.presence) {
            (None, Presence::Required) => self.missing(object, attribute),
            (None, Presence::Optional { default }) => {
                self.default(self.place(object), attribute, default)
            }
            (Some(entry), presence) if entry.value.kind == NodeKind::Null => match presence {
                Presence::Required => self.null_required(entry, attribute),
                Presence::Optional { default } => {
                    self.default(self.at(&entry.value), attribute, default)
                }
            },
            (Some(entry), _) => {
                let value = self.value(&entry.value, &attribute.ty, &entry.key_span)?;
                Some(self.member(entry, value))
            }
        }
    }

    /// A default goes through the same conversion, so that those of nested objects are filled in.
    fn default(&mut self, at: Position, attribute: &Attribute, default: &Kind) -> Option<Member> {
        let value = Value { kind: default.clone(), at: at.clone() };
        let value = match default {
            Kind::Null => value,
            Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::List(_) | Kind::Map(_) => {
                let node = Node { kind: node_kind(default), span: at.start..at.end };
                self.value(&node, &attribute.ty, &node.span)?
            }
        };
        Some(Member { key_at: at, value })
    }

    fn missing(&mut self, object: &Range<usize>, attribute: &Attribute) -> Option<Member> {
        let Attribute { name, ty, .. } = attribute;
        let problem = Diagnostic::at(self.place(object), format!("attribute `{name}` is missing"))
            .label(format!("`{name}` is required"))
            .hint(format!("add `{name} = …` ({})", with_article(ty)));
        self.problems.push(problem);
        None
    }

    fn null_required(&mut self, entry: &Entry, attribute: &Attribute) -> Option<Member> {
        let at = self.at(&entry.value);
        let name = &attribute.name;
        match self.context.rules {
            Rules::Terraform => Some(self.member(entry, Value { kind: Kind::Null, at })),
            Rules::Strict { .. } => {
                let problem = Diagnostic::at(at, format!("required attribute `{name}` is null"))
                    .label(format!("{} is required", with_article(&attribute.ty)));
                self.problems.push(problem);
                None
            }
        }
    }

    /// Whether an attribute that the type does not have may be dropped.
    fn may_drop(&mut self, entry: &Entry, attributes: &[Attribute]) -> bool {
        let allowed = match self.context.rules {
            Rules::Terraform => true,
            Rules::Strict { allow_attributes } => allow_attributes.contains(&entry.key),
        };
        if allowed {
            return true;
        }
        let at = self.context.source.position(entry.key_span.clone());
        let key = &entry.key;
        let problem = Diagnostic::at(at, format!("unknown attribute `{key}`"));
        let names: Vec<&str> = attributes.iter().map(|known| known.name.as_str()).collect();
        let problem = match spelling::nearest(key, &names) {
            Some(known) => problem.label(format!("did you mean `{known}`?")),
            None => problem.label("nothing reads it"),
        };
        let hint = format!(
            "known attributes: {}; if only Terraform's module uses it, pass \
             --allow-attribute {key}",
            names.join(", ")
        );
        self.problems.push(problem.hint(hint));
        false
    }
}

/// A default as if it had been written.
fn node_kind(kind: &Kind) -> NodeKind {
    let node =
        |value: &Value| Node { kind: node_kind(&value.kind), span: value.at.start..value.at.end };
    match kind {
        Kind::Null => NodeKind::Null,
        Kind::Bool(value) => NodeKind::Bool(*value),
        Kind::Number(text) => NodeKind::Number(text.clone()),
        Kind::String(text) => NodeKind::String(text.clone()),
        Kind::List(items) => NodeKind::List(items.iter().map(node).collect()),
        Kind::Map(members) => NodeKind::Map(
            members
                .iter()
                .map(|(key, member)| Entry {
                    key: key.clone(),
                    key_span: member.key_at.start..member.key_at.end,
                    value: node(&member.value),
                })
                .collect(),
        ),
    }
}
