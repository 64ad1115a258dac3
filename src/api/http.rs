//! One HTTP client for all services, made on first use: no roots are read and no connection is opened before a
//! request needs them. A plain-HTTP endpoint (the sandbox) never loads TLS at all.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use hyper_util::client::proxy::matcher::Matcher;

use super::retry::connecting;

/// A client whose parts, plain and TLS, are made when a request's scheme first asks for them.
#[derive(Clone, Debug, Default)]
pub struct LazyHttp(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    plain: OnceLock<SharedHttpClient>,
    /// Past any proxy: a proxy elsewhere cannot reach what listens on this machine's loopback address.
    local: OnceLock<SharedHttpClient>,
    tls: OnceLock<SharedHttpClient>,
    /// PEM certificates that are trusted beside the system's (`AWS_CA_BUNDLE`); checked by the caller.
    ca_bundle: Option<Vec<u8>>,
}

impl LazyHttp {
    pub fn new(ca_bundle: Option<Vec<u8>>) -> Self {
        LazyHttp(Arc::new(Inner { ca_bundle, ..Inner::default() }))
    }
}

impl Inner {
    fn of(&self, url: &str) -> &SharedHttpClient {
        match url.starts_with("http://") {
            true if is_local(url) => self.local.get_or_init(|| plain(ProxyConfig::disabled)),
            true => self.plain.get_or_init(|| plain(ProxyConfig::from_env)),
            false => self.tls(),
        }
    }

    fn tls(&self) -> &SharedHttpClient {
        self.tls.get_or_init(|| {
            let mut trust = TrustStore::empty().with_native_roots(true);
            if let Some(pem) = &self.ca_bundle {
                trust = trust.with_pem_certificate(pem.clone());
            }
            let context = TlsContext::builder().with_trust_store(trust).build().ok();
            Builder::new().build_with_connector_fn(move |settings, components| {
                let mut builder = Connector::builder()
                    .proxy_config(ProxyConfig::from_env())
                    .tls_provider(Provider::Rustls(CryptoMode::Ring));
                if let Some(context) = context.clone() {
                    builder = builder.tls_context(context);
                }
                if let Some(settings) = settings {
                    builder = builder.connector_settings(settings.clone());
                }
                if let Some(components) = components {
                    builder.set_sleep_impl(components.sleep_impl());
                }
                builder.build()
            })
        })
    }
}

fn plain(proxy: fn() -> ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder().proxy_config(proxy());
        if let Some(settings) = settings {
            builder = builder.connector_settings(settings.clone());
        }
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder.build_http()
    })
}

/// Called past any proxy.
fn is_local(url: &str) -> bool {
    url.starts_with("http://") && is_loopback(url)
}

/// Whether `url` is on this machine.
pub fn is_loopback(url: &str) -> bool {
    let uri = url.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host);
    host.is_some_and(|host| matches!(host, "localhost" | "[::1]") || host.starts_with("127."))
}

/// A server or a proxy that could not be talked to, and which one: the network's own error says nothing about it.
#[derive(Debug)]
pub struct Unreached {
    /// Without what it takes to sign in.
    at: String,
    error: ConnectorError,
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = super::error::last(&self.error);
        let why = match () {
            // In rustls's words a value of Rust.
            () if error.contains("InvalidContentType") => "the server there speaks HTTP without TLS",
            () if error.contains("invalid HTTP version") => "what the server there speaks is not HTTP",
            () => &error,
        };
        write!(f, "{}: {why}", self.at)
    }
}

impl std::error::Error for Unreached {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Unreached {
    /// `error` of a call of `url`, of the same kind.
    fn told(url: &str, error: ConnectorError) -> ConnectorError {
        let refused = error.is_io() && connecting(&error);
        let at = match proxy(url) {
            Some(proxy) if refused && !is_local(url) => format!("the proxy {proxy}"),
            _ => origin(url).unwrap_or_default(),
        };
        let (io, timeout, user) = (error.is_io(), error.is_timeout(), error.is_user());
        let (kind, connection) = (error.as_other(), error.connection_metadata().cloned());
        let source = Box::new(Unreached { at, error });
        let told = match (io, timeout, user) {
            (true, ..) => ConnectorError::io(source),
            (_, true, _) => ConnectorError::timeout(source),
            (.., true) => ConnectorError::user(source),
            _ => ConnectorError::other(source, kind),
        };
        match connection {
            Some(connection) => told.with_connection(connection),
            None => told,
        }
    }
}

/// Scheme, host and port of `url`.
fn origin(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let port = uri.port().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{}://{}{port}", uri.scheme_str()?, uri.host()?))
}

/// The proxy that the environment names for `url`.
fn proxy(url: &str) -> Option<String> {
    let url: http::Uri = url.parse().ok()?;
    let proxy = Matcher::from_env().intercept(&url)?;
    origin(&proxy.uri().to_string())
}

#[derive(Debug)]
struct Choice {
    inner: Arc<Inner>,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Choice {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url = request.uri().to_owned();
        let answer = self.inner.of(&url).http_connector(&self.settings, &self.components).call(request);
        HttpConnectorFuture::new(async move { answer.await.map_err(|error| Unreached::told(&url, error)) })
    }
}

impl HttpClient for LazyHttp {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Choice {
            inner: self.0.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}
