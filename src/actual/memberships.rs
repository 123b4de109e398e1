//! How a role comes to be a member of another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use postgres_protocol::escape::escape_identifier;

use super::{Actual, Role};

/// The ways from a role to one that it is a member of, directly or through others.
pub struct Ways<'a> {
    role: &'a str,
    /// The roles between the two on one of the shortest ways.
    between: Vec<&'a str>,
    /// Of what the role itself was made a member, and by whom: all by which it gets there.
    direct: BTreeMap<&'a str, &'a BTreeSet<String>>,
}

impl Actual {
    /// How a role is a member of another; `None` when it is not.
    #[must_use]
    pub fn ways<'a>(&'a self, role: &'a str, of: &str) -> Option<Ways<'a>> {
        let leads = |(parent, _): &(&String, &BTreeSet<String>)| {
            let further = self.roles.get(*parent).is_some_and(|found| found.member_of.contains(of));
            parent.as_str() == of || further
        };
        let parents = self.roles.get(role)?.parents.iter().filter(leads);
        let direct: BTreeMap<&str, _> = parents.map(|(name, by)| (name.as_str(), by)).collect();
        (!direct.is_empty()).then(|| Ways { role, between: between(&self.roles, role, of), direct })
    }
}

fn between<'a>(roles: &'a BTreeMap<String, Role>, from: &'a str, to: &str) -> Vec<&'a str> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(next) = open.pop_front() {
        for parent in roles.get(next).into_iter().flat_map(|role| role.parents.keys()) {
            if parent == to {
                let back = std::iter::successors(Some(next), |at| came_from.get(at).copied());
                let mut between: Vec<_> = back.take_while(|at| *at != from).collect();
                between.reverse();
                return between;
            }
            if parent != from && !came_from.contains_key(parent.as_str()) {
                came_from.insert(parent, next);
                open.push_back(parent);
            }
        }
    }
    Vec::new()
}

impl Ways<'_> {
    /// `, through "a" and "b"`, or nothing when no role is between the two.
    #[must_use]
    pub fn through(&self) -> String {
        if self.between.is_empty() {
            return String::new();
        }
        let names: Vec<_> = self.between.iter().map(|name| format!("\"{name}\"")).collect();
        format!(", through {}", names.join(" and "))
    }

    /// What a person can run to end it. A group's own memberships are not touched: others are in it.
    #[must_use]
    pub fn revoke(&self, actual: &Actual) -> String {
        // One statement for what the same role granted.
        let mut by: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
        for (name, grantors) in &self.direct {
            let known = grantors.iter().map(|grantor| Some(grantor.as_str()));
            for grantor in known.chain(grantors.is_empty().then_some(None)) {
                by.entry(grantor).or_default().push(escape_identifier(name));
            }
        }
        let grantors: Vec<_> = by.keys().copied().flatten().collect();
        let role = escape_identifier(self.role);
        let statement = |(grantor, names): (&Option<&str>, &Vec<String>)| {
            let by = grantor.map(|name| format!(" GRANTED BY {}", escape_identifier(name)));
            format!("REVOKE {} FROM {role}{}", names.join(", "), by.unwrap_or_default())
        };
        let statements: Vec<_> = by.iter().map(statement).collect();
        actual.by_hand(&grantors, &statements.join("; "))
    }
}
