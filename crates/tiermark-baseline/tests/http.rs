//! Speaks raw HTTP/1.1 to a running server: what needs no database.

use std::error::Error as StdError;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tiermark_baseline::{Config, Error, Server};
use tokio::sync::oneshot;

type Outcome = Result<(), Box<dyn StdError>>;

fn config(workers: usize) -> Config {
    Config {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        workers,
        database_url: None,
        pool_size: 4,
    }
}

/// A server on a thread of this process.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Running {
    fn start(config: Config) -> Result<Self, Error> {
        let server = Server::bind(config)?;
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            server.run(async {
                stopped.await.ok();
            })
        });
        Ok(Self { address, stop, thread })
    }

    fn connect(&self) -> io::Result<Client> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Client(BufReader::new(stream)))
    }

    fn stop(self) -> Outcome {
        drop(self.stop);
        self.thread.join().map_err(|_| "the server's thread panicked")??;
        Ok(())
    }
}

struct Client(BufReader<TcpStream>);

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Client {
    fn send(&mut self, text: &str) -> io::Result<()> {
        self.0.get_mut().write_all(text.as_bytes())
    }

    fn get(&mut self, path: &str) -> Result<Answer, Box<dyn StdError>> {
        self.request("GET", path)
    }

    fn request(&mut self, method: &str, path: &str) -> Result<Answer, Box<dyn StdError>> {
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n"))?;
        self.answer()
    }

    /// Reads one answer, which states its length.
    fn answer(&mut self) -> Result<Answer, Box<dyn StdError>> {
        let status = self.line()?.split(' ').nth(1).ok_or("no status")?.parse()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer {
            status,
            headers,
            body: String::new(),
        };
        let mut body = vec![0; answer.header("content-length").ok_or("no length")?.parse()?];
        self.0.read_exact(&mut body)?;
        answer.body = String::from_utf8(body)?;
        Ok(answer)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn is_closed(&mut self) -> io::Result<bool> {
        Ok(self.0.fill_buf()?.is_empty())
    }
}

fn check(answer: &Answer, status: u16, content_type: &str, body: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body));
    assert_eq!(answer.header("content-type"), Some(content_type));
    assert_eq!(answer.header("server"), Some("tiermark-baseline"));
    assert!(
        answer
            .header("date")
            .is_some_and(|date| date.len() == 29 && date.ends_with(" GMT")),
        "{answer:?}"
    );
}

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
    check(&refused, 405, "text/plain; charset=utf-8", "only GET is answered here");
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
    // Closed without a word, for the reason that `attend` in server.rs gives; the server goes on.
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
    let server = Running::start(config(2))?;
    let address = server.address;
    let mut used = server.connect()?;
    used.get("/health")?;
    let mut fresh = server.connect()?;
    let began = Instant::now();
    server.stop()?;
    assert!(
        began.elapsed() < tiermark_baseline::DRAIN,
        "idle connections must not hold a server up"
    );
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
    let server = Running::start(Config {
        database_url: Some(url),
        ..config(1)
    })?;
    let mut client = server.connect()?;
    client.send("GET /db HTTP/1.1\r\nHost: test\r\n\r\n")?;
    // The server asks its database, so it has begun with the request.
    let _asked = silent.accept()?;
    let began = Instant::now();
    server.stop()?;
    let took = began.elapsed();
    let drain = tiermark_baseline::DRAIN;
    assert!((drain..drain + Duration::from_secs(2)).contains(&took), "{took:?}");
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
