//! A JSON variable file: an object, or a list of objects, of variables.

use std::collections::BTreeMap;

use super::diagnostic::Diagnostic;
use super::json;
use super::node::{Entry, Node, NodeKind};
use super::source::Source;

/// Reads a file: names with their values, every problem reported.
pub(super) fn assignments(source: &Source, problems: &mut Vec<Diagnostic>) -> Vec<(String, Node)> {
    match json::parse(source.text()) {
        Ok(node) => {
            let mut entries = Vec::new();
            top_level(source, node, 0, &mut entries, problems);
            refuse_repeated(source, &entries, problems);
            entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
        }
        Err(error) => {
            let at = source.position(error.span);
            problems.push(Diagnostic::at(at, format!("syntax error: {}", error.message)));
            Vec::new()
        }
    }
}

/// Terraform 1.11: a top-level list of objects counts as one object; the name `//` is a
/// comment there, and the name `variable` an error.
fn top_level(
    source: &Source,
    node: Node,
    depth: usize,
    entries: &mut Vec<Entry>,
    problems: &mut Vec<Diagnostic>,
) {
    match node.kind {
        NodeKind::Map(members) => {
            for entry in members.into_iter().filter(|entry| entry.key != "//") {
                if entry.key == "variable" {
                    let at = source.position(entry.key_span);
                    problems.push(Diagnostic::at(at, "a variable file declares no variables"));
                } else {
                    entries.push(entry);
                }
            }
        }
        NodeKind::List(items) if depth == 0 && !items.is_empty() => {
            for item in items {
                top_level(source, item, depth + 1, entries, problems);
            }
        }
        NodeKind::Null
        | NodeKind::Bool(_)
        | NodeKind::Number(_)
        | NodeKind::String(_)
        | NodeKind::List(_)
        | NodeKind::Invalid => {
            let message = "a JSON variable file must be one object: {\"name\": value, …}";
            problems.push(Diagnostic::at(source.position(node.span), message));
        }
    }
}

fn refuse_repeated(source: &Source, entries: &[Entry], problems: &mut Vec<Diagnostic>) {
    let mut first = BTreeMap::new();
    for entry in entries {
        if let Some(earlier) = first.insert(&entry.key, &entry.key_span) {
            let problem = Diagnostic::at(
                source.position(entry.key_span.clone()),
                format!("{} is set twice", entry.key),
            )
            .label("set again here")
            .related(source.position(earlier.clone()), "first set here");
            problems.push(problem);
        }
    }
}
