//! Trying a password by logging in with it.

use tokio_postgres::error::SqlState;

use super::connect::{Access, ConnectFailure, Connector};
use super::error::{connect_error, describe};
use crate::password::Password;

/// What came of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginOutcome {
    /// The password is the role's.
    Accepted,
    /// It is not; the server's words.
    Refused(String),
    /// The password is the role's, but the login was turned away for another reason.
    TurnedAway(String),
    /// The server could not be asked.
    Failed(String),
}

/// Logs in and out.
pub async fn try_login(
    connector: &Connector,
    user: &str,
    password: &Password,
    database: &str,
) -> LoginOutcome {
    match connector.open(user, password, database, Access::Read).await {
        Ok(_) => LoginOutcome::Accepted,
        Err(failure) => classify(connector, &failure, user, database),
    }
}

/// The server checks the password first. Whether the database exists, whether the role may connect to
/// it and whether a connection is free comes after (PostgreSQL source, `InitPostgres`).
fn classify(
    connector: &Connector,
    failure: &ConnectFailure,
    user: &str,
    database: &str,
) -> LoginOutcome {
    if let ConnectFailure::Postgres(error) = failure
        && let Some(code) = error.code()
    {
        if *code == SqlState::INVALID_PASSWORD {
            return LoginOutcome::Refused(describe(error));
        }
        let after_password = [
            SqlState::INSUFFICIENT_PRIVILEGE,
            SqlState::INVALID_CATALOG_NAME,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        ];
        if after_password.contains(code) {
            return LoginOutcome::TurnedAway(describe(error));
        }
    }
    let error = connect_error(failure, connector.target(), user, database);
    LoginOutcome::Failed(error.message().to_owned())
}
