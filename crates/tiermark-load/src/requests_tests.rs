#![expect(clippy::expect_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::spec::ExpectedAnswer;

fn ask(name: &str, weight: u32, request: Request) -> Ask {
    Ask {
        name: name.into(),
        weight,
        request,
        expect: ExpectedAnswer::status(200),
    }
}

fn written(request: Request, keep_alive: bool, number: u64) -> Result<String, String> {
    let requests = Requests::new(&[ask("", 1, request)], "localhost:80", 7, keep_alive, 1)?;
    let mut out = Vec::new();
    requests.write(number, &mut out);
    assert!(requests.ready(1, 1).is_none_or(|bytes| bytes == out));
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn check(request: Request, expected: Result<&str, &str>) {
    match (written(request, true, 0), expected) {
        (Ok(text), Ok(expected)) => assert_eq!(text, expected),
        (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
        (got, expected) => assert_eq!(format!("{got:?}"), format!("{expected:?}")),
    }
}

fn request(method: Method, headers: &[(&str, &str)], body: Option<&str>) -> Request {
    Request {
        method,
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: body.map(str::to_owned),
        ..Request::get("/a?b=1")
    }
}

#[test]
fn renders_requests() {
    check(
        request(Method::Get, &[], None),
        Ok("GET /a?b=1 HTTP/1.1\r\nHost: localhost:80\r\n\r\n"),
    );
    check(
        request(Method::Put, &[("Accept", "*/*")], Some("äx")),
        Ok("PUT /a?b=1 HTTP/1.1\r\nHost: localhost:80\r\nAccept: */*\r\nContent-Length: 3\r\n\r\näx"),
    );
    check(
        request(Method::Post, &[], None),
        Ok("POST /a?b=1 HTTP/1.1\r\nHost: localhost:80\r\nContent-Length: 0\r\n\r\n"),
    );
    assert_eq!(
        written(request(Method::Get, &[], None), false, 0).as_deref(),
        Ok("GET /a?b=1 HTTP/1.1\r\nHost: localhost:80\r\nConnection: close\r\n\r\n"),
    );
}

#[test]
fn refuses_what_would_smuggle() {
    check(
        request(Method::Get, &[("X", "a\r\nY: b")], None),
        Err("control character"),
    );
    check(request(Method::Get, &[("X Y", "a")], None), Err("not a token"));
    check(
        request(Method::Get, &[("content-LENGTH", "7")], None),
        Err("by the sender itself"),
    );
    check(Request::get("/a b"), Err("visible ASCII"));
}

fn value(from: u64, to: u64) -> Value {
    Value {
        name: "id".into(),
        from,
        to,
    }
}

#[test]
fn a_batch_is_the_request_that_often() {
    let requests = Requests::new(&[ask("", 1, Request::get("/"))], "h", 0, true, 16).expect("renders");
    let mut out = Vec::new();
    (0..3).for_each(|number| requests.write(number, &mut out));
    assert_eq!(requests.ready(16, 3), Some(out.as_slice()));
    let varying = Request {
        values: vec![value(1, 9)],
        ..Request::get("/{id}")
    };
    let requests = Requests::new(&[ask("", 1, varying)], "h", 0, true, 16).expect("renders");
    assert_eq!(requests.ready(16, 3), None);
}

proptest! {
    #[test]
    fn what_is_written_is_the_filled_template(from in any::<u64>(), span in 0u64..2_000_000, number in any::<u64>()) {
        let to = from.saturating_add(span);
        let template = Request {
            path: "/o/{id}?x={id}&{other}".into(),
            values: vec![value(from, to)],
            ..request(Method::Post, &[("X-Id", "<{id}>")], Some(r#"{"id":{id},"a":"{"}"#))
        };
        let requests = Requests::new(&[ask("", 1, template.clone())], "h", 3, true, 1).expect("renders");
        let drawn = requests.value(number, 0, &template.values[0]);
        prop_assert!((from..=to).contains(&drawn));
        let mut out = Vec::new();
        requests.write(number, &mut out);
        let filled = Requests::new(&[ask("", 1, template.with(|_| drawn))], "h", 3, true, 1).expect("renders");
        prop_assert_eq!(filled.ready(1, 1), Some(out.as_slice()));
    }
}

#[test]
fn weights_and_values_are_drawn_evenly_and_by_the_seed() {
    let asks = [
        ask("a", 6, Request::get("/a")),
        ask("b", 3, Request::get("/b")),
        ask("c", 1, Request::get("/c")),
    ];
    let requests = Requests::new(&asks, "h", 42, true, 1).expect("renders");
    let mut counts = [0u32; 3];
    (0..100_000).for_each(|number| counts[requests.index(number)] += 1);
    // Six standard deviations of a binomial share.
    for (count, share) in counts.iter().zip([0.6, 0.3, 0.1]) {
        let deviation = f64::sqrt(100_000.0 * share * (1.0 - share));
        assert!(
            (f64::from(*count) - 100_000.0 * share).abs() < 6.0 * deviation,
            "{counts:?}"
        );
    }
    let same = Requests::new(&asks, "h", 42, true, 1).expect("renders");
    let other = Requests::new(&asks, "h", 43, true, 1).expect("renders");
    assert!((0..1000).all(|number| requests.index(number) == same.index(number)));
    assert!((0..1000).any(|number| requests.index(number) != other.index(number)));
    let of = value(0, 9);
    let mut digits = [0u32; 10];
    (0..100_000).for_each(|number| digits[requests.value(number, 0, &of) as usize] += 1);
    assert!(digits.iter().all(|n| n.abs_diff(10_000) < 600), "{digits:?}");
}

#[test]
fn headers_that_would_break_what_is_sent_are_refused_and_others_sent() {
    let with = |name: &str, value: &str, body| written(request(Method::Post, &[(name, value)], body), true, 0);
    for (name, value, body, reason) in [
        ("Content-Length", "5", Some("hello"), "written by the sender itself"),
        (
            "transfer-encoding",
            "chunked",
            Some("hello"),
            "written by the sender itself",
        ),
        ("Upgrade", "h2c", None, "another protocol"),
        ("Connection", "keep-alive, Upgrade", None, "another protocol"),
        ("Expect", "100-continue", None, "announces a body"),
    ] {
        let refused = with(name, value, body).expect_err(name);
        assert!(refused.contains(reason), "{refused}");
    }
    for (name, value, body) in [
        ("Expect", "100-continue", Some("hello")),
        ("Connection", "keep-alive", None),
        ("TE", "trailers", None),
    ] {
        let sent = with(name, value, body).expect(name);
        assert!(sent.contains(&format!("\r\n{name}: {value}\r\n")), "{sent}");
    }
}

#[test]
fn only_a_load_without_keep_alive_may_ask_to_close() {
    let requests = |value: &str| {
        let asks = [ask("", 1, request(Method::Get, &[("connection", value)], None))];
        Requests::new(&asks, "h", 0, true, 1).expect("renders")
    };
    for closing in ["close", "TE, Close"] {
        let refused = check_keep_alive(&requests(closing)).expect_err(closing);
        assert!(
            refused.contains("remedy: ") && refused.contains("--disable-keepalive"),
            "{refused}"
        );
    }
    check_keep_alive(&requests("keep-alive")).expect("is kept");
    let closing = written(request(Method::Get, &[("Connection", "close")], None), false, 0).expect("renders");
    assert_eq!(closing.matches("onnection: close").count(), 1, "{closing}");
}
