//! Values of the command line that are one of a few words of the service.

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Takes one of `words` in either case, and gives it as it is written there.
pub fn one_of(words: &'static [&'static str]) -> impl TypedValueParser<Value = String> {
    let written = move |given: String| {
        let word = words.iter().find(|word| word.eq_ignore_ascii_case(&given));
        word.map_or(given, |word| (*word).to_owned())
    };
    PossibleValuesParser::new(words).map(written)
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;

    #[test]
    fn a_word_comes_out_as_the_service_writes_it() {
        let arg = Arg::new("word").value_parser(one_of(&["AES256", "aws:kms"])).ignore_case(true);
        let command = Command::new("x").arg(arg);
        let word = |given: &str| {
            let matches = command.clone().try_get_matches_from(["x", given]).ok()?;
            matches.get_one::<String>("word").cloned()
        };
        assert_eq!(word("aes256").as_deref(), Some("AES256"));
        assert_eq!(word("AWS:KMS").as_deref(), Some("aws:kms"));
        assert_eq!(word("des"), None);
    }
}
