//! Right and wrong servers, and what is said of each.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::net::SocketAddr;

use serde_json::json;
use support::{answer, serve, serve_heads, serve_tls};
use tiermark_model::format::scenario::{Expect, ExpectBody, Objective, Part, Scenario};
use tiermark_model::load::{Protocol, Request, Value};
use tiermark_model::trial::StartParts;
use tiermark_stage::types::{StartedServer, Watch};
use tiermark_stage::verify::{self, Surroundings, Unverified, VerifiedAnswer, VerifyFailure, once};

/// Scenarios here have no checks, so that nothing around the target is looked into.
async fn fully(target: &StartedServer, scenario: &Scenario) -> Result<Vec<VerifiedAnswer>, VerifyFailure> {
    match verify::fully(target, scenario, &Surroundings::default()).await {
        Ok(verified) => Ok(verified.answers),
        Err(Unverified::Wrong(mut failures)) => Err(failures.remove(0)),
        Err(Unverified::Stage(error)) => panic!("{error}"),
    }
}

fn target(address: SocketAddr) -> StartedServer {
    StartedServer {
        address,
        host: address.to_string(),
        parts: StartParts::default(),
        watch: Watch::Unseen,
    }
}

fn part(name: &str, request: Request, body: ExpectBody, varies: bool) -> Part {
    Part {
        name: name.to_owned(),
        weight: 1,
        request,
        expect: Expect {
            status: 200,
            content_type: Some("text/plain".to_owned()),
            headers: vec!["Server".to_owned(), "Date".to_owned()],
            body,
            varies,
        },
    }
}

fn scenario(body: ExpectBody, varies: bool) -> Scenario {
    Scenario {
        name: "plaintext".to_owned(),
        title: String::new(),
        isolates: String::new(),
        does_not_isolate: String::new(),
        protocol: Protocol::default(),
        requests: vec![part("plaintext", Request::get("/plaintext"), body, varies)],
        checks: vec![],
        services: vec![],
        writes: false,
        loads: vec![],
        objective: Objective::default(),
    }
}

fn hello() -> Scenario {
    scenario(ExpectBody::Text("Hello, World!".to_owned()), false)
}

const HEADERS: &str = "Server: test\r\nContent-Type: text/plain; charset=utf-8\r\n";

#[track_caller]
fn has(text: &str, part: &str) {
    assert!(text.contains(part), "{text:?} lacks {part:?}");
}

async fn wrong(reply: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> String {
    fully(&target(serve(reply)), &hello()).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_right_server_passes() {
    let address = serve(|_| Some(answer("200 OK", HEADERS, "Hello, World!")));
    let expected = VerifiedAnswer {
        body: b"Hello, World!".to_vec(),
        content_length: Some(13),
        same_body: true,
    };
    assert_eq!(fully(&target(address), &hello()).await, Ok(vec![expected.clone()]));
    assert_eq!(once(&target(address), &hello()).await, Ok(vec![expected]));
}

#[tokio::test]
async fn chunks_are_a_right_answer_too() {
    let address = serve(|_| {
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Some(format!(
            "HTTP/1.1 200 OK\r\nDate: {date}\r\n{HEADERS}Transfer-Encoding: chunked\r\n\r\n7\r\nHello, \r\n6\r\nWorld!\r\n0\r\n\r\n"
        ))
    });
    let verified = fully(&target(address), &hello()).await.unwrap().remove(0);
    assert_eq!(
        (verified.content_length, verified.body),
        (None, b"Hello, World!".to_vec())
    );
}

#[tokio::test]
async fn a_wrong_status() {
    has(
        &wrong(|_| Some(answer("500 Oops", HEADERS, "no database"))).await,
        "status: expected 200, got 500 with body \"no database\"",
    );
}

#[tokio::test]
async fn a_missing_header_a_wrong_type_and_a_wrong_body_are_all_named() {
    let text = wrong(|_| Some(answer("200 OK", "Content-Type: text/html\r\n", "Hello, world!"))).await;
    has(&text, "plaintext (GET /plaintext) answered wrongly:");
    has(&text, "header Server: expected, but it is missing");
    has(&text, "header Content-Type: expected `text/plain`, got `text/html`");
    has(&text, "body: differs from character 8 on");
}

#[tokio::test]
async fn a_date_that_stands_still() {
    let old = format!(
        "HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Length: 13\r\n{HEADERS}\r\nHello, World!"
    );
    has(
        &wrong(move |_| Some(old.clone())).await,
        "header Date: expected the time of now",
    );
    let begun = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let kept = format!("HTTP/1.1 200 OK\r\nDate: {begun}\r\nContent-Length: 13\r\n{HEADERS}\r\nHello, World!");
    has(
        &wrong(move |_| Some(kept.clone())).await,
        "header Date: expected one that moves within 3 s",
    );
}

#[tokio::test]
async fn a_closed_connection() {
    has(
        &wrong(|_| {
            Some(answer(
                "200 OK",
                &format!("{HEADERS}Connection: close\r\n"),
                "Hello, World!",
            ))
        })
        .await,
        "keep-alive: expected",
    );
    has(
        &wrong(|number| (number != 2).then(|| answer("200 OK", HEADERS, "Hello, World!"))).await,
        "keep-alive: expected a second answer",
    );
}

#[tokio::test]
async fn a_pipelined_request_that_is_dropped() {
    // Request 0 is single, 1 and 2 are on one kept connection, 3 and 4 are pipelined.
    has(
        &wrong(|number| (number != 4).then(|| answer("200 OK", HEADERS, "Hello, World!"))).await,
        "the second of two pipelined answers",
    );
}

#[tokio::test]
async fn an_answer_that_changes_for_the_worse() {
    has(
        &wrong(|number| {
            Some(answer(
                "200 OK",
                HEADERS,
                if number == 2 { "Bye" } else { "Hello, World!" },
            ))
        })
        .await,
        "in the second answer of a kept connection",
    );
}

#[tokio::test]
async fn no_http_at_all_and_no_server() {
    has(&wrong(|_| Some("hello\r\n\r\n".to_owned())).await, "not HTTP/1.1");
    has(&wrong(|_| None).await, "closed without an answer");
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    has(
        &once(&target(unused), &hello()).await.unwrap_err().to_string(),
        "no connection",
    );
}

#[tokio::test]
async fn random_rows_must_vary() {
    let schema = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1, "maximum": 10000}}});
    let mut rows = scenario(ExpectBody::JsonSchema(schema), true);
    rows.requests[0].expect.content_type = None;
    let varying = serve(|number| Some(answer("200 OK", HEADERS, &format!("{{\"id\":{}}}", number + 1))));
    assert!(!fully(&target(varying), &rows).await.unwrap()[0].same_body);
    let cached = serve(|_| Some(answer("200 OK", HEADERS, "{\"id\":7}")));
    has(
        &fully(&target(cached), &rows).await.unwrap_err().to_string(),
        "variation: expected at least 10 different answers of 20, got 1",
    );
    let outside = serve(|_| Some(answer("200 OK", HEADERS, "{\"id\":0}")));
    has(&fully(&target(outside), &rows).await.unwrap_err().to_string(), "/id");
}

