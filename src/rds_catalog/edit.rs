//! Edits of the catalog's text. Comments and the order of the records stay.

use super::{Catalog, Record, Status};
use crate::tfvars::Sources;
use crate::yaml::{self, Kind};

/// How the catalog of a platform begins that has none yet.
const TITLE: &str = "# Who owns which database on the shared RDS instances.\n";

/// What stands in it before the first request.
const NEW: &str = "\
version: \"1.0\"
domain: platform-core
owner: platform-team
managed_by: platform-team
databases: {}
";

/// The text with one record more, at the end. A text without any value becomes a new catalog.
///
/// # Errors
/// Why it could not be added.
pub fn add(text: &str, record: &Record) -> Result<String, String> {
    yaml::insert(&begun(text)?, "databases", &record.key, &block(record))
}

/// Comments stay, also where there is nothing else yet.
fn begun(text: &str) -> Result<String, String> {
    let source = Sources::default().add(super::PATH, text.to_owned());
    let root = yaml::parse(&source).map_err(|problem| problem.message)?;
    Ok(match root.kind {
        Kind::Null if text.trim().is_empty() => format!("{TITLE}{NEW}"),
        Kind::Null if text.ends_with('\n') => format!("{text}{NEW}"),
        Kind::Null => format!("{text}\n{NEW}"),
        Kind::Text(_) | Kind::List(_) | Kind::Map(_) => text.to_owned(),
    })
}

/// The text with another status for some records.
///
/// # Errors
/// Why it could not be changed.
pub fn set_status(catalog: &Catalog, statuses: &[(&Record, Status)]) -> Result<String, String> {
    let replacements = statuses.iter().map(|(record, status)| {
        let path = vec!["databases", record.key.as_str(), "metadata", "status"];
        (path, status.as_str())
    });
    yaml::replace(&catalog.source, &replacements.collect::<Vec<_>>())
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
