//! Engines that are absent or fall silent: no engine is needed for these.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::{Arc, Mutex};

use tiermark_stage::engine::{BuildOptions, Containers, Docker, Images};
use tiermark_stage::error::StageError;
use tiermark_stage::types::{Events, PrepareError};

#[tokio::test]
async fn an_engine_that_is_not_there_is_named_with_a_remedy() {
    for address in ["unix:///nonexistent", "tcp://127.0.0.1:1"] {
        let error = Docker::connect_to(address).await.unwrap_err();
        assert!(matches!(error, StageError::NoEngine { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(address) && text.contains("remedy: "), "{text}");
    }
}

/// An engine that knows how to introduce itself and then falls silent; gives its address and what it was asked.
fn mute_engine(api: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(vec![]));
    let heard = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut open = vec![];
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut line = String::new();
            BufReader::new(&connection).read_line(&mut line).unwrap();
            let path = line.split(' ').nth(1).unwrap().to_owned();
            let body = match path.rsplit('/').next() {
                Some("version") => format!("{{\"Version\":\"99\",\"ApiVersion\":\"{api}\"}}"),
                Some("info") => "{\"CgroupVersion\":\"2\"}".to_owned(),
                _ => String::new(),
            };
            heard.lock().unwrap().push(path);
            match body.as_str() {
                "" => open.push(connection),
                body => write!(
                    connection,
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                )
                .unwrap(),
            }
        }
    });
    (address, asked)
}

#[tokio::test]
async fn requests_carry_the_newest_version_that_both_sides_know() {
    for (offered, spoken) in [("1.41", "1.41"), ("1.44", "1.44"), ("9.99", "1.53")] {
        let (address, asked) = mute_engine(offered);
        let docker = Docker::connect_to(&address).await.unwrap();
        assert_eq!(
            *asked.lock().unwrap(),
            ["/version".to_owned(), format!("/v{spoken}/info")]
        );
        assert!(
            format!("{docker:?}").contains(&format!("api: {spoken:?}")),
            "{docker:?}"
        );
    }
}

#[tokio::test]
async fn an_engine_that_falls_silent_is_an_error_and_no_wait_for_ever() {
    let (address, _) = mute_engine("1.41");
    let docker = Docker::connect_to(&address).await.unwrap();
    // From here on the clock runs as fast as nothing happens.
    tokio::time::pause();
    let error = docker.ping().await.unwrap_err();
    assert!(matches!(error, StageError::Engine { .. }), "{error:?}");
    assert!(Containers::new(docker.clone()).leftovers().await.is_err());
    let context = tempfile::tempdir().unwrap();
    fs::write(context.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    let silent: Events = Arc::new(|_| ());
    let error = Images::new(docker)
        .build_service("test-mute", context.path(), &BuildOptions::default(), &silent)
        .await
        .unwrap_err();
    assert!(
        matches!(error, PrepareError::Stage(StageError::Engine { .. })),
        "{error:?}"
    );
}
