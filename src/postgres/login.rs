//! Trying a password by logging in with it.

use tokio_postgres::error::{DbError, SqlState};

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
    /// The password is the role's, and the role holds all connections that it may have.
    AtLimit,
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

/// The server checks the password first. Whether the database exists, whether the role may log in and
/// connect to it, and the limits of role and database come after. But a server without a free
/// slot says so before, under the same code. What was checked is known by the function that raises the error,
/// since messages are in the server's language (measured on 14 to 18).
fn comes_after_the_password(refusal: &DbError) -> bool {
    let code = refusal.code();
    *code == SqlState::INSUFFICIENT_PRIVILEGE
        || *code == SqlState::INVALID_CATALOG_NAME
        || *code == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
        || (*code == SqlState::TOO_MANY_CONNECTIONS && refusal.routine() == Some(DATABASE_CHECK))
        || (*code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            && refusal.routine() == Some(ROLE_CHECK))
}

/// Where the server looks whether the role may log in, and how often.
const ROLE_CHECK: &str = "InitializeSessionUserId";

/// Where it looks whether the database lets the role in, and how often.
pub(super) const DATABASE_CHECK: &str = "CheckMyDatabase";

fn is_at_limit(refusal: &DbError) -> bool {
    *refusal.code() == SqlState::TOO_MANY_CONNECTIONS && refusal.routine() == Some(ROLE_CHECK)
}

fn classify(
    connector: &Connector,
    failure: &ConnectFailure,
    user: &str,
    database: &str,
) -> LoginOutcome {
    if let ConnectFailure::Postgres(error) = failure
        && let Some(refusal) = error.as_db_error()
    {
        if *refusal.code() == SqlState::INVALID_PASSWORD {
            return LoginOutcome::Refused(describe(error));
        }
        if is_at_limit(refusal) {
            return LoginOutcome::AtLimit;
        }
        if comes_after_the_password(refusal) {
            return LoginOutcome::TurnedAway(describe(error));
        }
    }
    let error = connect_error(failure, connector.target(), user, database);
    LoginOutcome::Failed(error.message().to_owned())
}
