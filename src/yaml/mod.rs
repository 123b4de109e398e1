//! YAML files of the platform: read with the place of every value, edited without touching the rest.
//!
//! [`saphyr_parser`] reads and knows places, [`yaml_edit`] edits and keeps comments and layout. They are
//! independent of each other, so that what one wrote is proved by the other.

mod edit;
mod node;
mod read;

pub use edit::{insert, replace};
pub use node::{Kind, Member, Node};
pub use read::parse;
