//! One more member for a map in an HCL variable file, with every other byte kept.
//!
//! The text is never written from the parsed tree: that would change line ends, escapes and the
//! indentation of heredocs. The new member is spliced in at a byte range, and the outcome is read again.

use std::collections::BTreeMap;
use std::ops::Range;

use ::hcl::edit::expr::{Expression, Object, ObjectValue, ObjectValueTerminator};
use ::hcl::edit::structure::Attribute;
use ::hcl::edit::{Span, parser};
use serde_json::{Value as Json, json};

use super::diagnostic::Diagnostic;
use super::hcl::Script;
use super::listing::to_json;
use super::read::read_text;
use super::repeated;
use super::source::Source;
use super::types::{Rules, Type};

/// The text of `source` with `key = { attributes }` as the last member of the map `variable`. A variable
/// that is not there is added at the end of the file.
///
/// Keys, names and values must be words: letters, digits and any of `_-.`.
///
/// # Errors
/// When the file cannot be read, the variable is no map that is written as one, or the key is there.
pub fn insert(
    source: &Source,
    variable: &str,
    key: &str,
    attributes: &[(&str, &str)],
) -> Result<String, Box<Diagnostic>> {
    let script = Script::file(source);
    let body = repeated::parse(&script.parsed, parser::parse_body)
        .map_err(|error| Diagnostic::anywhere(error.message()).boxed())?;
    let member = Member { key, attributes, line_end: line_end(&script.parsed) };
    let edit = match body.get_attribute(variable) {
        None => member.with_variable(&script.parsed, variable),
        Some(attribute) => {
            let object = plain_object(&script, attribute)?;
            Place { text: &script.parsed, base: base(&script, attribute), object }.insert(&member)
        }
    };
    let at = script.span(edit.at..edit.at).start;
    let (before, after) = source.text().split_at_checked(at).unwrap_or((source.text(), ""));
    let new = format!("{before}{}{after}", edit.text);
    if is_old_with(source.text(), &new, variable, key, attributes) {
        Ok(new)
    } else {
        let message = format!("`{variable}` is written in a way that cannot be extended safely");
        let at = body.get_attribute(variable).and_then(Span::span).unwrap_or_default();
        let problem = Diagnostic::at(script.position(at), message);
        Err(problem.hint("add the entry by hand").boxed())
    }
}

/// One insertion; every other byte of the text stays.
struct Edit {
    at: usize,
    text: String,
}

/// What is to be inserted.
struct Member<'a> {
    key: &'a str,
    attributes: &'a [(&'a str, &'a str)],
    line_end: &'static str,
}

impl Member<'_> {
    fn with_variable(&self, text: &str, variable: &str) -> Edit {
        let line_end = self.line_end;
        let lead = if text.is_empty() || text.ends_with('\n') { "" } else { line_end };
        let lines = self.lines("  ", "  ", "");
        Edit { at: text.len(), text: format!("{lead}{variable} = {{{line_end}{lines}}}{line_end}") }
    }

    /// On lines of its own, as `terraform fmt` has it.
    fn lines(&self, indent: &str, unit: &str, comma: &str) -> String {
        let (key, line_end) = (key_text(self.key), self.line_end);
        let width = self.attributes.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let attributes: String = self
            .attributes
            .iter()
            .map(|(name, value)| format!("{indent}{unit}{name:width$} = \"{value}\"{line_end}"))
            .collect();
        format!("{indent}{key} = {{{line_end}{attributes}{indent}}}{comma}{line_end}")
    }

    /// On one line.
    fn inline(&self) -> String {
        let pairs: Vec<String> =
            self.attributes.iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect();
        format!("{} = {{ {} }}", key_text(self.key), pairs.join(", "))
    }
}

/// The map that gets the member.
struct Place<'a> {
    text: &'a str,
    /// The indentation of the variable.
    base: &'a str,
    object: &'a Object,
}

