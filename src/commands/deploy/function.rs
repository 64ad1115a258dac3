//! `--function`: a function of Lambda and its alias, by name or by ARN.

use std::str::FromStr;

/// `NAME`, `NAME:ALIAS` or the ARN of either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub alias: Option<String>,
    /// Where the ARN says that it is.
    pub region: Option<String>,
}

impl FromStr for Function {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "a function is written NAME, NAME:ALIAS or as its ARN";
        let parts: Vec<&str> = text.split(':').collect();
        let (region, name, alias) = match parts[..] {
            ["arn", _, "lambda", region, _, "function", name] => (Some(region), name, None),
            ["arn", _, "lambda", region, _, "function", name, alias] => (Some(region), name, Some(alias)),
            [name] => (None, name, None),
            [name, alias] => (None, name, Some(alias)),
            _ => return Err(FORM.to_owned()),
        };
        if name.is_empty() || alias == Some("") {
            return Err(FORM.to_owned());
        }
        // Lambda takes no alias of digits alone.
        if let Some(version) = alias.filter(|alias| alias.starts_with('$') || alias.parse::<u64>().is_ok()) {
            return Err(format!("{version} is a version of {name}, and traffic is moved by an alias"));
        }
        Ok(Function {
            name: name.to_owned(),
            alias: alias.map(str::to_owned),
            region: region.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_a_name_or_an_arn() {
        let read = |text: &str| {
            let Function { name, alias, region } = text.parse::<Function>().unwrap();
            (name, alias.unwrap_or_default(), region.unwrap_or_default())
        };
        let of = |name: &str, alias: &str, region: &str| (name.into(), alias.into(), region.into());
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:checkout";
        assert_eq!(read("checkout"), of("checkout", "", ""));
        assert_eq!(read("checkout:live"), of("checkout", "live", ""));
        assert_eq!(read(arn), of("checkout", "", "us-east-1"));
        assert_eq!(read(&format!("{arn}:live")), of("checkout", "live", "us-east-1"));
        for wrong in
            ["", ":live", "checkout:", "a:b:c", "checkout:7", "checkout:$LATEST", &format!("{arn}:7")]
        {
            assert!(wrong.parse::<Function>().is_err(), "{wrong}");
        }
        assert!("arn:aws:s3:::function:checkout".parse::<Function>().is_err());
    }
}
