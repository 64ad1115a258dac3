//! One HTTP client for all services, made on first use: no roots are read and no connection is opened before a
//! request needs them. A plain-HTTP endpoint (the sandbox) never loads TLS at all.

use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

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
            true if is_loopback(url) => self.local.get_or_init(|| plain(ProxyConfig::disabled)),
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

/// Whether `url` is on this machine.
pub fn is_loopback(url: &str) -> bool {
    let uri = url.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host);
    host.is_some_and(|host| matches!(host, "localhost" | "[::1]") || host.starts_with("127."))
}

#[derive(Debug)]
struct Choice {
    inner: Arc<Inner>,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Choice {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.inner.of(request.uri());
        client.http_connector(&self.settings, &self.components).call(request)
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
