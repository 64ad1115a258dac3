//! Pages of the list calls, and the tokens between them.
//!
//! The service's tokens are opaque. Here one names the last item given, and is bound to the operation, the
//! region and the arguments that it came from.

use std::borrow::Cow;

use aws_smithy_schema::serde::SerializableStruct;
use aws_smithy_types::base64;
use sha2::{Digest, Sha256};

use super::{Call, Refusal};
use crate::sandbox::wire;

/// One page: the items, and the token of the next one.
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Cuts the page that `token` asks for out of `items`; `key` tells the items apart and is not copied for those that
/// are skipped, so that the last page of ten thousand comes as fast as the first.
///
/// # Errors
/// `InvalidNextTokenException` for a token of another list, or one whose item is gone.
pub fn page<T>(
    call: &Call<'_>,
    input: &dyn SerializableStruct,
    token: Option<&str>,
    items: impl IntoIterator<Item = T>,
    key: impl for<'k> Fn(&'k T) -> Cow<'k, str>,
) -> Result<Page<T>, Refusal> {
    let binding = binding(call, input)?;
    let mut items = items.into_iter().peekable();
    if let Some(token) = token {
        let last = open(token, &binding).ok_or_else(invalid)?;
        if !items.by_ref().any(|item| key(&item) == last) {
            return Err(invalid());
        }
    }
    let page: Vec<T> = items.by_ref().take(call.page_size).collect();
    let next = match (items.peek(), page.last()) {
        (Some(_), Some(last)) => Some(base64::encode(format!("{binding}{}", key(last)))),
        _ => None,
    };
    Ok(Page { items: page, next })
}

fn invalid() -> Refusal {
    Refusal::new("InvalidNextTokenException", "The next token is not valid")
}

fn open(token: &str, binding: &str) -> Option<String> {
    let text = String::from_utf8(base64::decode(token).ok()?).ok()?;
    text.strip_prefix(binding).map(ToOwned::to_owned)
}

fn binding(call: &Call<'_>, input: &dyn SerializableStruct) -> Result<String, Refusal> {
    let mut arguments = wire::members(input)?;
    for spelling in ["nextToken", "NextToken"] {
        arguments.remove(spelling);
    }
    let arguments = serde_json::Value::Object(arguments).to_string();
    let mut hash = Sha256::new();
    for part in [input.schema().shape_id().shape_name(), call.region_name, &arguments] {
        hash.update(part);
        hash.update([0]);
    }
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}
