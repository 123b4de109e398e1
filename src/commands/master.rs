//! Who we are on the server: the master, from its secret.

use crate::actual::{Endpoint, MasterSecret};
use crate::cli::Global;
use crate::error::{Error, ErrorKind, Result};
use crate::name::Environment;
use crate::output::Output;
use crate::password::MasterPassword;
use crate::postgres::{Access, Connector, MAINTENANCE_DATABASE, Session};
use crate::secret_document::SecretDocument;
use crate::secrets_manager::{SecretsManager, Value, Which};
use crate::verification::{put_right, refused_current};
use crate::version_id::VersionId;

const HOST: &str = "add it: it is where applications reach the server; --host only says where to connect from here";

/// What the secret says.
pub(super) struct Master {
    pub(super) secret: String,
    pub(super) username: String,
    pub(super) password: MasterPassword,
    /// The version that the password is from.
    version: Option<VersionId>,
    /// Its label, where AWSCURRENT was refused.
    stands_in: Option<&'static str>,
    environment: Environment,
    pub(super) database: Option<String>,
    /// Where applications reach the server.
    pub(super) endpoint: Endpoint,
}

impl Master {
    /// Reads AWSCURRENT.
    pub(super) async fn read(
        secrets: &SecretsManager,
        global: &Global,
        environment: &Environment,
        output: Output,
    ) -> Result<Self> {
        let name = secret_name(global, environment);
        output.detail(&format!("reading the master's secret {name}"));
        let value = secrets.value(&name, Which::Current).await;
        let value = value.map_err(|error| error.context("cannot read the master's secret"));
        Self::parse(&name, environment, &value.map_err(hint_at_another_secret)?)
    }

    fn parse(name: &str, environment: &Environment, value: &Value) -> Result<Self> {
        let document = value.document(name)?;
        let fields = document.connection();
        let missing = |field: &str, hint: &str| {
            Error::new(format!("secret `{name}` has no `{field}`")).hint(hint)
        };
        let port = match fields.port {
            Some(port) => port.parse().map_err(|_| {
                Error::new(format!("secret `{name}`: `port` is `{port}`, not a port"))
            })?,
            None => 5432,
        };
        Ok(Self {
            secret: name.to_owned(),
            username: fields
                .username
                .ok_or_else(|| missing("username", "add it, or give another --master-secret"))?,
            password: MasterPassword::new(document.password),
            version: value.version.clone(),
            stands_in: None,
            environment: environment.clone(),
            database: fields.dbname,
            endpoint: Endpoint { host: fields.host.ok_or_else(|| missing("host", HOST))?, port },
        })
    }

    /// Logs in with AWSCURRENT. Where a rotation of the master was cut off, its password may be the
    /// pending one; where somebody moved AWSCURRENT by hand, the previous one.
    pub(super) async fn log_in(
        &mut self,
        secrets: &SecretsManager,
        connector: &Connector,
        access: Access,
        output: Output,
    ) -> Result<Session> {
        let refused = match self.try_password(connector, access).await? {
            Ok(session) => return Ok(session),
            Err(refused) => refused,
        };
        for (which, label) in [(Which::Pending, "AWSPENDING"), (Which::Previous, "AWSPREVIOUS")] {
            let Some(value) = secrets.value_if_any(&self.secret, which).await? else { continue };
            // Another label may still let us in.
            let Ok(SecretDocument { password, .. }) = value.document(&self.secret) else {
                continue;
            };
            self.password = MasterPassword::new(password);
            (self.version, self.stands_in) = (value.version, Some(label));
            if let Ok(session) = self.try_password(connector, access).await? {
                output.tell(&format!(
                    "warning: {}\nhint: {}\n",
                    refused_current(&self.secret, label),
                    put_right(&self.environment)
                ));
                return Ok(session);
            }
        }
        Err(refused)
    }

    /// The facts for the comparison, without what there is to the secret.
    pub(super) fn facts(&self) -> MasterSecret {
        let (name, logged_in_with) = (self.secret.clone(), self.version.clone());
        MasterSecret { name, secret: None, logged_in_with, stands_in: self.stands_in }
    }

    /// Whether AWSCURRENT let us in.
    pub(super) fn is_by_current(&self) -> bool {
        self.stands_in.is_none()
    }

    async fn try_password(
        &self,
        connector: &Connector,
        access: Access,
    ) -> Result<Result<Session, Error>> {
        let password = self.password.get();
        let database = MAINTENANCE_DATABASE;
        connector.connect_if_password(&self.username, &password, database, access).await
    }
}

/// Only where it is this secret that cannot be had.
fn hint_at_another_secret(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Absent | ErrorKind::Denied => error.hint("--master-secret names another secret"),
        ErrorKind::Failure | ErrorKind::Blocked | ErrorKind::Usage | ErrorKind::Signal(_) => error,
    }
}

/// The name of the master's secret.
pub(super) fn secret_name(global: &Global, environment: &Environment) -> String {
    global.master_secret.clone().unwrap_or_else(|| format!("goldenpath/{environment}/rds/master"))
}
