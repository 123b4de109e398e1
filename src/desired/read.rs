//! From the value of `application_databases` to checked entries.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::collisions::{Places, refuse_collisions};
use super::{Desired, Entry, Governance};
use crate::access::AccessLevel;
use crate::name::{
    DatabaseName, EntryKey, Environment, ExtensionName, NameError, RoleName, SecretName,
};
use crate::tfvars::{Attribute, Diagnostic, Kind, Member, Position, Type, Value};

/// The name of the variable.
pub const VARIABLE: &str = "application_databases";

/// The type of the variable, as a Terraform module would declare it.
#[must_use]
pub fn entry_type() -> Type {
    Type::map(Type::Object(vec![
        Attribute::required("database_name", Type::String),
        Attribute::required("username", Type::String),
        Attribute::optional("access_level", Type::String),
        Attribute::optional("connection_limit", Type::Number),
        Attribute::optional("createdb", Type::Bool),
        Attribute::optional("extensions", Type::set(Type::String)),
    ]))
}

/// Checks the variable `environment`, where the files have it, against the environment asked for.
///
/// # Errors
/// When they differ: the files of one environment were copied to another.
pub fn environment_matches(
    value: Option<&Value>,
    environment: &Environment,
) -> Result<(), Box<Diagnostic>> {
    match value {
        Some(Value { kind: Kind::String(found), at }) if found != environment.as_str() => {
            let message = format!("`environment` is \"{found}\", but --env is `{environment}`");
            let problem = Diagnostic::at(at.clone(), message)
                .label("differs from --env")
                .hint("correct the file: it would manage the databases of another environment");
            Err(Box::new(problem))
        }
        _ => Ok(()),
    }
}

/// Checks the value of the variable, converted to [`entry_type`].
///
/// # Errors
/// All problems found.
pub fn entries(
    value: &Value,
    environment: &Environment,
) -> Result<BTreeMap<EntryKey, Entry>, Vec<Diagnostic>> {
    let Kind::Map(members) = &value.kind else {
        let problem = Diagnostic::at(value.at.clone(), format!("`{VARIABLE}` is null"));
        return Err(vec![problem.hint(format!("write `{VARIABLE} = {{}}` for no databases"))]);
    };
    let mut problems = Vec::new();
    let mut found = Vec::new();
    for (key, member) in members {
        if let Some(entry) = entry(key, member, environment, &mut problems) {
            found.push((entry, Places::of(member)));
        }
    }
    refuse_collisions(&found, &mut problems);
    if problems.is_empty() {
        Ok(found.into_iter().map(|(entry, _)| (entry.key.clone(), entry)).collect())
    } else {
        Err(problems)
    }
}

impl Desired {
    /// Adds what the command line asks for.
    ///
    /// # Errors
    /// The key that is not in the map.
    pub fn new(
        environment: Environment,
        entries: BTreeMap<EntryKey, Entry>,
        isolate_server: bool,
        reset_passwords: BTreeSet<EntryKey>,
    ) -> Result<Self, EntryKey> {
        match reset_passwords.iter().find(|key| !entries.contains_key(key)) {
            Some(unknown) => Err(unknown.clone()),
            None => Ok(Self { environment, entries, isolate_server, reset_passwords }),
        }
    }
}

fn entry(
    key: &str,
    member: &Member,
    environment: &Environment,
    problems: &mut Vec<Diagnostic>,
) -> Option<Entry> {
    let checked_key = EntryKey::parse(key)
        .map_err(|why| problems.push(bad_name("key", key, &member.key_at, &why)))
        .ok();
    let database = checked_text(member, "database_name", DatabaseName::parse, problems);
    let username = checked_text(member, "username", RoleName::parse, problems);
    let connection_limit = connection_limit(member, problems);
    let access = access_level(member, problems);
    let extensions = extensions(member, access, problems);
    let (key, database, access) = (checked_key?, database?, access?);
    Some(Entry {
        secret: match access {
            AccessLevel::Owner => SecretName::of_database(environment, &database),
            AccessLevel::Editor | AccessLevel::Reader => SecretName::of_entry(environment, &key),
        },
        key,
        database,
        username: username?,
        access,
        connection_limit: connection_limit?,
        createdb: matches!(attribute(member, "createdb").map(|v| &v.kind), Some(Kind::Bool(true))),
        extensions: extensions?,
        governance: Governance::default(),
    })
}

