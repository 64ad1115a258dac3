//! What is not worth a second try: nobody listens there, or the name does not exist. What must not be tried again
//! before a look: a call that makes something and whose answer was lost. Everything else is the SDK's to decide.

use aws_sdk_codedeploy::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codedeploy::operation::create_deployment::CreateDeploymentError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};

use super::ErrorKind;
use super::error::{kind_of, last};

/// A wrong endpoint or region is answered at once instead of after seconds of backoff.
#[derive(Debug)]
pub struct WrongAddress;

impl ClassifyRetry for WrongAddress {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = match context.output_or_error() {
            Some(Err(error)) => error,
            _ => return RetryAction::NoActionIndicated,
        };
        let text = OrchestratorError::as_connector_error(error).map(|error| last(error)).unwrap_or_default();
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

/// A gateway that asks for fewer calls or gave up waiting for one, in no words of the service: the SDK tries again only
/// by the code.
#[derive(Debug)]
pub struct Gateway;

impl ClassifyRetry for Gateway {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response().map(|response| response.status().as_u16()) {
            Some(429) => RetryAction::throttling_error(),
            Some(408) => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "cdctl::Gateway"
    }
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
        let gateway = context.response().is_some_and(|response| response.status().as_u16() == 429);
        if gateway || code.is_some_and(|code| kind_of(code, None) == ErrorKind::Throttled) {
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

/// Whether a call that failed may have been carried out all the same: it reached a server that did not refuse it.
pub fn may_have_happened<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::DispatchFailure(failure) => failure.as_connector_error().is_some_and(|error| {
            (error.is_io() || error.is_timeout() || is_hyper(error)) && !connecting(error)
        }),
        SdkError::ServiceError(refusal) => {
            let status = refusal.raw().status().as_u16();
            match refusal.err().code() {
                Some(code) => kind_of(code, Some(status)) == ErrorKind::Transient,
                // 429 and the like come from a gateway that passed nothing on.
                None => !(300..500).contains(&status),
            }
        }
        // In no words at all, as an empty body.
        SdkError::ResponseError(answer) => !(300..500).contains(&answer.raw().status().as_u16()),
        // A time-out, or an answer that is not the service's.
        _ => true,
    }
}

/// Every error, down to the first cause.
pub(super) fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

fn is_hyper(error: &(dyn std::error::Error + 'static)) -> bool {
    chain(error).any(|error| error.is::<hyper::Error>())
}

/// The connection was never there.
pub(super) fn connecting(error: &(dyn std::error::Error + 'static)) -> bool {
    chain(error)
        .filter_map(|error| error.downcast_ref::<hyper_util::client::legacy::Error>())
        .any(hyper_util::client::legacy::Error::is_connect)
}
