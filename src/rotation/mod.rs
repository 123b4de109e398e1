//! How old a password may become, and how old each one is. Pure: what is read comes in as facts.

mod policy;
mod status;
mod survey;

pub use policy::{Policy, VARIABLE};
pub use status::{Age, Ages, Obstacle, Read, State, judge};
pub use survey::{Survey, Unread};
