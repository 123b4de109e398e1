//! PostgreSQL from an image, where `GOLDENPATH_TEST_POSTGRES=container:IMAGE` asks for it.

use std::path::PathBuf;
use std::sync::OnceLock;

use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use super::rds::HBA;
use super::{local, tls};

/// The key must belong to the server's user, and copied files belong to root.
const START: &str = "install -o postgres -g postgres -m 600 /tls/server.key /tmp/server.key && \
    exec docker-entrypoint.sh postgres -c ssl=on -c ssl_cert_file=/tls/server.crt \
    -c ssl_key_file=/tmp/server.key -c hba_file=/tls/pg_hba.conf";

/// A running container.
pub struct Container {
    pub port: u16,
    container: ContainerAsync<GenericImage>,
}

/// The image asked for: `postgres:16` of `container:postgres:16`.
pub fn image() -> Option<String> {
    let wanted = std::env::var("GOLDENPATH_TEST_POSTGRES").ok()?;
    wanted.strip_prefix("container:").map(str::to_owned)
}

pub fn ca() -> PathBuf {
    tls::ca(certificates())
}

fn certificates() -> &'static std::path::Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        tls::make(folder.path());
        folder
    });
    folder.path()
}

impl Container {
    pub async fn start(image: &str, settings: &[&str]) -> Self {
        let (name, tag) = image.split_once(':').unwrap_or((image, "latest"));
        let options: String = settings.iter().map(|setting| format!(" -c '{setting}'")).collect();
        let ready = "database system is ready to accept connections";
        let container = GenericImage::new(name, tag)
            .with_exposed_port(5432.tcp())
            // Once by the image's own set-up, once for good.
            .with_wait_for(WaitFor::message_on_stderr(ready))
            .with_wait_for(WaitFor::message_on_stderr(ready))
            .with_env_var("POSTGRES_USER", "rdsadmin")
            .with_env_var("POSTGRES_DB", "postgres")
            .with_env_var("POSTGRES_HOST_AUTH_METHOD", "trust")
            .with_copy_to("/tls/server.crt", certificates().join("server.crt"))
            .with_copy_to("/tls/server.key", certificates().join("server.key"))
            .with_copy_to("/tls/pg_hba.conf", HBA.as_bytes().to_vec())
            .with_cmd(["sh".to_owned(), "-c".to_owned(), format!("{START}{options}")])
            .start()
            .await
            .unwrap_or_else(|error| {
                panic!("cannot start {image}: {error}; is a Docker daemon running here?")
            });
        let port = container.get_host_port_ipv4(5432).await.expect("the port is published");
        local::set_up(port).await;
        Self { port, container }
    }

    pub async fn log(&self) -> String {
        let log = self.container.stderr_to_vec().await.expect("the container has a log");
        String::from_utf8_lossy(&log).into_owned()
    }
}
