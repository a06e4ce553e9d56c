//! The requests as HTTP/2 has them.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use tiermark_model::load::{Method, Request};

use crate::requests::Requests;

/// Headers that speak of an HTTP/1.1 connection; a message with one is malformed (RFC 9113, 8.2.2).
const CONNECTION_HEADERS: [&str; 5] = [
    "connection",
    "proxy-connection",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
];

/// One request of each kind, built once.
#[derive(Debug)]
pub(crate) struct Templates {
    scheme: Scheme,
    authority: Authority,
    kinds: Vec<Template>,
}

#[derive(Debug)]
struct Template {
    request: http::Request<()>,
    body: Bytes,
    /// Whether it is built anew for every number.
    varies: bool,
}

impl Templates {
    /// The requests under `host`, or why they cannot be written.
    pub(crate) fn new(requests: &Requests, host: &str, tls: bool) -> Result<Self, String> {
        let mut templates = Self {
            scheme: if tls { Scheme::HTTPS } else { Scheme::HTTP },
            authority: host
                .parse()
                .map_err(|error| format!("`{}` cannot be its authority: {error}", host.escape_debug()))?,
            kinds: vec![],
        };
        for kind in requests.kinds() {
            // Numbers take the place of numbers: what is right for one is right for all.
            let (request, body) = templates.build(&kind.request.with(|value| value.from))?;
            let varies = !kind.request.values.is_empty();
            templates.kinds.push(Template { request, body, varies });
        }
        Ok(templates)
    }

    /// The request of that number, and its body, empty if there is none.
    pub(super) fn get(&self, requests: &Requests, number: u64) -> Result<(http::Request<()>, Bytes), String> {
        let which = requests.index(number);
        let template = &self.kinds[which];
        if !template.varies {
            return Ok((template.request.clone(), template.body.clone()));
        }
        let request = &requests.kinds()[which].request;
        self.build(&request.with(|value| {
            let at = request.values.iter().position(|other| std::ptr::eq(other, value));
            requests.value(number, at.unwrap_or(0), value)
        }))
    }

    fn build(&self, request: &Request) -> Result<(http::Request<()>, Bytes), String> {
        let path: PathAndQuery = request
            .path
            .parse()
            .map_err(|error| format!("path `{}`: {error}", request.path.escape_debug()))?;
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .map_err(|error| format!("path `{}`: {error}", request.path.escape_debug()))?;
        let mut built = http::Request::new(());
        *built.method_mut() = method(request.method);
        *built.uri_mut() = uri;
        *built.version_mut() = http::Version::HTTP_2;
        headers(&request.headers, built.headers_mut())?;
        let body = Bytes::from(request.body.clone().unwrap_or_default());
        // RFC 9110, 8.6: a method that gives meaning to content sends a length even when there is none.
        if request.body.is_some() || matches!(request.method, Method::Post | Method::Put | Method::Patch) {
            built
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        Ok((built, body))
    }
}

fn headers(from: &[(String, String)], to: &mut HeaderMap) -> Result<(), String> {
    for (name, value) in from {
        let wrong = |reason: &str| format!("header `{}` {reason}", name.escape_debug());
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("is not a token"))?;
        let unfit = CONNECTION_HEADERS.contains(&key.as_str()) || (key == "te" && value != "trailers");
        if unfit {
            return Err(wrong(
                "speaks of an HTTP/1.1 connection, which HTTP/2 has not; leave it out",
            ));
        }
        let value = HeaderValue::from_str(value).map_err(|_| wrong("has a control character in its value"))?;
        to.append(key, value);
    }
    Ok(())
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
        Method::Options => http::Method::OPTIONS,
    }
}
