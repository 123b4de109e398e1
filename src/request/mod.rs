//! A request for a database: from a form to a change of two files.
//!
//! ```text
//! flags, a JSON file or a workflow's inputs ─► Fields ─ check ─► Request ─┐
//!                                     catalog, terraform.tfvars ─────────┴─ place ─► Placed
//! ```

mod check;
mod fields;
mod place;
mod pull_request;

use crate::name::{DatabaseName, Environment, Label, RoleName, SecretName};
use crate::rds_catalog::{Record, Status, id_of};
use crate::risk::Risk;
use crate::size::Size;

pub use check::check;
pub use fields::{Field, Fields};
pub use place::{Placed, Refusal, Variables, place};
pub use pull_request::{Surroundings, body};

/// A request whose every field was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where the database is wanted.
    pub environment: Environment,
    /// The database.
    pub database: DatabaseName,
    /// The role that will own it.
    pub username: RoleName,
    /// The team that answers for it.
    pub owner: Label,
    /// Who asks.
    pub requester: Label,
    /// The business domain.
    pub domain: Label,
    /// How much it is worth protecting.
    pub risk: Risk,
    /// How big it will be.
    pub size: Size,
}

impl Request {
    /// Where its credentials will be.
    #[must_use]
    pub fn secret(&self) -> SecretName {
        SecretName::of_database(&self.environment, &self.database)
    }

    /// The record of the request in the RDS catalog.
    #[must_use]
    pub fn record(&self, key: String, today: &str) -> Option<Record> {
        Some(Record {
            id: Some(Label::parse(&id_of(&key)).ok()?),
            key,
            database: self.database.clone(),
            environment: self.environment.clone(),
            owner: Some(self.owner.clone()),
            requested_by: Some(self.requester.clone()),
            domain: Some(self.domain.clone()),
            risk: Some(self.risk),
            status: Some(Status::Pending),
            created_date: Some(today.to_owned()),
            username: Some(self.username.clone()),
            size: Some(self.size),
            instance_class: Some(self.size.instance_class().to_owned()),
            secret_path: Some(self.secret().to_string()),
            places: std::collections::BTreeMap::new(),
        })
    }
}
