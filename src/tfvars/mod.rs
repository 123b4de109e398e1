//! Terraform variable files, read as Terraform 1.11 reads them.
//!
//! ```text
//! TF_VAR_… < terraform.tfvars < terraform.tfvars.json < *.auto.tfvars[.json] < --var, --var-file
//!      │ discover                                                                  │
//!      └──► hcl, json: every file must parse ──► Variables: the last setting of each name
//!                                                    │ get(name, type)
//!                                                    └─► literal ──► convert ──► Value
//! ```
//!
//! A value is evaluated only when it is asked for: what a later file replaces may hold
//! anything that parses, as in Terraform. Every value knows its place.

mod brackets;
mod convert;
mod diagnostic;
mod discover;
mod hcl;
mod heredoc;
mod insert;
mod json;
mod json_file;
mod lexical;
mod listing;
mod literal;
mod node;
mod number;
mod object;
mod primitive;
mod read;
mod repeated;
mod scan;
mod source;
mod spelling;
mod text;
mod types;
mod value;

pub use diagnostic::Diagnostic;
pub use discover::is_read_unasked;
pub use insert::insert;
pub use listing::{document, human, to_json};
pub use read::{Argument, Request, Variables, read, read_text};
pub use source::{Position, Source, Sources};
pub use types::{Attribute, Presence, Rules, Type};
pub use value::{Kind, Member, Value};
