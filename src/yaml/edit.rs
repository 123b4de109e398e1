//! Edits of a YAML text that keep every other byte, proved by reading the outcome again.

use std::str::FromStr;

use yaml_edit::Document;

use super::node::{Kind, Member, Node};
use super::read::parse;
use crate::tfvars::Sources;

/// Adds a member at the end of a map at top level, as a block.
///
/// `value` is the YAML text of a map. A `map` that is not there, or has no value yet, comes into being.
///
/// # Errors
/// Why the text cannot be edited; nothing is lost then.
pub fn insert(text: &str, map: &str, key: &str, value: &str) -> Result<String, String> {
    let old = read(text)?;
    let value = document(value)?;
    let value = value.as_mapping().ok_or("the new value is no map")?;
    let edited = document(text)?;
    let root = edited.as_mapping().ok_or("the file is no map")?;
    match old.get(map).map(|node| node.members().len()) {
        Some(0) | None => {
            let block = document(&format!("{key}:\n"))?;
            let block = block.as_mapping().ok_or("the new value is no map")?;
            block.set(key, value);
            root.set(map, block);
        }
        Some(_) => root.get_mapping(map).ok_or(format!("`{map}` is no map"))?.set(key, value),
    }
    let new = edited.to_string();
    let added = read(&new)?;
    if !is_old_with(&old, &added, map, key) || !keeps_bytes(text, &new, map) {
        return Err("its layout is one that cannot be extended safely".to_owned());
    }
    Ok(new)
}

/// Puts another word in the place of a scalar, in the same quotes.
///
/// # Errors
/// When the scalar is not written on one line.
pub fn replace_scalar(text: &str, scalar: &Node, word: &str) -> Result<String, String> {
    let at = &scalar.at;
    let pieces = text.get(..at.start).zip(text.get(at.start..at.end)).zip(text.get(at.end..));
    let in_quotes = |quote: &str, text: &str| format!("{quote}{text}{quote}");
    match (pieces, scalar.text()) {
        (Some(((before, written), after)), Some(old)) => ["", "\"", "'"]
            .into_iter()
            .find(|quote| in_quotes(quote, old) == written)
            .map(|quote| format!("{before}{}{after}", in_quotes(quote, word))),
        (_, _) => None,
    }
    .ok_or_else(|| format!("{at}: write the value as a single word"))
}

fn document(text: &str) -> Result<Document, String> {
    Document::from_str(text).map_err(|error| error.to_string())
}

fn read(text: &str) -> Result<Node, String> {
    let source = Sources::default().add("", text.to_owned());
    parse(&source).map_err(|problem| problem.message)
}

/// Whether `new` is `old` with nothing else than `key` added to `map`.
fn is_old_with(old: &Node, new: &Node, map: &str, key: &str) -> bool {
    let without = |node: &Node| -> Vec<Member> {
        let members = node.members().iter().filter(|member| member.key != map);
        members.cloned().collect()
    };
    let rest = |node: &Node| Node { kind: Kind::Map(without(node)), at: node.at.clone() };
    let before = old.get(map).map(Node::members).unwrap_or_default();
    let after = new.get(map).map(Node::members).unwrap_or_default();
    let same = |(a, b): (&Member, &Member)| a.key == b.key && a.value.same(&b.value);
    rest(old).same(&rest(new))
        && after.len() == before.len() + 1
        && before.iter().zip(after).all(same)
        && after.last().is_some_and(|member| member.key == key)
}

/// Whether `new` is `old` with one piece put in. Of a map without members, what stands for it may go.
fn keeps_bytes(old: &str, new: &str, map: &str) -> bool {
    let without = |value: &str| old.replacen(&format!("{map}:{value}"), &format!("{map}:"), 1);
    ["", " {}", " null"].into_iter().any(|value| has_one_insertion(&without(value), new))
}

fn has_one_insertion(old: &str, new: &str) -> bool {
    let same = |(a, b): &(u8, u8)| a == b;
    let before = old.bytes().zip(new.bytes()).take_while(same).count();
    let after = old.bytes().rev().zip(new.bytes().rev()).take_while(same).count();
    before + after >= old.len()
}
