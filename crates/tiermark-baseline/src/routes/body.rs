//! Request bodies.

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use serde_json::Value;

/// The most bytes of a body that are read. The longest order that is right has about 5 KiB; a longer one is told what is
/// wrong with it, to a point.
const MOST_BYTES: usize = 1024 * 1024;

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the content must be application/json")]
    ContentType,
    #[error("the content is longer than {MOST_BYTES} bytes")]
    Long,
    #[error("the content broke off")]
    Cut,
    #[error("the content is not JSON")]
    Json(#[from] serde_json::Error),
}

impl BodyError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Long => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Cut | Self::Json(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// The JSON in the body of `request`.
pub(super) async fn json(request: &mut Request<Incoming>) -> Result<Value, BodyError> {
    if !request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| is_json(value.as_bytes()))
    {
        return Err(BodyError::ContentType);
    }
    // A body that announces that it is too long is not waited for.
    if request.body().size_hint().lower() > MOST_BYTES as u64 {
        return Err(BodyError::Long);
    }
    let body = Limited::new(request.body_mut(), MOST_BYTES).collect().await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            BodyError::Long
        } else {
            BodyError::Cut
        }
    })?;
    Ok(serde_json::from_slice(&body.to_bytes())?)
}

/// Whether a content type is `application/json`, whatever its parameters.
fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content_type: &str, expect: bool) {
        assert_eq!(is_json(content_type.as_bytes()), expect, "{content_type}");
    }

    #[test]
    fn json_is_told_by_its_type_without_parameters() {
        check("application/json", true);
        check("Application/JSON ; charset=utf-8", true);
        check("application/json;", true);
        check("application/jsonx", false);
        check("text/plain; application/json", false);
        check("", false);
    }
}