#[tokio::test]
async fn every_request_of_a_mix_is_verified_and_a_wrong_one_is_named() {
    let mut mix = hello();
    let text = |text: &str| ExpectBody::Text(text.to_owned());
    mix.requests = vec![
        part("greet", Request::get("/plaintext"), text("Hello, World!"), false),
        part("leave", Request::get("/bye"), text("Bye"), false),
    ];
    let serving = |bye: &'static str| {
        serve_heads(move |head| {
            let body = if head.contains(" /bye ") { bye } else { "Hello, World!" };
            Some(answer("200 OK", HEADERS, body))
        })
    };
    let right = target(serving("Bye"));
    for verified in [fully(&right, &mix).await.unwrap(), once(&right, &mix).await.unwrap()] {
        let bodies: Vec<&[u8]> = verified.iter().map(|answer| answer.body.as_slice()).collect();
        assert_eq!(bodies, [&b"Hello, World!"[..], b"Bye"]);
    }
    let wrong = fully(&target(serving("Bye!")), &mix).await.unwrap_err().to_string();
    has(&wrong, "plaintext, request leave (GET /bye) answered wrongly:");
}

#[tokio::test]
async fn a_request_with_values_is_asked_with_the_smallest_the_greatest_and_a_middle_one() {
    let mut item = hello();
    let request = Request {
        values: vec![Value {
            name: "id".to_owned(),
            from: 1,
            to: 9,
        }],
        ..Request::get("/items/{id}")
    };
    item.requests = vec![part("plaintext", request, ExpectBody::Any, false)];
    let serving = |lacks: &'static str| {
        serve_heads(move |head| {
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let status = if path == lacks { "404 Not Found" } else { "200 OK" };
            Some(answer(status, HEADERS, &path))
        })
    };
    let verified = fully(&target(serving("none")), &item).await.unwrap();
    assert!(!verified[0].same_body, "three values, three bodies");
    for lacks in ["/items/1", "/items/9", "/items/5"] {
        let wrong = fully(&target(serving(lacks)), &item).await.unwrap_err();
        assert_eq!(wrong.request, format!("GET {lacks}"));
    }
    assert_eq!(
        once(&target(serving("none")), &item).await.unwrap()[0].body,
        b"/items/5"
    );
}

#[tokio::test]
async fn over_tls_the_same_is_checked_and_any_certificate_is_taken_on_this_machine() {
    let mut hello = hello();
    hello.protocol.tls = true;
    let encrypted = target(serve_tls(|_| Some(answer("200 OK", HEADERS, "Hello, World!"))));
    assert!(fully(&encrypted, &hello).await.unwrap()[0].same_body);
    let plain = target(serve(|_| Some(answer("200 OK", HEADERS, "Hello, World!"))));
    has(
        &once(&plain, &hello).await.unwrap_err().to_string(),
        "no TLS connection",
    );
    hello.protocol.tls = false;
    assert!(once(&encrypted, &hello).await.is_err());
}
