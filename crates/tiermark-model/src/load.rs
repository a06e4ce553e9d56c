//! Loads: what is asked of a target, and in which rhythm.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::objective::LatencyObjective;

/// How requests follow each other.
///
/// Externally tagged, so that a YAML file reads `closed: {connections: 64}` and a later kind of load is a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Load {
    /// Closed loop: each connection sends its next request when the answer to the last has come.
    Closed(Closed),
    /// Open loop: requests are sent by a schedule, whatever the answers do.
    Open(Open),
    /// A search for the highest constant rate at which a latency objective holds.
    Capacity(Capacity),
}

/// A closed loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// Connections held open, each with one request (or one batch of `pipeline`) under way.
    pub connections: u32,
    /// Requests sent in one write; the next batch follows when all are answered (HTTP/1.1 pipelining, as TechEmpower's
    /// script does it).
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub pipeline: u32,
    /// HTTP/2: streams of each connection, each with one request under way.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub streams: u32,
    /// Additional connections that are opened and stay idle during the load.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_connections: u32,
    /// Whether a connection carries more than one request.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub keep_alive: bool,
}

/// An open loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Connections over which the requests are spread. A request that finds none free waits for one; its latency counts
    /// from its intended time all the same.
    pub connections: u32,
    /// Requests a second; of a ramp, at its beginning.
    pub rate: u32,
    /// Requests a second at the end of the window: a ramp, linear in time. Warm-up runs at `rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_to: Option<u32>,
    /// Spacing of the requests.
    #[serde(default, skip_serializing_if = "Arrivals::is_constant")]
    pub arrivals: Arrivals,
    /// Microseconds of precision given up for CPU time: what is due within one grain is sent together at its end, and
    /// answers are looked at as often. 0: every request at its own time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub grain_us: u32,
    /// HTTP/2: streams of each connection.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub streams: u32,
    /// Additional connections that are opened and stay idle during the load.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_connections: u32,
    /// Whether a connection carries more than one request.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub keep_alive: bool,
}

/// A search for the highest constant rate that meets an objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Connections over which the requests are spread.
    pub connections: u32,
    /// The latency objective, such as `p99=50ms`; how many requests may fail is the scenario's objective.
    pub objective: LatencyObjective,
    /// Spacing of the requests.
    #[serde(default, skip_serializing_if = "Arrivals::is_constant")]
    pub arrivals: Arrivals,
    /// As in an open loop.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub grain_us: u32,
    /// HTTP/2: streams of each connection.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub streams: u32,
    /// Additional connections that are opened and stay idle during the load.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_connections: u32,
}

/// Spacing of an open loop's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Evenly spaced.
    #[default]
    Constant,
    /// A Poisson process: exponentially distributed gaps, as independent users make them.
    Poisson,
}

impl Arrivals {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde's skip_serializing_if passes a reference"
    )]
    fn is_constant(&self) -> bool {
        *self == Self::Constant
    }
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_one(number: &u32) -> bool {
    *number == 1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_yes(yes: &bool) -> bool {
    *yes
}

impl Closed {
    /// A plain closed loop: keep-alive, one request under way on each connection.
    #[must_use]
    pub fn of(connections: u32) -> Self {
        Self {
            connections,
            pipeline: 1,
            streams: 1,
            held_connections: 0,
            keep_alive: true,
        }
    }
}

impl Open {
    /// A plain open loop at a constant rate, every request at its own time.
    #[must_use]
    pub fn of(connections: u32, rate: u32) -> Self {
        Self {
            connections,
            rate,
            ramp_to: None,
            arrivals: Arrivals::Constant,
            grain_us: 0,
            streams: 1,
            held_connections: 0,
            keep_alive: true,
        }
    }
}

impl Capacity {
    /// The search's stage at a rate.
    #[must_use]
    pub fn at(&self, rate: u32) -> Open {
        Open {
            arrivals: self.arrivals,
            grain_us: self.grain_us,
            streams: self.streams,
            held_connections: self.held_connections,
            ..Open::of(self.connections, rate)
        }
    }
}

impl Load {
    /// Connections that carry the load.
    #[must_use]
    pub fn connections(&self) -> u32 {
        match self {
            Load::Closed(closed) => closed.connections,
            Load::Open(open) => open.connections,
            Load::Capacity(capacity) => capacity.connections,
        }
    }

    /// Additional connections that stay idle.
    #[must_use]
    pub fn held_connections(&self) -> u32 {
        match self {
            Load::Closed(closed) => closed.held_connections,
            Load::Open(open) => open.held_connections,
            Load::Capacity(capacity) => capacity.held_connections,
        }
    }

    /// Requests of one batch (pipelining); 1 otherwise.
    #[must_use]
    pub fn pipeline(&self) -> u32 {
        match self {
            Load::Closed(closed) => closed.pipeline,
            Load::Open(_) | Load::Capacity(_) => 1,
        }
    }

    /// Streams of each connection (HTTP/2); 1 otherwise.
    #[must_use]
    pub fn streams(&self) -> u32 {
        match self {
            Load::Closed(closed) => closed.streams,
            Load::Open(open) => open.streams,
            Load::Capacity(capacity) => capacity.streams,
        }
    }
}

/// Why a load cannot be put on, and what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    /// What does not go together.
    pub reason: &'static str,
    /// What would.
    pub remedy: &'static str,
}

