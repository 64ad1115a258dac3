//! `--verbose`: says of each call what was asked, how long it took and how it ended. No body and no secret is said.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use crate::clock::Stopwatch;
use crate::model::without_credentials;

/// Headers that let whoever reads them act for the caller.
const SECRET: [&str; 6] = [
    "authorization",
    "cookie",
    "set-cookie",
    "x-amz-security-token",
    "proxy-authorization",
    "x-amz-server-side-encryption-customer-key",
];

/// Is told of every call: by a line each, or by every request and answer.
#[derive(Clone)]
pub struct Calls {
    /// Each attempt with its headers, not only the call.
    every_request: bool,
    tell: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Calls {
    pub fn new(every_request: bool, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Calls { every_request, tell: Arc::new(tell) }
    }

    /// Says what led to no call.
    pub fn tell(&self, line: &str) {
        (self.tell)(line);
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Calls")
    }
}

/// A call under way.
#[derive(Clone, Debug)]
struct Started {
    at: Stopwatch,
    attempts: u32,
}

impl Storable for Started {
    type Storer = StoreReplace<Self>;
}

fn name(bag: &ConfigBag) -> String {
    bag.load::<Metadata>().map_or_else(|| "a call".to_owned(), |call| call.name().to_owned())
}

fn shown<'a>(header: &str, value: &'a str) -> &'a str {
    if SECRET.contains(&header) { "(not shown)" } else { value }
}

fn request_id(response: &HttpResponse) -> Option<&str> {
    ["x-amzn-requestid", "x-amz-request-id"].into_iter().find_map(|name| response.headers().get(name))
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "cdctl::Calls"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        bag.interceptor_state().store_put(Started { at: Stopwatch::start(), attempts: 0 });
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(mut started) = bag.load::<Started>().cloned() else { return Ok(()) };
        started.attempts += 1;
        if self.every_request {
            let request = context.request();
            let attempt =
                if started.attempts > 1 { format!(", attempt {}", started.attempts) } else { String::new() };
            let uri = without_credentials(request.uri());
            (self.tell)(&format!("> {} {uri} ({}{attempt})", request.method(), name(bag)));
            for (header, value) in request.headers() {
                (self.tell)(&format!(">   {header}: {}", shown(header, value)));
            }
        }
        bag.interceptor_state().store_put(started);
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.every_request {
            let response = context.response();
            (self.tell)(&format!("< {}", response.status()));
            for (header, value) in response.headers() {
                (self.tell)(&format!("<   {header}: {}", shown(header, value)));
            }
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (true, None, Some(Err(error))) =
            (self.every_request, context.response(), context.output_or_error())
        {
            let error = error.as_connector_error().map(|error| super::error::last(error));
            (self.tell)(&format!("< no answer: {}", error.as_deref().unwrap_or("the call was given up")));
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(started) = bag.load::<Started>() else { return Ok(()) };
        let took = started.at.elapsed().as_millis();
        let attempts = match started.attempts {
            0 | 1 => String::new(),
            many => format!(", {many} attempts"),
        };
        let (end, id) = match context.response() {
            Some(response) => (response.status().to_string(), request_id(response)),
            None => ("no answer".to_owned(), None),
        };
        let id = id.map_or_else(String::new, |id| format!(", request {id}"));
        (self.tell)(&format!("{}: {end}, {took} ms{attempts}{id}", name(bag)));
        Ok(())
    }
}
