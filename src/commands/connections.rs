//! The way in: AWS, the master's secret, the server.

use crate::actual::Endpoint;
use crate::cli::Global;
use crate::error::{Error, Result};
use crate::name::Environment;
use crate::output::Output;
use crate::password::Password;
use crate::postgres::{Access, Connector, MAINTENANCE_DATABASE, Session, SslMode, Target, Tls};
use crate::secrets_manager::{SecretsManager, Settings, Which, connect};

/// Everything that is needed to read and to write.
pub(super) struct Connections {
    pub(super) secrets: SecretsManager,
    pub(super) connector: Connector,
    pub(super) master: Master,
}

/// Who we are on the server, from the master's secret.
pub(super) struct Master {
    pub(super) username: String,
    pub(super) password: Password,
    pub(super) database: Option<String>,
    /// Where applications reach the server.
    pub(super) endpoint: Endpoint,
}

impl Connections {
    /// Resolves AWS and the master's secret, and loads the certificates. Opens no connection yet.
    pub(super) async fn open(
        global: &Global,
        environment: &Environment,
        verb: &str,
        output: Output,
    ) -> Result<Self> {
        let tls = Tls::new(global.sslmode, global.sslrootcert.as_ref())?;
        let secrets = connect(&Settings { region: global.region.clone() }).await?;
        let name = master_secret_name(global, environment);
        output.detail(&format!("reading the master's secret {name}"));
        let master = read_master(&secrets, &name, global).await?;
        let address = Endpoint {
            host: global.host.clone().unwrap_or_else(|| master.endpoint.host.clone()),
            port: global.port.unwrap_or(master.endpoint.port),
        };
        if matches!(global.sslmode, SslMode::Disable | SslMode::Prefer) {
            output.tell(&format!(
                "warning: --sslmode {} may send everything in clear\n",
                if global.sslmode == SslMode::Disable { "disable" } else { "prefer" }
            ));
        }
        let target = Target { address, server_name: master.endpoint.host.clone() };
        let connector = Connector::new(target, tls, application_name(verb)).await?;
        Ok(Self { secrets, connector, master })
    }

    /// A session of the master on the maintenance database.
    pub(super) async fn session(&self, access: Access) -> Result<Session> {
        let Master { username, password, .. } = &self.master;
        self.connector.connect(username, password, MAINTENANCE_DATABASE, access).await
    }
}

/// What `pg_stat_activity` and a waiting run show of us.
fn application_name(verb: &str) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("goldenpath-rds {verb} {}/{}", host.trim(), std::process::id())
}

fn master_secret_name(global: &Global, environment: &Environment) -> String {
    global.master_secret.clone().unwrap_or_else(|| format!("goldenpath/{environment}/rds/master"))
}

async fn read_master(secrets: &SecretsManager, name: &str, global: &Global) -> Result<Master> {
    let hint = "--master-secret names another secret";
    let document = secrets
        .document(name, Which::Current)
        .await
        .map_err(|error| error.context("cannot read the master's secret").hint(hint))?;
    let fields = document.connection();
    let missing = |field: &str, flag: &str| {
        Error::new(format!("secret `{name}` has no `{field}`"))
            .hint(format!("add it, or give {flag}"))
    };
    let host = fields.host.or_else(|| global.host.clone());
    let port = match fields.port {
        Some(port) => port
            .parse()
            .map_err(|_| Error::new(format!("secret `{name}`: `port` is `{port}`, not a port")))?,
        None => global.port.unwrap_or(5432),
    };
    Ok(Master {
        username: fields.username.ok_or_else(|| missing("username", "another --master-secret"))?,
        password: document.password,
        database: fields.dbname.filter(|database| database != MAINTENANCE_DATABASE),
        endpoint: Endpoint { host: host.ok_or_else(|| missing("host", "--host"))?, port },
    })
}
