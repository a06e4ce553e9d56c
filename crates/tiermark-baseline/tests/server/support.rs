//! A server in this process, and clients that speak to it.

use std::error::Error as StdError;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tiermark_baseline::{Config, Error, Server};
use tokio::sync::oneshot;

pub(crate) type Outcome = Result<(), Box<dyn StdError>>;

/// Longest wait for a server on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// A drain that nobody waits for: what stops earlier was not held up.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(600);

pub(crate) fn config(workers: usize) -> Config {
    Config {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        workers,
        database_url: None,
        upstream_url: None,
        pool_size: 4,
        tls: None,
    }
}

/// A server on a thread of this process.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Running {
    pub(crate) fn start(config: Config) -> Result<Self, Error> {
        Ok(Self::of(Server::bind(config)?))
    }

    /// A server that waits this long for the answers it has begun when it is told to stop.
    pub(crate) fn start_draining(config: Config, drain: Duration) -> Result<Self, Error> {
        Ok(Self::of(Server::bind(config)?.drain_for(drain)))
    }

    /// A server whose faults `report` hears of.
    pub(crate) fn start_reporting(config: Config, report: fn(&str)) -> Result<Self, Error> {
        Ok(Self::of(Server::bind(config)?.report_to(report)))
    }

    fn of(server: Server) -> Self {
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            server.run(async {
                stopped.await.ok();
            })
        });
        Self { address, stop, thread }
    }

    /// A connection on which reading and writing fail where the server is silent for two minutes.
    pub(crate) fn open(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    pub(crate) fn connect(&self) -> io::Result<Client> {
        Ok(Client::new(self.open()?))
    }

    pub(crate) fn stop(self) -> Outcome {
        drop(self.stop);
        self.thread.join().map_err(|_| "the server's thread panicked")??;
        Ok(())
    }
}

/// Speaks HTTP/1.1.
pub(crate) struct Client<S = TcpStream>(BufReader<S>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.body).map_err(|error| format!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, text: &str) -> io::Result<()> {
        self.0.get_mut().write_all(text.as_bytes())
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Answer, Box<dyn StdError>> {
        self.request("GET", path)
    }

    pub(crate) fn request(&mut self, method: &str, path: &str) -> Result<Answer, Box<dyn StdError>> {
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n"))?;
        self.answer()
    }

    /// A request with a JSON body.
    pub(crate) fn send_json(&mut self, method: &str, path: &str, body: &str) -> Result<Answer, Box<dyn StdError>> {
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))?;
        self.answer()
    }

    /// Reads one answer, which states its length or is a 204.
    pub(crate) fn answer(&mut self) -> Result<Answer, Box<dyn StdError>> {
        let mut answer = self.answer_to_head()?;
        if answer.status == 204 {
            return Ok(answer);
        }
        let mut body = vec![0; answer.header("content-length").ok_or("no length")?.parse()?];
        self.0.read_exact(&mut body)?;
        answer.body = String::from_utf8(body)?;
        Ok(answer)
    }

    /// Reads one answer up to its body.
    pub(crate) fn answer_to_head(&mut self) -> Result<Answer, Box<dyn StdError>> {
        let status = self.line()?.split(' ').nth(1).ok_or("no status")?.parse()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Answer {
            status,
            headers,
            body: String::new(),
        })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    pub(crate) fn is_closed(&mut self) -> io::Result<bool> {
        Ok(self.0.fill_buf()?.is_empty())
    }
}

pub(crate) fn check(answer: &Answer, status: u16, content_type: &str, body: &str) {
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
