//! The relay in front of Secrets Manager: it notes which operation was asked for, and when.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;

use super::moto;
use super::relay::{Fault, Line, Relay};

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub operation: String,
    /// What was sent, but for the value of a secret.
    pub body: Value,
    pub began: Instant,
    pub ended: Instant,
    /// Whether Secrets Manager got it and carried it out.
    pub carried_out: bool,
}

impl Request {
    /// The secret that it is about; ListSecrets is about none.
    pub fn secret(&self) -> Option<&str> {
        self.body.get("SecretId").or_else(|| self.body.get("Name"))?.as_str()
    }

    /// The tags that it gives to the secret.
    pub fn tags(&self) -> BTreeMap<&str, &str> {
        let tags = self.body["Tags"].as_array().into_iter().flatten();
        tags.filter_map(|tag| Some((tag["Key"].as_str()?, tag["Value"].as_str()?))).collect()
    }
}

/// The relay.
pub struct Recorder {
    relay: Relay<Request>,
    script: Arc<Mutex<Script>>,
}

type Happening = Box<dyn FnOnce() + Send>;

/// What a test wants other than moto has it.
#[derive(Default)]
struct Script {
    /// ListSecrets as it was answered first.
    first_list: Option<Vec<u8>>,
    /// When a version was made, by its id; for moto it is always now.
    created: BTreeMap<String, i64>,
    denied: Option<(&'static str, &'static str)>,
    /// What happens before the value of a secret is read for the first time.
    before_reading: Option<(&'static str, Happening)>,
}

impl Recorder {
    pub fn start() -> Self {
        let script = Arc::<Mutex<Script>>::default();
        let shared = Arc::clone(&script);
        let relay = Relay::serving(move |client, line| relay(client, line, &shared));
        Self { relay, script }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.relay.port)
    }

    /// From now on a list that lags is the next one.
    pub fn forget_list(&self) {
        self.script.lock().unwrap().first_list = None;
    }

    /// The operation is refused for this secret.
    pub fn deny(&self, operation: &'static str, secret: &'static str) {
        self.script.lock().unwrap().denied = Some((operation, secret));
    }

    /// ListSecretVersionIds says this time of a version.
    pub fn created(&self, version: &str, at: Timestamp) {
        self.script.lock().unwrap().created.insert(version.to_owned(), at.as_second());
    }

    /// Something happens just before the value of a secret is read, once.
    pub fn before_reading(&self, secret: &'static str, happens: impl FnOnce() + Send + 'static) {
        self.script.lock().unwrap().before_reading = Some((secret, Box::new(happens)));
    }
}

impl Deref for Recorder {
    type Target = Relay<Request>;

    fn deref(&self) -> &Self::Target {
        &self.relay
    }
}

/// One request on one connection: moto closes it after the answer.
fn relay(mut client: TcpStream, line: &Line<Request>, script: &Mutex<Script>) {
    let began = Instant::now();
    let Some((head, request)) = read_request(&mut client) else { return };
    let target = header(&head, "x-amz-target").unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let fault = line.arrive();
    let body = without_value(&request[head.len()..]);
    if operation == "GetSecretValue" {
        script.lock().unwrap().reads(&body);
    }
    let mut answer = match fault {
        Some(Fault::Throttled) => refusal("400 Bad Request", "ThrottlingException"),
        Some(Fault::ServerError) => refusal("500 Internal Server Error", "InternalServiceError"),
        Some(Fault::Garbage) => {
            answer_with("200 OK", JSON, &format!("{{\"SecretString\":\"{{{IN_BODY}"))
        }
        Some(Fault::Page) => {
            let page = format!("<html><h1>{IN_BODY}</h1></html>");
            answer_with("500 Internal Server Error", "text/html", &page)
        }
        Some(Fault::Refused | Fault::Dropped | Fault::Stuck) => Vec::new(),
        Some(Fault::Lagging | Fault::LostAnswer | Fault::CutAfter | Fault::Mute) | None => {
            forward(&request)
        }
    };
    if script
        .lock()
        .unwrap()
        .denied
        .is_some_and(|(denied, secret)| denied == operation && body["SecretId"] == secret)
    {
        answer = refusal("400 Bad Request", "AccessDeniedException");
    }
    let is_made_up = matches!(fault, Some(Fault::Garbage | Fault::Page));
    let carried_out = !is_made_up && answer.starts_with(b"HTTP/1.1 200");
    if operation == "ListSecrets" && carried_out {
        let mut script = script.lock().unwrap();
        let first = script.first_list.get_or_insert_with(|| answer.clone());
        if fault == Some(Fault::Lagging) {
            answer.clone_from(first);
        }
    }
    if operation == "ListSecretVersionIds" && carried_out {
        answer = script.lock().unwrap().dated(&answer);
    }
    line.note(Request { operation, body, began, ended: Instant::now(), carried_out });
    match fault {
        Some(Fault::Refused | Fault::Dropped | Fault::LostAnswer) => {}
        Some(Fault::Stuck | Fault::Mute) => line.hold(&mut client),
        Some(
            Fault::Throttled
            | Fault::ServerError
            | Fault::Garbage
            | Fault::Page
            | Fault::Lagging
            | Fault::CutAfter,
        )
        | None => {
            let _ = client.write_all(&answer);
        }
    }
}

impl Script {
    fn reads(&mut self, body: &Value) {
        let is_it = |secret: &str| body["SecretId"] == secret;
        if let Some((_, happens)) = self.before_reading.take_if(|(secret, _)| is_it(secret)) {
            happens();
        }
    }

    fn dated(&self, answer: &[u8]) -> Vec<u8> {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        let mut body: Value = serde_json::from_slice(&answer[end..]).expect("JSON");
        for version in body["Versions"].as_array_mut().into_iter().flatten() {
            let id = version["VersionId"].as_str().unwrap_or_default();
            if let Some(created) = self.created.get(id) {
                version["CreatedDate"] = (*created).into();
            }
        }
        let body = body.to_string();
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

fn without_value(body: &[u8]) -> Value {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("SecretString");
    }
    body
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
    answer_with(status, JSON, &body)
}

const JSON: &str = "application/x-amz-json-1.1";

/// The id of requests that the relay itself answers.
pub const REQUEST_ID: &str = "of-the-tests";

/// What stands in bodies that nobody may be shown.
pub const IN_BODY: &str = "never-shown-1";

fn answer_with(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nx-amzn-RequestId: {REQUEST_ID}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The head with the empty line at its end, and the whole.
fn read_request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
    loop {
        let count = client.read(&mut chunk).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end + 4].to_vec()).ok()?;
        let length = header(&head, "content-length").and_then(|length| length.parse().ok());
        if bytes.len() >= head.len() + length.unwrap_or(0) {
            return Some((head, bytes));
        }
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned())
}
