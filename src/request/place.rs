//! Where a request goes: what it adds to the two files, or what it contradicts. Texts in, texts out.

use super::Request;
use crate::desired::VARIABLE;
use crate::rds_catalog::{self, Catalog, Record, Status};
use crate::tfvars::{self, Diagnostic, Kind, Member, Position, Source, Value};
use crate::yaml;

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
    /// The key of the entry in the variable file, new or there already.
    pub entry: String,
    /// The new text of the catalog, if it changes.
    pub catalog: Option<String>,
    /// The new text of the variable file, if it changes.
    pub variables: Option<String>,
}

/// Why a request has no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What is there already says something else.
    Contradiction(Vec<Diagnostic>),
    /// A file is laid out in a way that cannot be extended.
    Layout(Box<Diagnostic>),
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
) -> Result<Placed, Refusal> {
    let mut problems = Vec::new();
    let known = catalog.get(&request.environment, &request.database);
    if let Some(record) = known {
        problems.extend(contradictions(request, record));
    }
    let entry = find_entry(request, variables, &mut problems);
    problems.extend(known.filter(|_| entry.is_none()).and_then(|known| retired(request, known)));
    if !problems.is_empty() {
        return Err(Refusal::Contradiction(problems));
    }
    let (record, catalog) = match known {
        Some(record) => (record.clone(), None),
        None => add_to_catalog(request, catalog, today).map_err(Refusal::Layout)?,
    };
    let (entry, variables) = match entry {
        Some(key) => (key.to_owned(), None),
        None => add_to_variables(request, variables).map_err(Refusal::Layout)?,
    };
    Ok(Placed { record, entry, catalog, variables })
}

fn add_to_catalog(
    request: &Request,
    catalog: &Catalog,
    today: &str,
) -> Result<(Record, Option<String>), Box<Diagnostic>> {
    let key = rds_catalog::free_key(catalog, &request.environment, &request.database);
    let failed = |why: String| {
        let problem = match databases(&catalog.source) {
            Some(at) => Diagnostic::at(at, format!("no record can be added: {why}")),
            None => Diagnostic::anywhere(format!("cannot add to {}: {why}", catalog.source.name())),
        };
        problem.hint("write `databases:` as indented lines, or add the record by hand").boxed()
    };
    let too_long = || failed("the key is too long for an id".to_owned());
    let record = request.record(key, today).ok_or_else(too_long)?;
    let text = rds_catalog::add(catalog.source.text(), &record).map_err(failed)?;
    Ok((record, Some(text)))
}

/// Where the catalog has its map.
fn databases(catalog: &Source) -> Option<Position> {
    let root = yaml::parse(catalog).ok()?;
    let member = root.members().iter().find(|member| member.key == "databases")?;
    Some(member.key_at.clone())
}

fn add_to_variables(
    request: &Request,
    variables: Variables<'_>,
) -> Result<(String, Option<String>), Box<Diagnostic>> {
    let (key, username) = (request.database.as_str(), request.username.as_str());
    let attributes = [("database_name", key), ("username", username)];
    let text = tfvars::insert(variables.source, VARIABLE, key, &attributes)?;
    Ok((key.to_owned(), Some(text)))
}

/// The fields in which the record of the same database says something else.
fn contradictions(request: &Request, record: &Record) -> Vec<Diagnostic> {
    let fields = [
        ("username", said(&record.username), request.username.to_string()),
        ("owner", said(&record.owner), request.owner.to_string()),
        ("requested_by", said(&record.requested_by), request.requester.to_string()),
        ("domain", said(&record.domain), request.domain.to_string()),
        ("risk", said(&record.risk), request.risk.to_string()),
        ("size_tier", said(&record.size), request.size.to_string()),
    ];
    let differing = fields.into_iter().filter(|(_, there, asked)| there.as_ref() != Some(asked));
    let problem = |(field, there, asked): (&str, Option<String>, String)| {
        let there = there.map_or("nothing".to_owned(), |there| format!("`{there}`"));
        let (database, environment) = (&request.database, &request.environment);
        let message = format!(
            "`{database}` is in the catalog of `{environment}` with {field} {there}, the request says `{asked}`"
        );
        Some(refused(record.place(field)?, message))
    };
    differing.filter_map(problem).collect()
}

/// A database that was given up comes back by a decision, not by a form: apply leaves its record as it is.
fn retired(request: &Request, record: &Record) -> Option<Diagnostic> {
    let is_retired = record.status == Some(Status::Deprecated);
    let (database, environment) = (&request.database, &request.environment);
    let message = format!(
        "`{database}` is in the catalog of `{environment}` with status `deprecated`, the request asks for a database"
    );
    let hint = "set the status to `pending` by hand to bring it back, or request another name";
    Some(refused(record.place("status").filter(|_| is_retired)?, message).hint(hint))
}

fn said<T: ToString>(value: &Option<T>) -> Option<String> {
    value.as_ref().map(ToString::to_string)
}

/// The key under which the map has the database with the same user. Whatever else meets the request in the
/// map is a problem.
fn find_entry<'a>(
    request: &Request,
    variables: Variables<'a>,
    problems: &mut Vec<Diagnostic>,
) -> Option<&'a str> {
    let Some(Value { kind: Kind::Map(entries), .. }) = variables.databases else { return None };
    let mut found = None;
    for (key, entry) in entries {
        match meeting(request, key, entry) {
            Meeting::None => {}
            Meeting::Same => found = Some(key.as_str()),
            Meeting::Problem(problem) => problems.push(*problem),
        }
    }
    found
}

/// How an entry of the map meets a request.
enum Meeting {
    None,
    Same,
    Problem(Box<Diagnostic>),
}

fn meeting(request: &Request, key: &str, entry: &Member) -> Meeting {
    let (database, username) = (request.database.as_str(), request.username.as_str());
    let text = |name: &str| attribute(entry, name);
    let (Some((its_database, _)), Some((its_username, at))) =
        (text("database_name"), text("username"))
    else {
        return Meeting::None;
    };
    let owns = text("access_level").is_none_or(|(level, _)| level == "owner");
    let (at, message) = if owns && its_database == database {
        if its_username == username {
            return Meeting::Same;
        }
        (
            at,
            format!(
                "database `{database}` is there with username `{its_username}`, the request says `{username}`"
            ),
        )
    } else if its_username == username {
        (
            at,
            format!(
                "username `{username}` is taken by entry `{key}`, the request wants it for `{database}`"
            ),
        )
    } else if key == database {
        (
            &entry.key_at,
            format!(
                "key `{key}` is taken by database `{its_database}`, the request wants it for `{database}`"
            ),
        )
    } else {
        return Meeting::None;
    };
    Meeting::Problem(refused(at, message).boxed())
}

fn attribute<'a>(entry: &'a Member, name: &str) -> Option<(&'a str, &'a Position)> {
    let Kind::Map(attributes) = &entry.value.kind else { return None };
    match attributes.get(name).map(|attribute| &attribute.value) {
        Some(Value { kind: Kind::String(text), at }) => Some((text, at)),
        Some(_) | None => None,
    }
}

fn refused(at: &Position, message: String) -> Diagnostic {
    Diagnostic::at(at.clone(), message).label("this stands already")
}
