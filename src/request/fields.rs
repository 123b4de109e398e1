//! What was asked for, as it was written.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// A field of a request. `schemas/requests/rds.schema.json` describes the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `environment`
    Environment,
    /// `database_name`
    DatabaseName,
    /// `username`
    Username,
    /// `owner`
    Owner,
    /// `requester`
    Requester,
    /// `domain`
    Domain,
    /// `risk`
    Risk,
    /// `size`
    Size,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Environment,
        Self::DatabaseName,
        Self::Username,
        Self::Owner,
        Self::Requester,
        Self::Domain,
        Self::Risk,
        Self::Size,
    ];

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::DatabaseName => "database_name",
            Self::Username => "username",
            Self::Owner => "owner",
            Self::Requester => "requester",
            Self::Domain => "domain",
            Self::Risk => "risk",
            Self::Size => "size",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// The fields that were given, none of them checked, and what is wrong with their form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The texts.
    pub texts: BTreeMap<Field, String>,
    /// What is not a text or has an unknown name, as messages.
    pub malformed: Vec<String>,
}

impl Fields {
    /// A request as `schemas/requests/rds.schema.json` describes it.
    #[must_use]
    pub fn of_document(document: &Json) -> Self {
        let mut fields = Self::default();
        match document {
            Json::Object(members) => {
                for (name, value) in members {
                    match Field::named(name) {
                        Some(field) => fields.add(field, value),
                        None => fields.malformed.push(format!("unknown field `{name}`")),
                    }
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                fields.malformed.push("a request is a JSON object".to_owned());
            }
        }
        fields
    }

    /// The inputs of a workflow that was started by hand or by Backstage (`workflow_dispatch`). The
    /// workflow may have inputs of its own. `None` when the event has no inputs.
    #[must_use]
    pub fn of_event(event: &Json) -> Option<Self> {
        let inputs = event.get("inputs")?.as_object()?;
        let mut fields = Self::default();
        for (name, value) in inputs {
            if let Some(field) = Field::named(name) {
                fields.add(field, value);
            }
        }
        Some(fields)
    }

    fn add(&mut self, field: Field, value: &Json) {
        match value {
            Json::String(text) => {
                self.texts.insert(field, text.clone());
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
                self.malformed.push(format!("`{}` must be a text, found {value}", field.name()));
            }
        }
    }
}
