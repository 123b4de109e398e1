//! How old a password may become, and how old each one is. Pure: what is read comes in as facts.

mod policy;
mod status;

pub use policy::{Policy, VARIABLE};
pub use status::{Age, Ages, Read, State, judge};
