//! Preconditions of requests, by eTag and by time. Source: RFC 9110, section 13, and Amazon S3's API reference. Pure.

use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Result, s3_error};

use super::answers::time;
use crate::sandbox::objects::{Stored, When};

/// What a read asks of the object.
#[derive(Debug, Default)]
pub struct Conditions {
    pub matches: Option<ETagCondition>,
    pub none_match: Option<ETagCondition>,
    pub modified_since: Option<Timestamp>,
    pub unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// # Errors
    /// `PreconditionFailed`, or `NotModified` where the caller has it already.
    pub fn check(&self, stored: &Stored) -> S3Result<()> {
        // What an HTTP date can say are whole seconds.
        let modified = time(stored.modified - stored.modified.rem_euclid(1000));
        let is = |condition: &ETagCondition| is(condition, stored);
        let wanted = match (&self.matches, &self.unmodified_since) {
            (Some(condition), _) => is(condition),
            (None, Some(since)) => modified <= *since,
            (None, None) => true,
        };
        if !wanted {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        let known = match (&self.none_match, &self.modified_since) {
            (Some(condition), _) => is(condition),
            (None, Some(since)) => modified <= *since,
            (None, None) => false,
        };
        if known { Err(s3_error!(NotModified)) } else { Ok(()) }
    }

    /// As [`Conditions::check`] for the source of a copy, where every condition that does not hold has failed.
    pub fn check_source(&self, stored: &Stored) -> S3Result<()> {
        let failed =
            || s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold");
        self.check(stored).map_err(|_| failed())
    }
}

fn is(condition: &ETagCondition, stored: &Stored) -> bool {
    condition.as_etag().is_none_or(|etag| etag.value() == stored.etag)
}

/// What a write asks of the key. S3 knows `If-None-Match: *` and `If-Match` with an eTag.
pub fn of_write(matches: Option<&ETagCondition>, none_match: Option<&ETagCondition>) -> S3Result<When> {
    match (matches, none_match) {
        (None, None) => Ok(When::Always),
        (None, Some(ETagCondition::Any)) => Ok(When::New),
        (Some(ETagCondition::ETag(etag)), None) => Ok(When::Is(etag.value().to_owned())),
        _ => Err(s3_error!(
            NotImplemented,
            "A header you provided implies functionality that is not implemented"
        )),
    }
}

#[cfg(test)]
mod tests {
    use s3s::dto::ETag;

    use super::*;

    #[test]
    fn etags_go_before_times() {
        let stored = Stored {
            key: "k".into(),
            path: "p".into(),
            size: 1,
            etag: "e".into(),
            modified: 10_900,
            version: None,
            attributes: Default::default(),
        };
        let tag = |text: &str| Some(ETagCondition::ETag(ETag::Strong(text.to_owned())));
        let at = |seconds: i64| Some(time(seconds * 1000));
        let case = |matches, none_match, modified_since, unmodified_since| {
            let conditions = Conditions { matches, none_match, modified_since, unmodified_since };
            conditions.check(&stored).map_err(|error| error.code().as_str().to_owned())
        };
        let failed = Err("PreconditionFailed".to_owned());
        let known = Err("NotModified".to_owned());
        assert_eq!(case(None, None, None, None), Ok(()));
        assert_eq!(case(tag("e"), None, None, at(1)), Ok(()), "the eTag goes before the time");
        assert_eq!(case(tag("other"), None, None, None), failed);
        assert_eq!(case(Some(ETagCondition::Any), None, None, None), Ok(()));
        assert_eq!(case(None, None, None, at(9)), failed);
        assert_eq!(case(None, None, None, at(10)), Ok(()), "the same second is not later");
        assert_eq!(case(None, tag("e"), at(1), None), known, "the eTag goes before the time");
        assert_eq!(case(None, tag("other"), at(99), None), Ok(()));
        assert_eq!(case(None, None, at(10), None), known);
        assert_eq!(case(None, None, at(9), None), Ok(()));
    }
}
