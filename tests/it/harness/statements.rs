//! The relay in front of PostgreSQL: it knows where a statement ends and where its answer does. It has
//! the server's certificate, so for the executable it is the server, TLS and channel binding included.

use std::io::{Read, Write};
use std::net::TcpStream;

use native_tls::{Certificate, Identity, TlsAcceptor, TlsConnector, TlsStream};

use super::relay::{Fault, Line, Relay};
use super::stack::Stack;

/// The relay. It notes the text of each statement, and `login`.
pub type Statements = Relay<String>;

type Stream = TlsStream<TcpStream>;

impl Statements {
    pub fn start(stack: &Stack) -> Self {
        let read = |name| std::fs::read(stack.ca().with_file_name(name)).expect("the stack has it");
        let identity = Identity::from_pkcs8(&read("server.crt"), &read("server.key"));
        let acceptor = TlsAcceptor::new(identity.expect("a certificate")).expect("an acceptor");
        let ca = Certificate::from_pem(&read("ca.pem")).expect("a certificate");
        let connector = TlsConnector::builder().add_root_certificate(ca).build();
        let (connector, server) = (connector.expect("a connector"), stack.port());
        Self::serving(move |client, line| {
            let _ = accept(client, &acceptor)
                .zip(connect(server, &connector))
                .and_then(|(client, server)| Wire { client, server }.relay(line));
        })
    }
}

/// SSLRequest: its length and its code.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn accept(mut client: TcpStream, acceptor: &TlsAcceptor) -> Option<Stream> {
    let mut request = [0; SSL_REQUEST.len()];
    client.read_exact(&mut request).ok().filter(|()| request == SSL_REQUEST)?;
    client.write_all(b"S").ok()?;
    acceptor.accept(client).ok()
}

fn connect(port: u16, connector: &TlsConnector) -> Option<Stream> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let mut answer = [0];
    server.write_all(&SSL_REQUEST).ok()?;
    server.read_exact(&mut answer).ok().filter(|()| answer == *b"S")?;
    connector.connect("localhost", server).ok()
}

/// One session.
struct Wire {
    client: Stream,
    server: Stream,
}

/// What the server said to one message.
struct Answer {
    bytes: Vec<u8>,
    /// It wants more of a login.
    wants_more: bool,
}

impl Wire {
    /// A login and then statements, one after another: that is all that the executable sends.
    fn relay(mut self, line: &Line<String>) -> Option<()> {
        let mut message = body(&mut self.client, Vec::new())?;
        loop {
            let text = match message.first()? {
                b'X' => return self.server.write_all(&message).ok(),
                b'Q' => String::from_utf8_lossy(&message[5..message.len() - 1]).into_owned(),
                0 => "login".to_owned(),
                other => panic!("the executable sends `{}`", char::from(*other)),
            };
            self.exchange(message, text, line)?;
            message = tagged(&mut self.client)?;
        }
    }

    fn exchange(&mut self, message: Vec<u8>, text: String, line: &Line<String>) -> Option<()> {
        let fault = line.arrive();
        let answer = match fault {
            Some(Fault::Refused | Fault::Dropped | Fault::Stuck | Fault::Throttled) => None,
            Some(
                Fault::ServerError
                | Fault::Garbage
                | Fault::Page
                | Fault::Lagging
                | Fault::LostAnswer
                | Fault::CutAfter
                | Fault::Mute,
            )
            | None => self.ask(message),
        };
        line.note(text);
        match fault {
            Some(Fault::Refused | Fault::Dropped | Fault::LostAnswer) => None,
            Some(Fault::Throttled) => {
                let _ = self.client.write_all(&no_free_slot());
                None
            }
            Some(Fault::Stuck | Fault::Mute) => {
                line.hold(&mut self.client);
                None
            }
            Some(Fault::CutAfter) => {
                let _ = self.client.write_all(&answer?.bytes);
                None
            }
            Some(Fault::ServerError | Fault::Garbage | Fault::Page | Fault::Lagging) | None => {
                self.client.write_all(&answer?.bytes).ok()
            }
        }
    }

    /// Gives the server a message, and more while it logs somebody in; what it says in the end.
    fn ask(&mut self, message: Vec<u8>) -> Option<Answer> {
        self.server.write_all(&message).ok()?;
        let mut answer = read_answer(&mut self.server);
        while answer.wants_more {
            self.client.write_all(&answer.bytes).ok()?;
            self.server.write_all(&tagged(&mut self.client)?).ok()?;
            answer = read_answer(&mut self.server);
        }
        Some(answer)
    }
}

/// Up to ReadyForQuery, to what a login needs more, or to the end.
fn read_answer(server: &mut Stream) -> Answer {
    let mut answer = Answer { bytes: Vec::new(), wants_more: false };
    while let Some(message) = tagged(server) {
        answer.bytes.extend_from_slice(&message);
        match message[0] {
            b'Z' => return answer,
            // AuthenticationSASL and AuthenticationSASLContinue.
            b'R' if [10, 11].contains(&message[8]) => {
                answer.wants_more = true;
                return answer;
            }
            _ => {}
        }
    }
    answer
}

/// ErrorResponse, as a server without a free slot says it (measured).
fn no_free_slot() -> Vec<u8> {
    let fields =
        "SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0Fproc.c\0L1\0RInitProcess\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap_or_default();
    [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
}

fn tagged(stream: &mut Stream) -> Option<Vec<u8>> {
    let mut tag = [0];
    stream.read_exact(&mut tag).ok()?;
    body(stream, tag.to_vec())
}

/// A message from its length on.
fn body(stream: &mut Stream, mut message: Vec<u8>) -> Option<Vec<u8>> {
    let (begin, mut length) = (message.len(), [0; 4]);
    stream.read_exact(&mut length).ok()?;
    message.extend_from_slice(&length);
    message.resize(begin + usize::try_from(u32::from_be_bytes(length)).ok()?, 0);
    stream.read_exact(&mut message[begin + 4..]).ok()?;
    Some(message)
}
