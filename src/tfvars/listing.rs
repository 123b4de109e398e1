//! What was read, for people and for programs.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::read::Variables;
use super::value::{Kind, Member, Value};

/// A value as JSON. A number that a double cannot hold exactly becomes a string of its digits.
pub fn to_json(kind: &Kind) -> Json {
    match kind {
        Kind::Null => Json::Null,
        Kind::Bool(value) => Json::Bool(*value),
        Kind::Number(text) => exact_number(text).unwrap_or_else(|| Json::from(text.as_str())),
        Kind::String(text) => Json::from(text.as_str()),
        Kind::List(items) => items.iter().map(|item| to_json(&item.kind)).collect(),
        Kind::Map(members) => {
            let members = members.iter();
            members.map(|(key, member)| (key.clone(), to_json(&member.value.kind))).collect()
        }
    }
}

fn exact_number(text: &str) -> Option<Json> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Json::from(whole));
    }
    let float: f64 = text.parse().ok()?;
    (float.to_string() == text).then(|| Json::from(float))
}

/// The members of a map for people: each with where it stands, then what is not null in it.
pub fn human(map: &Value) -> String {
    let members = members(map);
    let width = members.iter().map(|(key, _)| key.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (key, member) in members {
        let _ = writeln!(text, "{key:width$}  {}", member.key_at);
        for line in attributes(&member.value) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

fn attributes(value: &Value) -> Vec<String> {
    let given = members(value).into_iter();
    let given = given.filter(|(_, attribute)| attribute.value.kind != Kind::Null);
    given.map(|(name, attribute)| format!("{name} = {}", to_json(&attribute.value.kind))).collect()
}

fn members(value: &Value) -> Vec<(&String, &Member)> {
    match &value.kind {
        Kind::Map(members) => members.iter().collect(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::List(_) => vec![],
    }
}

/// The same for programs: every variable that is set with the file that won, and the members of
/// one with their places.
pub fn document(variables: &Variables, name: &str, map: &Value) -> Json {
    let files: serde_json::Map<String, Json> =
        variables.names().map(|(name, file)| (name.to_owned(), Json::from(file))).collect();
    let entries: serde_json::Map<String, Json> =
        members(map).into_iter().map(|(key, member)| (key.clone(), entry(member))).collect();
    let mut document = json!({ "format_version": "1.0", "variables": files });
    document[name] = Json::Object(entries);
    document
}

fn entry(member: &Member) -> Json {
    let at = &member.key_at;
    let value = to_json(&member.value.kind);
    json!({ "file": at.file.as_ref(), "line": at.line, "column": at.column, "value": value })
}
