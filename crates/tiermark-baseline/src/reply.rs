//! The few shapes a reply has.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// A reply whose body is ready as a whole, so that hyper states its length.
pub(crate) type Reply = Response<Full<Bytes>>;

/// 200, plain text.
pub(crate) fn text(body: impl Into<Bytes>) -> Reply {
    with_type("text/plain", body.into())
}

/// 200, an HTML document.
pub(crate) fn html(body: impl Into<Bytes>) -> Reply {
    with_type("text/html; charset=utf-8", body.into())
}

/// 200, `value` as JSON.
pub(crate) fn json(value: &impl Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => with_type("application/json", body.into()),
        Err(error) => failure(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// `value` as JSON, with another status than 200.
pub(crate) fn json_with(status: StatusCode, value: &impl Serialize) -> Reply {
    let mut reply = json(value);
    // A value that cannot be serialised is a failure.
    if reply.status() == StatusCode::OK {
        *reply.status_mut() = status;
    }
    reply
}

/// A status without content.
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(SERVER, HeaderValue::from_static(crate::NAME));
    reply
}

/// A failure, with its reason for whoever reads the body.
pub(crate) fn failure(status: StatusCode, reason: impl Into<Bytes>) -> Reply {
    let mut reply = with_type("text/plain; charset=utf-8", reason.into());
    *reply.status_mut() = status;
    reply
}

/// `reply` without its content, but with the length that it would have.
pub(crate) fn without_content(reply: Reply) -> Reply {
    let (mut head, body) = reply.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(CONTENT_LENGTH, length.into());
    }
    Response::from_parts(head, Full::default())
}

fn with_type(content_type: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    let headers = reply.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static(crate::NAME));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}
