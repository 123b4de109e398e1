//! The days after which a password is due, by the risk of its database.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::risk::{ROTATION_DAYS_UNKNOWN, Risk};
use crate::tfvars::{Diagnostic, Kind, Member, Type, Value};

/// The variable by which an environment has days of its own: `{ high = 7, master = 90 }`.
pub const VARIABLE: &str = "secret_rotation_days";

/// The word for databases whose risk nobody said.
const UNKNOWN: &str = "unknown";

/// The word for the master, which is in no catalog.
const MASTER: &str = "master";

/// Days by risk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    own: BTreeMap<String, u16>,
}

impl Policy {
    /// The type of [`VARIABLE`].
    #[must_use]
    pub fn variable_type() -> Type {
        Type::map(Type::Number)
    }

    /// Reads the variable, converted to [`Self::variable_type`].
    ///
    /// # Errors
    /// All problems found.
    pub fn read(value: &Value) -> Result<Self, Vec<Diagnostic>> {
        let Kind::Map(members) = &value.kind else { return Ok(Self::default()) };
        let (mut own, mut problems) = (BTreeMap::new(), Vec::new());
        for (word, member) in members {
            match days(word, member) {
                Ok(days) => {
                    own.insert(word.clone(), days);
                }
                Err(problem) => problems.push(*problem),
            }
        }
        if problems.is_empty() { Ok(Self { own }) } else { Err(problems) }
    }

    /// For a database.
    #[must_use]
    pub fn days(&self, risk: Option<Risk>) -> u16 {
        match risk {
            Some(risk) => self.own_or(risk.as_str(), risk.controls().rotation_days),
            None => self.own_or(UNKNOWN, ROTATION_DAYS_UNKNOWN),
        }
    }

    /// For the master.
    #[must_use]
    pub fn master_days(&self) -> u16 {
        self.own_or(MASTER, ROTATION_DAYS_UNKNOWN)
    }

    fn own_or(&self, word: &str, otherwise: u16) -> u16 {
        self.own.get(word).copied().unwrap_or(otherwise)
    }
}

fn days(word: &str, member: &Member) -> Result<u16, Box<Diagnostic>> {
    if Risk::from_str(word).is_err() && ![UNKNOWN, MASTER].contains(&word) {
        let known = Risk::ALL.map(Risk::as_str).join(", ");
        let problem = Diagnostic::at(member.key_at.clone(), format!("`{word}` is no risk"));
        return Err(Box::new(problem.hint(format!("known are {known}, {UNKNOWN} and {MASTER}"))));
    }
    let number = match &member.value.kind {
        Kind::Number(number) => number.parse().ok().filter(|days| *days > 0),
        Kind::Null | Kind::Bool(_) | Kind::String(_) | Kind::List(_) | Kind::Map(_) => None,
    };
    number.ok_or_else(|| {
        let message = format!("`{word}` is no number of days");
        let hint = format!("give a whole number of days from 1 to {}", u16::MAX);
        Box::new(Diagnostic::at(member.value.at.clone(), message).hint(hint))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_from_the_risk_unless_the_environment_has_its_own() {
        let own =
            Policy { own: BTreeMap::from([("high".to_owned(), 7), ("master".to_owned(), 90)]) };
        let days = |policy: &Policy| {
            let of = |risk| policy.days(risk);
            (of(Some(Risk::None)), of(Some(Risk::High)), of(Some(Risk::Access)), of(None))
        };
        assert_eq!(days(&Policy::default()), (30, 14, 14, 30));
        assert_eq!((days(&own), own.master_days()), ((30, 7, 14, 30), 90));
    }
}
