//! What was read, for people and as JSON.

use serde_json::Value as Json;

use super::value::Kind;

/// A value as JSON. Numbers that JSON tools would round are still written digit by digit.
pub fn to_json(kind: &Kind) -> Json {
    match kind {
        Kind::Null => Json::Null,
        Kind::Bool(value) => Json::Bool(*value),
        Kind::Number(text) => {
            serde_json::from_str(text).unwrap_or_else(|_| Json::from(text.as_str()))
        }
        Kind::String(text) => Json::from(text.as_str()),
        Kind::List(items) => Json::Array(items.iter().map(|item| to_json(&item.kind)).collect()),
        Kind::Map(members) => Json::Object(
            members
                .iter()
                .map(|(key, member)| (key.clone(), to_json(&member.value.kind)))
                .collect(),
        ),
    }
}
