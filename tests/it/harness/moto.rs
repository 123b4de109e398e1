//! AWS Secrets Manager over HTTP: one moto server for all tests, a region for each.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::process::{Daemon, free_port};

struct Moto {
    port: u16,
    _daemon: Daemon,
}

/// The endpoint, which is started on first use and ends with the tests.
pub fn endpoint() -> String {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    format!("http://127.0.0.1:{}", MOTO.get_or_init(Moto::start).port)
}

/// A region that no other test uses; moto keeps regions apart.
pub fn region() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("test-region-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

impl Moto {
    fn start() -> Self {
        let port = free_port();
        let arguments = ["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned);
        let mut daemon = Daemon::start(&program(), &arguments, "TERM", None);
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(!daemon.has_ended() && Instant::now() < deadline, "moto_server did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { port, _daemon: daemon }
    }
}

fn program() -> String {
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".local/venv/bin/moto_server");
    let given = std::env::var_os("GOLDENPATH_TEST_MOTO").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("moto_server"));
    let found = given.into_iter().chain([ours]).chain(on_path).find(|program| program.is_file());
    found.expect("no moto_server: run `make test`, which installs it").display().to_string()
}
