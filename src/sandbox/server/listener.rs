//! The sandbox behind a socket, on a thread and a runtime of its own.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::rpc::Reset;
use crate::sandbox::Sandbox;

/// How long the end waits for requests under way, and a socket that cannot accept for a better moment.
const PATIENCE: Duration = Duration::from_millis(500);

/// A running server. Dropping it stops it.
pub struct Server {
    address: SocketAddr,
    stop: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connection, gives the requests under way half a second to end, and returns.
    pub fn shut_down(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic on that thread has been reported by its own hook.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl Sandbox {
    /// Serves on `listener`, which must be bound to a loopback address.
    ///
    /// # Errors
    /// A listener that is open to other machines, or a system that gives no thread or socket.
    pub fn serve(self: Arc<Self>, listener: std::net::TcpListener) -> io::Result<Server> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            let words = format!("{address} is not a loopback address");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(());
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            runtime.block_on(async move {
                if let Ok(listener) = TcpListener::from_std(listener) {
                    accept(self, listener, stopped).await;
                }
            });
        })?;
        Ok(Server { address, stop: Some(stop), thread: Some(thread) })
    }
}

async fn accept(sandbox: Arc<Sandbox>, listener: TcpListener, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // The sender says nothing; it is gone once the server shall stop.
            _ = stopped.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(sandbox.clone(), stream, stopped.clone()));
                }
                // Out of file descriptors, most likely: others have to close first.
                Err(_) => {
                    if tokio::time::timeout(PATIENCE, stopped.changed()).await.is_ok() {
                        break;
                    }
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // A client that stalls in its request does not keep the sandbox from ending.
    let _ = tokio::time::timeout(PATIENCE, ended).await;
}

async fn connection(sandbox: Arc<Sandbox>, stream: TcpStream, mut stopped: watch::Receiver<()>) {
    // Small answers go out at once; whoever polls waits for each of them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let sandbox = sandbox.clone();
        async move {
            let response = sandbox.handle(request.map(Body::from)).await;
            match response.extensions().get::<Reset>() {
                Some(_) => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                None => Ok(response),
            }
        }
    });
    let mut connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // A connection that breaks is the client's to report.
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        _ = stopped.changed() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    if ended.is_err_and(|error| error.is_user()) {
        let stream = connection.into_parts().io.into_inner();
        // Without a lingering end the system resets the connection, as a broken network would.
        let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
    }
}
