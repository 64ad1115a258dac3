//! What is not worth a second try: nobody listens there, or the name does not exist. Everything else is the
//! SDK's to decide.

use aws_sdk_codedeploy::error::ProvideErrorMetadata;
use aws_sdk_codedeploy::operation::create_deployment::CreateDeploymentError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};

use super::ErrorKind;
use super::error::kind_of;

/// A wrong endpoint or region is answered at once instead of after seconds of backoff.
#[derive(Debug)]
pub struct WrongAddress;

impl ClassifyRetry for WrongAddress {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = match context.output_or_error() {
            Some(Err(error)) => error,
            _ => return RetryAction::NoActionIndicated,
        };
        let text =
            OrchestratorError::as_connector_error(error).map(|error| deepest(error)).unwrap_or_default();
        if text.contains("Connection refused") || text.contains("Name or service not known") {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "cdctl::WrongAddress"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// The cause at the end of the chain.
pub(super) fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// CreateDeployment has no client token: sent again after anything but a refusal for too many calls, it could
/// deploy twice.
#[derive(Debug)]
pub struct ThrottledOnly;

impl ClassifyRetry for ThrottledOnly {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let code = error
            .as_operation_error()
            .and_then(|error| error.downcast_ref::<CreateDeploymentError>())
            .and_then(|error| error.code());
        if code.is_some_and(|code| kind_of(code, None) == ErrorKind::Throttled) {
            RetryAction::NoActionIndicated
        } else {
            RetryAction::RetryForbidden
        }
    }

    fn name(&self) -> &'static str {
        "cdctl::ThrottledOnly"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
