//! The risk of a database, and what follows from it: one table.

use std::fmt;
use std::str::FromStr;

/// How bad it is when a database's data gets out or is lost: the data classification of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// No data worth protecting; treated as low.
    None,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// The data gives access to other systems; treated as high, and who has access is reviewed.
    Access,
}

/// What a risk asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controls {
    /// Days for which backups are kept.
    pub backup_retention_days: u16,
    /// Days after which a password is due for rotation.
    pub rotation_days: u16,
    /// What else is done, each as a phrase.
    pub additional: &'static [&'static str],
}

/// Days after which the password of a database is due for rotation while nobody said its risk.
pub const ROTATION_DAYS_UNKNOWN: u16 = 30;

const LOW: Controls =
    Controls { backup_retention_days: 7, rotation_days: 30, additional: &["Basic monitoring"] };

const MEDIUM: Controls =
    Controls { backup_retention_days: 14, rotation_days: 30, additional: &["Standard monitoring"] };

const HIGH: Controls = Controls {
    backup_retention_days: 35,
    rotation_days: 14,
    additional: &["Audit logging", "Enhanced monitoring"],
};

const ACCESS: Controls =
    Controls { additional: &["Access review", "Audit logging", "Enhanced monitoring"], ..HIGH };

impl Risk {
    /// All of them, the smallest first.
    pub const ALL: [Self; 5] = [Self::None, Self::Low, Self::Medium, Self::High, Self::Access];

    /// What follows from it.
    #[must_use]
    pub fn controls(self) -> Controls {
        match self {
            Self::None | Self::Low => LOW,
            Self::Medium => MEDIUM,
            Self::High => HIGH,
            Self::Access => ACCESS,
        }
    }

    /// The word for it in requests, in the RDS catalog and in tags.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Access => "access",
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The error is the list of words that are known.
impl FromStr for Risk {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|risk| risk.as_str() == word)
            .ok_or_else(|| Self::ALL.map(Self::as_str).join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the platform's request flow, "Risk-Based Security Controls".
    #[test]
    fn controls_are_those_of_the_platform() {
        let row = |risk: &str| {
            let controls = risk.parse::<Risk>().unwrap().controls();
            (controls.backup_retention_days, controls.rotation_days, controls.additional.join(", "))
        };
        for (risk, retention, rotation, additional) in [
            ("none", 7, 30, "Basic monitoring"),
            ("low", 7, 30, "Basic monitoring"),
            ("medium", 14, 30, "Standard monitoring"),
            ("high", 35, 14, "Audit logging, Enhanced monitoring"),
            ("access", 35, 14, "Access review, Audit logging, Enhanced monitoring"),
        ] {
            assert_eq!(row(risk), (retention, rotation, additional.to_owned()), "{risk}");
        }
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        assert_eq!("High".parse::<Risk>(), Err("none, low, medium, high, access".to_owned()));
    }
}
