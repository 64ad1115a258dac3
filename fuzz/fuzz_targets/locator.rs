//! The locator on any string: what it takes it prints in a form that it takes again and prints the same.
#![no_main]

use cdctl::revision::Locator;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(Locator::Revision(revision)) = text.parse::<Locator>() {
        // A version says which object it is: an ETag beside it is not printed.
        let printed = revision.to_string();
        match printed.parse::<Locator>() {
            Ok(Locator::Revision(again)) => assert_eq!(again.to_string(), printed),
            other => panic!("{printed:?} is not read again: {other:?}"),
        }
    }
});
