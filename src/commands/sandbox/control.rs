//! Calls the control endpoint of a sandbox that runs on this machine. Sends nothing anywhere else.

use std::time::Duration;

use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

/// Where `cdctl sandbox serve` listens by default.
const DEFAULT: &str = "http://127.0.0.1:4577";
/// More than the fleet of any sandbox; less than a hostile answer.
const MOST: usize = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// The JSON that the sandbox answers to `method` on `/_cdctl/PATH`; the path may have a query.
pub async fn call(
    context: &Context,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Value> {
    let given = context.settings.connection.endpoint_url.as_deref();
    let url = given.or(context.environment.endpoint_url.as_deref()).unwrap_or(DEFAULT);
    let (host, port) = address(url)?;
    let exchange = exchange(&host, port, method, path, body);
    let answer = match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(anyhow::anyhow!("no answer came within {} seconds", PATIENCE.as_secs())),
    };
    let (status, body) = answer.map_err(|error| {
        Failure::new(format!("the sandbox at {url} cannot be reached"))
            .cause(error.to_string())
            .help("start one with `cdctl sandbox serve`, or name it with --endpoint-url")
    })?;
    let json: Option<Value> = serde_json::from_slice(&body).ok();
    match json {
        Some(json) if status == StatusCode::OK => Ok(json),
        Some(json) if json.get("error").is_some_and(Value::is_string) => {
            let why = json.get("error").and_then(Value::as_str).unwrap_or_default();
            Err(Failure::new(why.to_owned()).exit(Exit::Usage).into())
        }
        _ => Err(Failure::new(format!("what answers at {url} is not a cdctl sandbox")).into()),
    }
}

/// The loopback host and port of a plain HTTP endpoint.
fn address(url: &str) -> anyhow::Result<(String, u16)> {
    let uri = url.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let is_loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let is_plain = uri.as_ref().is_some_and(|uri| uri.scheme_str() == Some("http"));
    if !is_loopback || !is_plain {
        return Err(Failure::new(format!("{url} is not a sandbox on this machine"))
            .help("name it with --endpoint-url http://127.0.0.1:PORT")
            .exit(Exit::Usage)
            .into());
    }
    Ok((host.to_owned(), uri.and_then(|uri| uri.port_u16()).unwrap_or(80)))
}

async fn exchange(
    host: &str,
    port: u16,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<(StatusCode, bytes::Bytes)> {
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(format!("/_cdctl/{path}"))
        .header(header::HOST, format!("{host}:{port}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(bytes::Bytes::from(body)))?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST).collect().await;
        Ok((status, body.map_err(|error| anyhow::anyhow!(error))?.to_bytes()))
    };
    tokio::pin!(connection);
    tokio::select! {
        answer = answer => answer,
        Err(error) = connection => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_to_another_machine() {
        assert_eq!(address("http://127.0.0.1:4577").unwrap(), ("127.0.0.1".to_owned(), 4577));
        assert_eq!(address("http://localhost").unwrap(), ("localhost".to_owned(), 80));
        assert_eq!(address("http://[::1]:9").unwrap(), ("[::1]".to_owned(), 9));
        for url in ["https://127.0.0.1", "http://example.com", "http://10.0.0.1:4577", "", "127.0.0.1:4577"] {
            assert!(address(url).is_err(), "{url}");
        }
    }
}
