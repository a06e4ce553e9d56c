//! The routes that need no database, and what all routes answer without one.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;
use tiermark_baseline::{Config, Server};

use crate::support::{Outcome, Running, check, config};

#[test]
fn without_a_database_and_a_service_routes_say_so() -> Outcome {
    let server = Running::start_reporting(config(1), |fault| panic!("nothing to report: {fault}"))?;
    let mut client = server.connect()?;
    let paths = [
        "/db",
        "/queries",
        "/updates?queries=20",
        "/cached-queries",
        "/fortunes",
        "/orders?customer=1",
        "/orders/1",
    ];
    for path in paths {
        let reason = "no database: DATABASE_URL is not set";
        check(&client.get(path)?, 503, "text/plain; charset=utf-8", reason);
    }
    assert_eq!(client.send_json("POST", "/orders", "{}")?.status, 503);
    let reason = "no service: UPSTREAM_URL is not set";
    check(&client.get("/upstream?ms=1")?, 503, "text/plain; charset=utf-8", reason);
    server.stop()
}

#[test]
fn a_path_answers_its_methods_and_no_others() -> Outcome {
    let server = Running::start(config(1))?;
    let mut client = server.connect()?;
    for (method, path, allow) in [
        ("DELETE", "/orders", "GET, POST"),
        ("POST", "/orders/1", "GET, PUT, DELETE"),
        ("POST", "/ws", "GET"),
        ("PUT", "/delay", "GET"),
    ] {
        let answer = client.request(method, path)?;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some(allow)),
            "{method} {path}"
        );
    }
    for path in [
        "/orders/",
        "/orders/foo",
        "/orders/1.5",
        "/orders/1/lines",
        "/orders/99999999999",
        "/Orders",
    ] {
        assert_eq!(client.get(path)?.status, 404, "{path}");
    }
    server.stop()
}

#[test]
fn primes_are_counted_and_other_numbers_refused() -> Outcome {
    let server = Running::start(config(1))?;
    let mut client = server.connect()?;
    check(
        &client.get("/cpu?n=1000")?,
        200,
        "application/json",
        r#"{"n":1000,"primes":168}"#,
    );
    check(
        &client.get("/cpu?n=0")?,
        200,
        "application/json",
        r#"{"n":0,"primes":0}"#,
    );
    let reason = "n must be a whole number from 0 to 1000000";
    for query in ["", "?n=", "?n=foo", "?n=-1", "?n=1.5", "?n=1000001"] {
        check(
            &client.get(&format!("/cpu{query}"))?,
            400,
            "text/plain; charset=utf-8",
            reason,
        );
    }
    server.stop()
}

#[test]
fn delays_wait_side_by_side_and_are_numbered() -> Outcome {
    let server = Running::start(config(3))?;
    let began = Instant::now();
    let mut clients = (0..400).map(|_| server.connect()).collect::<Result<Vec<_>, _>>()?;
    for client in &mut clients {
        client.send("GET /delay?ms=700 HTTP/1.1\r\nHost: test\r\n\r\n")?;
    }
    let mut serials = BTreeSet::new();
    for client in &mut clients {
        let answer = client.answer()?.json()?;
        assert_eq!(answer["ms"], 700);
        serials.insert(answer["serial"].as_u64());
    }
    let took = began.elapsed();
    // One after the other they would take 280 s.
    assert!(
        (Duration::from_millis(700)..Duration::from_secs(140)).contains(&took),
        "{took:?}"
    );
    assert_eq!(serials, (1..=400).map(Some).collect());
    let mut client = server.connect()?;
    check(
        &client.get("/delay?ms=0")?,
        200,
        "application/json",
        r#"{"ms":0,"serial":401}"#,
    );
    for query in ["", "?ms=", "?ms=foo", "?ms=-1", "?ms=10001"] {
        assert_eq!(client.get(&format!("/delay{query}"))?.status, 400, "{query}");
    }
    server.stop()
}

fn asking(service: &str) -> Config {
    Config {
        upstream_url: Some(service.to_owned()),
        ..config(2)
    }
}

