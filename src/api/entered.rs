//! Enters the calls of a command in the ledger by which its watches reckon their budget: each try of each call.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::watch::budget::Ledger;

#[derive(Clone, Debug)]
pub struct Entered(pub Ledger);

impl Intercept for Entered {
    fn name(&self) -> &'static str {
        "cdctl::Entered"
    }

    fn read_after_attempt(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.made();
        Ok(())
    }
}
