//! Opening connections.

use std::net::IpAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use super::error::connect_error;
use super::session::Session;
use super::tls::Tls;
use crate::actual::Endpoint;
use crate::error::{Error, Result};
use crate::password::Password;

/// From the first packet to a session that is ready. tokio-postgres's own limit covers TCP only: a
/// server that accepts and stays mute would hold us for ever (measured).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// For TCP to one address, so that a mute one leaves time for the next.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(4);

/// Where we connect, which is not always where applications do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where the TCP connection goes: a tunnel's end, say.
    pub address: Endpoint,
    /// The name that the server's certificate must be for.
    pub server_name: String,
}

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `default_transaction_read_only = on`.
    Read,
    /// It may write.
    Write,
}

/// Makes connections to one server.
#[derive(Clone)]
pub struct Connector {
    target: Target,
    addresses: Vec<IpAddr>,
    tls: Tls,
    application_name: String,
    statement_timeout: Duration,
}

impl Connector {
    /// Looks the host up. After `statement_timeout` the server cancels a statement; if it does not say so
    /// soon after, the session is given up.
    ///
    /// # Errors
    /// When the name has no address.
    pub async fn new(
        target: Target,
        tls: Tls,
        application_name: String,
        statement_timeout: Duration,
    ) -> Result<Self> {
        let Endpoint { host, port } = target.address.clone();
        let found = timeout(CONNECT_TIMEOUT, lookup_host((host.as_str(), port))).await;
        let addresses: Vec<IpAddr> = match found {
            Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        if addresses.is_empty() {
            return Err(Error::new(format!("host `{host}` has no address"))
                .hint("check the master secret's `host`, or connect through a tunnel with --host and --port"));
        }
        Ok(Self { target, addresses, tls, application_name, statement_timeout })
    }

    /// Opens a session.
    ///
    /// # Errors
    /// When the server cannot be reached, its certificate is not trusted, or it refuses the login.
    pub async fn connect(
        &self,
        user: &str,
        password: &Password,
        database: &str,
        access: Access,
    ) -> Result<Session> {
        self.open(user, password, database, access)
            .await
            .map_err(|failure| connect_error(&failure, &self.target, user, database))
    }

    /// Opens a session. A password that is not the role's is an answer, with the error that says so.
    ///
    /// # Errors
    /// As [`Self::connect`], but for the password.
    pub async fn connect_if_password(
        &self,
        user: &str,
        password: &Password,
        database: &str,
        access: Access,
    ) -> Result<Result<Session, Error>> {
        match self.open(user, password, database, access).await {
            Ok(session) => Ok(Ok(session)),
            Err(failure) => {
                let error = connect_error(&failure, &self.target, user, database);
                if failure.is_wrong_password() { Ok(Err(error)) } else { Err(error) }
            }
        }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) async fn open(
        &self,
        user: &str,
        password: &Password,
        database: &str,
        access: Access,
    ) -> Result<Session, ConnectFailure> {
        let config = self.config(user, password, database, access);
        let opening = config.connect(self.tls.connector());
        match timeout(CONNECT_TIMEOUT, opening).await {
            Ok(Ok((client, connection))) => {
                Ok(Session::start(client, connection, self.statement_timeout))
            }
            Ok(Err(error)) => Err(ConnectFailure::Postgres(error)),
            Err(_) => Err(ConnectFailure::Timeout(CONNECT_TIMEOUT)),
        }
    }

    fn config(&self, user: &str, password: &Password, database: &str, access: Access) -> Config {
        let mut config = Config::new();
        for address in &self.addresses {
            config.host(&self.target.server_name).hostaddr(*address);
        }
        config
            .port(self.target.address.port)
            .user(user)
            .password(password.expose())
            .dbname(database)
            .application_name(&self.application_name)
            .ssl_mode(self.tls.mode())
            .connect_timeout(ADDRESS_TIMEOUT)
            .keepalives_idle(Duration::from_secs(30))
            .options(startup_options(access, self.statement_timeout));
        config
    }
}

/// A tenant may run `ALTER DATABASE … SET` in its own database, and that would hold for our sessions
/// too; options of the startup packet override it. With `search_path` it also decides which operators
/// and functions our statements call.
fn startup_options(access: Access, statement_timeout: Duration) -> String {
    let read_only = match access {
        Access::Read => "on",
        Access::Write => "off",
    };
    [
        "search_path=pg_catalog",
        &format!("default_transaction_read_only={read_only}"),
        &format!("statement_timeout={}s", statement_timeout.as_secs()),
        "lock_timeout=10s",
        "idle_in_transaction_session_timeout=60s",
        // So that the server notices a dead client, and frees its locks, while a statement runs.
        "client_connection_check_interval=5s",
        "role=none",
    ]
    .map(|option| format!("-c {option}"))
    .join(" ")
}

/// Why a connection could not be opened.
pub(super) enum ConnectFailure {
    /// The driver's error.
    Postgres(tokio_postgres::Error),
    /// Nothing came back in time.
    Timeout(Duration),
}

impl ConnectFailure {
    fn is_wrong_password(&self) -> bool {
        match self {
            Self::Postgres(error) => error.code() == Some(&SqlState::INVALID_PASSWORD),
            Self::Timeout(_) => false,
        }
    }
}
