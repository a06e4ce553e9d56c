//! One connection over a wire that says what a test wrote down, in pieces as it pleases.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use tiermark_model::load::Request;

use super::*;
use crate::spec::{Ask, ExpectedAnswer};
use crate::wire::Read;

const STREAMS: usize = 3;

/// A wire with one line. Each wait brings the next piece of what the other side says, and then its end.
struct Script {
    pieces: VecDeque<Vec<u8>>,
    ends: bool,
    now: u64,
    open: bool,
    began: bool,
    ready: Option<Ready>,
    unread: Vec<u8>,
    over: bool,
}

impl Script {
    fn new(pieces: Vec<Vec<u8>>, ends: bool) -> Self {
        Self {
            pieces: pieces.into(),
            ends,
            now: 0,
            open: false,
            began: false,
            ready: None,
            unread: vec![],
            over: false,
        }
    }
}

impl Wire for Script {
    fn now(&self) -> u64 {
        self.now
    }

    fn connect(&mut self, _: usize) -> bool {
        // It says what it says once.
        let begins = !self.began;
        (self.began, self.open) = (true, begins);
        begins
    }

    fn connected(&mut self, _: usize) -> Connecting {
        Connecting::Connected
    }

    fn write(&mut self, _: usize, bytes: &[u8]) -> io::Result<usize> {
        // As little as a socket may take.
        Ok(bytes.len().min(7))
    }

