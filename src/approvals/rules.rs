//! The rules: tier and reviewers of the service class `databases-rds`, and what large sizes add.

use std::collections::{BTreeMap, BTreeSet};

use crate::size::Size;
use crate::tfvars::{Diagnostic, Source};
use crate::yaml::{self, Node};

/// The class of service that databases on the shared instances belong to.
const SERVICE_CLASS: &str = "databases-rds";

/// Who agrees by name to the sizes for which the standard reviewers do not suffice, and the tier of that.
const EXPLICIT_TIER: &str = "platform-and-security";
const EXPLICIT_REVIEWERS: [&str; 3] = ["platform-team", "security-team", "database-team"];

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    standard: Required,
    /// The logins of each team.
    pub teams: BTreeMap<String, BTreeSet<String>>,
}

/// What a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// The approval tier.
    pub tier: String,
    /// The teams, each of which has to approve.
    pub reviewers: BTreeSet<String>,
}

impl Rules {
    /// What a request of a size needs; of a size that is not said, as much as of the largest.
    #[must_use]
    pub fn required(&self, size: Option<Size>) -> Required {
        let mut required = self.standard.clone();
        if size.is_none_or(Size::needs_explicit_approval) {
            EXPLICIT_TIER.clone_into(&mut required.tier);
            required.reviewers.extend(EXPLICIT_REVIEWERS.map(str::to_owned));
        }
        required
    }
}

/// Reads the rules. Where the service class has none, the file's defaults count.
///
/// # Errors
/// All problems found.
pub fn read(source: &Source) -> Result<Rules, Vec<Diagnostic>> {
    let root = yaml::parse(source).map_err(|problem| vec![*problem])?;
    let rule = root.get("rules").and_then(|rules| rules.get(SERVICE_CLASS));
    let Some(rule) = rule.or_else(|| root.get("defaults")) else {
        let at = source.position(0..0);
        let message = format!("there is neither `rules.{SERVICE_CLASS}` nor `defaults`");
        return Err(vec![Diagnostic::at(at, message)]);
    };
    let tier = rule.get("tier").and_then(Node::text);
    let reviewers = rule.get("required_reviewers").map(words).unwrap_or_default();
    match tier {
        Some(tier) if !reviewers.is_empty() => {
            let standard = Required { tier: tier.to_owned(), reviewers };
            Ok(Rules { standard, teams: teams(&root) })
        }
        Some(_) | None => {
            let message = "a rule has a `tier` and `required_reviewers`";
            Err(vec![Diagnostic::at(rule.at.clone(), message)])
        }
    }
}

fn teams(root: &Node) -> BTreeMap<String, BTreeSet<String>> {
    let members = root.get("teams").map(Node::members).unwrap_or_default();
    members.iter().map(|team| (team.key.clone(), words(&team.value))).collect()
}

fn words(list: &Node) -> BTreeSet<String> {
    list.items().iter().filter_map(Node::text).map(str::to_owned).collect()
}
