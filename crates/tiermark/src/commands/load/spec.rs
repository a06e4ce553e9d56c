//! From arguments to what the generator is told.

use std::path::Path;
use std::time::Duration;

use tiermark_load::{Body, ExpectedAnswer, LoadSpec, Trust};
use tiermark_model::input::{self, InputKind};
use tiermark_model::load::{Arrivals, Capacity, Closed, HttpVersion, Load, Method, Open, Protocol, Request};

use super::arguments::LoadArgs;
use super::target::LoadTarget;
use crate::error::Failure;

/// Length of the window where nothing says it.
const DURATION: Duration = Duration::from_secs(10);
/// Where only requests shall end the window, it ends by time all the same: a target that answers nothing would hold it
/// open for ever.
const A_DAY: Duration = Duration::from_hours(24);

/// The load that the arguments ask for.
pub(super) fn load_spec(arguments: &LoadArgs, target: &LoadTarget) -> Result<LoadSpec, Failure> {
    let (host, headers) = headers(arguments, target)?;
    let duration = (arguments.duration).unwrap_or(if arguments.requests.is_some() { A_DAY } else { DURATION });
    let request = request(arguments, target, headers)?;
    Ok(LoadSpec {
        host,
        protocol: Protocol {
            http: if arguments.http2 {
                HttpVersion::Http2
            } else {
                HttpVersion::Http1
            },
            tls: target.tls,
        },
        trust: trust(arguments, target)?,
        seed: arguments.seed,
        limit: arguments.requests,
        warmup: arguments.warmup,
        timeout: arguments.timeout,
        threads: threads(arguments)?,
        ..LoadSpec::new(target.address, request, expect(arguments), load(arguments), duration)
    })
}

fn load(arguments: &LoadArgs) -> Load {
    let LoadArgs {
        connections,
        held_connections,
        ..
    } = *arguments;
    let arrivals = arguments.arrivals.map_or(Arrivals::Constant, Into::into);
    let grain_us = arguments.grain.unwrap_or(0);
    let streams = arguments.streams.unwrap_or(1);
    let keep_alive = !arguments.disable_keepalive;
    match (arguments.objective, arguments.rate) {
        (Some(objective), _) => Load::Capacity(Capacity {
            connections,
            objective,
            arrivals,
            grain_us,
            streams,
            held_connections,
        }),
        (None, Some(rate)) => Load::Open(Open {
            connections,
            rate,
            ramp_to: arguments.ramp_to,
            arrivals,
            grain_us,
            streams,
            held_connections,
            keep_alive,
        }),
        (None, None) => Load::Closed(Closed {
            connections,
            pipeline: arguments.pipeline.unwrap_or(1),
            streams,
            held_connections,
            keep_alive,
        }),
    }
}

/// The host that is asked for, and the headers beside it.
fn headers(arguments: &LoadArgs, target: &LoadTarget) -> Result<(String, Vec<(String, String)>), Failure> {
    let (hosts, others): (Vec<_>, Vec<_>) = arguments
        .headers
        .iter()
        .cloned()
        .partition(|(name, _)| name.eq_ignore_ascii_case("host"));
    match <[_; 1]>::try_from(hosts) {
        Ok([(_, host)]) => Ok((host, others)),
        Err(none) if none.is_empty() => Ok((target.host.clone(), others)),
        Err(_) => Err(Failure::Usage("--header: a request has one Host header".to_owned())),
    }
}

fn request(arguments: &LoadArgs, target: &LoadTarget, headers: Vec<(String, String)>) -> Result<Request, Failure> {
    let body = match arguments.body.as_deref().map(|text| (text, text.strip_prefix('@'))) {
        None => None,
        Some((text, None)) => Some(text.to_owned()),
        Some((_, Some(file))) => Some(read("--body", Path::new(file))?),
    };
    Ok(Request {
        method: arguments
            .method
            .unwrap_or(if body.is_some() { Method::Post } else { Method::Get }),
        path: target.path.clone(),
        headers,
        body,
        values: vec![],
    })
}

fn expect(arguments: &LoadArgs) -> ExpectedAnswer {
    let expect = ExpectedAnswer::status(arguments.expect_status);
    match &arguments.expect_body_contains {
        None => expect,
        Some(text) => ExpectedAnswer {
            body: Body::Contains(text.clone().into_bytes()),
            ..expect
        },
    }
}

fn trust(arguments: &LoadArgs, target: &LoadTarget) -> Result<Trust, Failure> {
    match (&arguments.cacert, arguments.insecure) {
        (None, false) => Ok(Trust::System),
        _ if !target.tls => Err(Failure::Usage(
            "--cacert and --insecure are about TLS, but the URL is http://\nremedy: leave them out, or write https://"
                .to_owned(),
        )),
        (None, true) => Ok(Trust::Anybody),
        (Some(file), _) => Ok(Trust::File(file.clone())),
    }
}

fn read(option: &str, file: &Path) -> Result<String, Failure> {
    input::text(file, InputKind::Data).map_err(|error| Failure::Usage(format!("{option} {error}")))
}

fn threads(arguments: &LoadArgs) -> Result<Vec<Option<usize>>, Failure> {
    let wanted = arguments.threads.map(usize::from);
    match (&arguments.cpus, wanted) {
        (Some(cpus), Some(threads)) if threads != cpus.0.len() => Err(Failure::Usage(format!(
            "--cpus names {} core(s), each for one thread, but --threads says {threads}\nremedy: leave --threads out",
            cpus.0.len()
        ))),
        (Some(cpus), _) => Ok(cpus.0.iter().copied().map(Some).collect()),
        (None, threads) => Ok(vec![None; threads.unwrap_or(1)]),
    }
}