impl Load {
    /// Whether parts of the load contradict each other, or the protocol, if that is known.
    #[must_use]
    pub fn unfit(&self, protocol: Option<Protocol>) -> Option<Unfit> {
        let (pipeline, keep_alive) = match self {
            Load::Closed(closed) => (closed.pipeline, closed.keep_alive),
            Load::Open(open) => (1, open.keep_alive),
            Load::Capacity(_) => (1, true),
        };
        let is = |version| protocol.is_some_and(|protocol| protocol.http == version);
        let unfit = |reason, remedy| Some(Unfit { reason, remedy });
        if pipeline > 1 && is(HttpVersion::Http2) {
            unfit(
                "`pipeline` is of HTTP/1.1, and this is HTTP/2",
                "write `streams` in its place",
            )
        } else if self.streams() > 1 && is(HttpVersion::Http1) {
            unfit(
                "`streams` are of HTTP/2, and this is HTTP/1.1",
                "more `connections`, or `protocol: http2` in the scenario",
            )
        } else if pipeline > 1 && self.streams() > 1 {
            unfit(
                "`pipeline` is of HTTP/1.1 and `streams` are of HTTP/2",
                "one of the two",
            )
        } else if !keep_alive && (pipeline > 1 || self.streams() > 1) {
            unfit(
                "without `keep_alive` a connection carries one request",
                "leave out `pipeline` and `streams`, or `keep_alive: false`",
            )
        } else {
            None
        }
    }
}

/// The load level's stable name, part of every trial's key: `c64` is a closed loop over 64 connections, `c64p16` the same
/// 16 deep, `c64r5000` an open loop of 5,000 requests a second over them, `c64p99=50ms` a search for the capacity.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn unless<T: PartialEq + fmt::Display>(
            f: &mut fmt::Formatter<'_>,
            mark: &str,
            value: T,
            usual: T,
        ) -> fmt::Result {
            if value == usual {
                Ok(())
            } else {
                write!(f, "{mark}{value}")
            }
        }
        write!(f, "c{}", self.connections())?;
        let (arrivals, grain, keep_alive) = match self {
            Load::Closed(closed) => {
                unless(f, "p", closed.pipeline, 1)?;
                (Arrivals::Constant, 0, closed.keep_alive)
            }
            Load::Open(open) => {
                write!(f, "r{}", open.rate)?;
                if let Some(end) = open.ramp_to {
                    write!(f, "-{end}")?;
                }
                (open.arrivals, open.grain_us, open.keep_alive)
            }
            Load::Capacity(capacity) => {
                write!(f, "{}", capacity.objective)?;
                (capacity.arrivals, capacity.grain_us, true)
            }
        };
        if arrivals == Arrivals::Poisson {
            f.write_str("poisson")?;
        }
        unless(f, "g", grain, 0)?;
        unless(f, "s", self.streams(), 1)?;
        unless(f, "h", self.held_connections(), 0)?;
        f.write_str(if keep_alive { "" } else { "x" })
    }
}

