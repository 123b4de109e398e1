//! Whether catalog, variable files, server and secrets say the same of an environment's databases.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Catalog, Record, Status};
use crate::access::AccessLevel;
use crate::actual::Actual;
use crate::desired::{Desired, Entry, Governance};
use crate::enums::Enums;
use crate::name::{Environment, Label};
use crate::plan::Unclaimed;

/// Where something is said of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The RDS catalog.
    Catalog,
    /// The table of sizes.
    Sizes,
    /// The variable files.
    Variables,
    /// The server.
    Server,
    /// Secrets Manager.
    Secrets,
}

/// One disagreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about: `database billing`, `role billing_user`, a secret's name.
    pub subject: String,
    /// What is wrong.
    #[serde(flatten)]
    pub kind: Disagreement,
    /// The place in the catalog, `file:line:column`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// The kinds of disagreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Disagreement {
    /// One side has it, another one lacks it.
    Missing {
        /// The side that lacks it.
        from: Side,
        /// The side that has it.
        is_in: Side,
    },
    /// Two sides say different things.
    Differs {
        /// The field.
        field: &'static str,
        /// One side and what it says.
        left: (Side, String),
        /// The other side and what it says.
        right: (Side, String),
    },
    /// The catalog has a word that the platform does not know.
    NotListed {
        /// The field.
        field: &'static str,
        /// The word.
        word: String,
    },
}

/// The outcome for an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// The environment.
    pub environment: Environment,
    /// All disagreements.
    pub findings: Vec<Finding>,
    /// Every managed database, with what the catalog does not say of owner, domain and risk.
    pub databases: BTreeMap<String, Vec<&'static str>>,
}

impl Agreement {
    /// How many of the databases have an owner, a domain and a risk.
    #[must_use]
    pub fn governed(&self) -> usize {
        self.databases.values().filter(|lacks| lacks.is_empty()).count()
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.findings.is_empty() && self.governed() == self.databases.len()
    }
}

/// What was read from server and secrets.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// The facts.
    pub actual: &'a Actual,
    /// What is marked as ours and in no variable file.
    pub unclaimed: &'a [Unclaimed],
}

/// Compares. Without `live` only the files of the repository are held against each other.
#[must_use]
pub fn compare(
    catalog: &Catalog,
    enums: &Enums,
    desired: &Desired,
    live: Option<Live<'_>>,
) -> Agreement {
    let environment = &desired.environment;
    let mut agreement = Agreement {
        environment: environment.clone(),
        findings: Vec::new(),
        databases: BTreeMap::new(),
    };
    for record in catalog.records.iter().filter(|record| record.environment == *environment) {
        agreement.findings.extend(not_listed(record, enums));
        match desired.owner_of(&record.database) {
            Some(entry) => compare_fields(record, entry, &mut agreement.findings),
            None => agreement.findings.push(missing(
                format!("database {}", record.database),
                (Side::Variables, Side::Catalog),
                Some(record),
            )),
        }
    }
    for entry in desired.entries.values().filter(|entry| entry.access == AccessLevel::Owner) {
        let record = catalog.get(environment, &entry.database);
        if record.is_none() {
            let subject = format!("database {}", entry.database);
            agreement.findings.push(missing(subject, (Side::Catalog, Side::Variables), None));
        }
        agreement.databases.insert(entry.database.to_string(), lacks(&entry.governance));
        if let Some(live) = live {
            compare_live(desired, entry, record, live.actual, &mut agreement.findings);
        }
    }
    for unclaimed in live.map(|live| live.unclaimed).unwrap_or_default() {
        add_unclaimed(unclaimed, &mut agreement);
    }
    agreement
}

fn lacks(governance: &Governance) -> Vec<&'static str> {
    let fields = [
        ("owner", governance.owner.is_some()),
        ("domain", governance.domain.is_some()),
        ("risk", governance.risk.is_some()),
    ];
    fields.into_iter().filter(|(_, said)| !said).map(|(name, _)| name).collect()
}

fn missing(subject: String, (from, is_in): (Side, Side), record: Option<&Record>) -> Finding {
    let at = record.and_then(|record| record.place("")).map(ToString::to_string);
    Finding { subject, kind: Disagreement::Missing { from, is_in }, at }
}

fn differs(
    record: Option<&Record>,
    subject: String,
    field: &'static str,
    left: (Side, Option<String>),
    right: (Side, Option<String>),
) -> Option<Finding> {
    if left.1 == right.1 {
        return None;
    }
    let at = record.and_then(|record| record.place(field)).map(ToString::to_string);
    let said = |(side, text): (Side, Option<String>)| (side, text.unwrap_or_default());
    Some(Finding {
        subject,
        kind: Disagreement::Differs { field, left: said(left), right: said(right) },
        at,
    })
}

