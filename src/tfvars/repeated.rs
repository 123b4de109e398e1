//! Keys that are there twice, spelt the same: `hcl-edit` stops at the second, Terraform goes on.

use std::borrow::Cow;

use ::hcl::edit::structure::Body;
use ::hcl::edit::{Span, parser};

use super::diagnostic::Diagnostic;
use super::hcl::Script;
use super::scan;

/// How many keys are renamed at most; each costs a parse.
const MAX_RENAMED: usize = 16;

/// Parses with each repeated object key renamed in a copy of the text, to a name just as long.
/// The evaluation takes all names of keys from the source, so it never sees the new ones.
pub(super) fn parse<T>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, parser::Error>,
) -> Result<T, parser::Error> {
    let mut text = Cow::Borrowed(text);
    let mut attempt = 0;
    loop {
        match parse(&text) {
            Err(error) if error.message().contains("redefined object key") => {
                let renamed = renamed(&text, error.location().offset(), attempt);
                match renamed.filter(|_| attempt < MAX_RENAMED) {
                    Some(renamed) => text = Cow::Owned(renamed),
                    None => return Err(error),
                }
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Another name in place of the key at `offset`. Should it be taken too, the parser says so
/// again, and it is renamed again.
fn renamed(text: &str, offset: usize, attempt: usize) -> Option<String> {
    let (head, rest) = text.split_at_checked(offset)?;
    let (start, length) = match scan::quoted_length(rest, 0) {
        Some(length) if rest.starts_with('"') => (1, length.checked_sub(2)?),
        Some(_) | None => (0, word_length(rest)),
    };
    let (before, after) = (rest.get(..start)?, rest.get(start + length..)?);
    (length > 0).then(|| format!("{head}{before}{}{after}", placeholder(length, attempt)))
}

/// Words only: the name of a number is not its spelling.
fn word_length(text: &str) -> usize {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        text.find(|c| !word(c)).unwrap_or(text.len())
    } else {
        0
    }
}

/// A name of that many bytes, another one for each attempt.
fn placeholder(length: usize, attempt: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap_or_default());
    let (mut name, mut rest) = (String::with_capacity(length), attempt + 16);
    for _ in 0..length {
        name.push(letter(rest));
        rest /= 26;
    }
    name
}

/// A variable that a file sets twice, or an object with more repeated keys than are renamed.
pub(super) fn problem(script: &Script<'_>, offset: usize) -> Diagnostic {
    let rest = script.parsed.get(offset..).unwrap_or_default();
    let end = rest.find(['=', ':', '\n']).unwrap_or(rest.len());
    let key = rest.get(..end).unwrap_or_default().trim_end();
    let at = script.position(offset..offset + key.len());
    let problem = Diagnostic::at(at, format!("`{}` is set twice", key.trim_matches('"')))
        .label("set again here")
        .hint("remove one of the two");
    let head = script.parsed.get(..offset).and_then(|head| parse(head, parser::parse_body).ok());
    match head.and_then(|body| first(&body, key)) {
        Some(first) => problem.related(script.position(first), "first set here"),
        None => problem,
    }
}

fn first(body: &Body, key: &str) -> Option<std::ops::Range<usize>> {
    body.attributes().find(|attribute| attribute.key.as_str() == key)?.key.span()
}
