//! A stand-in for whatever speaks HTTP: it notes each request and answers as the test says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `POST / HTTP/1.1`
    pub line: String,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Request {
    fn read(stream: impl Read) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut text = String::new();
        reader.read_line(&mut text).ok().filter(|&count| count > 0)?;
        let line = text.trim_end().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some(Request { line, headers, body: String::from_utf8(body).unwrap() })
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The access key that signed it; nothing where nobody did.
    pub fn key(&self) -> &str {
        let credential = self.header("authorization").split("Credential=").nth(1).unwrap_or_default();
        credential.split('/').next().unwrap()
    }

    /// The operation of CodeDeploy that it calls.
    pub fn operation(&self) -> Option<&str> {
        self.header("x-amz-target").strip_prefix("CodeDeploy_20141006.")
    }
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
    /// Its `Date`, if it has one.
    pub date: Option<String>,
}

impl Answer {
    pub fn json(body: &str) -> Self {
        Answer { status: 200, content_type: "application/x-amz-json-1.1", body: body.to_owned(), date: None }
    }

    pub fn xml(body: String) -> Self {
        Answer { status: 200, content_type: "text/xml", body, date: None }
    }

    pub fn error(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"__type":"{code}","message":"that is how it is"}}"#);
        Answer { status, ..Answer::json(&body) }
    }

    fn text(&self) -> String {
        let Answer { status, content_type, body, date } = self;
        let length = body.len();
        let date = date.as_ref().map(|date| format!("date: {date}\r\n")).unwrap_or_default();
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n{date}\
             x-aws-ec2-metadata-token-ttl-seconds: 21600\r\nconnection: close\r\n\r\n{body}"
        )
    }

    pub fn not_found() -> Self {
        Answer { status: 404, content_type: "text/plain", body: String::new(), date: None }
    }
}

/// A server at a port of its own.
pub struct StandIn {
    pub url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl StandIn {
    pub fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        StandIn::on("127.0.0.1:0", answer)
    }

    /// At this address.
    pub fn on(address: &str, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        StandIn::at("http", address, answer, |mut stream, answer| talk(&mut stream, answer))
    }

    /// Over TLS, with a certificate for 127.0.0.1 that only `tests/credentials/tls/ca.pem` vouches for.
    pub fn tls(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        StandIn::tls_as("server", answer)
    }

    /// Over TLS, with the certificate of this name in `tests/credentials/tls`.
    pub fn tls_as(name: &'static str, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        StandIn::at("https", "127.0.0.1:0", answer, move |mut stream, answer| {
            let folder = super::cdctl::package("tests/credentials/tls");
            let certificate = CertificateDer::from_pem_file(folder.join(format!("{name}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config =
                rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let config =
                config.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
            let mut connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            talk(rustls::Stream::new(&mut connection, &mut stream), answer);
            connection.send_close_notify();
            let _ = connection.write_tls(&mut stream);
        })
    }

    fn at<A: Fn(&Request) -> Answer + Send + Sync + 'static>(
        scheme: &str,
        address: &str,
        answer: A,
        serve: impl Fn(TcpStream, &dyn Fn(Request) -> String) + Copy + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (notes, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (notes, answer) = (Arc::clone(&notes), Arc::clone(&answer));
                thread::spawn(move || {
                    serve(stream.unwrap(), &|request| {
                        let text = answer(&request).text();
                        notes.lock().unwrap().push(request);
                        text
                    });
                });
            }
        });
        StandIn { url, seen }
    }

    /// Every request since the last look.
    pub fn seen(&self) -> Vec<Request> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn talk<S: Read + Write>(mut stream: S, answer: &dyn Fn(Request) -> String) {
    if let Some(request) = Request::read(&mut stream) {
        let _ = stream.write_all(answer(request).as_bytes());
        let _ = stream.flush();
    }
}
