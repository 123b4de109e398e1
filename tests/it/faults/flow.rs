//! Which run goes wrong, and where.

use crate::harness::MASTER;

/// What the run under test does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// One new entry.
    Create,
    /// A role and a secret made by hand are taken over.
    Adopt,
    /// A new password.
    Rotate,
    /// The endpoint in the master's secret has changed, so the entry's secret does.
    Update,
    /// A role and a secret made by hand that do not go together, with `--reset-password`.
    Reset,
    /// The secret is in its recovery window.
    Restore,
    /// The secret is gone.
    Lost,
    /// A new password of the master.
    Master,
}

impl Flow {
    /// Whether the role's password is known to somebody before the run and all along.
    pub fn keeps_a_password(self) -> bool {
        match self {
            Self::Create | Self::Adopt | Self::Rotate | Self::Update | Self::Master => true,
            Self::Reset | Self::Restore | Self::Lost => false,
        }
    }
}

/// Whose run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Owner,
    Reader,
    Master,
}

impl Who {
    pub fn role(self) -> &'static str {
        match self {
            Self::Master => MASTER,
            Self::Owner => "app_user",
            Self::Reader => "reports_user",
        }
    }

    pub fn secret(self) -> &'static str {
        match self {
            Self::Master => "goldenpath/dev/rds/master",
            Self::Owner => "goldenpath/dev/app/postgres",
            Self::Reader => "goldenpath/dev/reports/postgres",
        }
    }

    /// How `rotate` calls it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Master => "--master",
            Self::Owner => "app",
            Self::Reader => "reports",
        }
    }

    pub fn entries(self) -> &'static str {
        match self {
            Self::Owner | Self::Master => {
                "app = { database_name = \"app\", username = \"app_user\" }"
            }
            Self::Reader => {
                "app = { database_name = \"app\", username = \"app_user\" }\nreports = { database_name = \"app\", username = \"reports_user\", access_level = \"reader\" }"
            }
        }
    }
}

/// Where something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A request to Secrets Manager.
    Request,
    /// A statement for PostgreSQL, or a login.
    Statement,
}
