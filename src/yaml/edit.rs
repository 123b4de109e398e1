//! Edits of a YAML text that keep every other byte, proved by reading the outcome again and comparing it
//! with the text as it was before.

use std::cmp::Reverse;
use std::str::FromStr;

use yaml_edit::Document;

use super::node::{Kind, Member, Node};
use super::read::parse;
use crate::tfvars::{Source, Sources};

/// What stands for a map without members.
const NOTHING: [&str; 4] = ["{}", "null", "~", ""];

/// Adds a member at the end of a map at top level, as a block.
///
/// `value` is the YAML text of a map. A `map` that is not there, or has no value yet, comes into being.
///
/// # Errors
/// Why the text cannot be edited; nothing is lost then.
pub fn insert(text: &str, map: &str, key: &str, value: &str) -> Result<String, String> {
    let old = read(text)?;
    let expected = old_with(&old, map, member(key, value)?);
    let value = document(value)?;
    let value = value.as_mapping().ok_or("the new value is no map")?;
    let edited = document(text)?;
    let root = edited.as_mapping().ok_or("the file is no map")?;
    let is_first = old.get(map).is_none_or(|node| node.members().is_empty());
    if is_first {
        let block = document(&format!("{key}:\n"))?;
        let block = block.as_mapping().ok_or("the new value is no map")?;
        block.set(key, value);
        root.set(map, block);
    } else {
        root.get_mapping(map).ok_or(format!("`{map}` is no map"))?.set(key, value);
    }
    let new = edited.to_string();
    let is_right = |new: &str| {
        read(new).is_ok_and(|read| read.same(&expected)) && keeps_bytes(text, &old, new, map)
    };
    let after = after_comments(text, &new, is_first).filter(|new| is_right(new));
    after.or_else(|| is_right(&new).then_some(new)).ok_or_else(|| UNSAFE.to_owned())
}

const UNSAFE: &str = "its layout is one that cannot be extended safely";

/// The same insertion behind the comments that follow the place where it was made: those that are indented
/// deeper than it belong to the member before; where there is none, those as deep to the map.
fn after_comments(old: &str, new: &str, is_first: bool) -> Option<String> {
    let same = |(a, b): &(u8, u8)| a == b;
    let common = old.bytes().zip(new.bytes()).take_while(same).count();
    let at = old.get(..common)?.rfind('\n')? + 1;
    let inserted = new.get(at..at + new.len().checked_sub(old.len())?)?;
    let rest = old.get(at..).filter(|rest| new[at + inserted.len()..] == **rest)?;
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut end = 0;
    let mut seen = 0;
    for line in rest.split_inclusive('\n') {
        seen += line.len();
        let text = line.trim();
        let depth = indent(line) + usize::from(is_first);
        if text.starts_with('#') && depth > indent(inserted) {
            end = seen;
        } else if !text.is_empty() {
            break;
        }
    }
    let (comments, rest) = rest.split_at(end);
    let line_end = if comments.ends_with('\n') { "" } else { "\n" };
    (end > 0).then(|| format!("{}{comments}{line_end}{inserted}{rest}", &old[..at]))
}

/// A word, and the path of keys to the scalar whose place it takes.
pub type Replacement<'a> = (Vec<&'a str>, &'a str);

/// Puts other words in the place of scalars, each in the same quotes.
///
/// # Errors
/// When a scalar is not there or not written as a single word; nothing is lost then.
pub fn replace(source: &Source, replacements: &[Replacement<'_>]) -> Result<String, String> {
    let old = parse(source).map_err(|problem| problem.message)?;
    let mut expected = old.clone();
    let mut scalars = Vec::new();
    for (path, word) in replacements {
        let scalar = path.iter().try_fold(&old, |node, key| node.get(key));
        scalars.push((scalar.ok_or_else(|| format!("there is no `{}`", path.join(".")))?, word));
        expected = expected.with(path, word);
    }
    // From the end, so that the places of the others still hold.
    scalars.sort_by_key(|(scalar, _)| Reverse(scalar.at.start));
    let mut new = source.text().to_owned();
    for (scalar, word) in scalars {
        new = spliced(&new, scalar, word)
            .ok_or_else(|| format!("{}: write the value as a single word", scalar.at))?;
    }
    if read(&new)?.same(&expected) {
        Ok(new)
    } else {
        Err("its layout is one in which a word cannot be replaced safely".to_owned())
    }
}

/// `None` for a scalar that is written otherwise than as its text, plain or in quotes: what its place
/// covers is more than the word then, the end of its line for one.
fn spliced(text: &str, scalar: &Node, word: &str) -> Option<String> {
    let old = scalar.text().filter(|old| !old.contains(['\n', '\r']))?;
    let at = &scalar.at;
    let (before, written, after) =
        (text.get(..at.start)?, text.get(at.start..at.end)?, text.get(at.end..)?);
    let in_quotes = |quote: &str, text: &str| format!("{quote}{text}{quote}");
    let quote = ["", "\"", "'"].into_iter().find(|quote| in_quotes(quote, old) == written)?;
    Some(format!("{before}{}{after}", in_quotes(quote, word)))
}

fn document(text: &str) -> Result<Document, String> {
    Document::from_str(text).map_err(|error| error.to_string())
}

fn read(text: &str) -> Result<Node, String> {
    let source = Sources::default().add("", text.to_owned());
    parse(&source).map_err(|problem| problem.message)
}

fn member(key: &str, value: &str) -> Result<Member, String> {
    let value = read(value)?;
    Ok(Member { key: key.to_owned(), key_at: value.at.clone(), value })
}

/// `old` with nothing else than one more member of `map`, which is the last one.
fn old_with(old: &Node, map: &str, added: Member) -> Node {
    let known = old.get(map).map(Node::members).unwrap_or_default();
    let at = old.at.clone();
    let value = Node { kind: Kind::Map([known, &[added]].concat()), at: at.clone() };
    let mut members = old.members().to_vec();
    match members.iter_mut().find(|member| member.key == map) {
        Some(member) => member.value = value,
        None => members.push(Member { key: map.to_owned(), key_at: at.clone(), value }),
    }
    Node { kind: Kind::Map(members), at }
}

/// Whether `new` is `old` with one piece put in. Of a map without members, what stands for it may go.
fn keeps_bytes(old: &str, tree: &Node, new: &str, map: &str) -> bool {
    let key = tree.members().iter().find(|member| member.key == map);
    let without = |nothing: &str| -> Option<String> {
        let (before, after) = old.split_at_checked(key?.key_at.end)?;
        let value = after.strip_prefix(':')?.trim_start_matches([' ', '\t']);
        Some(format!("{before}:{}", value.strip_prefix(nothing)?))
    };
    let is_empty = key.is_some_and(|key| key.value.members().is_empty());
    let emptied = NOTHING.into_iter().filter(|_| is_empty).filter_map(without);
    emptied.chain([old.to_owned()]).any(|old| has_one_insertion(&old, new))
}

fn has_one_insertion(old: &str, new: &str) -> bool {
    let same = |(a, b): &(u8, u8)| a == b;
    let before = old.bytes().zip(new.bytes()).take_while(same).count();
    let after = old.bytes().rev().zip(new.bytes().rev()).take_while(same).count();
    before + after >= old.len()
}
