//! What stands between the executable and a server: it notes what passes, and makes trouble where a test
//! wants it. A connection is served by [`Recorder`](super::Recorder) or
//! [`Statements`](super::Statements), each for one protocol.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::process::free_port;

/// What goes wrong with an exchange: a request or a statement, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 400 `ThrottlingException`; from PostgreSQL a login hears that there is no free slot (53300).
    Throttled,
    /// 500 `InternalServiceError`; not for PostgreSQL.
    ServerError,
    /// 200 with a body that ends in the middle of a secret; not for PostgreSQL.
    Garbage,
    /// 500 with a page, as a proxy on the way makes it; not for PostgreSQL.
    Page,
    /// Connections are refused: nobody listens. Only with [`Hit::From`].
    Refused,
    /// The connection ends before the question has come through.
    Dropped,
    /// The question is carried out, and the connection ends before the answer.
    LostAnswer,
    /// The answer comes, and then the connection ends.
    CutAfter,
    /// The question does not come through, and no answer ever comes.
    Stuck,
    /// The question is carried out, and no answer ever comes.
    Mute,
    /// ListSecrets is answered as it was answered first; all else as it should be.
    Lagging,
}

/// Which exchanges a fault is about, counted from [`Relay::trouble`] on, the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    Only(usize),
    From(usize),
}

/// A fault and where it is met.
pub type Trouble = (Fault, Hit);

/// The relay. It runs until the tests end.
pub struct Relay<Seen> {
    pub port: u16,
    line: Arc<Line<Seen>>,
}

/// What all connections of a relay share.
pub struct Line<Seen> {
    state: Mutex<State<Seen>>,
    changed: Condvar,
    port: u16,
}

struct State<Seen> {
    seen: Vec<Seen>,
    arrived: usize,
    trouble: Option<Trouble>,
    waits: bool,
    refuses: bool,
    listens: bool,
}

impl<Seen: Clone + Send + 'static> Relay<Seen> {
    /// Each connection is served in a thread of its own.
    pub fn serving(serve: impl Fn(TcpStream, &Line<Seen>) + Send + Sync + 'static) -> Self {
        let (port, seen) = (free_port(), Vec::new());
        let listener = listen(port);
        let (arrived, trouble, waits, refuses, listens) = (0, None, false, false, true);
        let state = Mutex::new(State { seen, arrived, trouble, waits, refuses, listens });
        let line = Arc::new(Line { state, changed: Condvar::new(), port });
        let (shared, serve) = (Arc::clone(&line), Arc::new(serve));
        std::thread::spawn(move || {
            let mut listener = listener;
            loop {
                accept(listener, &shared, &serve);
                listener = shared.listen_again();
            }
        });
        Self { port, line }
    }

    /// What has passed so far, in the order of the answers.
    pub fn seen(&self) -> Vec<Seen> {
        self.line.state().seen.clone()
    }

    /// From now on this goes wrong, and exchanges are counted anew.
    pub fn trouble(&self, trouble: Option<Trouble>) {
        let mut state = self.line.state();
        (state.trouble, state.arrived, state.waits) = (trouble, 0, false);
        state.seen.clear();
        drop(state);
        self.line.refuse(trouble == Some((Fault::Refused, Hit::From(0))));
    }

    /// Waits until an exchange is stuck or its answer mute, or the process has ended; says which.
    pub fn wait_until_stuck(&self, process: &mut Child) -> bool {
        loop {
            if self.line.state().waits {
                return true;
            }
            if process.try_wait().expect("the process can be asked").is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

/// Until nobody may be let in any more.
fn accept<Seen: Send + 'static>(
    listener: TcpListener,
    line: &Arc<Line<Seen>>,
    serve: &Arc<impl Fn(TcpStream, &Line<Seen>) + Send + Sync + 'static>,
) {
    for client in listener.incoming().flatten() {
        if line.state().refuses {
            return;
        }
        let (line, serve) = (Arc::clone(line), Arc::clone(serve));
        std::thread::spawn(move || serve(client, &line));
    }
}

fn listen(port: u16) -> TcpListener {
    TcpListener::bind(("127.0.0.1", port)).expect("the port is free")
}

impl<Seen> Line<Seen> {
    /// An exchange begins: what goes wrong with it.
    pub fn arrive(&self) -> Option<Fault> {
        let mut state = self.state();
        let at = state.arrived;
        state.arrived += 1;
        let (fault, hit) = state.trouble?;
        drop(state);
        let is_hit = match hit {
            Hit::Only(wanted) => at == wanted,
            Hit::From(first) => at >= first,
        };
        // The next one must not find anybody who listens.
        if fault == Fault::Refused && hit == Hit::From(at + 1) {
            self.refuse(true);
        }
        is_hit.then_some(fault)
    }

    /// An exchange was made, or was not to be.
    pub fn note(&self, seen: Seen) {
        self.state().seen.push(seen);
    }

    /// Holds a connection until the client gives up, or ends.
    pub fn hold(&self, client: &mut impl Read) {
        self.state().waits = true;
        let _ = client.read(&mut [0]);
    }

    /// Comes back when it is so.
    fn refuse(&self, refuses: bool) {
        let mut state = self.state();
        state.refuses = refuses;
        self.changed.notify_all();
        while state.listens == refuses {
            drop(state);
            // Whoever accepts sees it only when somebody comes.
            let _ = refuses.then(|| TcpStream::connect(("127.0.0.1", self.port)));
            let (woken, _) = self
                .changed
                .wait_timeout_while(self.state(), Duration::from_millis(20), |state| {
                    state.listens == refuses
                })
                .expect("no test has panicked");
            state = woken;
        }
    }

    fn listen_again(&self) -> TcpListener {
        let mut state = self.state();
        state.listens = false;
        self.changed.notify_all();
        while state.refuses {
            state = self.changed.wait(state).expect("no test has panicked");
        }
        let listener = listen(self.port);
        state.listens = true;
        self.changed.notify_all();
        listener
    }

    fn state(&self) -> MutexGuard<'_, State<Seen>> {
        self.state.lock().expect("no test has panicked")
    }
}