pub(super) fn attribute<'a>(member: &'a Member, name: &str) -> Option<&'a Value> {
    match &member.value.kind {
        Kind::Map(attributes) => attributes.get(name).map(|attribute| &attribute.value),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::List(_) => None,
    }
}

fn text<'a>(member: &'a Member, name: &str) -> Option<(&'a str, &'a Position)> {
    match attribute(member, name) {
        Some(Value { kind: Kind::String(text), at }) => Some((text, at)),
        _ => None,
    }
}

fn checked_text<T>(
    member: &Member,
    name: &str,
    parse: impl Fn(&str) -> Result<T, NameError>,
    problems: &mut Vec<Diagnostic>,
) -> Option<T> {
    let Some((text, at)) = text(member, name) else {
        problems.push(Diagnostic::at(member.key_at.clone(), format!("`{name}` is missing")));
        return None;
    };
    parse(text).map_err(|why| problems.push(bad_name(name, text, at, &why))).ok()
}

fn bad_name(what: &str, text: &str, at: &Position, why: &impl Display) -> Diagnostic {
    Diagnostic::at(at.clone(), format!("`{text}` cannot be a {what}: {why}")).label("this name")
}

fn connection_limit(member: &Member, problems: &mut Vec<Diagnostic>) -> Option<i32> {
    let Some(Value { kind: Kind::Number(number), at }) = attribute(member, "connection_limit")
    else {
        return Some(-1);
    };
    match number.parse() {
        Ok(limit) if limit >= -1 => Some(limit),
        Ok(_) | Err(_) => {
            let message = format!("`connection_limit` cannot be {number}");
            problems.push(
                Diagnostic::at(at.clone(), message)
                    .hint("give a whole number of connections; -1, or no value, is no limit"),
            );
            None
        }
    }
}

/// Without the attribute, the owner.
fn access_level(member: &Member, problems: &mut Vec<Diagnostic>) -> Option<AccessLevel> {
    let Some((text, at)) = text(member, "access_level") else { return Some(AccessLevel::Owner) };
    let level = AccessLevel::parse(text);
    if level.is_none() {
        let message = format!("`access_level` cannot be \"{text}\"");
        problems.push(Diagnostic::at(at.clone(), message).hint(format!(
            "give one of {}",
            AccessLevel::ALL.map(|level| format!("\"{level}\"")).join(", ")
        )));
    }
    level
}

/// Extensions are the database's, so they stand at the entry of its owner.
fn extensions(
    member: &Member,
    access: Option<AccessLevel>,
    problems: &mut Vec<Diagnostic>,
) -> Option<BTreeSet<ExtensionName>> {
    let Some(Value { kind: Kind::List(items), at }) = attribute(member, "extensions") else {
        return Some(BTreeSet::new());
    };
    if access.is_some_and(|access| access != AccessLevel::Owner) {
        let message = "`extensions` stands at an entry that does not own the database";
        problems.push(
            Diagnostic::at(at.clone(), message)
                .hint("move it to the database's entry with the access level \"owner\""),
        );
        return None;
    }
    let before = problems.len();
    let names = items.iter().filter_map(|item| extension(item, problems)).collect();
    (problems.len() == before).then_some(names)
}

fn extension(item: &Value, problems: &mut Vec<Diagnostic>) -> Option<ExtensionName> {
    let Kind::String(text) = &item.kind else {
        problems.push(Diagnostic::at(item.at.clone(), "an extension's name is null"));
        return None;
    };
    let bad = |why| problems.push(bad_name("name of an extension", text, &item.at, &why));
    ExtensionName::parse(text).map_err(bad).ok()
}
