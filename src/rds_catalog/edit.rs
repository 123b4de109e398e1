//! Edits of the catalog's text. Comments and the order of the records stay.

use super::{Catalog, Record, Status};
use crate::tfvars::Sources;
use crate::yaml::{self, Node};

/// The catalog of a platform that has none yet.
const NEW: &str = "\
# Who owns which database on the shared RDS instances.
version: \"1.0\"
domain: platform-core
owner: platform-team
last_updated: \"\"
managed_by: platform-team
databases: {}
";

/// The text with one record more, at the end. An empty text becomes a new catalog.
///
/// # Errors
/// Why it could not be added.
pub fn add(text: &str, record: &Record, today: &str) -> Result<String, String> {
    let text = if text.trim().is_empty() { NEW } else { text };
    let dated = set_last_updated(text, today)?;
    yaml::insert(&dated, "databases", &record.key, &block(record))
}

/// The text with another status for some records.
///
/// # Errors
/// Why it could not be changed.
pub fn set_status(
    catalog: &Catalog,
    statuses: &[(&Record, Status)],
    today: &str,
) -> Result<String, String> {
    let mut text = catalog.source.text().to_owned();
    for (record, status) in statuses {
        let root = root(&text)?;
        let databases = root.get("databases").and_then(|databases| databases.get(&record.key));
        let node = databases.and_then(|record| record.get("metadata")?.get("status"));
        let node = node.ok_or_else(|| format!("`{}` has no `metadata.status`", record.key))?;
        text = yaml::replace_scalar(&text, node, status.as_str())?;
    }
    set_last_updated(&text, today)
}

fn root(text: &str) -> Result<Node, String> {
    let source = Sources::default().add(super::PATH, text.to_owned());
    yaml::parse(&source).map_err(|problem| problem.message)
}

/// `last_updated` at top level, where the file has it.
fn set_last_updated(text: &str, today: &str) -> Result<String, String> {
    match root(text)?.get("last_updated") {
        Some(node) if node.text().is_some_and(|date| date != today) => {
            yaml::replace_scalar(text, node, today)
        }
        Some(_) | None => Ok(text.to_owned()),
    }
}

/// A record as YAML.
fn block(record: &Record) -> String {
    let metadata = [
        ("id", word(&record.id)),
        ("owner", word(&record.owner)),
        ("requested_by", word(&record.requested_by)),
        ("domain", word(&record.domain)),
        ("risk", word(&record.risk)),
        ("environment", word(&Some(&record.environment))),
        ("status", word(&record.status)),
        ("created_date", word(&record.created_date)),
    ];
    let configuration = [
        ("username", word(&record.username)),
        ("size_tier", word(&record.size)),
        ("instance_class", word(&record.instance_class)),
        ("secret_path", word(&record.secret_path)),
    ];
    format!("metadata:\n{}configuration:\n{}", lines(&metadata), lines(&configuration))
}

fn lines(fields: &[(&str, Option<String>)]) -> String {
    let line =
        |(name, value): &(&str, Option<String>)| Some(format!("  {name}: {}\n", value.as_ref()?));
    fields.iter().filter_map(line).collect()
}

/// A value as a YAML scalar, quoted where a reader of YAML 1.1 or 1.2 could take it for something else.
fn word(value: &Option<impl ToString>) -> Option<String> {
    let text = value.as_ref()?.to_string();
    let letter = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    let meaning = matches!(
        text.to_ascii_lowercase().as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    Some(if letter && text.chars().all(plain) && !meaning { text } else { format!("{text:?}") })
}
