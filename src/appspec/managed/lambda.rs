//! `Properties` of a Lambda function: which alias goes from which version to which.

use crate::source::Span;
use crate::source::psych::{Item, Map};

use super::Checker;
use super::hooks::is_function;

pub const PROPERTIES: &[&str] = &["Name", "Alias", "CurrentVersion", "TargetVersion"];

/// What a placeholder for the number of a version is called by.
pub const VERSION: &[&str] = &["VERSION"];

/// Source: AWS Lambda's API, CreateAlias.
fn is_alias(text: &str) -> bool {
    let is_word = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    is_word && text.len() <= 128 && !text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Checker {
    pub(super) fn lambda(&mut self, resource: &Item, map: &Map) {
        self.keys(map, PROPERTIES, "A071", "a Lambda function");
        if let Some((item, text)) = self.required(map, "Name", resource.span)
            && !is_function(&text)
        {
            let message = format!("`{text}` is not the name of a Lambda function");
            self.error("A074", item.span, message, "a name has letters, digits, hyphens and underscores");
        }
        if let Some((item, text)) = self.required(map, "Alias", resource.span)
            && !is_alias(&text)
        {
            let message = format!("no alias is named `{text}`");
            let help = "a name has letters, digits, hyphens and underscores, and is no number";
            self.error("A074", item.span, message, help);
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
            if self.stand_in(item, &text, VERSION) {
                return None;
            }
            let message = format!("{name} `{text}` is not the number of a published version");
            self.error("A074", item.span, message, "versions count 1, 2, 3; $LATEST and aliases are none");
            return None;
        }
        Some((item.span, text))
    }
}
