//! `null_server [ADDRESS [ANSWER [CORE [SECONDS]]]]`: serves a canned answer until its input ends, or for so many seconds
//! (600 where none are given). `ANSWER` is `small`, `body[:BYTES]` or `chunked[:CHUNKSxBYTES]`; `CORE` may be `-`.
#![allow(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tiermark_load::null::{NullAnswer, NullServer};

fn answer(text: &str) -> Result<NullAnswer, Box<dyn Error>> {
    let (kind, size) = text.split_once(':').unwrap_or((text, ""));
    Ok(match (kind, size) {
        ("small", "") => NullAnswer::Small,
        ("body", "") => NullAnswer::Body(64 << 10),
        ("body", bytes) => NullAnswer::Body(bytes.parse()?),
        ("chunked", "") => NullAnswer::Chunked { chunks: 8, bytes: 128 },
        ("chunked", sizes) => {
            let (chunks, bytes) = sizes.split_once('x').ok_or("chunked:CHUNKSxBYTES")?;
            NullAnswer::Chunked {
                chunks: chunks.parse()?,
                bytes: bytes.parse()?,
            }
        }
        _ => return Err("an answer is small, body[:BYTES] or chunked[:CHUNKSxBYTES]".into()),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize, default: &'static str| arguments.get(at).map_or(default, String::as_str);
    let core = match argument(2, "-") {
        "-" => None,
        core => Some(core.parse()?),
    };
    let at_most = Duration::from_secs(argument(3, "600").parse()?);
    // Many connections: as many files as the system lets us have.
    let files = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: files.maximum.or(files.current),
            ..files
        },
    )?;
    let server = NullServer::bind(argument(0, "127.0.0.1:0").parse()?, answer(argument(1, "small"))?, core)?;
    println!("{}", server.address());
    io::stdout().flush()?;
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    // Either is an end.
    let _ = end.recv_timeout(at_most);
    server.stop()?;
    Ok(())
}
