//! What Psych makes of a plain scalar. Its rules are its own: neither YAML 1.1's nor 1.2's.

use super::Value;

/// What a plain scalar turns out to be.
#[derive(Debug, PartialEq)]
pub enum Scanned {
    Value(Value),
    /// A Ruby class that safe loading refuses (`Date`, `Time`).
    Class(&'static str),
}

/// Psych's tokenizer: the first rule that fits decides.
pub fn scan(text: &str) -> Scanned {
    Scanned::Value(if text.is_empty() {
        Value::Null
    } else if looks_like_words(text) {
        word(text)
    } else if is_time(text) {
        return Scanned::Class("Time");
    } else if is_date(text) {
        return Scanned::Class("Date");
    } else if let Some(value) = special_float(text).or_else(|| sexagesimal(text)) {
        value
    } else if is_float(text) {
        float(text)
    } else {
        integer(text).map_or_else(|| Value::Text(text.to_owned()), Value::Int)
    })
}

fn looks_like_words(text: &str) -> bool {
    let wordy = |c: char| c.is_alphabetic() || c.is_whitespace() || "_!@#$%^&*(){}<>|/\\~;=".contains(c);
    let skippable = |c: char| !c.is_ascii_digit() && !matches!(c, '.' | ':' | '-');
    let mut chars = text.chars();
    let (first, second) = (chars.next(), chars.next());
    first.is_some_and(wordy)
        || (first.is_some_and(skippable) && second.is_some_and(wordy))
        || text.contains('\n')
}

fn word(text: &str) -> Value {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if text == "~" || is(&["null"]) {
        Value::Null
    } else if is(&["yes", "true", "on"]) {
        Value::Bool(true)
    } else if is(&["no", "false", "off"]) {
        Value::Bool(false)
    } else {
        Value::Text(text.to_owned())
    }
}

fn special_float(text: &str) -> Option<Value> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        ".inf" | "+.inf" => Some(Value::Float(f64::INFINITY)),
        "-.inf" => Some(Value::Float(f64::NEG_INFINITY)),
        ".nan" => Some(Value::Float(f64::NAN)),
        _ => None,
    }
}

fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2020-01-31` with month and day in range, one or two digits each.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let within =
        |part: &str, most: u8| digits(part, 1..=2) && part.parse::<u8>().is_ok_and(|number| number <= most);
    matches!(parts.as_slice(), [year, month, day]
        if digits(year, 4..=4) && within(month, 12) && within(day, 31))
}

/// A date, a `T` or blanks, `h:mm:ss`, perhaps a fraction and a zone.
fn is_time(text: &str) -> bool {
    let body = text.strip_prefix('-').unwrap_or(text);
    let Some(at) = body.find(|c: char| c == 'T' || c == 't' || c.is_whitespace()) else { return false };
    let (date, clock) = body.split_at(at);
    let clock = clock.strip_prefix(['T', 't']).unwrap_or(clock).trim_start();
    let date: Vec<&str> = date.split('-').collect();
    let date_fits = matches!(date.as_slice(), [y, m, d]
        if digits(y, 4..=4) && digits(m, 1..=2) && digits(d, 1..=2));
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, rest) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let zone = rest.get(2..).unwrap_or_default().trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    date_fits
        && hour.is_some_and(|hour| digits(hour, 1..=2))
        && minute.is_some_and(|minute| digits(minute, 2..=2))
        && rest.get(..2).is_some_and(|second| digits(second, 2..=2))
        && zone.trim_start().chars().all(|c| matches!(c, 'Z' | '+' | '-' | ':') || c.is_ascii_digit())
}

/// `1:30` is 5400: Psych counts the first part as hours whether or not seconds follow.
fn sexagesimal(text: &str) -> Option<Value> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = match body.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (body, None),
    };
    let parts: Vec<&str> = whole.split(':').collect();
    let (first, later) = parts.split_first()?;
    let sixty = |part: &&str| digits(part, 1..=2) && part.parse::<u8>().is_ok_and(|number| number < 60);
    let first_fits = first.starts_with(|c: char| c.is_ascii_digit())
        && first.chars().all(|c| c.is_ascii_digit() || c == '_');
    let fraction_fits = fraction.is_none_or(|part| part.chars().all(|c| c.is_ascii_digit() || c == '_'));
    if !(1..=2).contains(&later.len()) || !first_fits || !later.iter().all(sixty) || !fraction_fits {
        return None;
    }
    let mut total = first.replace('_', "").parse::<i128>().ok()?.checked_mul(3600)?;
    if negative {
        total = -total;
    }
    for (part, weight) in later.iter().zip([60, 1]) {
        total = total.checked_add(part.parse::<i128>().ok()?.checked_mul(weight)?)?;
    }
    match fraction {
        None => Some(Value::Int(total)),
        Some(part) => {
            let weight = if later.len() == 1 { 60.0 } else { 1.0 };
            let part = format!("0.{}", part.replace('_', "")).parse::<f64>().unwrap_or(0.0);
            Some(Value::Float(total as f64 + part * weight))
        }
    }
}

/// `1.5`, `.5`, `1.`, `1_0,0.5e+3`: an exponent needs its sign.
fn is_float(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some((whole, rest)) = body.split_once('.') else { return false };
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    let whole_fits = whole.is_empty()
        || (whole.starts_with(|c: char| c.is_ascii_digit())
            && whole.chars().all(|c| c.is_ascii_digit() || matches!(c, '_' | ',')));
    let exponent_fits = exponent.is_none_or(|exponent| {
        exponent.strip_prefix(['-', '+']).is_some_and(|exponent| digits(exponent, 1..=exponent.len()))
    });
    whole_fits && fraction.bytes().all(|byte| byte.is_ascii_digit()) && exponent_fits
}

fn float(text: &str) -> Value {
    if matches!(text, "." | "-." | "+.") {
        return Value::Text(text.to_owned());
    }
    text.replace([',', '_'], "").parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Float)
}

/// Binary, octal (`0755`), decimal and hexadecimal numbers, `_` and `,` between digits.
fn integer(text: &str) -> Option<i128> {
    let (sign, body) = match text.strip_prefix('-') {
        Some(body) => ("-", body),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, body) = if let Some(body) = body.strip_prefix("0b") {
        (2, body)
    } else if let Some(body) = body.strip_prefix("0x") {
        (16, body)
    } else if body.starts_with('0') {
        (8, body)
    } else {
        let grouped = |pair: &[u8]| pair.iter().any(u8::is_ascii_digit);
        if body.ends_with([',', '_']) || !body.as_bytes().windows(2).all(grouped) {
            return None;
        }
        (10, body)
    };
    let bare = body.replace([',', '_'], "");
    let fits = !bare.is_empty() && bare.chars().all(|c| c.is_digit(radix));
    fits.then(|| i128::from_str_radix(&format!("{sign}{bare}"), radix).ok()).flatten()
}

/// Ruby's `Float#to_s`, exact for what is neither tiny nor huge.
pub fn float_to_s(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        match scan(text) {
            Scanned::Value(value) => value,
            Scanned::Class(class) => panic!("{text} is a {class}"),
        }
    }

    #[test]
    fn floats() {
        for zero in ["0.0", ".0", "0.", "+0.0", "-0.0"] {
            assert_eq!(value(zero), Value::Float(0.0), "{zero}");
        }
        assert_eq!(value("1_0.5e+1"), Value::Float(105.0));
        assert_eq!(value("-.INF"), Value::Float(f64::NEG_INFINITY));
        assert_eq!(value("1.0").to_s(), "1.0");
    }

    #[test]
    fn integers() {
        let cases =
            [("0", 0), ("00", 0), ("0x0", 0), ("0,0", 0), ("0755", 493), ("0_755", 493), ("1_000", 1000)];
        for (text, expected) in cases {
            assert_eq!(value(text), Value::Int(expected), "{text}");
        }
        assert_eq!(value("0300"), Value::Int(192));
        assert_eq!(value("-0x1F"), Value::Int(-31));
        assert_eq!(value("1:30"), Value::Int(5400));
        assert_eq!(value("1:30:15"), Value::Int(5415));
    }

    #[test]
    fn what_only_looks_like_a_number_is_text() {
        for text in ["0e0", "3e2", "08", "0o755", "0.0.1", "5m", "1_", "+", "1.5e3", "0b", "1:60", "4:5:6:7"]
        {
            assert_eq!(value(text), Value::Text(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn words() {
        for text in ["yes", "True", "ON"] {
            assert_eq!(value(text), Value::Bool(true), "{text}");
        }
        for text in ["no", "FALSE", "Off"] {
            assert_eq!(value(text), Value::Bool(false), "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(value(text), Value::Null, "{text}");
        }
        for text in ["y", "n", "nul", "linux", "scripts/a.sh", "é"] {
            assert_eq!(value(text), Value::Text(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn dates_and_times() {
        for (text, class) in [
            ("2020-01-31", "Date"),
            ("2020-1-1", "Date"),
            ("2020-01-31 10:00:00", "Time"),
            ("2020-01-31T1:00:00.5Z", "Time"),
            ("2020-01-31 10:00:00 +01:00", "Time"),
        ] {
            assert_eq!(scan(text), Scanned::Class(class), "{text}");
        }
        assert_eq!(value("2020-13-01"), Value::Text("2020-13-01".into()));
    }
}
