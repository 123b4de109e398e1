//! The way in: AWS, the master's secret, the server.

use super::master::Master;
use std::time::Duration;

use crate::actual::Endpoint;
use crate::cli::Global;
use crate::error::Result;
use crate::name::Environment;
use crate::output::Output;
use crate::postgres::{Access, Connector, Session, SslMode, Target, Tls};
use crate::secrets_manager::{SecretsManager, Settings, connect};

/// Everything that is needed to read and to write.
pub(super) struct Connections {
    pub(super) secrets: SecretsManager,
    pub(super) connector: Connector,
    pub(super) master: Master,
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
        let master = Master::read(&secrets, global, environment, output).await?;
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
        let connector = Connector::new(
            target,
            tls,
            application_name(verb),
            Duration::from_secs(u64::from(global.statement_timeout)),
        )
        .await?;
        Ok(Self { secrets, connector, master })
    }

    /// A session of the master on the maintenance database.
    pub(super) async fn session(&mut self, access: Access, output: Output) -> Result<Session> {
        self.master.log_in(&self.secrets, &self.connector, access, output).await
    }
}

/// What `pg_stat_activity` and a waiting run show of us.
fn application_name(verb: &str) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("goldenpath-rds {verb} {}/{}", host.trim(), std::process::id())
}
