//! Who may call: only what addresses this machine by a loopback name. This is what keeps a web page that
//! somebody visits, or a name that is pointed at 127.0.0.1, from driving the sandbox.

use std::net::IpAddr;

use http::{Request, header};

/// Whether the request's Host, and every Origin where it has one, are loopback names. More than one Host is none.
pub fn is_allowed<B>(request: &Request<B>) -> bool {
    let texts = |name| {
        let values = request.headers().get_all(name).into_iter();
        values.map(|value: &http::HeaderValue| value.to_str().unwrap_or("?"))
    };
    // Both count where both are given: the absolute form of a request names its host twice.
    let absolute = request.uri().authority().map(http::uri::Authority::as_str);
    let named = texts(header::HOST).count();
    let hosts_fit = absolute.into_iter().chain(texts(header::HOST)).all(is_loopback)
        && named <= 1
        && (named == 1 || absolute.is_some());
    let origins_fit = texts(header::ORIGIN).all(|origin| {
        origin.split_once("://").is_some_and(|(_, host)| is_loopback(host.trim_end_matches('/')))
    });
    hosts_fit && origins_fit
}

/// `127.0.0.1`, `[::1]`, `localhost` and names under it, with or without a port.
fn is_loopback(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address, port.strip_prefix(':')),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let host = host.to_ascii_lowercase();
    let named = host == "localhost" || host.ends_with(".localhost");
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    port_fits && (named || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine() {
        let mine = [
            "127.0.0.1",
            "127.0.0.1:4577",
            "localhost:80",
            "LOCALHOST",
            "[::1]:9",
            "releases.localhost:4577",
        ];
        for host in mine {
            assert!(is_loopback(host), "{host}");
        }
        let others = [
            "",
            "example.com",
            "127.0.0.1.example.com",
            "localhost.example.com",
            "evillocalhost",
            "10.0.0.1",
            "127.0.0.1:x",
            "0.0.0.0",
            "[::1",
            "127.0.0.1@example.com",
            "169.254.169.254:80",
        ];
        for host in others {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_page_of_another_origin_may_not_call() {
        let request = |host: &str, origin: Option<&str>| {
            let mut builder = Request::builder().uri("/").header("host", host);
            if let Some(origin) = origin {
                builder = builder.header("origin", origin);
            }
            builder.body(()).unwrap()
        };
        assert!(is_allowed(&request("127.0.0.1:1", None)));
        assert!(is_allowed(&request("127.0.0.1:1", Some("http://localhost:3000"))));
        assert!(!is_allowed(&request("127.0.0.1:1", Some("https://example.com"))));
        assert!(!is_allowed(&request("127.0.0.1:1", Some("null"))));
        assert!(!is_allowed(&Request::builder().uri("/").body(()).unwrap()));
        let absolute =
            |host: &str| Request::builder().uri("http://localhost/").header("host", host).body(()).unwrap();
        assert!(is_allowed(&absolute("127.0.0.1")));
        assert!(!is_allowed(&absolute("example.com")));
        assert!(is_allowed(&Request::builder().uri("http://localhost/").body(()).unwrap()));
        // What comes first does not hide what follows.
        let mut two = request("127.0.0.1:1", Some("http://localhost:3000"));
        two.headers_mut().append("origin", "http://example.com".parse().unwrap());
        assert!(!is_allowed(&two));
        for second in ["example.com", "localhost"] {
            let mut two = request("127.0.0.1:1", None);
            two.headers_mut().append("host", second.parse().unwrap());
            assert!(!is_allowed(&two), "{second}");
        }
    }
}
