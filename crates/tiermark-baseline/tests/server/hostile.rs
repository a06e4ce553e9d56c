//! Clients that mean no good: the server goes on, keeps nothing of theirs, and no thread of it panics.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::support::{FOR_EVER, Outcome, Running, check, config};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Panics on threads of servers. tokio catches one in a task, so that nothing else would show it.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let of_a_server = std::thread::current()
                .name()
                .is_some_and(|name| name.starts_with("baseline-"));
            PANICS.fetch_add(usize::from(of_a_server), Ordering::SeqCst);
            before(info);
        }));
    });
}

/// Stops `server`; nothing in it may have gone wrong until now.
fn end(server: Running) -> Outcome {
    check(&server.connect()?.get("/health")?, 200, "text/plain", "OK");
    server.stop()?;
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    Ok(())
}

#[test]
fn clients_that_stall_hold_nobody_up() -> Outcome {
    count_panics();
    let server = Running::start_draining(config(1), FOR_EVER)?;
    // Not the whole preface: from then on a client is told to go, as HTTP/2 has it, and asked whether it has heard.
    let beginnings: [&[u8]; 5] = [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", b"P", &PREFACE[..14]];
    let mut stalled = Vec::new();
    for beginning in beginnings.iter().cycle().take(120) {
        let mut stream = server.open()?;
        stream.write_all(beginning)?;
        stalled.push(stream);
        check(&server.connect()?.get("/health")?, 200, "text/plain", "OK");
    }
    let began = Instant::now();
    end(server)?;
    assert!(
        began.elapsed() < FOR_EVER,
        "what has not become HTTP must not hold a server up"
    );
    Ok(())
}

#[test]
fn garbage_is_answered_by_the_end_of_the_connection() -> Outcome {
    count_panics();
    let server = Running::start(config(1))?;
    let mut runner = TestRunner::new(Config::with_cases(128));
    let openings = prop::sample::select(vec![
        b"\x16".to_vec(),
        b"\x16\x03\x01\x00\x20".to_vec(),
        b"\x16\x03\x01\x00\x20\x01\x00\x00\x1c\x03\x03".to_vec(),
        b"PRI * ".to_vec(),
        PREFACE.to_vec(),
        [PREFACE, b"\0\0\0\x04\0\0\0\0\0"].concat(),
        Vec::new(),
    ]);
    let rest = prop::collection::vec(any::<u8>(), 0..200);
    runner.run(&(openings, rest), |(opening, rest)| {
        let end = || -> std::io::Result<()> {
            let mut stream = server.open()?;
            // The server may have closed the connection already.
            let _ = stream.write_all(&[opening, rest].concat());
            let _ = stream.shutdown(Shutdown::Write);
            match stream.read_to_end(&mut Vec::new()) {
                Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => Err(error),
                _ => Ok(()),
            }
        };
        end().map_err(|error| TestCaseError::fail(error.to_string()))
    })?;
    end(server)
}

#[test]
fn a_handshake_without_an_end_is_cut_off() -> Outcome {
    count_panics();
    let server = Running::start(config(1))?;
    let mut stream = server.open()?;
    // Records of 16 KiB of a ClientHello that says it is 16 MiB long.
    let mut record = vec![0; 5 + 0x4000];
    record[..9].copy_from_slice(b"\x16\x03\x01\x40\x00\x01\xff\xff\xff");
    let mut sent = 0_usize;
    while stream.write_all(&record).is_ok() {
        record[5..9].fill(0);
        sent += record.len();
        // More than the sockets' buffers can hold: the server would have to keep it.
        assert!(sent < 64 << 20, "the server takes all of an endless handshake");
    }
    end(server)
}
