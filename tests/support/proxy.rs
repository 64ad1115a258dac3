//! Stands between the binary and a sandbox: keeps what was called, and may hold a call or change an answer.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// More than any call is held for.
const LIMIT: Duration = Duration::from_secs(20);

/// A call that came through.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: String,
    pub request: Value,
}

type Change = dyn Fn(&str, &mut Value) + Send + Sync;
type Before = dyn Fn(&Call) + Send + Sync;

/// What the proxy does beside passing on.
#[derive(Default)]
pub struct Proxy {
    change: Option<Box<Change>>,
    before: Option<Box<Before>>,
    calls: Mutex<Vec<Call>>,
    /// The last answer, before any change.
    answer: Mutex<Value>,
}

/// A proxy that listens.
#[derive(Clone)]
pub struct Listening {
    pub url: String,
    proxy: Arc<Proxy>,
}

impl Proxy {
    /// `before` is called before a call is passed on; while it waits, the call waits.
    pub fn holding(before: impl Fn(&Call) + Send + Sync + 'static) -> Self {
        Proxy { before: Some(Box::new(before)), ..Proxy::default() }
    }

    /// `change` is given each answer with its operation.
    pub fn changing(change: impl Fn(&str, &mut Value) + Send + Sync + 'static) -> Self {
        Proxy { change: Some(Box::new(change)), ..Proxy::default() }
    }

    /// Hides what GetDeployment says of a rollback the first `looks` times that it says something: the service tells of
    /// it after the end.
    pub fn late_rollback(looks: usize) -> Self {
        let seen = AtomicUsize::new(0);
        Proxy::changing(move |_, answer| {
            let told = answer.pointer_mut("/deploymentInfo").and_then(Value::as_object_mut);
            let Some(members) = told.filter(|members| members["status"] == "Stopped") else { return };
            if seen.fetch_add(1, Ordering::SeqCst) < looks {
                members.remove("rollbackInfo");
            }
        })
    }

    /// Passes on to the sandbox at `upstream` (`http://127.0.0.1:PORT`).
    pub fn listen(self, upstream: &str) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let proxy = Arc::new(self);
        let upstream = upstream.strip_prefix("http://").unwrap().to_owned();
        let kept = proxy.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (proxy, upstream) = (proxy.clone(), upstream.clone());
                // A client that goes away in the middle is its own affair.
                thread::spawn(move || proxy.serve(&stream, &upstream).unwrap_or_default());
            }
        });
        Listening { url, proxy: kept }
    }

    fn serve(&self, client: &TcpStream, upstream: &str) -> std::io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        while let Some((head, body)) = message(&mut reader)? {
            let target =
                head.iter().find_map(|line| line.to_lowercase().strip_prefix("x-amz-target: ").map(|_| line));
            let operation = target.and_then(|line| line.rsplit('.').next()).map(str::to_owned);
            let call = operation.map(|operation| Call {
                operation,
                request: serde_json::from_slice(&body).unwrap_or_default(),
            });
            if let Some(call) = &call {
                self.calls.lock().unwrap().push(call.clone());
                self.before.iter().for_each(|before| before(call));
            }
            let mut server = TcpStream::connect(upstream)?;
            write(&mut server, &head, &body)?;
            // An answer to HEAD tells a length and has no body.
            let bare = head.first().is_some_and(|line| line.starts_with("HEAD "));
            let mut answer = BufReader::new(server);
            let answered =
                if bare { lines(&mut answer)?.map(|head| (head, Vec::new())) } else { message(&mut answer)? };
            let (head, mut body) = answered.unwrap_or_default();
            *self.answer.lock().unwrap() = serde_json::from_slice(&body).unwrap_or_default();
            if let (Some(call), Some(change)) = (&call, &self.change) {
                let mut answer = serde_json::from_slice(&body).unwrap_or_else(|_| serde_json::json!({}));
                change(&call.operation, &mut answer);
                body = answer.to_string().into_bytes();
            }
            write(&mut &*client, &head, &body)?;
        }
        Ok(())
    }
}

fn lines(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<String>>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => return Ok(Some(head)),
            line => head.push(line.to_owned()),
        }
    }
}

/// The head's lines and the body of the next message; none where the other side is done.
fn message(reader: &mut impl BufRead) -> std::io::Result<Option<(Vec<String>, Vec<u8>)>> {
    let Some(head) = lines(reader)? else { return Ok(None) };
    let length =
        head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

fn write(to: &mut impl Write, head: &[String], body: &[u8]) -> std::io::Result<()> {
    let mut text = Vec::new();
    for line in head.iter().filter(|line| !line.to_lowercase().starts_with("content-length:")) {
        text.extend_from_slice(format!("{line}\r\n").as_bytes());
    }
    text.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    text.extend_from_slice(body);
    to.write_all(&text)
}

impl Listening {
    /// What was called since the last question.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.proxy.calls.lock().unwrap())
    }

    /// What the sandbox answered last.
    pub fn answer(&self) -> Value {
        self.proxy.answer.lock().unwrap().clone()
    }

    /// The same as names.
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }
}

/// Holds whoever comes until it is opened.
#[derive(Default)]
pub struct Gate {
    waiting: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    pub fn wait(&self) {
        let mut state = self.waiting.lock().unwrap();
        state.0 += 1;
        self.changed.notify_all();
        let (_state, late) = self.changed.wait_timeout_while(state, LIMIT, |(_, open)| !*open).unwrap();
        assert!(!late.timed_out(), "the gate was never opened");
    }

    pub fn open(&self) {
        self.waiting.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    /// Waits until `count` have come, and no longer than a limit; gives how many there are.
    pub fn reached(&self, count: usize) -> usize {
        let state = self.waiting.lock().unwrap();
        let (state, _) =
            self.changed.wait_timeout_while(state, LIMIT, |(waiting, _)| *waiting < count).unwrap();
        state.0
    }
}
