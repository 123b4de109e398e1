//! The RDS catalog: who owns which database, and how much it is worth protecting.
//!
//! ```yaml
//! databases:
//!   inventory_service:        # in another environment `inventory_service-test`
//!     metadata:
//!       id: DATABASE_INVENTORY_SERVICE
//!       owner: app-team
//!       requested_by: daniel-deans
//!       domain: catalog
//!       risk: medium
//!       environment: dev
//!       status: pending
//!       created_date: "2026-01-15"
//!     configuration:
//!       username: inventory_user
//!       size_tier: small
//!       instance_class: db.t3.micro
//!       secret_path: goldenpath/dev/inventory_service/postgres
//! ```

mod agreement;
mod edit;
mod live;
mod progress;
mod read;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::desired::Governance;
use crate::name::{DatabaseName, Environment, Label, RoleName};
use crate::risk::Risk;
use crate::size::Size;
use crate::tfvars::{Position, Source};
use crate::words::words;

pub use agreement::{Agreement, Disagreement, Finding, Live, Side, compare};
pub use edit::{add, set_status};
pub use progress::{Progress, statuses, unrecorded};
pub use read::read;

/// Where the catalog stands in the repository.
pub const PATH: &str = "docs/20-contracts/resource-catalogs/rds-catalog.yaml";

/// The catalog as it was read.
#[derive(Debug)]
pub struct Catalog {
    /// Its text.
    pub source: Arc<Source>,
    /// The databases, in the order of the file.
    pub records: Vec<Record>,
}

impl Catalog {
    /// The record of a database in an environment.
    #[must_use]
    pub fn get(&self, environment: &Environment, database: &DatabaseName) -> Option<&Record> {
        self.records
            .iter()
            .find(|record| record.environment == *environment && record.database == *database)
    }
}

/// What the catalog says about one database. What is not written is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: String,
    /// The database, from the key.
    pub database: DatabaseName,
    /// `metadata.environment`.
    pub environment: Environment,
    /// `metadata.id`.
    pub id: Option<Label>,
    /// `metadata.owner`.
    pub owner: Option<Label>,
    /// `metadata.requested_by`.
    pub requested_by: Option<Label>,
    /// `metadata.domain`.
    pub domain: Option<Label>,
    /// `metadata.risk`.
    pub risk: Option<Risk>,
    /// `metadata.status`.
    pub status: Option<Status>,
    /// `metadata.created_date`, `2026-01-15`.
    pub created_date: Option<String>,
    /// `configuration.username`.
    pub username: Option<RoleName>,
    /// `configuration.size_tier`.
    pub size: Option<Size>,
    /// `configuration.instance_class`.
    pub instance_class: Option<String>,
    /// `configuration.secret_path`.
    pub secret_path: Option<String>,
    /// Where the values of these fields, and under `""` the key, were written.
    pub places: BTreeMap<&'static str, Position>,
}

impl Record {
    /// Who answers for the database.
    #[must_use]
    pub fn governance(&self) -> Governance {
        Governance {
            owner: self.owner.clone(),
            domain: self.domain.clone(),
            risk: self.risk,
            requested_by: self.requested_by.clone(),
            id: self.id.clone(),
        }
    }

    /// Where a field was written; the key's place if it is not there.
    #[must_use]
    pub fn place(&self, field: &str) -> Option<&Position> {
        self.places.get(field).or_else(|| self.places.get(""))
    }
}

words! {
    /// How far a database has come.
    Status {
        /// Asked for.
        Pending = "pending",
        /// Made.
        Active = "active",
        /// It could not be made.
        Failed = "failed",
        /// On its way out.
        Deprecated = "deprecated",
    }
}

/// The key of a database's record: the first environment that has it takes the plain name.
#[must_use]
pub fn free_key(catalog: &Catalog, environment: &Environment, database: &DatabaseName) -> String {
    if catalog.records.iter().any(|record| record.key == database.as_str()) {
        format!("{database}-{environment}")
    } else {
        database.to_string()
    }
}

/// `DATABASE_INVENTORY_SERVICE`. The dash of a key with an environment stays: with an underscore it could
/// be the id of another database.
#[must_use]
pub fn id_of(key: &str) -> String {
    format!("DATABASE_{}", key.to_ascii_uppercase())
}
