//! PostgreSQL from binaries on this machine. One template data folder is made for all tests; each test
//! starts a copy of it.

use std::ffi::OsString;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::process::{Daemon, Owner, free_port};
use super::rds::HBA;
use super::stack::as_superuser;
use super::{rds, tls};

/// A running server.
pub struct LocalServer {
    pub port: u16,
    folder: PathBuf,
    settings: Vec<String>,
    daemon: Option<Daemon>,
}

/// A data folder in which [`rds::set_up`] was run, and the certificates.
struct Template {
    folder: TempDir,
}

static TEMPLATE: OnceLock<Template> = OnceLock::new();

/// Memory where there is any: a copy and a start take 25 ms there instead of 200.
fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// A folder of these tests. What killed tests left behind is removed: its name has their process id.
fn folder(purpose: &str) -> TempDir {
    for entry in std::fs::read_dir(base()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix("goldenpath-test-").and_then(|rest| rest.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let prefix = format!("goldenpath-test-{}-{purpose}-", std::process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(base());
    folder.expect("a temporary folder")
}

pub fn ca() -> PathBuf {
    tls::ca(template())
}

fn template() -> &'static Path {
    TEMPLATE.get_or_init(Template::make).folder.path()
}

impl Template {
    /// The superuser's statements need a runtime; a test may be inside one already.
    fn make() -> Self {
        std::thread::spawn(|| {
            let template = Self { folder: folder("template") };
            let path = template.folder.path();
            tls::make(path);
            initdb(path);
            let server = LocalServer::start(path.to_owned(), &[]);
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(set_up(server.port));
            server.stop();
            template
        })
        .join()
        .expect("the template could not be made; see above")
    }
}

/// Runs [`rds::set_up`] on a fresh server.
pub async fn set_up(port: u16) {
    let rows = as_superuser(port, "postgres", "SHOW server_version_num").await;
    let version: u32 = rows[0][0].as_deref().unwrap_or("0").parse().expect("a number");
    for statement in rds::set_up(version) {
        as_superuser(port, "postgres", &statement).await;
    }
    for database in ["postgres", "template1", rds::MASTER_DATABASE] {
        if let Some(statement) = rds::set_up_schema(version) {
            as_superuser(port, database, &statement).await;
        }
    }
    // The template is copied after an end like a crash's.
    as_superuser(port, "postgres", "CHECKPOINT").await;
}

fn initdb(folder: &Path) {
    if let Some(owner) = Owner::if_root() {
        for path in [folder.to_owned(), folder.join("server.key")] {
            chown(&path, Some(owner.uid), Some(owner.gid)).expect("root may chown");
        }
    }
    let options =
        ["--no-sync", "--no-instructions", "--locale=C.UTF-8", "-E", "UTF8", "--wal-segsize=1"];
    let mut command = Command::new(binaries().join("initdb"));
    command.args(options).args(["-U", "rdsadmin", "-A", "trust", "-D"]).arg(folder.join("data"));
    if let Some(owner) = Owner::if_root() {
        std::os::unix::process::CommandExt::uid(&mut command, owner.uid);
        std::os::unix::process::CommandExt::gid(&mut command, owner.gid);
    }
    let made = command.current_dir("/").output().expect("initdb can be run");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(folder.join("data/pg_hba.conf"), HBA).expect("pg_hba.conf can be written");
}

impl LocalServer {
    /// A copy of the template.
    pub fn copied(settings: &[&str]) -> Self {
        let folder = folder("server").keep();
        let mut source = OsString::from(template());
        source.push("/.");
        let copied = Command::new("cp").arg("-a").arg(source).arg(&folder).status();
        assert!(copied.expect("cp can be run").success());
        Self::start(folder, settings)
    }

    fn start(folder: PathBuf, settings: &[&str]) -> Self {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { port: free_port(), folder, settings, daemon: None };
        server.resume();
        server
    }

    /// Starts the server, again after [`Self::pause`].
    pub fn resume(&mut self) {
        let folder = self.folder.display().to_string();
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={folder}/server.crt"),
            format!("ssl_key_file={folder}/server.key"),
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "autovacuum=off".to_owned(),
            "shared_buffers=16MB".to_owned(),
            "max_connections=40".to_owned(),
            "wal_level=minimal".to_owned(),
            "max_wal_senders=0".to_owned(),
            "logging_collector=on".to_owned(),
            "log_directory=.".to_owned(),
            "log_filename=server.log".to_owned(),
        ];
        settings.extend(self.settings.iter().cloned());
        let mut arguments =
            vec!["-D".to_owned(), format!("{folder}/data"), "-p".to_owned(), self.port.to_string()];
        arguments.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        let program = binaries().join("postgres").display().to_string();
        let daemon = Daemon::start(&program, &arguments, "QUIT", Owner::if_root());
        self.daemon = Some(daemon);
        self.wait_until_ready();
    }

    /// Ends the server, and starts it as a read replica that waits for more to replay.
    pub fn become_standby(&mut self) {
        self.pause();
        let signal = self.folder.join("data/standby.signal");
        std::fs::write(signal, "").expect("the data folder can be written to");
        self.resume();
    }

    /// Ends the server as a crash would.
    pub fn pause(&mut self) {
        self.daemon = None;
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("data/server.log")).unwrap_or_default()
    }

    fn stop(mut self) {
        self.daemon = None;
        // The template stays: only its process ends here.
        let _ = std::fs::remove_file(self.folder.join("data/server.log"));
        self.folder = PathBuf::new();
    }

    /// Ready is who answers a startup packet with a request for authentication (or with "ok").
    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !answers(self.port) {
            let ended = self.daemon.as_mut().is_none_or(Daemon::has_ended);
            assert!(
                !ended && Instant::now() < deadline,
                "PostgreSQL did not start: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        self.daemon = None;
        if !self.folder.as_os_str().is_empty() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn answers(port: u16) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    let parameters = b"user\0rdsadmin\0database\0postgres\0\0";
    let mut packet = (parameters.len() as u32 + 8).to_be_bytes().to_vec();
    packet.extend(196_608_u32.to_be_bytes());
    packet.extend(parameters);
    let mut first = [0];
    stream.write_all(&packet).is_ok() && stream.read_exact(&mut first).is_ok() && first == *b"R"
}

/// `GOLDENPATH_TEST_PGBIN` alone where it is set; else the PATH and the usual places, the newest
/// version first.
fn binaries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let complete = |folder: &PathBuf| {
            ["postgres", "initdb"].iter().all(|program| folder.join(program).is_file())
        };
        if let Some(given) = std::env::var_os("GOLDENPATH_TEST_PGBIN").map(PathBuf::from) {
            assert!(complete(&given), "no PostgreSQL server binaries in {}", given.display());
            return given;
        }
        usual_places().into_iter().find(complete).expect(
            "no PostgreSQL server binaries: run `make test`, which installs them, install the package `postgresql`, \
             or set GOLDENPATH_TEST_POSTGRES=container:postgres:16 where Docker runs",
        )
    })
}

fn usual_places() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for place in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let folders = std::fs::read_dir(place).into_iter().flatten().flatten();
        let mut found: Vec<_> = folders.map(|folder| folder.path().join("bin")).collect();
        found.sort();
        candidates.extend(found.into_iter().rev());
    }
    candidates
}
