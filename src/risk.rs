//! The risk of a database, and what follows from it: one table.

use crate::words::words;

words! {
    /// How bad it is when a database's data gets out or is lost: the data classification of a request.
    Risk {
        /// No data worth protecting; treated as low.
        None = "none",
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// The data gives access to other systems; treated as high, and who has access is reviewed.
        Access = "access",
    }
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