    fn read(&mut self, _: usize, buffer: &mut [u8]) -> io::Result<Read> {
        if self.unread.is_empty() && !self.over {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = buffer.len().min(self.unread.len());
        buffer[..length].copy_from_slice(&self.unread[..length]);
        self.unread.drain(..length);
        Ok(Read {
            length,
            drained: self.unread.is_empty(),
        })
    }

    fn close(&mut self, _: usize) {
        self.open = false;
    }

    fn wait(&mut self, _: Wait) -> io::Result<()> {
        self.now += 1;
        let connecting = self.now == 1;
        if !connecting {
            match self.pieces.pop_front() {
                Some(piece) => self.unread.extend(piece),
                None => self.over = self.ends,
            }
        }
        self.ready = self.open.then_some(Ready {
            line: 0,
            readable: !connecting,
            writable: true,
            closed: self.over,
        });
        Ok(())
    }

    fn ready(&mut self) -> Option<Ready> {
        self.ready.take()
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    // RFC 9113, 4.1.
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const STATUS_200: u8 = 0x88;

/// Settings, and the answers to three requests, one within the other.
fn answers() -> Vec<u8> {
    [
        frame(4, 0, 0, &[]),
        frame(1, END_HEADERS, 1, &[STATUS_200]),
        frame(1, END_HEADERS, 3, &[STATUS_200]),
        frame(0, 0, 1, b"he"),
        frame(6, 0, 0, &[0; 8]),
        frame(0, END_STREAM, 3, b"hello"),
        frame(0, 0, 1, b"llo"),
        frame(0, END_STREAM, 1, b""),
        frame(1, END_HEADERS, 5, &[STATUS_200]),
        frame(0, 0, 5, b"hello"),
        // A trailer, never indexed: "a: b".
        frame(1, END_HEADERS | END_STREAM, 5, &[0x10, 1, b'a', 1, b'b']),
    ]
    .concat()
}

fn link(script: Script) -> Http2<Script> {
    let ask = Ask {
        name: String::new(),
        weight: 1,
        request: Request::get("/"),
        expect: ExpectedAnswer::body(200, "hello"),
    };
    let requests = Requests::new(&[ask], "localhost", 0, true, 1).unwrap();
    let templates = Templates::new(&requests, "localhost", false).unwrap();
    let shape = Http2Shape {
        connections: 1,
        streams: STREAMS,
        held: 0,
        keep_alive: true,
    };
    Http2::new(script, Arc::new(requests), Arc::new(templates), shape)
}

/// Connects all slots, sends one request on each that is connected, and gives what happened to each in `rounds` waits.
fn happenings(pieces: Vec<Vec<u8>>, ends: bool) -> Vec<Vec<Happening>> {
    let rounds = pieces.len() + 5;
    let mut link = link(Script::new(pieces, ends));
    let mut happened = vec![vec![]; STREAMS];
    for slot in 0..STREAMS {
        assert!(link.connect(slot));
    }
    for _ in 0..rounds {
        link.wait(Wait::AtMost(1)).unwrap();
        while let Some(event) = link.next() {
            happened[event.slot].push(event.what);
            if event.what == Happening::Connected {
                assert!(link.send(event.slot, event.slot as u64, 1));
            }
        }
    }
    happened
}

/// In pieces. The settings end one: what answers a request comes behind it.
fn split(mut bytes: Vec<u8>, cuts: &[usize]) -> Vec<Vec<u8>> {
    let rest = bytes.split_off(bytes.len().min(9));
    let mut pieces = vec![];
    if let Some(cut) = cuts.first() {
        let second = bytes.split_off((cut % 9).min(bytes.len()));
        pieces.push(std::mem::replace(&mut bytes, second));
    }
    pieces.push(std::mem::replace(&mut bytes, rest));
    for cut in cuts {
        let rest = bytes.split_off((cut % 40).min(bytes.len()));
        pieces.push(std::mem::replace(&mut bytes, rest));
    }
    pieces.push(bytes);
    pieces
}

/// What ends a slot: exactly one thing, and nothing behind it.
fn check_one_end(happened: &[Vec<Happening>]) {
    for slot in happened {
        let ends = |what: &Happening| !matches!(what, Happening::Connected | Happening::Answered { open: true, .. });
        assert_eq!(slot.iter().filter(|what| ends(what)).count(), 1, "{slot:?}");
        assert!(slot.last().is_some_and(ends), "{slot:?}");
    }
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_answers(cuts in prop::collection::vec(0usize..40, 0..60)) {
        let whole = answers();
        let total = whole.len() as u64 - 9;
        let mut bytes_in_all = 0;
        for slot in happenings(split(whole, &cuts), false) {
            let right = matches!(
                slot.as_slice(),
                [Happening::Connected, Happening::Answered { outcome: RequestOutcome::Ok, open: true, .. }]
            );
            prop_assert!(right, "{:?}", slot);
            if let Happening::Answered { bytes, .. } = slot[1] {
                bytes_in_all += bytes;
            }
        }
        // All bytes but the settings, and what of the next frame came with them.
        prop_assert!(bytes_in_all <= total);
        prop_assert!(cuts.is_empty() || bytes_in_all > 0);
    }

    #[test]
    fn an_end_at_any_place_ends_every_slot_once(length in 0usize..200, cuts in prop::collection::vec(0usize..40, 0..20)) {
        let mut bytes = answers();
        bytes.truncate(length);
        check_one_end(&happenings(split(bytes, &cuts), true));
    }

    #[test]
    fn garbage_ends_every_slot_once(
        good in 0usize..120,
        garbage in prop::collection::vec(any::<u8>(), 0..200),
        cuts in prop::collection::vec(0usize..40, 0..20),
    ) {
        let mut bytes = answers();
        bytes.truncate(good);
        bytes.extend(garbage);
        check_one_end(&happenings(split(bytes, &cuts), true));
    }
}

#[test]
fn a_slot_that_is_given_up_says_nothing_more_and_refuses_those_that_wait_with_it() {
    let mut link = link(Script::new(vec![], false));
    assert!((0..STREAMS).all(|slot| link.connect(slot)));
    link.wait(Wait::AtMost(1)).unwrap();
    assert_eq!(link.next(), None);
    link.close(1);
    let refused: Vec<(usize, Happening)> =
        std::iter::from_fn(|| link.next().map(|event| (event.slot, event.what))).collect();
    assert_eq!(refused, [(0, Happening::Refused), (2, Happening::Refused)]);
    assert!(!link.connect(1));
    assert_eq!(link.next(), None);
}

#[test]
fn a_goaway_closes_idle_slots_and_lets_answers_come() {
    let goaway = frame(7, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    let mut link = link(Script::new(
        vec![frame(4, 0, 0, &[]), goaway, answers().split_off(9)],
        false,
    ));
    assert!((0..STREAMS).all(|slot| link.connect(slot)));
    let mut happened = vec![];
    for _ in 0..6 {
        link.wait(Wait::AtMost(1)).unwrap();
        while let Some(event) = link.next() {
            // Slot 2 stays idle; so stream 5, of which the other side speaks later, is not known to anybody.
            if event.what == Happening::Connected && event.slot < 2 {
                assert!(link.send(event.slot, 0, 1));
            }
            let ok = matches!(
                event.what,
                Happening::Answered {
                    count: 1,
                    outcome: RequestOutcome::Ok,
                    open: false,
                    ..
                }
            );
            happened.push((event.slot, event.what == Happening::HungUp, ok));
        }
    }
    assert_eq!(
        happened[STREAMS..],
        [(2, true, false), (0, false, true), (1, false, true)],
        "{happened:?}"
    );
    assert_eq!(link.most_open(), (1, 0));
}
