//! Who has to agree to a database request, and whether they did.
//!
//! ```text
//! catalog and entries before, after ─► changes ─┐
//! rules ────────────────────────────────────────┼─ judge ─► one Judgement for each change
//! labels, reviews of the pull request ──────────┘
//! ```

mod changes;
mod differences;
mod evidence;
mod judgement;
mod rules;
mod sides;
mod standing;

pub use changes::{Change, Kind, changes};
pub use differences::differing_fields;
pub use evidence::{Actor, Evidence, LabelEvent, Review};
pub use judgement::{Judgement, Reason, judge};
pub use rules::{Required, Rules, read};
pub use sides::{Side, Wanted};
pub use standing::Approval;

/// Where the rules stand in the repository.
pub const PATH: &str = "schemas/routing/service_class_approvals.yaml";
