//! Plans and outcomes as text. Each renderer is a function of its arguments; none prints.

mod ages;
mod agreement;
mod approvals;
mod human;
mod json;
mod markdown;
mod notes;
mod verification;
mod words;

pub use ages::{ages, ages_annotations, ages_markdown, unknown_ages};
pub use agreement::{agreements, agreements_annotations, agreements_markdown};
pub use approvals::{approvals, approvals_annotations, approvals_markdown, approvals_status};
pub use human::{human, outcome, progress};
pub use json::{FORMAT_VERSION, Saved, document};
pub use markdown::markdown;
pub use verification::{verification, verification_markdown};