#[test]
fn the_service_is_asked_anew_for_every_request() -> Outcome {
    let service = Running::start(config(1))?;
    let server = Running::start(asking(&format!("http://{}", service.address)))?;
    let mut clients = (0..64).map(|_| server.connect()).collect::<Result<Vec<_>, _>>()?;
    for round in 0..3 {
        for client in &mut clients {
            client.send("GET /upstream?ms=20 HTTP/1.1\r\nHost: test\r\n\r\n")?;
        }
        for client in &mut clients {
            let answer = client.answer()?;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, Some("application/json"))
            );
            assert_eq!(answer.json()?["ms"], 20, "round {round}");
        }
    }
    let mut client = server.connect()?;
    check(
        &client.get("/upstream?ms=0")?,
        200,
        "application/json",
        r#"{"ms":0,"serial":193}"#,
    );
    for query in ["", "?ms=foo", "?ms=-1", "?ms=10001"] {
        assert_eq!(client.get(&format!("/upstream{query}"))?.status, 400, "{query}");
    }
    service.stop()?;
    // A kept connection to a service that has gone is no reason to ask another time.
    assert_eq!(client.get("/upstream?ms=0")?.status, 502);
    server.stop()
}

/// What a request to `/upstream` is answered with where the service answers every connection with `text`.
fn status_after(text: &'static str) -> Result<u16, Box<dyn StdError>> {
    let service = TcpListener::bind("127.0.0.1:0")?;
    let server = Running::start(asking(&format!("http://{}", service.local_addr()?)))?;
    let answering = std::thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = service.accept()?;
        let read = stream.read(&mut [0; 1024])?;
        assert!(read > 0);
        stream.write_all(text.as_bytes())
    });
    let status = server.connect()?.get("/upstream?ms=1")?.status;
    answering.join().map_err(|_| "the service's thread panicked")??;
    server.stop()?;
    Ok(status)
}

#[test]
fn a_service_that_answers_wrongly_is_a_bad_gateway() -> Outcome {
    let right = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"ms\":1,\"serial\":7}";
    assert_eq!(status_after(right)?, 200);
    for wrong in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"ms\":1,",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{\"ms\":1,\"serial\":7}",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 19\r\n\r\n{\"ms\":1,\"serial\":7}",
        "no HTTP at all\r\n\r\n",
    ] {
        assert_eq!(status_after(wrong)?, 502, "{wrong}");
    }
    Ok(())
}

#[test]
fn a_service_that_is_no_url_is_refused_and_not_shown() {
    let refused = Server::bind(asking("http://u:secret@127.0.0.1:9000")).err();
    let message = refused.map(|error| error.to_string());
    assert_eq!(
        message.as_deref(),
        Some("UPSTREAM_URL is not of the form http://host:port")
    );
}

#[test]
fn a_body_is_read_before_it_is_judged() -> Outcome {
    // A database that is not there: nothing below gets as far.
    let server = Running::start(Config {
        database_url: Some("postgres://someone@127.0.0.1:1/bench".to_owned()),
        ..config(1)
    })?;
    let mut client = server.connect()?;
    for path in ["/orders", "/orders/1"] {
        let method = if path == "/orders" { "POST" } else { "PUT" };
        for text in ["", "{", "nope", r#"{"customer": 1, "lines": ["#, "{} {}", "\u{feff}{}"] {
            assert_eq!(client.send_json(method, path, text)?.status, 400, "{method} {text}");
        }
        let answer = client.send_json(method, path, r#"{"lines": [{}], "note": null}"#)?;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (422, Some("application/json"))
        );
        let fault = |path, code| json!({"path": path, "code": code});
        let expect = json!({"errors": [
            fault("customer", "required"),
            fault("note", "unknown"),
            fault("lines.0.sku", "required"),
            fault("lines.0.quantity", "required"),
            fault("lines.0.price", "required"),
        ]});
        assert_eq!(answer.json()?, expect);
        client.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n{{}}"
        ))?;
        assert_eq!(client.answer()?.status, 415);
        let chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked";
        client.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\n{chunked}\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n"
        ))?;
        assert_eq!(client.answer()?.json()?, json!({"errors": [fault("", "type")]}));
    }
    let answer = client.get("/orders?limit=0")?;
    let expect = json!([{"path": "customer", "code": "required"}, {"path": "limit", "code": "range"}]);
    assert_eq!((answer.status, answer.json()?["errors"].clone()), (422, expect));
    let right = r#"{"customer": 1, "lines": [{"sku": "TEA-1", "quantity": 3, "price": 1299}]}"#;
    assert_eq!(client.send_json("POST", "/orders", right)?.status, 500);
    let head = "POST /orders HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n";
    let mut client = server.connect()?;
    client.send(&format!("{head}Content-Length: 1048577\r\n\r\n"))?;
    assert_eq!(client.answer()?.status, 413);
    let mut client = server.connect()?;
    client.send(&format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n100001\r\n{}",
        " ".repeat(0x10_0001)
    ))?;
    assert_eq!(client.answer()?.status, 413);
    server.stop()
}
