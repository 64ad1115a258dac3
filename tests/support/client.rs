//! The SDK's clients over a sandbox in this process: requests go through `handle`, not through a socket.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use cdctl::sandbox::Sandbox;
use s3s::Body;

/// An address that nobody dials.
const ENDPOINT: &str = "http://localhost:4577";

/// Calls a sandbox in this process.
#[derive(Clone)]
pub struct InProcess(pub Arc<Sandbox>);

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sandbox = self.0.clone();
        HttpConnectorFuture::new(async move {
            let other = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::other(error, None);
            let mut request = request.try_into_http1x().map_err(|error| other(error.into()))?;
            // A connection would send it.
            let host = request.uri().authority().unwrap().as_str().parse().unwrap();
            request.headers_mut().insert("host", host);
            let response = sandbox.handle(request.map(Body::http_body)).await;
            response.map(SdkBody::from_body_1_x).try_into().map_err(|error| other(Box::new(error)))
        })
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn credentials() -> Credentials {
    Credentials::new("sandbox", "sandbox", None, None, "test")
}

pub fn codedeploy(sandbox: &Arc<Sandbox>) -> aws_sdk_codedeploy::Client {
    use aws_sdk_codedeploy::config::{BehaviorVersion, Config, Region, retry::RetryConfig};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(ENDPOINT)
        .http_client(InProcess(sandbox.clone()));
    aws_sdk_codedeploy::Client::from_conf(config.build())
}

pub fn s3(sandbox: &Arc<Sandbox>) -> aws_sdk_s3::Client {
    use aws_sdk_s3::config::{BehaviorVersion, Config, Region, retry::RetryConfig};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(ENDPOINT)
        .http_client(InProcess(sandbox.clone()));
    aws_sdk_s3::Client::from_conf(config.build())
}
