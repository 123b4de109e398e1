//! JSON without rounding: numbers become tagged strings before `serde_json` sees them.

use goldenpath_rds::tfvars::Kind;
use serde_json::Value as Json;

const TAG: &str = "\u{1}number:";

/// Parses JSON; every number is a string that begins with the tag.
pub fn parse(text: &str) -> Json {
    let mut tagged = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        tagged.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = if rest.starts_with('"') { string_length(rest) } else { number_length(rest) };
        if rest.starts_with('"') {
            tagged.push_str(&rest[..length]);
        } else {
            tagged.push_str(&format!("\"\\u0001number:{}\"", &rest[..length]));
        }
        rest = &rest[length..];
    }
    tagged.push_str(rest);
    serde_json::from_str(&tagged).expect("JSON")
}

fn string_length(text: &str) -> usize {
    let mut escaped = true;
    let end = text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    end.expect("a closing quote") + 1
}

fn number_length(text: &str) -> usize {
    let part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    text.find(|c| !part(c)).unwrap_or(text.len())
}

/// The text of a tagged number.
pub fn number(json: &Json) -> Option<&str> {
    json.as_str()?.strip_prefix(TAG)
}

/// Whether terraform's value is the reader's.
pub fn same(expected: &Json, actual: &Kind) -> bool {
    match actual {
        Kind::Null => expected.is_null(),
        Kind::Bool(value) => expected == value,
        Kind::Number(text) => {
            number(expected).is_some_and(|wanted| decimal(wanted) == decimal(text))
        }
        Kind::String(text) => number(expected).is_none() && expected == text,
        Kind::List(items) => expected.as_array().is_some_and(|wanted| {
            wanted.len() == items.len()
                && wanted.iter().zip(items).all(|(wanted, item)| same(wanted, &item.kind))
        }),
        Kind::Map(members) => expected.as_object().is_some_and(|wanted| {
            wanted.len() == members.len()
                && members.iter().all(|(key, member)| {
                    wanted.get(key).is_some_and(|wanted| same(wanted, &member.value.kind))
                })
        }),
    }
}

/// Sign, digits without outer zeros, and the power of ten of the last digit.
fn decimal(text: &str) -> (bool, String, i64) {
    let (negative, text) = (text.starts_with('-'), text.trim_start_matches('-'));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let exponent: i64 = exponent.parse().expect("an exponent");
    let kept = digits.trim_end_matches('0');
    let power = exponent - fraction.len() as i64 + (digits.len() - kept.len()) as i64;
    let kept = kept.trim_start_matches('0');
    (negative, kept.to_owned(), if kept.is_empty() { 0 } else { power })
}
