//! Child processes that end with the tests, however the tests end.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// A server process. It ends when this is dropped or when the tests are killed: a shell beside it waits
/// for the end of a pipe that the tests hold open.
pub struct Daemon(Child);

impl Daemon {
    pub fn start(program: &str, arguments: &[String], signal: &str, owner: Option<Owner>) -> Self {
        let script = format!("\"$@\" & pid=$!; read -r _; kill -{signal} $pid; wait $pid");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", program]).args(arguments);
        if let Some(owner) = owner {
            command.uid(owner.uid).gid(owner.gid);
        }
        command.current_dir("/").env("MOTO_ALLOW_NONEXISTENT_REGION", "true");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("cannot start {program}: {error}")))
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("the process can be asked").is_some()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The unprivileged user that PostgreSQL runs as when the tests run as root: it refuses to be root.
#[derive(Clone, Copy)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

impl Owner {
    pub fn if_root() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
        if uids.split_whitespace().nth(1) != Some("0") {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").expect("there are users");
        let user = |name: &str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            Some(Self { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
        };
        user("postgres").or_else(|| user("nobody"))
    }
}

/// A port below the range that the kernel hands out by itself, so that no client socket takes it first.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    static OURS: LazyLock<Ports> = LazyLock::new(Ports::take);
    loop {
        let port = OURS.first + NEXT.fetch_add(1, Ordering::SeqCst) % Ports::COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The ports of one test process. A server that starts has not bound its port yet, so another process must
/// not try the same ones.
struct Ports {
    first: u16,
    /// Nobody else can bind it while we live.
    _lock: UdpSocket,
}

impl Ports {
    const COUNT: u16 = 1_500;

    fn take() -> Self {
        let mut blocks = (0..8).map(|block| 20_000 + block * Self::COUNT);
        let taken = blocks.find_map(|first| {
            let lock = UdpSocket::bind(("127.0.0.1", first)).ok()?;
            Some(Self { first, _lock: lock })
        });
        taken.expect("fewer than eight test processes run at once")
    }
}
