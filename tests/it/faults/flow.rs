//! Which run goes wrong, and where.

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
}

/// Whose run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Owner,
    Reader,
}

impl Who {
    pub fn role(self) -> &'static str {
        match self {
            Self::Owner => "app_user",
            Self::Reader => "reports_user",
        }
    }

    pub fn secret(self) -> &'static str {
        match self {
            Self::Owner => "goldenpath/dev/app/postgres",
            Self::Reader => "goldenpath/dev/reports/postgres",
        }
    }

    pub fn key(self) -> &'static str {
        match self {
            Self::Owner => "app",
            Self::Reader => "reports",
        }
    }

    pub fn entries(self) -> &'static str {
        match self {
            Self::Owner => "app = { database_name = \"app\", username = \"app_user\" }",
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
