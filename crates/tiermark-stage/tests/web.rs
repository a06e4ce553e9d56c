//! Files from an address: what comes, what is refused, and in which words.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::net::SocketAddr;

use support::{answer, serve, serve_heads, serve_tls};
use tiermark_stage::web::download;

const LIMIT: u64 = 1000;

async fn refused(address: &str, parts: &[&str]) {
    let said = download(address, LIMIT).await.unwrap_err().to_string();
    for part in parts.iter().chain(&["\nremedy: "]) {
        assert!(said.contains(part), "{address}: {said}");
    }
    assert!(!said.contains("hidden"), "{said}");
}

fn moved(to: &str) -> Option<String> {
    Some(answer("302 Found", &format!("Location: {to}\r\n"), ""))
}

fn file(address: SocketAddr) -> String {
    format!("http://{address}/results.json")
}

#[tokio::test]
async fn a_file_comes_also_behind_redirects() {
    let address = serve(|_| Some(answer("200 OK", "", "a,b")));
    assert_eq!(download(&file(address), LIMIT).await.unwrap(), b"a,b");
    let elsewhere = file(address);
    let first = serve_heads(move |head| match head.contains("/results.json") {
        true => moved("/second"),
        false => moved(&elsewhere),
    });
    assert_eq!(download(&file(first), LIMIT).await.unwrap(), b"a,b");
}

#[tokio::test]
async fn what_is_no_file_is_said_with_a_remedy() {
    refused("ftp://127.0.0.1/x", &["ftp:// cannot be downloaded from"]).await;
    refused("http://", &["http://: empty host"]).await;
    let missing = serve(|_| Some(answer("404 Not Found", "", "")));
    refused(&file(missing), &["the host answered 404 Not Found"]).await;
    let circle = serve(|_| moved("/again"));
    refused(&file(circle), &["more than 5 redirects"]).await;
    let closed = serve(|_| None);
    refused(&file(closed), &["/results.json: ", "connection"]).await;
    let short = serve(|_| Some("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nab".to_owned()));
    refused(&file(short), &["/results.json: "]).await;
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    refused(&format!("http://me:hidden@{silent}/x"), &["no connection: "]).await;
}

#[tokio::test]
async fn no_more_is_held_than_is_read() {
    let big = "x".repeat(1001);
    let declared = big.clone();
    let declared = serve(move |_| Some(answer("200 OK", "", &declared)));
    refused(&file(declared), &["more than 1000 bytes"]).await;
    let undeclared = serve(move |_| Some(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{big}")));
    refused(&file(undeclared), &["more than 1000 bytes"]).await;
}

#[tokio::test]
async fn a_host_that_nobody_vouches_for_is_refused() {
    let address = serve_tls(|_| Some(answer("200 OK", "", "a,b")));
    refused(&format!("https://{address}/x"), &["no connection: "]).await;
}
