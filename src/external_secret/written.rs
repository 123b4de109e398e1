//! A manifest that is in a file already: whose secret it brings where.

use super::{Destination, KIND};
use crate::desired::Entry;
use crate::tfvars::{Diagnostic, Source};
use crate::yaml::{self, Node};

/// In what the file's manifest is another one than that of the entry, so that writing the entry's would
/// lose it. Which properties it brings, how often and by which API may change.
#[must_use]
pub fn differences(file: &Source, entry: &Entry, to: &Destination) -> Vec<Diagnostic> {
    let root = match yaml::parse(file) {
        Ok(root) => root,
        Err(problem) => return vec![*problem],
    };
    let (metadata, name) = (root.get("metadata"), file.name());
    let data = root.get("spec").and_then(|spec| spec.get("data")).map(Node::items);
    let data = data.unwrap_or_default();
    if root.get("kind").and_then(Node::text) != Some(KIND) || data.is_empty() {
        let message = format!("{name} is no {KIND} with `spec.data`");
        return vec![Diagnostic::at(root.at, message)];
    }
    let of_metadata = |field| metadata.and_then(|metadata| metadata.get(field));
    let mut found = vec![
        differs(file, of_metadata("name"), "has name", to.name.as_str()),
        differs(file, of_metadata("namespace"), "is for namespace", to.namespace.as_str()),
    ];
    let keys = data.iter().map(|datum| datum.get("remoteRef").and_then(|remote| remote.get("key")));
    found.extend(keys.map(|key| differs(file, key, "brings secret", entry.secret.as_str())));
    let mut found: Vec<Diagnostic> = found.into_iter().flatten().collect();
    // Every property of a secret says the same of its key.
    found.dedup_by(|one, other| one.message == other.message);
    found
}

fn differs(file: &Source, there: Option<&Node>, what: &str, wanted: &str) -> Option<Diagnostic> {
    let text = there.and_then(Node::text);
    if text == Some(wanted) {
        return None;
    }
    let said = text.map_or("none".to_owned(), |text| format!("`{text}`"));
    let message = format!("the file {what} {said}, the command says `{wanted}`");
    Some(match there {
        Some(node) => Diagnostic::at(node.at.clone(), message),
        None => Diagnostic::anywhere(format!("{}: {message}", file.name())),
    })
}
