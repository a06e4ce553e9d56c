//! The request, rendered once and then sent as it is.

use std::io::Write as _;

use tiermark_model::load::{Method, Request};

/// Headers the sender writes itself: a second one would make the message ambiguous (RFC 9112, 3.2 and 6.3).
const OWN_HEADERS: [&str; 3] = ["host", "content-length", "transfer-encoding"];

/// The bytes of `request` as HTTP/1.1, or why they cannot be written.
pub(crate) fn render(request: &Request, host: &str) -> Result<Vec<u8>, String> {
    if !request.path.starts_with('/') || !request.path.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!(
            "path `{}` must begin with `/` and hold visible ASCII characters only",
            request.path.escape_debug()
        ));
    }
    check_value("Host", host)?;
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!("header name `{}` is not a token", name.escape_debug()));
        }
        if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Err(format!("header `{name}` is written by the sender itself; leave it out"));
        }
        check_value(name, value)?;
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = request.body.as_deref().unwrap_or_default();
    // RFC 9110, 8.6: a method that gives meaning to content sends a length even when there is none.
    if request.body.is_some() || matches!(request.method, Method::Post | Method::Put) {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut bytes = head.into_bytes();
    write!(bytes, "\r\n{body}").map_err(|e| e.to_string())?;
    Ok(bytes)
}

fn check_value(name: &str, value: &str) -> Result<(), String> {
    let good = value.bytes().all(|b| b == b'\t' || (b >= b' ' && b != 0x7f));
    if good {
        Ok(())
    } else {
        Err(format!("header `{name}` has a control character in its value"))
    }
}

/// `tchar` of RFC 9110, 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, headers: &[(&str, &str)], body: Option<&str>, expected: Result<&str, &str>) {
        let request = Request {
            method,
            path: "/a?b=1".into(),
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.map(str::to_owned),
        };
        let rendered = render(&request, "localhost:80").map(|b| String::from_utf8_lossy(&b).into_owned());
        match (rendered, expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
            (got, expected) => assert_eq!(format!("{got:?}"), format!("{expected:?}")),
        }
    }

    #[test]
    fn renders_requests() {
        check(
            Method::Get,
            &[],
            None,
            Ok("GET /a?b=1 HTTP/1.1\r\nHost: localhost:80\r\n\r\n"),
        );
        check(
            Method::Put,
            &[("Accept", "*/*")],
            Some("äx"),
            Ok("PUT /a?b=1 HTTP/1.1\r\nHost: localhost:80\r\nAccept: */*\r\nContent-Length: 3\r\n\r\näx"),
        );
        check(
            Method::Post,
            &[],
            None,
            Ok("POST /a?b=1 HTTP/1.1\r\nHost: localhost:80\r\nContent-Length: 0\r\n\r\n"),
        );
    }

    #[test]
    fn refuses_what_would_smuggle() {
        check(Method::Get, &[("X", "a\r\nY: b")], None, Err("control character"));
        check(Method::Get, &[("X Y", "a")], None, Err("not a token"));
        check(
            Method::Get,
            &[("content-LENGTH", "7")],
            None,
            Err("by the sender itself"),
        );
        let path = Request {
            method: Method::Get,
            path: "/a b".into(),
            headers: vec![],
            body: None,
        };
        assert!(render(&path, "h").is_err());
    }
}
