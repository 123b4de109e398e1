//! The words that the platform's metadata may use, from `schemas/metadata/enums.yaml`.

use std::collections::BTreeSet;

use crate::tfvars::{Diagnostic, Source};
use crate::yaml;

/// Where the file stands in the repository.
pub const PATH: &str = "schemas/metadata/enums.yaml";

/// The lists that requests are checked against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enums {
    /// `owners`: the teams.
    pub owners: BTreeSet<String>,
    /// `domains`: the business domains.
    pub domains: BTreeSet<String>,
    /// `environments`.
    pub environments: BTreeSet<String>,
}

/// Reads the lists; those that it does not know are left to others.
///
/// # Errors
/// All problems found.
pub fn read(source: &Source) -> Result<Enums, Vec<Diagnostic>> {
    let root = yaml::parse(source).map_err(|problem| vec![*problem])?;
    let mut problems = Vec::new();
    let mut list = |name: &str| -> BTreeSet<String> {
        let items = root.get(name).map(yaml::Node::items).unwrap_or_default();
        let words: BTreeSet<_> =
            items.iter().filter_map(yaml::Node::text).map(str::to_owned).collect();
        if words.is_empty() {
            let at = source.position(0..0);
            problems.push(Diagnostic::at(at, format!("there is no list `{name}`")));
        }
        words
    };
    let (owners, domains, environments) = (list("owners"), list("domains"), list("environments"));
    let enums = Enums { owners, domains, environments };
    if problems.is_empty() { Ok(enums) } else { Err(problems) }
}
