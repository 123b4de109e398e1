//! The size tiers of a request: one table.

use crate::name::Environment;
use crate::words::words;

words! {
    /// How much of a server a database is expected to need.
    Size {
        /// Development and tests.
        Small = "small",
        /// Staging and light work.
        Medium = "medium",
        /// Light production work; the platform team agrees by name.
        Large = "large",
        /// Heavy production work; the platform team agrees by name.
        Xlarge = "xlarge",
    }
}

impl Size {
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
