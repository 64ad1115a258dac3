//! Lists whose names come in pages and whose rows come from batch calls.

use serde_json::Value;

use crate::api::batch::Batch;
use crate::api::{Api, ApiError, strings};
use crate::format::Listing;

/// Where a list's names come from.
pub struct Source<'a> {
    pub operation: &'static str,
    pub input: Value,
    /// The member of a page that holds the names.
    pub names: &'a str,
    pub batch: &'a Batch,
    /// What each batch call says beside the names.
    pub base: Value,
}

impl Source<'_> {
    /// Adds a row an item, a page at a time, until there are `limit`; the rest is not fetched.
    pub async fn fill(
        self,
        api: &Api,
        limit: Option<usize>,
        list: &mut Listing<'_>,
        row: impl Fn(&Value) -> Vec<String>,
    ) -> anyhow::Result<Result<(), ApiError>> {
        let mut pages = match api.pages_of(self.operation, self.input) {
            Ok(pages) => pages,
            Err(error) => return Ok(Err(error)),
        };
        let limit = limit.unwrap_or(usize::MAX);
        while list.count() < limit {
            let mut names = match pages.next().await {
                Ok(Some(page)) => strings(page.get(self.names)),
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            };
            names.truncate(limit - list.count());
            match api.batch(self.batch, &self.base, &names).await {
                Ok(items) => {
                    for item in items {
                        let cells = row(&item);
                        list.add(item, cells)?;
                    }
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }
}
