//! Secrets in what scripts have printed: the unmistakable forms are masked before anything is shown or kept.

const MASK: &str = "***";
/// What a name holds whose value is a secret.
const NAMES: [&str; 6] = ["secret", "token", "password", "passwd", "private_key", "api_key"];

/// `text` without the values of `…SECRET…=`, `"…token…": ` and the like, what follows `Bearer`, and the passwords in URLs. Source of the names: the variables that AWS, GitHub, npm and Docker read.
pub fn mask(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let line = schemes(&urls(line));
        output.push_str(&values(&line));
    }
    output
}

/// `Bearer x`
fn schemes(line: &str) -> String {
    let mut output = String::with_capacity(line.len());
    let mut masks = false;
    for word in line.split_inclusive(' ') {
        let bare = word.trim_end();
        if masks && !bare.is_empty() {
            output.push_str(MASK);
            output.push_str(&word[bare.len()..]);
            masks = false;
        } else {
            output.push_str(word);
            masks = bare.ends_with("Bearer");
        }
    }
    output
}

/// `scheme://user:password@host`
fn urls(line: &str) -> String {
    let mut output = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        output.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
            Some((user, host)) => output.push_str(&format!("{user}:{MASK}@{host}")),
            None => output.push_str(authority),
        }
        rest = tail;
    }
    output + rest
}

/// `text` without the user and password of the URLs in it: either may be a token.
pub fn without_credentials(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'`".contains(c)).unwrap_or(after.len());
        let host =
            after.get(..end).and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user.len() + 1);
        output.push_str(before);
        rest = after.get(host.unwrap_or(0)..).unwrap_or_default();
    }
    output + rest
}

/// `NAME=value`, `"name": "value"`
fn values(line: &str) -> String {
    let mut output = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['=', ':']) {
        let (before, after) = rest.split_at(at + 1);
        output.push_str(before);
        rest = after;
        let name = before[..at].trim_end_matches(['"', '\'', ' ']);
        let name = name
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
            .next()
            .unwrap_or_default();
        let name = name.to_ascii_lowercase().replace('-', "_");
        let open = after.len() - after.trim_start_matches([' ', '"', '\'']).len();
        let (lead, value) = after.split_at(open);
        let end = match lead.chars().last().filter(|quote| "\"'".contains(*quote)) {
            Some(quote) => value.find(quote),
            None => value.find(|c: char| c.is_whitespace() || "\"',;&".contains(c)),
        };
        let end = end.unwrap_or(value.len());
        // `token: expired` is a sentence; `"token": "x"` is not.
        let assigned = before.ends_with('=') || lead.contains(['"', '\'']);
        if assigned && end > 0 && NAMES.iter().any(|secret| name.contains(secret)) {
            output.push_str(lead);
            output.push_str(MASK);
            rest = &value[end..];
        }
    }
    output + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unmistakably_a_secret_is_masked() {
        for (said, shown) in [
            ("AWS_SECRET_ACCESS_KEY=wJalr/K7MDENG+b aws", "AWS_SECRET_ACCESS_KEY=*** aws"),
            ("export DB_PASSWORD='p w' x", "export DB_PASSWORD='***' x"),
            ("TOKEN=\"ab,cd'e&f\" x; PASSWORD='", "TOKEN=\"***\" x; PASSWORD='"),
            ("API_KEY='cut off", "API_KEY='***"),
            ("{\"github_token\": \"ghp_1\", \"a\": 1}", "{\"github_token\": \"***\", \"a\": 1}"),
            ("Authorization: Bearer abc.def\nnext", "Authorization: Bearer ***\nnext"),
            ("pull https://me:hunter2@example.com/x?y", "pull https://me:***@example.com/x?y"),
            ("--api-key=123&b=2", "--api-key=***&b=2"),
        ] {
            assert_eq!(mask(said), shown);
        }
    }

    #[test]
    fn urls_lose_their_credentials_and_nothing_else() {
        assert_eq!(
            without_credentials("fatal: unable to access 'https://u:p%40@h/x/': no (http://t@h2)"),
            "fatal: unable to access 'https://h/x/': no (http://h2)"
        );
        for said in ["https://h/o/r@v1:a", "git@h:o/r", "s3://b/k@1", "://", "a b@c"] {
            assert_eq!(without_credentials(said), said);
        }
    }

    #[test]
    fn what_is_none_stays() {
        for said in [
            "",
            "listen 0.0.0.0:8080: address already in use",
            "https://example.com:8080/a@b and s3://b/k",
            "the token expired\nno password\ntoken: expired\n",
            "secret",
            "password=",
        ] {
            assert_eq!(mask(said), said);
        }
    }
}
