//! HTTP/1.1, written by hand.

use std::time::{Duration, Instant};

use tiermark_baseline::{Config, Server};

use crate::support::{FOR_EVER, Outcome, Running, check, config};

#[test]
fn all_routes_answer_on_one_kept_connection() -> Outcome {
    let server = Running::start(config(1))?;
    let mut client = server.connect()?;
    let reason = "no database: DATABASE_URL is not set";
    check(&client.get("/plaintext")?, 200, "text/plain", "Hello, World!");
    check(&client.get("/plaintext?a=b")?, 200, "text/plain", "Hello, World!");
    check(
        &client.get("/json")?,
        200,
        "application/json",
        r#"{"message":"Hello, World!"}"#,
    );
    check(&client.get("/health")?, 200, "text/plain", "OK");
    check(&client.get("/db")?, 503, "text/plain; charset=utf-8", reason);
    check(&client.get("/fortunes")?, 503, "text/plain; charset=utf-8", reason);
    check(&client.get("/")?, 404, "text/plain; charset=utf-8", "no such path");
    check(
        &client.request("POST", "/nowhere")?,
        404,
        "text/plain; charset=utf-8",
        "no such path",
    );
    let refused = client.request("DELETE", "/json")?;
    check(
        &refused,
        405,
        "text/plain; charset=utf-8",
        "methods that are answered here: GET",
    );
    assert_eq!(refused.header("allow"), Some("GET"));
    check(&client.get("/plaintext")?, 200, "text/plain", "Hello, World!");
    server.stop()
}

#[test]
fn sixteen_pipelined_requests_are_answered_in_order() -> Outcome {
    let server = Running::start(config(1))?;
    let mut client = server.connect()?;
    let paths = ["/plaintext", "/json", "/nowhere", "/health"];
    let batch: String = paths
        .iter()
        .cycle()
        .take(16)
        .map(|path| format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
        .collect();
    let expect = ["Hello, World!", r#"{"message":"Hello, World!"}"#, "no such path", "OK"];
    for _ in 0..3 {
        client.send(&batch)?;
        for expect in expect.iter().cycle().take(16) {
            assert_eq!(client.answer()?.body, *expect);
        }
    }
    server.stop()
}

#[test]
fn a_client_that_asks_for_the_end_gets_it() -> Outcome {
    let server = Running::start(config(1))?;
    let mut client = server.connect()?;
    client.send("GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")?;
    check(&client.answer()?, 200, "text/plain", "OK");
    assert!(client.is_closed()?);
    // Closed without a word, for the reason that `Protocols::new` gives; the server goes on.
    let mut confused = server.connect()?;
    confused.send("GET /health HTTP/9.9\r\n\r\n")?;
    assert!(confused.is_closed().unwrap_or(true));
    check(&server.connect()?.get("/health")?, 200, "text/plain", "OK");
    server.stop()
}

#[test]
fn several_workers_share_an_address_and_all_answer() -> Outcome {
    let server = Running::start(config(3))?;
    for _ in 0..64 {
        check(&server.connect()?.get("/health")?, 200, "text/plain", "OK");
    }
    server.stop()
}

#[test]
fn stopping_closes_idle_connections_and_frees_the_port() -> Outcome {
    let server = Running::start_draining(config(2), FOR_EVER)?;
    let address = server.address;
    let mut used = server.connect()?;
    used.get("/health")?;
    let mut fresh = server.connect()?;
    let began = Instant::now();
    server.stop()?;
    assert!(began.elapsed() < FOR_EVER, "idle connections must not hold a server up");
    assert!(used.is_closed()?);
    // Reset where the server had not yet accepted it, closed where it had.
    assert!(fresh.is_closed().unwrap_or(true));
    Running::start(Config { address, ..config(2) })?.stop()
}

#[test]
fn an_answer_that_hangs_is_cut_off_after_the_drain() -> Outcome {
    // Accepts connections, by its backlog, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("postgres://someone@{}/bench", silent.local_addr()?);
    let drain = Duration::from_millis(300);
    let config = Config {
        database_url: Some(url),
        ..config(1)
    };
    let server = Running::start_draining(config, drain)?;
    let mut client = server.connect()?;
    client.send("GET /db HTTP/1.1\r\nHost: test\r\n\r\n")?;
    // The server asks its database, so it has begun with the request.
    let _asked = silent.accept()?;
    let began = Instant::now();
    server.stop()?;
    let took = began.elapsed();
    assert!((drain..FOR_EVER).contains(&took), "{took:?}");
    assert!(client.is_closed().unwrap_or(true));
    Ok(())
}

#[test]
fn a_port_in_use_is_refused_by_name() -> Outcome {
    for workers in [1, 2] {
        let server = Running::start(config(workers))?;
        let second = Server::bind(Config {
            address: server.address,
            ..config(workers)
        })
        .err();
        assert_eq!(
            second.map(|error| error.to_string()),
            Some(format!("cannot listen on {}", server.address))
        );
        server.stop()?;
    }
    Ok(())
}

#[test]
fn a_database_that_is_down_is_an_answer_without_its_password() -> Outcome {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let url = format!("postgres://someone:secret@127.0.0.1:{port}/bench");
    let server = Running::start(Config {
        database_url: Some(url),
        ..config(1)
    })?;
    let mut client = server.connect()?;
    for path in ["/db", "/fortunes"] {
        let answer = client.get(path)?;
        assert_eq!(answer.status, 500);
        let expect = format!("no connection to the database at 127.0.0.1:{port}/bench");
        assert!(
            answer.body.starts_with(&expect) && !answer.body.contains("secret"),
            "{}",
            answer.body
        );
    }
    check(&client.get("/health")?, 200, "text/plain", "OK");
    server.stop()
}

#[test]
fn head_has_the_length_and_not_the_content() -> Outcome {
    let server = Running::start(config(1))?;
    let mut client = server.connect()?;
    // Were a body sent, it would be taken for the beginning of the second answer.
    client.send("HEAD /json HTTP/1.1\r\nHost: test\r\n\r\nGET /health HTTP/1.1\r\nHost: test\r\n\r\n")?;
    let refused = client.answer_to_head()?;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET")));
    assert_eq!(refused.header("content-length"), Some("35"));
    check(&client.answer()?, 200, "text/plain", "OK");
    server.stop()
}

#[test]
fn a_refused_body_is_not_taken_for_a_request() -> Outcome {
    let server = Running::start(config(1))?;
    let mut client = server.connect()?;
    let body = "GET /nowhere HTTP/1.1\r\n\r\n";
    client.send(&format!(
        "POST /json HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}GET /health HTTP/1.1\r\nHost: test\r\n\r\n",
        body.len()
    ))?;
    assert_eq!(client.answer()?.status, 405);
    check(&client.answer()?, 200, "text/plain", "OK");
    server.stop()
}

#[test]
fn a_method_may_begin_like_the_preface_and_come_in_pieces() -> Outcome {
    let server = Running::start(config(1))?;
    for pieces in [&["P", "OST /json"][..], &["PR", "OPFIND /json"], &["PRI", " /json"]] {
        let mut client = server.connect()?;
        for piece in pieces {
            client.send(piece)?;
            // Its answer says that the server's only worker has seen the piece.
            check(&server.connect()?.get("/health")?, 200, "text/plain", "OK");
        }
        client.send(" HTTP/1.1\r\nHost: test\r\n\r\n")?;
        assert_eq!(client.answer()?.status, 405, "{pieces:?}");
        check(&client.get("/health")?, 200, "text/plain", "OK");
    }
    server.stop()
}
