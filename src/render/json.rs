//! For programs, and for saved plans: one versioned document, described by
//! `schemas/plan.schema.json`.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::words;
use crate::apply::Outcome;
use crate::desired::Desired;
use crate::new_versions::NewVersions;
use crate::plan::Plan;

/// The version of the document: the first number changes when a reader has to.
pub const FORMAT_VERSION: &str = "1.0";

/// The document.
///
/// # Errors
/// None in practice: all keys are strings.
pub fn document(
    plan: &Plan,
    desired: &Desired,
    new: &NewVersions,
    outcome: Option<&Outcome>,
) -> serde_json::Result<String> {
    let (create, change) = words::counts(plan);
    let mut document = json!({
        "format_version": FORMAT_VERSION,
        "environment": plan.environment,
        "endpoint": plan.endpoint,
        "options": {
            "isolate_server": desired.isolate_server,
            "reset_passwords": desired.reset_passwords,
        },
        "new_versions": { "at": new.at.to_string(), "seed": new.seed.to_string() },
        "summary": {
            "entries": plan.entries,
            "create": create,
            "change": change,
            "drop": 0,
            "obstacles": plan.obstacles.len(),
        },
        "steps": plan.steps,
        "obstacles": plan.obstacles,
        "unclaimed": plan.unclaimed,
        "notes": plan.notes,
    });
    if let (Some(outcome), Value::Object(fields)) = (outcome, &mut document) {
        fields.insert("outcome".to_owned(), serde_json::to_value(outcome)?);
    }
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

/// What a saved plan says beside its steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The environment it was made for.
    pub environment: String,
    /// `--isolate-server` was given.
    pub isolate_server: bool,
    /// What `--reset-password` was given.
    pub reset_passwords: Vec<String>,
    /// The time and seed that its version ids came from.
    pub new: NewVersions,
    /// The server and the steps, to be compared with a fresh plan's.
    compared: Value,
}

impl Saved {
    /// Reads a document.
    ///
    /// # Errors
    /// Why it is not one, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let version = document["format_version"].as_str().unwrap_or("none");
        if version.split('.').next() != FORMAT_VERSION.split('.').next() {
            return Err(format!("its format version is {version}, known is {FORMAT_VERSION}"));
        }
        let text_at = |path: &str| {
            let found = document.pointer(path).and_then(Value::as_str);
            found.ok_or_else(|| format!("`{path}` is missing"))
        };
        let bad = |path: &str| format!("`{path}` has no valid value");
        let at: Timestamp =
            text_at("/new_versions/at")?.parse().map_err(|_| bad("/new_versions/at"))?;
        let seed: Uuid =
            text_at("/new_versions/seed")?.parse().map_err(|_| bad("/new_versions/seed"))?;
        let keys = document.pointer("/options/reset_passwords").and_then(Value::as_array);
        let flag = document.pointer("/options/isolate_server").and_then(Value::as_bool);
        Ok(Self {
            environment: text_at("/environment")?.to_owned(),
            isolate_server: flag.ok_or_else(|| bad("/options/isolate_server"))?,
            reset_passwords: keys
                .ok_or_else(|| bad("/options/reset_passwords"))?
                .iter()
                .filter_map(|key| key.as_str().map(str::to_owned))
                .collect(),
            new: NewVersions { at, seed },
            compared: json!([document["endpoint"], document["steps"]]),
        })
    }

    /// Whether a fresh plan has the same steps for the same server.
    #[must_use]
    pub fn agrees_with(&self, plan: &Plan) -> bool {
        self.compared == json!([plan.endpoint, plan.steps])
    }
}