/// What carries the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// The version of HTTP.
    pub http: HttpVersion,
    /// Whether connections are encrypted (HTTP/2 is then agreed by ALPN, else known beforehand).
    pub tls: bool,
}

/// Versions of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    /// What a framework may lack: HTTP/2, TLS.
    pub const FEATURES: [&str; 3] = ["http2", "tls", "websocket"];

    /// Which of [`Protocol::FEATURES`] a server must have for it.
    pub fn features(self) -> impl Iterator<Item = &'static str> {
        let needed = [self.http == HttpVersion::Http2, self.tls];
        Self::FEATURES
            .into_iter()
            .zip(needed)
            .filter_map(|(name, is_needed)| is_needed.then_some(name))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self.http {
            HttpVersion::Http1 => "HTTP/1.1",
            HttpVersion::Http2 => "HTTP/2",
        };
        write!(f, "{version}{}", if self.tls { " over TLS" } else { "" })
    }
}

/// HTTP methods a request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 7] = [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Options,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One HTTP request. Path, header values and body may hold `{name}` for each of `values`; nothing else in braces is
/// replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// Header names and values besides `Host`, which the sender adds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What varies from one sending to the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

/// A placeholder and the whole numbers it stands for, each equally often, drawn by the run's seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// Its name, which is written as `{name}` in requests.
    pub name: String,
    /// The smallest number.
    pub from: u64,
    /// The greatest number.
    pub to: u64,
}

impl Request {
    /// A `GET` of a path, the same every time.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            headers: vec![],
            body: None,
            values: vec![],
        }
    }

    /// The request with every placeholder replaced by what `value` says of it.
    #[must_use]
    pub fn with(&self, value: impl Fn(&Value) -> u64) -> Request {
        let fill = |text: &str| {
            self.values.iter().fold(text.to_owned(), |text, of| {
                text.replace(&format!("{{{}}}", of.name), &value(of).to_string())
            })
        };
        Request {
            method: self.method,
            path: fill(&self.path),
            headers: self
                .headers
                .iter()
                .map(|(name, text)| (name.clone(), fill(text)))
                .collect(),
            body: self.body.as_deref().map(fill),
            values: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::*;

    fn check(yaml: &str, name: &str) {
        let load: Load = serde_json::from_str(yaml).expect(yaml);
        assert_eq!(load.to_string(), name);
        let back: Load = serde_json::from_str(&serde_json::to_string(&load).expect("writes")).expect("reads");
        assert_eq!(back, load);
    }

    #[test]
    fn every_load_has_a_name_of_its_own() {
        check(r#"{"closed": {"connections": 64}}"#, "c64");
        check(
            r#"{"closed": {"connections": 64, "pipeline": 16, "keep_alive": false}}"#,
            "c64p16x",
        );
        check(
            r#"{"closed": {"connections": 8, "streams": 4, "held_connections": 1000}}"#,
            "c8s4h1000",
        );
        check(r#"{"open": {"connections": 64, "rate": 5000}}"#, "c64r5000");
        check(
            r#"{"open": {"connections": 64, "rate": 1, "ramp_to": 9, "arrivals": "poisson", "grain_us": 100}}"#,
            "c64r1-9poissong100",
        );
        check(
            r#"{"capacity": {"connections": 64, "objective": "p99=50ms"}}"#,
            "c64p99=50ms",
        );
    }

    #[test]
    fn placeholders_are_filled_wherever_they_stand() {
        let request = Request {
            method: Method::Put,
            headers: vec![("X".into(), "{id}".into())],
            body: Some(r#"{"id": {id}, "x": "{other}"}"#.into()),
            values: vec![Value {
                name: "id".into(),
                from: 1,
                to: 9,
            }],
            ..Request::get("/a/{id}")
        };
        let filled = request.with(|value| value.to);
        assert_eq!((filled.path.as_str(), filled.headers[0].1.as_str()), ("/a/9", "9"));
        assert_eq!(filled.body.as_deref(), Some(r#"{"id": 9, "x": "{other}"}"#));
    }
}
