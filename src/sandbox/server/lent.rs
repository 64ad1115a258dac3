//! A request's body that is lent to whoever answers, and can be read to its end afterwards. Keeps none of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use s3s::{Body, StdError};

/// Who has lent a body.
pub struct Lender(Arc<Mutex<Body>>);

struct Lent(Arc<Mutex<Body>>);

/// The body, and what can read the rest of it.
pub fn lend(body: Body) -> (Body, Lender) {
    let shared = Arc::new(Mutex::new(body));
    (Body::http_body(Lent(Arc::clone(&shared))), Lender(shared))
}

impl Lender {
    /// Reads what was left of the body, to nowhere. One that breaks off is the client's to report.
    pub async fn drain(self) {
        let mut rest = Lent(self.0);
        while let Some(Ok(_)) = rest.frame().await {}
    }
}

impl Lent {
    fn body(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl hyper::body::Body for Lent {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        Pin::new(&mut *self.body()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
