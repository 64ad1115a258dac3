//! `Properties` of a Lambda function: which alias goes from which version to which.

use crate::source::Span;
use crate::source::psych::{Item, Map};

use super::Checker;

const PROPERTIES: &[&str] = &["Name", "Alias", "CurrentVersion", "TargetVersion"];

impl Checker {
    pub(super) fn lambda(&mut self, resource: &Item, map: &Map) {
        self.keys(map, PROPERTIES, "A071", "a Lambda function");
        for name in ["Name", "Alias"] {
            self.required(map, name, resource.span);
        }
        let current = self.function_version(map, "CurrentVersion", resource.span);
        let target = self.function_version(map, "TargetVersion", resource.span);
        if let (Some((_, current)), Some((span, target))) = (current, target)
            && current == target
        {
            let message =
                "TargetVersion is CurrentVersion: there is nothing to deploy, and the service refuses it";
            self.error("A074", span, message, "publish a version and name it as TargetVersion");
        }
    }

    fn function_version(&mut self, map: &Map, name: &str, at: Span) -> Option<(Span, String)> {
        let (item, text) = self.required(map, name, at)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || text.trim_start_matches('0').is_empty() {
            let message = format!("{name} `{text}` is not the number of a published version");
            self.error("A074", item.span, message, "versions count 1, 2, 3; $LATEST and aliases are none");
            return None;
        }
        Some((item.span, text))
    }
}
