//! Where a request goes: what it adds to the two files, or what it contradicts. Texts in, texts out.

use super::Request;
use crate::desired::VARIABLE;
use crate::rds_catalog::{self, Catalog, Record};
use crate::tfvars::{self, Diagnostic, Kind, Member, Source, Value};

/// The variable file that requests are added to, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Variables<'a> {
    /// Its text.
    pub source: &'a Source,
    /// The map; `None` while nothing sets it.
    pub databases: Option<&'a Value>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The record in the catalog, new or there already.
    pub record: Record,
    /// The new text of the catalog, if it changes.
    pub catalog: Option<String>,
    /// The new text of the variable file, if it changes.
    pub variables: Option<String>,
}

/// Places a request. What is there already and says the same stays as it is, so that the same request
/// twice changes nothing, and one that was half written is completed.
///
/// # Errors
/// Every contradiction with what is there, or why a file cannot be extended.
pub fn place(
    request: &Request,
    catalog: &Catalog,
    variables: Variables<'_>,
    today: &str,
) -> Result<Placed, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let known = catalog.get(&request.environment, &request.database);
    if let Some(record) = known {
        problems.extend(contradictions(request, record));
    }
    let is_there = find_entry(request, variables, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let (record, catalog) = match known {
        Some(record) => (record.clone(), None),
        None => add_to_catalog(request, catalog, today).map_err(|problem| vec![*problem])?,
    };
    let variables = if is_there { None } else { Some(add_to_variables(request, variables)?) };
    Ok(Placed { record, catalog, variables })
}

fn add_to_catalog(
    request: &Request,
    catalog: &Catalog,
    today: &str,
) -> Result<(Record, Option<String>), Box<Diagnostic>> {
    let key = rds_catalog::free_key(catalog, &request.environment, &request.database);
    let failed = |why: String| {
        let name = catalog.source.name();
        Diagnostic::anywhere(format!("cannot add to {name}: {why}")).boxed()
    };
    let too_long = || failed("the key is too long for an id".to_owned());
    let record = request.record(key, today).ok_or_else(too_long)?;
    let text = rds_catalog::add(catalog.source.text(), &record, today).map_err(failed)?;
    Ok((record, Some(text)))
}

fn add_to_variables(
    request: &Request,
    variables: Variables<'_>,
) -> Result<String, Vec<Diagnostic>> {
    let (key, username) = (request.database.as_str(), request.username.as_str());
    let attributes = [("database_name", key), ("username", username)];
    tfvars::insert(variables.source, VARIABLE, key, &attributes).map_err(|problem| vec![*problem])
}

/// The fields in which the record of the same database says something else.
fn contradictions(request: &Request, record: &Record) -> Vec<Diagnostic> {
    let text = |value: Option<&dyn ToString>| value.map(ToString::to_string);
    let fields = [
        ("username", text(record.username.as_ref().map(|v| v as _)), request.username.to_string()),
        ("owner", text(record.owner.as_ref().map(|v| v as _)), request.owner.to_string()),
        (
            "requested_by",
            text(record.requested_by.as_ref().map(|v| v as _)),
            request.requester.to_string(),
        ),
        ("domain", text(record.domain.as_ref().map(|v| v as _)), request.domain.to_string()),
        ("risk", text(record.risk.as_ref().map(|v| v as _)), request.risk.to_string()),
        ("size_tier", text(record.size.as_ref().map(|v| v as _)), request.size.to_string()),
    ];
    let differing = fields.into_iter().filter(|(_, there, asked)| there.as_ref() != Some(asked));
    differing.filter_map(|(field, there, asked)| {
        let there = there.map_or("nothing".to_owned(), |there| format!("`{there}`"));
        let (database, environment) = (&request.database, &request.environment);
        let message = format!(
            "`{database}` is in the catalog of `{environment}` with {field} {there}, the request says `{asked}`"
        );
        Some(refused(Diagnostic::at(record.place(field)?.clone(), message)))
    }).collect()
}

/// Whether the map has the database with the same user. Whatever else meets the request in the map is a
/// problem.
fn find_entry(request: &Request, variables: Variables<'_>, problems: &mut Vec<Diagnostic>) -> bool {
    let Some(Value { kind: Kind::Map(entries), .. }) = variables.databases else { return false };
    let (database, username) = (request.database.as_str(), request.username.as_str());
    let mut is_there = false;
    for (key, entry) in entries {
        let says = |name: &str| attribute(entry, name);
        let (its_database, its_username) = (says("database_name"), says("username"));
        let same_database = its_database.is_some_and(|(text, _)| text == database);
        let same_username = its_username.is_some_and(|(text, _)| text == username);
        let grants_less = says("access_level").is_some_and(|(level, _)| level != "owner");
        let problem = match (same_database, same_username) {
            (true, true) if !grants_less => {
                is_there = true;
                continue;
            }
            (true, _) if !grants_less => its_username.map(|(there, at)| {
                Diagnostic::at(at.clone(), format!("database `{database}` is there with username `{there}`, the request says `{username}`"))
            }),
            (_, true) => its_username.map(|(_, at)| {
                Diagnostic::at(at.clone(), format!("username `{username}` is taken by entry `{key}`, the request wants it for `{database}`"))
            }),
            (_, false) if key == database => {
                let there = its_database.map_or("another", |(text, _)| text);
                Some(Diagnostic::at(entry.key_at.clone(), format!("key `{key}` is taken by database `{there}`, the request wants it for `{database}`")))
            }
            (_, false) => None,
        };
        problems.extend(problem.map(refused));
    }
    is_there
}

fn attribute<'a>(entry: &'a Member, name: &str) -> Option<(&'a str, &'a tfvars::Position)> {
    let Kind::Map(attributes) = &entry.value.kind else { return None };
    match attributes.get(name).map(|attribute| &attribute.value) {
        Some(Value { kind: Kind::String(text), at }) => Some((text, at)),
        Some(_) | None => None,
    }
}

fn refused(problem: Diagnostic) -> Diagnostic {
    problem.label("this stands already")
}
