//! A relay in front of Secrets Manager that notes which operation was asked for, and when; and makes
//! trouble where a test wants it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::moto;

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub operation: String,
    pub began: Instant,
    pub ended: Instant,
    /// Whether Secrets Manager got it and carried it out.
    pub carried_out: bool,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 400 `ThrottlingException`.
    Throttled,
    /// 500 `InternalServiceError`.
    ServerError,
    /// The connection ends before the request has come through.
    Dropped,
    /// The request is carried out, and the connection ends before the answer.
    LostAnswer,
    /// The request does not come through, and no answer ever comes.
    Stuck,
    /// The request is carried out, and no answer ever comes.
    Mute,
    /// ListSecrets is answered as it was answered first; all else as it should be.
    Lagging,
}

/// Which requests a fault is about, counted from [`Recorder::trouble`] on, the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    Only(usize),
    From(usize),
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    arrived: usize,
    trouble: Option<(Fault, Hit)>,
    waits: bool,
    first_list: Option<Vec<u8>>,
}

/// The relay. It runs until the tests end.
pub struct Recorder {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Recorder {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || relay(client, &state));
            }
        });
        Self { port, state }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests so far, in the order in which they were answered.
    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// From now on this goes wrong, and requests are counted anew.
    pub fn trouble(&self, trouble: Option<(Fault, Hit)>) {
        let mut state = self.state.lock().unwrap();
        (state.trouble, state.arrived, state.waits) = (trouble, 0, false);
        state.requests.clear();
    }

    /// Waits until a request is stuck or its answer mute, or the process has ended; says which.
    pub fn wait_until_stuck(&self, process: &mut Child) -> bool {
        loop {
            if self.state.lock().unwrap().waits {
                return true;
            }
            if process.try_wait().expect("the process can be asked").is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

/// One request on one connection: moto closes it after the answer.
fn relay(mut client: TcpStream, state: &Mutex<State>) {
    let began = Instant::now();
    let Some((head, request)) = read_request(&mut client) else { return };
    let target = header(&head, "x-amz-target").unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let fault = fault(state);
    let answer = match fault {
        Some(Fault::Throttled) => refusal("400 Bad Request", "ThrottlingException"),
        Some(Fault::ServerError) => refusal("500 Internal Server Error", "InternalServiceError"),
        Some(Fault::Dropped | Fault::Stuck) => Vec::new(),
        Some(Fault::Lagging | Fault::LostAnswer | Fault::Mute) | None => forward(&request),
    };
    let carried_out = answer.starts_with(b"HTTP/1.1 200");
    let answer = {
        let mut state = state.lock().unwrap();
        let ended = Instant::now();
        state.requests.push(Request { operation: operation.clone(), began, ended, carried_out });
        let is_list = operation == "ListSecrets";
        if is_list && state.first_list.is_none() && carried_out {
            state.first_list = Some(answer.clone());
        }
        let earlier = state.first_list.clone().filter(|_| is_list && fault == Some(Fault::Lagging));
        earlier.unwrap_or(answer)
    };
    match fault {
        Some(Fault::Dropped | Fault::LostAnswer) => {}
        Some(Fault::Stuck | Fault::Mute) => {
            state.lock().unwrap().waits = true;
            // Until the client gives up, or ends.
            let _ = client.read(&mut [0]);
        }
        Some(Fault::Throttled | Fault::ServerError | Fault::Lagging) | None => {
            let _ = client.write_all(&answer);
        }
    }
}

fn fault(state: &Mutex<State>) -> Option<Fault> {
    let mut state = state.lock().unwrap();
    let at = state.arrived;
    state.arrived += 1;
    let (fault, hit) = state.trouble?;
    let is_hit = match hit {
        Hit::Only(wanted) => at == wanted,
        Hit::From(first) => at >= first,
    };
    is_hit.then_some(fault)
}

fn forward(request: &[u8]) -> Vec<u8> {
    let address = moto::endpoint().trim_start_matches("http://").to_owned();
    let mut server = TcpStream::connect(address).expect("moto is there");
    server.write_all(request).expect("moto reads");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("moto answers");
    answer
}

fn refusal(status: &str, code: &str) -> Vec<u8> {
    let body = format!(r#"{{"__type":"{code}","message":"made by the tests"}}"#);
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nx-amzn-RequestId: of-the-tests\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

fn read_request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
    loop {
        let count = client.read(&mut chunk).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = header(&head, "content-length").and_then(|length| length.parse().ok());
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            return Some((head, bytes));
        }
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned())
}
