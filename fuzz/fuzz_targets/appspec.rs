//! The AppSpec reader and checker on any text: both agents, Lambda, ECS, the corrections, the drawing.
#![no_main]

use cdctl::appspec::{Agent, Listing, Os, Platform, Scope, check, fixed, load, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    for agent in [Agent::One, Agent::Two] {
        let _ = load(text, Os::Linux, agent);
    }
    for platform in [None, Some(Platform::Windows), Some(Platform::Lambda), Some(Platform::Ecs)] {
        let scope = Scope { platform, ..Scope::default() };
        let checked = check(text, Some(&Listing::new()), scope);
        let shown = render("appspec.yml", text, &checked.findings, false);
        assert!(!shown.contains('\x1b'), "an escape code reached the terminal");
    }
    if let Ok(text) = std::str::from_utf8(text) {
        let _ = fixed(text, Scope::default());
    }
});
