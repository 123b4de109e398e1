//! A TCP proxy in front of PostgreSQL that fails in the way a test asks for. What goes through it is
//! encrypted, so it counts bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// How the wire fails.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    /// Connections are accepted and nothing is ever answered.
    Mute,
    /// After so many bytes from the server, all connections together, nothing more comes.
    MuteAfter(u64),
    /// After so many bytes from the server, all connections together, every connection is cut.
    CutAfter(u64),
}

/// Listens until the tests end.
pub struct Wire {
    pub port: u16,
    passed: Arc<AtomicU64>,
}

impl Wire {
    pub fn to(server: u16, failure: Failure) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let passed = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&passed);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                thread::spawn(move || serve(client, server, failure, &counter));
            }
        });
        Self { port, passed }
    }

    /// Bytes that came from the server so far.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }
}

fn serve(client: TcpStream, server: u16, failure: Failure, passed: &AtomicU64) {
    if let Failure::Mute = failure {
        return hold(client);
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
    let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { return };
    thread::spawn(move || {
        let _ = std::io::copy(&mut &from, &mut &to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = (&server).read(&mut buffer) {
        let so_far = passed.fetch_add(count as u64, Ordering::SeqCst) + count as u64;
        match failure {
            Failure::MuteAfter(limit) if so_far > limit => return hold(client),
            Failure::CutAfter(limit) if so_far > limit => break,
            Failure::Mute | Failure::MuteAfter(_) | Failure::CutAfter(_) => {}
        }
        if (&client).write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// Reads and says nothing, until the client has enough.
fn hold(mut client: TcpStream) {
    let _ = std::io::copy(&mut client, &mut std::io::sink());
}
