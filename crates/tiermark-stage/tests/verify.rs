//! Right and wrong servers, and what is said of each.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::net::SocketAddr;

use serde_json::json;
use support::{answer, serve};
use tiermark_model::format::scenario::{Expect, ExpectBody, Objective, Scenario};
use tiermark_model::load::{Method, Request};
use tiermark_model::trial::StartParts;
use tiermark_stage::types::{Target, Watch};
use tiermark_stage::verify::{VerifiedAnswer, fully, once};

fn target(address: SocketAddr) -> Target {
    Target {
        address,
        host: address.to_string(),
        parts: StartParts::default(),
        watch: Watch::Unseen,
    }
}

fn scenario(body: ExpectBody, varies: bool) -> Scenario {
    Scenario {
        name: "plaintext".to_owned(),
        title: String::new(),
        isolates: String::new(),
        does_not_isolate: String::new(),
        request: Request {
            method: Method::Get,
            path: "/plaintext".to_owned(),
            headers: vec![],
            body: None,
        },
        expect: Expect {
            status: 200,
            content_type: Some("text/plain".to_owned()),
            headers: vec!["Server".to_owned(), "Date".to_owned()],
            body,
            varies,
        },
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
    assert_eq!(fully(&target(address), &hello()).await, Ok(expected.clone()));
    assert_eq!(once(&target(address), &hello()).await, Ok(expected));
}

#[tokio::test]
async fn chunks_are_a_right_answer_too() {
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let text = format!(
        "HTTP/1.1 200 OK\r\nDate: {date}\r\n{HEADERS}Transfer-Encoding: chunked\r\n\r\n7\r\nHello, \r\n6\r\nWorld!\r\n0\r\n\r\n"
    );
    let address = serve(move |_| Some(text.clone()));
    let verified = fully(&target(address), &hello()).await.unwrap();
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
    rows.expect.content_type = None;
    let varying = serve(|number| Some(answer("200 OK", HEADERS, &format!("{{\"id\":{}}}", number + 1))));
    assert!(!fully(&target(varying), &rows).await.unwrap().same_body);
    let cached = serve(|_| Some(answer("200 OK", HEADERS, "{\"id\":7}")));
    has(
        &fully(&target(cached), &rows).await.unwrap_err().to_string(),
        "variation: expected at least 10 different answers of 20, got 1",
    );
    let outside = serve(|_| Some(answer("200 OK", HEADERS, "{\"id\":0}")));
    has(&fully(&target(outside), &rows).await.unwrap_err().to_string(), "/id");
}
