//! The locator on any string: what it takes it prints in a form that it takes again, and that means the same.
#![no_main]

use cdctl::revision::Locator;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(Locator::Revision(revision)) = text.parse::<Locator>() {
        let again = revision.to_string().parse::<Locator>();
        assert_eq!(again, Ok(Locator::Revision(revision)));
    }
});