/// The catalog against the platform's lists: an owner that is no team answers for nothing.
fn not_listed(record: &Record, enums: &Enums) -> Vec<Finding> {
    let fields =
        [("owner", &record.owner, &enums.owners), ("domain", &record.domain, &enums.domains)];
    let finding = |(field, word, list): (&'static str, &Option<Label>, &BTreeSet<String>)| {
        let word = word.as_ref()?.to_string();
        let at = record.place(field).map(ToString::to_string);
        let subject = format!("database {}", record.database);
        let kind = Disagreement::NotListed { field, word: word.clone() };
        (!list.contains(&word)).then_some(Finding { subject, kind, at })
    };
    fields.into_iter().filter_map(finding).collect()
}

/// The catalog against the variable files, and against itself.
fn compare_fields(record: &Record, entry: &Entry, findings: &mut Vec<Finding>) {
    let subject = || format!("database {}", record.database);
    let catalog = |text: Option<String>| (Side::Catalog, text);
    let variables = |text: String| (Side::Variables, Some(text));
    let username = record.username.as_ref().map(ToString::to_string);
    let found = [
        differs(
            Some(record),
            subject(),
            "username",
            catalog(username),
            variables(entry.username.to_string()),
        ),
        differs(
            Some(record),
            subject(),
            "secret_path",
            catalog(record.secret_path.clone()),
            variables(entry.secret.to_string()),
        ),
        record.size.and_then(|size| {
            let class = Some(size.instance_class().to_owned());
            let written = catalog(record.instance_class.clone());
            differs(Some(record), subject(), "instance_class", written, (Side::Sizes, class))
        }),
    ];
    findings.extend(found.into_iter().flatten());
}

/// An entry against server and secrets. What is only asked for yet is not missed.
fn compare_live(
    desired: &Desired,
    entry: &Entry,
    record: Option<&Record>,
    actual: &Actual,
    findings: &mut Vec<Finding>,
) {
    let database = actual.databases.get(entry.database.as_str());
    let secret = actual.secrets.get(entry.secret.as_str());
    let status = record.and_then(|record| record.status);
    let parts = [
        (
            Side::Server,
            format!("role {}", entry.username),
            actual.roles.contains_key(entry.username.as_str()),
        ),
        (Side::Server, format!("database {}", entry.database), database.is_some()),
        (Side::Secrets, format!("secret {}", entry.secret), secret.is_some()),
    ];
    let is_there = parts.iter().all(|(_, _, there)| *there);
    let awaited = matches!(status, Some(Status::Pending | Status::Failed));
    if !awaited {
        let absent = parts.into_iter().filter(|(_, _, there)| !there);
        findings.extend(
            absent.map(|(side, subject, _)| missing(subject, (side, Side::Variables), None)),
        );
    }
    let subject = || format!("database {}", entry.database);
    if awaited && is_there {
        let said = (Side::Catalog, status.map(|status| status.to_string()));
        let done = (Side::Server, Some(Status::Active.to_string()));
        findings.extend(differs(record, subject(), "status", said, done));
    }
    if let Some(database) = database {
        let wanted = (Side::Catalog, Some(entry.database_comment(&desired.environment)));
        let found = (Side::Server, database.comment.clone());
        findings.extend(differs(None, subject(), "comment", wanted, found));
    }
    if let Some(secret) = secret {
        // What the catalog does not say is counted as not governed; a tag that says it is no contradiction.
        let wanted = entry.governance.tags();
        let tags = ["Owner", "Domain", "Risk", "RequestedBy", "Id"].into_iter();
        let said = tags.filter_map(|tag| Some((tag, wanted.get(tag)?.clone())));
        findings.extend(said.filter_map(|(tag, said)| {
            let found = (Side::Secrets, secret.tags.get(tag).cloned());
            let subject = format!("secret {}", entry.secret);
            differs(None, subject, tag, (Side::Catalog, Some(said)), found)
        }));
    }
}

/// A database that is ours and in no file has nobody who answers for it.
fn add_unclaimed(unclaimed: &Unclaimed, agreement: &mut Agreement) {
    let (subject, is_in) = match unclaimed {
        Unclaimed::Role(name) => (format!("role {name}"), Side::Server),
        Unclaimed::Database(name) => {
            agreement.databases.insert(name.clone(), lacks(&Governance::default()));
            (format!("database {name}"), Side::Server)
        }
        Unclaimed::Secret(name) => (format!("secret {name}"), Side::Secrets),
    };
    agreement.findings.push(missing(subject, (Side::Variables, is_in), None));
}
