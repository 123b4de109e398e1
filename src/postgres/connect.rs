//! Opening connections.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use super::error::{connect_error, is_timeout};
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
    tls: Tls,
    application_name: String,
    statement_timeout: Duration,
    /// As the last session told it, `server_version_num`; 0 before the first.
    server_version: Arc<AtomicU32>,
}

impl Connector {
    /// After `statement_timeout` the server cancels a statement; if it does not say so soon after, the
    /// session is given up.
    #[must_use]
    pub fn new(
        target: Target,
        tls: Tls,
        application_name: String,
        statement_timeout: Duration,
    ) -> Self {
        let server_version = Arc::default();
        Self { target, tls, application_name, statement_timeout, server_version }
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
        let addresses = self.addresses().await?;
        let opening = self.open_at(&addresses, user, password, database, access);
        match timeout(CONNECT_TIMEOUT, opening).await {
            Ok(opened) => opened.inspect(|session| {
                self.server_version.store(session.server_version(), Ordering::Relaxed);
            }),
            Err(_) => Err(ConnectFailure::Timeout(CONNECT_TIMEOUT)),
        }
    }

    /// Another address is for a server that cannot be reached at the first. What a server says, a refusal
    /// or an untrusted certificate, is the answer, as it is for libpq; the driver would go on, and tell only
    /// what came of the last address.
    async fn open_at(
        &self,
        addresses: &[IpAddr],
        user: &str,
        password: &Password,
        database: &str,
        access: Access,
    ) -> Result<Session, ConnectFailure> {
        let mut unreachable = None;
        for address in addresses {
            let config = self.config(*address, user, password, database, access);
            match self.open_with(config).await {
                Ok(session) => return Ok(session),
                Err(error) if is_unreachable(&error) => unreachable = unreachable.or(Some(error)),
                Err(error) => return Err(ConnectFailure::Postgres(error)),
            }
        }
        Err(unreachable.map_or(ConnectFailure::NoAddress, ConnectFailure::Postgres))
    }

    /// Where TLS is only preferred, a server that does not want it is tried without. What it said first is
    /// told where that fails, too.
    async fn open_with(&self, mut config: Config) -> Result<Session, tokio_postgres::Error> {
        let (client, connection) = match config.connect(self.tls.connector()).await {
            Err(error) if self.tls.is_optional() && is_refusal_of_tls(&error) => {
                let without = config.ssl_mode(tokio_postgres::config::SslMode::Disable);
                without.connect(self.tls.connector()).await.map_err(|_| error)?
            }
            opened => opened?,
        };
        Ok(Session::start(client, connection, self.statement_timeout))
    }

    /// Looked up anew for each session: after a failover the name stands for another server.
    async fn addresses(&self) -> Result<Vec<IpAddr>, ConnectFailure> {
        let Endpoint { host, port } = &self.target.address;
        let found = timeout(CONNECT_TIMEOUT, lookup_host((host.as_str(), *port))).await;
        match found {
            Ok(Ok(found)) => Ok(found.map(|address| address.ip()).collect()),
            Ok(Err(_)) | Err(_) => Err(ConnectFailure::NoAddress),
        }
    }

    fn config(
        &self,
        address: IpAddr,
        user: &str,
        password: &Password,
        database: &str,
        access: Access,
    ) -> Config {
        let mut config = Config::new();
        config
            .host(&self.target.server_name)
            .hostaddr(address)
            .port(self.target.address.port)
            .user(user)
            .password(password.expose())
            .dbname(database)
            .application_name(&self.application_name)
            .ssl_mode(self.tls.mode())
            .connect_timeout(ADDRESS_TIMEOUT)
            .keepalives_idle(Duration::from_secs(30))
            .options(self.startup_options(access));
        config
    }

    /// A tenant may run `ALTER DATABASE … SET` in its own database, and that would hold for our sessions
    /// too; options of the startup packet override it. With `search_path` it also decides which operators
    /// and functions our statements call. The server's own databases, where no tenant can set anything,
    /// are connected to first, so its version is known when it matters.
    fn startup_options(&self, access: Access) -> String {
        let read_only = match access {
            Access::Read => "on",
            Access::Write => "off",
        };
        let mut options = vec![
            "search_path=pg_catalog".to_owned(),
            format!("default_transaction_read_only={read_only}"),
            // A deferrable serializable transaction that only reads waits for those that write.
            "default_transaction_isolation=read\\ committed".to_owned(),
            "default_transaction_deferrable=off".to_owned(),
            // Or an error that is worth another try ends the connection.
            "exit_on_error=off".to_owned(),
            format!("statement_timeout={}s", self.statement_timeout.as_secs()),
            "lock_timeout=10s".to_owned(),
            "idle_in_transaction_session_timeout=60s".to_owned(),
            "idle_session_timeout=0".to_owned(),
            // Or a GRANT that grants nothing would look like one that does.
            "client_min_messages=notice".to_owned(),
            // A library that is not there ends the connection.
            "local_preload_libraries=".to_owned(),
            // So that the server notices a dead client, and frees its locks, while a statement runs.
            "client_connection_check_interval=5s".to_owned(),
            "role=none".to_owned(),
        ];
        if self.server_version.load(Ordering::Relaxed) >= TRANSACTION_TIMEOUT_SINCE {
            options.push("transaction_timeout=0".to_owned());
        }
        options.iter().map(|option| format!("-c {option}")).collect::<Vec<_>>().join(" ")
    }
}

/// An older server refuses a setting that it does not know.
const TRANSACTION_TIMEOUT_SINCE: u32 = 170_000;

/// Whether no server was reached, so that another address may help. What goes wrong in TLS has causes of
/// its own kinds.
fn is_unreachable(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(<dyn StdError>::is::<std::io::Error>)
}

/// A `hostnossl` line lets in only those who come without, and says so under the code of all that
/// `pg_hba.conf` refuses; a handshake that fails has an error of its own.
fn is_refusal_of_tls(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
        || error.source().is_some_and(<dyn StdError>::is::<native_tls::Error>)
}

/// Why a connection could not be opened.
pub(super) enum ConnectFailure {
    /// The driver's error.
    Postgres(tokio_postgres::Error),
    /// Nothing came back in time.
    Timeout(Duration),
    /// The host's name has no address.
    NoAddress,
}

impl ConnectFailure {
    /// Whether we were kept waiting, by the server or in it.
    pub(super) fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout(_) => true,
            Self::Postgres(error) => is_timeout(error),
            Self::NoAddress => false,
        }
    }

    fn is_wrong_password(&self) -> bool {
        match self {
            Self::Postgres(error) => error.code() == Some(&SqlState::INVALID_PASSWORD),
            Self::Timeout(_) | Self::NoAddress => false,
        }
    }
}
