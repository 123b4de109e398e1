//! A JSON variable file: one object of variables.

use std::collections::BTreeMap;

use super::diagnostic::Diagnostic;
use super::json;
use super::node::{Entry, Node, NodeKind};
use super::source::Source;

/// Reads a file: names with their values, every problem reported.
pub(super) fn assignments(source: &Source, problems: &mut Vec<Diagnostic>) -> Vec<(String, Node)> {
    let entries = match json::parse(source.text()) {
        Ok(node) => top_level(source, node, problems),
        Err(error) => {
            let at = source.position(error.span);
            problems.push(Diagnostic::at(at, format!("syntax error: {}", error.message)));
            Vec::new()
        }
    };
    refuse_repeated(source, &entries, problems);
    entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
}

/// Terraform 1.11: the name `//` is a comment at top level; `variable` with names in it is
/// taken for a declaration and refused.
fn top_level(source: &Source, node: Node, problems: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let NodeKind::Map(entries) = node.kind else {
        let message = "a JSON variable file must be one object: {\"name\": value, …}";
        problems.push(Diagnostic::at(source.position(node.span), message));
        return Vec::new();
    };
    let entries = entries.into_iter().filter(|entry| entry.key != "//");
    let (declarations, settings): (Vec<_>, Vec<_>) = entries.partition(declares_variables);
    for entry in declarations {
        let at = source.position(entry.key_span);
        problems.push(Diagnostic::at(at, "a variable file declares no variables"));
    }
    settings
}

fn declares_variables(entry: &Entry) -> bool {
    let names = matches!(&entry.value.kind, NodeKind::Map(names) if !names.is_empty());
    entry.key == "variable" && names
}

fn refuse_repeated(source: &Source, entries: &[Entry], problems: &mut Vec<Diagnostic>) {
    let mut first = BTreeMap::new();
    for entry in entries {
        if let Some(earlier) = first.insert(&entry.key, &entry.key_span) {
            let problem = Diagnostic::at(
                source.position(entry.key_span.clone()),
                format!("`{}` is set twice", entry.key),
            )
            .label("set again here")
            .related(source.position(earlier.clone()), "first set here");
            problems.push(problem);
        }
    }
}
