//! Who has to agree to a database request.

mod rules;

pub use rules::{Required, Rules, read};

/// Where the rules stand in the repository.
pub const PATH: &str = "schemas/routing/service_class_approvals.yaml";
