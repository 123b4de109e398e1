//! From fields to a request, with all problems at once.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use super::{Field, Fields, Request};
use crate::enums::{self, Enums};
use crate::name::{DatabaseName, Environment, Label, NameError, RoleName};
use crate::size::Size;
use crate::tfvars::Diagnostic;

/// Characters of a requester's name: GitHub's logins have at most 39.
const MAX_REQUESTER: usize = 64;

/// Checks every field: the platform's patterns, PostgreSQL's limits, the platform's lists of words.
///
/// # Errors
/// All problems found.
pub fn check(fields: &Fields, enums: &Enums) -> Result<Request, Vec<Diagnostic>> {
    let malformed = fields.malformed.iter().map(Diagnostic::anywhere).collect();
    let mut check = Check { fields, problems: malformed };
    let environment = check.listed(Field::Environment, &enums.environments, Environment::parse);
    let database = check.name(Field::DatabaseName, DatabaseName::parse);
    let username = check.name(Field::Username, RoleName::parse);
    let owner = check.listed(Field::Owner, &enums.owners, Label::parse);
    let requester = check.requester();
    let domain = check.listed(Field::Domain, &enums.domains, Label::parse);
    let risk = check.word(Field::Risk);
    let size = check.size(environment.as_ref());
    let Check { problems, .. } = check;
    let request = || {
        Some(Request {
            environment: environment?,
            database: database?,
            username: username?,
            owner: owner?,
            requester: requester?,
            domain: domain?,
            risk: risk?,
            size: size?,
        })
    };
    if problems.is_empty() { request().ok_or(problems) } else { Err(problems) }
}

struct Check<'a> {
    fields: &'a Fields,
    problems: Vec<Diagnostic>,
}

impl<'a> Check<'a> {
    /// What was given for a field; that nothing was given is a problem.
    fn text(&mut self, field: Field) -> Option<&'a str> {
        let text = self.fields.texts.get(&field).map(String::as_str);
        let missing = format!("`{}` is missing", field.name());
        let said =
            self.fields.malformed.iter().any(|why| why.contains(&format!("`{}`", field.name())));
        if text.is_none() && !said {
            self.problems.push(Diagnostic::anywhere(missing));
        }
        text
    }

    fn refuse(&mut self, field: Field, text: &str, why: impl Display) {
        let message = format!("`{}` cannot be `{}`: {why}", field.name(), text.escape_debug());
        self.problems.push(Diagnostic::anywhere(message));
    }

    /// `^[a-z][a-z0-9_]*$`, at most 63 bytes, no name of the server's.
    fn name<T>(&mut self, field: Field, parse: fn(&str) -> Result<T, NameError>) -> Option<T> {
        let text = self.text(field)?;
        match parse(text) {
            Ok(_) if text.starts_with('_') => {
                self.refuse(field, text, "a lower-case letter must come first");
                None
            }
            Ok(name) => Some(name),
            Err(why) => {
                self.refuse(field, text, why);
                None
            }
        }
    }

    /// `^[a-z0-9-]+$`
    fn requester(&mut self) -> Option<Label> {
        let text = self.text(Field::Requester)?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let why = if text.is_empty() {
            "it is empty".to_owned()
        } else if !text.chars().all(allowed) {
            "allowed are lower-case letters, digits and dashes".to_owned()
        } else if text.len() > MAX_REQUESTER {
            format!("it has {} characters, at most {MAX_REQUESTER} are allowed", text.len())
        } else {
            return Label::parse(text).ok();
        };
        self.refuse(Field::Requester, text, why);
        None
    }

    fn listed<T>(
        &mut self,
        field: Field,
        words: &BTreeSet<String>,
        parse: fn(&str) -> Result<T, NameError>,
    ) -> Option<T> {
        let text = self.text(field)?;
        let parsed = parse(text).ok().filter(|_| words.contains(text));
        if parsed.is_none() {
            let known: Vec<&str> = words.iter().map(String::as_str).collect();
            self.refuse(field, text, format!("{} has {}", enums::PATH, known.join(", ")));
        }
        parsed
    }

    fn word<T: FromStr<Err = String>>(&mut self, field: Field) -> Option<T> {
        let text = self.text(field)?;
        text.parse().map_err(|known| self.refuse(field, text, format!("known are {known}"))).ok()
    }

    fn size(&mut self, environment: Option<&Environment>) -> Option<Size> {
        let size = self.word(Field::Size)?;
        let environment = environment?;
        let allowed = Size::allowed_in(environment);
        if allowed.contains(&size) {
            return Some(size);
        }
        let words: Vec<&str> = allowed.iter().map(|size| size.as_str()).collect();
        let why = format!("environment `{environment}` takes {} only", words.join(", "));
        self.refuse(Field::Size, size.as_str(), why);
        None
    }
}
