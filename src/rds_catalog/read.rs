//! From the text to checked records.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use super::{Catalog, Record};
use crate::name::{DatabaseName, Environment, Label, NameError, RoleName};
use crate::tfvars::{Diagnostic, Position, Source};
use crate::yaml::{self, Kind, Member, Node};

/// Reads the catalog. Fields that it does not know are left to others.
///
/// # Errors
/// All problems found.
pub fn read(source: &Arc<Source>) -> Result<Catalog, Vec<Diagnostic>> {
    let root = yaml::parse(source).map_err(|problem| vec![*problem])?;
    let mut problems = Vec::new();
    let databases = root.get("databases");
    if let Some(Node { kind: Kind::Text(_) | Kind::List(_), at }) = databases {
        problems.push(Diagnostic::at(at.clone(), "`databases` is no map"));
    }
    let members = databases.map(Node::members).unwrap_or_default();
    let mut records = Vec::new();
    for member in members {
        if let Some(record) = record(member, &mut problems) {
            refuse_second(&records, &record, &mut problems);
            records.push(record);
        }
    }
    if problems.is_empty() {
        Ok(Catalog { source: source.clone(), records })
    } else {
        Err(problems)
    }
}

fn record(member: &Member, problems: &mut Vec<Diagnostic>) -> Option<Record> {
    let mut fields = Fields { member, problems, places: BTreeMap::new() };
    fields.places.insert("", member.key_at.clone());
    let environment = fields.name("metadata", "environment", Environment::parse);
    let record = Some(Record {
        key: member.key.clone(),
        database: fields.database(environment.as_ref())?,
        environment: environment.or_else(|| fields.missing("environment"))?,
        id: fields.name("metadata", "id", Label::parse),
        owner: fields.name("metadata", "owner", Label::parse),
        requested_by: fields.name("metadata", "requested_by", Label::parse),
        domain: fields.name("metadata", "domain", Label::parse),
        risk: fields.word("metadata", "risk"),
        status: fields.word("metadata", "status"),
        created_date: fields.text("metadata", "created_date").map(|(text, _)| text.to_owned()),
        username: fields.name("configuration", "username", RoleName::parse),
        size: fields.word("configuration", "size_tier"),
        instance_class: fields.text("configuration", "instance_class").map(|(t, _)| t.to_owned()),
        secret_path: fields.text("configuration", "secret_path").map(|(t, _)| t.to_owned()),
        places: BTreeMap::new(),
    });
    record.map(|record| Record { places: fields.places, ..record })
}

/// The fields of one database, and what is wrong with them.
struct Fields<'a> {
    member: &'a Member,
    problems: &'a mut Vec<Diagnostic>,
    places: BTreeMap<&'static str, Position>,
}

impl<'a> Fields<'a> {
    fn text(&mut self, section: &str, field: &'static str) -> Option<(&'a str, &'a Position)> {
        let node = self.member.value.get(section)?.get(field)?;
        self.places.insert(field, node.at.clone());
        match &node.kind {
            Kind::Text(text) => Some((text, &node.at)),
            Kind::Null => None,
            Kind::List(_) | Kind::Map(_) => {
                self.problems
                    .push(Diagnostic::at(node.at.clone(), format!("`{field}` is no word")));
                None
            }
        }
    }

    fn name<T>(
        &mut self,
        section: &str,
        field: &'static str,
        parse: impl Fn(&str) -> Result<T, NameError>,
    ) -> Option<T> {
        let (text, at) = self.text(section, field)?;
        parse(text).map_err(|why| self.problems.push(bad(field, text, at, &why))).ok()
    }

    fn word<T: FromStr<Err = String>>(&mut self, section: &str, field: &'static str) -> Option<T> {
        let (text, at) = self.text(section, field)?;
        let refuse = |known| {
            let problem = Diagnostic::at(at.clone(), format!("`{text}` is no {field}"));
            self.problems.push(problem.hint(format!("known are {known}")));
        };
        text.parse().map_err(refuse).ok()
    }

    /// The key without the environment that it may end with: a database's name has no dash.
    fn database(&mut self, environment: Option<&Environment>) -> Option<DatabaseName> {
        let key = self.member.key.as_str();
        let suffix = environment.map(|environment| format!("-{environment}"));
        let name = suffix.and_then(|suffix| key.strip_suffix(&suffix)).unwrap_or(key);
        let refuse = |why| self.problems.push(bad("database", name, &self.member.key_at, &why));
        DatabaseName::parse(name).map_err(refuse).ok()
    }

    fn missing<T>(&mut self, field: &str) -> Option<T> {
        let said = self.places.contains_key(field);
        if !said {
            let at = self.member.key_at.clone();
            let message = format!("`{}` has no `metadata.{field}`", self.member.key);
            self.problems.push(Diagnostic::at(at, message));
        }
        None
    }
}

fn bad(what: &str, text: &str, at: &Position, why: &impl Display) -> Diagnostic {
    Diagnostic::at(at.clone(), format!("`{text}` cannot be {what}: {why}"))
}

fn refuse_second(records: &[Record], record: &Record, problems: &mut Vec<Diagnostic>) {
    let same = |other: &&Record| {
        (&other.environment, &other.database) == (&record.environment, &record.database)
    };
    let Some(first) = records.iter().find(same) else { return };
    let (database, environment) = (&record.database, &record.environment);
    if let (Some(at), Some(other)) = (record.place(""), first.place("")) {
        let message = format!("database `{database}` of `{environment}` is there twice");
        let problem = Diagnostic::at(at.clone(), message).related(other.clone(), "first here");
        problems.push(problem.hint("remove one of the two"));
    }
}