impl Place<'_> {
    fn insert(&self, member: &Member<'_>) -> Edit {
        let Range { start: open, end } = self.object.span().unwrap_or_default();
        let last = self.object.iter().last();
        let comma =
            last.is_some_and(|(_, value)| value.terminator() == ObjectValueTerminator::Comma);
        let spans_lines = self.text.get(open..end).is_some_and(|text| text.contains('\n'));
        match last {
            Some((_, value)) if !spans_lines => self.on_the_line(member, value, comma),
            _ => self.on_new_lines(member, end.saturating_sub(1), comma),
        }
    }

    /// A map on one line stays on one line.
    fn on_the_line(&self, member: &Member<'_>, last: &ObjectValue, comma: bool) -> Edit {
        let after = last.expr().span().unwrap_or_default().end;
        if comma {
            let at = after + offset_after_comma(self.text.get(after..).unwrap_or_default());
            Edit { at, text: format!(" {},", member.inline()) }
        } else {
            Edit { at: after, text: format!(", {}", member.inline()) }
        }
    }

    fn on_new_lines(&self, member: &Member<'_>, close: usize, comma: bool) -> Edit {
        let last = self.object.iter().last();
        let of_last = last.and_then(|(key, _)| indent_of(self.text, key.span()?.start));
        let indent = of_last.map_or_else(|| format!("{}  ", self.base), str::to_owned);
        let unit = indent.strip_prefix(self.base).filter(|unit| !unit.is_empty()).unwrap_or("  ");
        let lines = member.lines(&indent, unit, if comma { "," } else { "" });
        match indent_of(self.text, close) {
            Some(before) => {
                let at = close - before.len();
                let gap = if self.wants_gap(at) { member.line_end } else { "" };
                Edit { at, text: format!("{gap}{lines}") }
            }
            None => Edit { at: close, text: format!("{}{lines}{}", member.line_end, self.base) },
        }
    }

    /// Whether the last two members have an empty line between them, and there is none before `at`.
    fn wants_gap(&self, at: usize) -> bool {
        let members: Vec<_> = self.object.iter().collect();
        let [.., (_, before), (last, _)] = members.as_slice() else { return false };
        let (Some(before), Some(last)) = (before.expr().span(), last.span()) else { return false };
        let between = self.text.get(before.end..last.start).unwrap_or_default();
        let mut lines = between.split('\n').skip(1).collect::<Vec<_>>();
        lines.pop();
        let ends_with_gap = self.text.get(..at).and_then(|text| text.lines().last());
        lines.iter().any(|line| line.trim().is_empty())
            && ends_with_gap.is_some_and(|line| !line.trim().is_empty())
    }
}

/// Past the comma that ends an item, and the comments before it.
fn offset_after_comma(text: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if rest.starts_with(',') {
            return at + 1;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn plain_object<'a>(
    script: &Script<'_>,
    attribute: &'a Attribute,
) -> Result<&'a Object, Box<Diagnostic>> {
    let mut expression = &attribute.value;
    while let Expression::Parenthesis(inner) = expression {
        expression = inner.inner();
    }
    if let Expression::Object(object) = expression {
        return Ok(object);
    }
    let name = attribute.key.as_str();
    let at = script.position(expression.span().unwrap_or_default());
    let problem = Diagnostic::at(at, format!("`{name}` is not written as a map"));
    Err(problem.hint(format!("write `{name} = {{ … }}`")).boxed())
}

fn base<'a>(script: &'a Script<'_>, attribute: &Attribute) -> &'a str {
    indent_of(&script.parsed, attribute.span().unwrap_or_default().start).unwrap_or_default()
}

/// What stands before `at` on its line, if that is white space.
fn indent_of(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let line = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
    line.bytes().all(|byte| matches!(byte, b' ' | b'\t')).then_some(line)
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Bare where HCL takes it as a name.
fn key_text(key: &str) -> String {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let starts = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let keyword = matches!(key, "for" | "null" | "true" | "false");
    if starts && key.chars().all(name) && !keyword { key.to_owned() } else { format!("{key:?}") }
}

/// Whether the new text reads as the old one with this member more, and nothing else.
fn is_old_with(
    old: &str,
    new: &str,
    variable: &str,
    key: &str,
    attributes: &[(&str, &str)],
) -> bool {
    let (Some(mut old), Some(mut new)) = (values(old), values(new)) else { return false };
    let mut map = old.remove(variable).unwrap_or_else(|| Some(json!({})));
    let Some(Some(Json::Object(members))) = Some(&mut map) else { return false };
    let member: serde_json::Map<String, Json> =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let is_new = members.insert(key.to_owned(), Json::Object(member)).is_none();
    is_new && new.remove(variable) == Some(map) && old == new
}

/// All variables of a file; `None` for a value that cannot be told.
fn values(text: &str) -> Option<BTreeMap<String, Option<Json>>> {
    let (_, read) = read_text("terraform.tfvars", text.as_bytes().to_vec());
    let variables = read.ok()?;
    let value = |name: &str| {
        let value = variables.get(name, &Type::Any, Rules::Terraform).ok()??;
        Some(to_json(&value.kind))
    };
    Some(variables.names().map(|(name, _)| (name.to_owned(), value(name))).collect())
}
