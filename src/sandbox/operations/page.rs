//! Pages of the list calls, and the tokens between them.
//!
//! The service's tokens are opaque. Here one tells the place in the list where its page ended, and is bound to the
//! operation, the region and the arguments that it came from. The place stays where it is when the item that was there
//! is deleted, or is not asked for any more.

use std::str::FromStr;

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

/// Cuts the page that `token` asks for out of `items`, which are in the order of their places.
///
/// # Errors
/// `InvalidNextTokenException` for a token of another list.
pub fn page<T, P: Ord + FromStr + ToString>(
    call: &Call<'_>,
    input: &dyn SerializableStruct,
    token: Option<&str>,
    items: impl IntoIterator<Item = T>,
    place: impl Fn(&T) -> P,
) -> Result<Page<T>, Refusal> {
    let binding = binding(call, input)?;
    let last: Option<P> = token.map(|token| open(token, &binding).ok_or_else(invalid)).transpose()?;
    let is_over = |item: &T| last.as_ref().is_some_and(|last| place(item) <= *last);
    let mut items = items.into_iter().skip_while(is_over).peekable();
    let page: Vec<T> = items.by_ref().take(call.page_size).collect();
    let next = match (items.peek(), page.last()) {
        (Some(_), Some(last)) => Some(base64::encode(format!("{binding}{}", place(last).to_string()))),
        _ => None,
    };
    Ok(Page { items: page, next })
}

fn invalid() -> Refusal {
    Refusal::new("InvalidNextTokenException", "The next token is not valid")
}

fn open<P: FromStr>(token: &str, binding: &str) -> Option<P> {
    let text = String::from_utf8(base64::decode(token).ok()?).ok()?;
    text.strip_prefix(binding)?.parse().ok()
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
