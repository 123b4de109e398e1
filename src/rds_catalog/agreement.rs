//! Whether catalog, variable files, server and secrets say the same of an environment's databases.

use std::collections::BTreeMap;

use serde::Serialize;

use super::live::compare_live;
use super::rules::broken_rules;
use super::{Catalog, Record};
use crate::access::AccessLevel;
use crate::actual::Actual;
use crate::desired::{Desired, Entry, Governance};
use crate::enums::Enums;
use crate::name::Environment;
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
    /// What `apply` writes whatever the files say.
    Apply,
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
    /// A secret that nobody can read any more, and that is gone soon.
    ScheduledForDeletion,
    /// Two sides say different things.
    Differs {
        /// The field, or the tag.
        field: String,
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
    /// The catalog has a word that the platform knows, but not for this environment.
    NotAllowed {
        /// The field.
        field: &'static str,
        /// The word.
        word: String,
        /// The words that the environment takes.
        allowed: String,
    },
    /// The catalog says nothing where every record has to say something.
    Unsaid {
        /// The field.
        field: &'static str,
    },
    /// Two records have what only one may have.
    Shared {
        /// The field.
        field: &'static str,
        /// What both have.
        word: String,
        /// The key of the other record.
        with: String,
        /// The other place in the catalog.
        #[serde(skip_serializing_if = "Option::is_none")]
        other_at: Option<String>,
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
        agreement.findings.extend(broken_rules(record, catalog, enums));
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
        if catalog.get(environment, &entry.database).is_none() {
            let subject = format!("database {}", entry.database);
            agreement.findings.push(missing(subject, (Side::Catalog, Side::Variables), None));
        }
        agreement.databases.insert(entry.database.to_string(), lacks(&entry.governance));
    }
    if let Some(live) = live {
        agreement.findings.extend(compare_live(desired, catalog, live.actual));
        for unclaimed in live.unclaimed {
            add_unclaimed(unclaimed, &mut agreement);
        }
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

pub(super) fn missing(
    subject: String,
    (from, is_in): (Side, Side),
    record: Option<&Record>,
) -> Finding {
    let at = record.and_then(|record| record.place("")).map(ToString::to_string);
    Finding { subject, kind: Disagreement::Missing { from, is_in }, at }
}

pub(super) fn differs(
    record: Option<&Record>,
    subject: String,
    field: &str,
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
        kind: Disagreement::Differs {
            field: field.to_owned(),
            left: said(left),
            right: said(right),
        },
        at,
    })
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
