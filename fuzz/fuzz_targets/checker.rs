//! The checker on any text beside any bundle: every platform, the corrections and the drawing. What `--fix` has written
//! it has nothing more to write of.
#![no_main]

use std::collections::BTreeMap;

use cdctl::appspec::{Entry, Kind, Listing, Look, Platform, Scope, check, fixed, render};
use libfuzzer_sys::fuzz_target;

/// The names that the text has, as files of a bundle: a listing by chance would hit none of them.
fn listing(text: &str, draw: u8) -> Listing {
    let kinds = [Kind::File, Kind::Directory, Kind::Link];
    let heads: [&[u8]; 4] = [b"#!/bin/sh\n", b"", b"\xef\xbb\xbf#!/bin/sh\r\n", b"\x7fELF"];
    let named = |(at, name): (usize, &str)| {
        let at = at.wrapping_add(usize::from(draw));
        let kind = kinds[at % kinds.len()].clone();
        let mode = if at % 2 == 0 { 0o755 } else { 0o644 };
        (name.to_owned(), Entry { kind, mode, head: heads[at % heads.len()].to_vec() })
    };
    let words = text.split(|letter: char| letter.is_whitespace() || "\"':,{}[]".contains(letter));
    words.filter(|word| !word.is_empty()).take(50).enumerate().map(named).collect::<BTreeMap<_, _>>()
}

fuzz_target!(|input: (u8, &[u8])| {
    let (draw, text) = input;
    let names = listing(&String::from_utf8_lossy(text), draw);
    for platform in [None, Some(Platform::Linux), Some(Platform::Windows), Some(Platform::Lambda), Some(Platform::Ecs)]
    {
        let scope = Scope { platform, placeholders: draw % 2 == 0, ..Scope::default() };
        let checked = check(text, Some(&names), scope);
        let shown = render("appspec.yml", text, &checked.findings, Look { colour: false, columns: Some(40) });
        assert!(!shown.contains('\x1b'), "an escape code reached the terminal");
    }
    if let Ok(text) = std::str::from_utf8(text)
        && let Some((better, _)) = fixed(text, Scope::default())
    {
        assert_eq!(fixed(&better, Scope::default()), None, "a correction is to be corrected");
    }
});
