//! The size tiers of a request: one table.

use std::fmt;
use std::str::FromStr;

use crate::name::Environment;

/// How much of a server a database is expected to need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Development and tests.
    Small,
    /// Staging and light work.
    Medium,
    /// Light production work; the platform team agrees by name.
    Large,
    /// Heavy production work; the platform team agrees by name.
    Xlarge,
}

impl Size {
    /// All of them, the smallest first.
    pub const ALL: [Self; 4] = [Self::Small, Self::Medium, Self::Large, Self::Xlarge];

    /// The word for it in requests and in the RDS catalog.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
            Self::Xlarge => "xlarge",
        }
    }

    /// The class of RDS instance that the tier stands for.
    #[must_use]
    pub fn instance_class(self) -> &'static str {
        match self {
            Self::Small => "db.t3.micro",
            Self::Medium => "db.t3.small",
            Self::Large => "db.t3.medium",
            Self::Xlarge => "db.r6g.large",
        }
    }

    /// Whether the standard reviewers do not suffice.
    #[must_use]
    pub fn needs_explicit_approval(self) -> bool {
        match self {
            Self::Small | Self::Medium => false,
            Self::Large | Self::Xlarge => true,
        }
    }

    /// The sizes that an environment takes: `dev` has small databases only.
    #[must_use]
    pub fn allowed_in(environment: &Environment) -> &'static [Self] {
        match environment.as_str() {
            "dev" => &[Self::Small],
            _ => &Self::ALL,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The error is the list of words that are known.
impl FromStr for Size {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|size| size.as_str() == word)
            .ok_or_else(|| Self::ALL.map(Self::as_str).join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dev_takes_small_databases_only() {
        let sizes = |environment: &str| Size::allowed_in(&Environment::parse(environment).unwrap());
        assert_eq!(sizes("dev"), [Size::Small]);
        for environment in ["test", "staging", "prod"] {
            assert_eq!(sizes(environment), Size::ALL);
        }
    }

    #[test]
    fn every_word_is_read_back() {
        for size in Size::ALL {
            assert_eq!(size.as_str().parse(), Ok(size));
        }
        assert_eq!("huge".parse::<Size>(), Err("small, medium, large, xlarge".to_owned()));
    }
}
