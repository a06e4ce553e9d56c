//! One slot of HTTP/2: a place for a stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};

use crate::expect::{BodyLook, Looked, RequestOutcome};
use crate::requests::Requests;

/// A place for one request.
pub(super) struct StreamPlace {
    pub(super) phase: Phase,
    /// Each place has its own, so that one that waits for a stream (the other side takes a limited number) keeps no other waiting.
    pub(super) handle: Option<SendRequest<Bytes>>,
    waker: Waker,
    /// Number of the request under way.
    number: u64,
    look: BodyLook,
    status: u16,
    length: u64,
}

pub(super) enum Phase {
    Closed,
    /// Its connection is being made.
    Joining,
    Idle,
    Asked(ResponseFuture),
    Answering(RecvStream),
}

impl Phase {
    /// Whether a connection is in use by it.
    pub(super) fn is_on(&self) -> bool {
        matches!(self, Phase::Idle | Phase::Asked(_) | Phase::Answering(_))
    }
}

/// How an answer ended.
pub(super) enum Done {
    /// The whole answer came.
    Answered(RequestOutcome, Looked),
    /// Its stream is lost.
    Broken(RequestOutcome),
}

impl StreamPlace {
    pub(super) fn new(waker: Waker) -> Self {
        Self {
            phase: Phase::Closed,
            handle: None,
            waker,
            number: 0,
            look: BodyLook::NONE,
            status: 0,
            length: 0,
        }
    }

    /// Gives up what is under way; a stream that is not over is reset with that.
    pub(super) fn close(&mut self) {
        self.phase = Phase::Closed;
        self.handle = None;
    }

    /// Asks on a place that is idle; `false` if the connection takes no requests any more. The request leaves when the
    /// connection is polled.
    pub(super) fn ask(&mut self, number: u64, look: BodyLook, request: http::Request<()>, body: Bytes) -> bool {
        let Some(handle) = &mut self.handle else {
            return false;
        };
        // Frees what the handle keeps of a stream that had to wait.
        let mut context = Context::from_waker(Waker::noop());
        if !matches!(handle.poll_ready(&mut context), Poll::Ready(Ok(()))) {
            return false;
        }
        let Ok((response, mut upload)) = handle.send_request(request, body.is_empty()) else {
            return false;
        };
        // All of it at once: `h2` keeps what the other side's window has no room for, and the bytes are shared.
        if !body.is_empty() && upload.send_data(body, true).is_err() {
            return false;
        }
        self.number = number;
        self.look = look;
        (self.status, self.length) = (0, 0);
        self.phase = Phase::Asked(response);
        true
    }

    /// Looks at what came.
    pub(super) fn poll(&mut self, requests: &Requests) -> Option<Done> {
        let mut context = Context::from_waker(&self.waker);
        let broken = |error: &h2::Error| Some(Done::Broken(outcome(error)));
        if let Phase::Asked(response) = &mut self.phase {
            match Pin::new(response).poll(&mut context) {
                Poll::Pending => return None,
                Poll::Ready(Err(error)) => return broken(&error),
                Poll::Ready(Ok(response)) => {
                    self.status = response.status().as_u16();
                    self.phase = Phase::Answering(response.into_body());
                }
            }
        }
        let rules = &requests.kind(self.number).rules;
        let Phase::Answering(body) = &mut self.phase else {
            return None;
        };
        while !body.is_end_stream() {
            match body.poll_data(&mut context) {
                Poll::Pending => return None,
                Poll::Ready(Some(Err(error))) => return broken(&error),
                Poll::Ready(Some(Ok(part))) => {
                    rules.see(&mut self.look, &part);
                    self.length += part.len() as u64;
                    // Capacity that is not released here is released when the stream is dropped.
                    if !body.is_end_stream() && body.flow_control().release_capacity(part.len()).is_err() {
                        return Some(Done::Broken(RequestOutcome::Parse));
                    }
                }
                Poll::Ready(None) => match body.poll_trailers(&mut context) {
                    Poll::Pending => return None,
                    Poll::Ready(Err(error)) => return broken(&error),
                    Poll::Ready(Ok(_)) => break,
                },
            }
        }
        self.phase = Phase::Idle;
        let (outcome, looked) = rules.judge(&self.look, self.status, self.length);
        Some(Done::Answered(outcome, looked))
    }
}

/// The outcome of a failure: `Parse` if what came is against the protocol, else `Reset`.
pub(super) fn outcome(error: &h2::Error) -> RequestOutcome {
    if error.is_library() {
        RequestOutcome::Parse
    } else {
        RequestOutcome::Reset
    }
}
