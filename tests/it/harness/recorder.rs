//! A relay in front of Secrets Manager that notes which operation was asked for, and when.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::moto;

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub operation: String,
    pub began: Instant,
    pub ended: Instant,
}

/// The relay. It runs until the tests end.
pub struct Recorder {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Recorder {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&requests);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let requests = Arc::clone(&shared);
                std::thread::spawn(move || relay(client, &requests));
            }
        });
        Self { port, requests }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests so far, in the order in which they were answered.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// One request on one connection: moto closes it after the answer.
fn relay(mut client: TcpStream, requests: &Mutex<Vec<Request>>) {
    let began = Instant::now();
    let Some((head, request)) = read_request(&mut client) else { return };
    let address = moto::endpoint().trim_start_matches("http://").to_owned();
    let mut server = TcpStream::connect(address).expect("moto is there");
    server.write_all(&request).expect("moto reads");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("moto answers");
    let target = header(&head, "x-amz-target").unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    requests.lock().unwrap().push(Request { operation, began, ended: Instant::now() });
    let _ = client.write_all(&answer);
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
