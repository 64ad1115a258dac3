//! What a server is told of who reads. It reaches git by variables: the arguments of a program are for every user of the
//! machine to read, and so are those of the programs that git starts.

use std::fmt;
use std::process::Command;

use super::Error;

/// For a server of http or https.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// `https://host:port`: nobody else is told.
    server: String,
    user: String,
    password: Option<String>,
}

/// Not shown, however it is printed.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

const USER: &str = "CDCTL_GIT_USER";
const PASSWORD: &str = "CDCTL_GIT_PASSWORD";

/// What answers git, of the two variables.
const ANSWER: &str = r#"!printf 'username=%s\npassword=%s\n' "$CDCTL_GIT_USER" "$CDCTL_GIT_PASSWORD"; :"#;

impl Login {
    /// By a token of GitHub's.
    pub fn of_github(token: String) -> Self {
        Login {
            server: "https://github.com".to_owned(),
            user: "x-access-token".to_owned(),
            password: Some(token),
        }
    }

    /// Takes `USER[:PASSWORD]@` out of a URL.
    ///
    /// # Errors
    /// They are no text of one line.
    pub fn of(url: &str) -> Result<(String, Option<Login>), Error> {
        let whole = || Ok((url.to_owned(), None));
        let Some((scheme, rest)) = url.split_once("://") else { return whole() };
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return whole();
        }
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let Some((login, host)) = host.rsplit_once('@') else { return whole() };
        let (user, password) =
            login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
        let server = format!("{scheme}://{host}");
        let text = |text: &str| {
            let wrong = || Error::new("the user or password of a URL is no text of one line");
            decoded(text).filter(|text| !text.contains(char::is_control)).ok_or_else(wrong)
        };
        let login = Login { server, user: text(user)?, password: password.map(text).transpose()? };
        Ok((format!("{}{path}", login.server), Some(login)))
    }

    /// Has git know it.
    pub fn tell(&self, command: &mut Command) {
        let server = &self.server;
        command.env(USER, &self.user);
        match &self.password {
            // The user's own helpers are not asked.
            Some(password) => {
                let helper = format!("credential.{server}.helper=");
                command.args(["-c", &helper, "-c", &format!("{helper}{ANSWER}")]).env(PASSWORD, password);
            }
            // They, or the user, know the password.
            None => drop(command.arg(format!("--config-env=credential.{server}.username={USER}"))),
        }
    }
}

/// A text of a URL with `%40` for what cannot stand there.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((byte, behind)) = rest.split_first() {
        let code = behind.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let code = code.filter(|code| *byte == b'%' && code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_of_a_url() {
        for (url, clean, login) in [
            ("https://u:p@host:8443/o/r", "https://host:8443/o/r", Some(("u", Some("p")))),
            ("https://ghp_1@host/o/r", "https://host/o/r", Some(("ghp_1", None))),
            ("http://a%40b:p%2f%c3%BC:%zz@[::1]/r", "http://[::1]/r", Some(("a@b", Some("p/ü:%zz")))),
            ("https://host/o/r@x", "https://host/o/r@x", None),
            ("ssh://git@host/o/r", "ssh://git@host/o/r", None),
            ("git@host:o/r", "git@host:o/r", None),
        ] {
            let (said, found) = Login::of(url).unwrap();
            assert_eq!(said, clean);
            let found = found.as_ref().map(|login| (login.user.as_str(), login.password.as_deref()));
            assert_eq!(found, login, "{url}");
        }
        for url in ["https://u:a%0Apassword=b@host/r", "https://u%00@host/r", "https://%ff@host/r"] {
            assert!(Login::of(url).is_err(), "{url}");
        }
        assert_eq!(format!("{:?}", Login::of_github("ghp".to_owned())), "Login");
    }
}
