//! What is not worth a second try: nobody listens there, or the name does not exist. Everything else is the
//! SDK's to decide.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};

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

fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
