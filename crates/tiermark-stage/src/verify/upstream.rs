//! `/upstream`: every answer comes from the service, which counts its answers.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tiermark_model::load::Request;

use super::answer::status_problem;
use super::ask::{PATIENCE, get_json, json_with};
use super::body::excerpt;
use super::context::{CheckContext, CheckStop};
use crate::error::StageError;
use crate::http::HttpAnswer;
use crate::web::LocalClient;

/// Delays asked for one after another, milliseconds.
const DELAYS: [u64; 5] = [0, 1, 10, 50, 50];
/// Requests at once, and their delay.
const CROWD: usize = 64;
const CROWD_DELAY_MS: u64 = 50;
/// Texts other than whole numbers from 0 to 10,000.
const REFUSED: [&str; 6] = ["?ms=-1", "?ms=10001", "?ms=foo", "?ms=1.5", "?ms=", ""];

/// One after another, many at once, and delays that are refused.
pub(super) async fn check(context: &CheckContext<'_>, service: SocketAddr) -> Result<(), CheckStop> {
    for delay in DELAYS {
        let request = get_json(&format!("/upstream?ms={delay}"));
        let before = serial(service).await?;
        let begun = Instant::now();
        let answer = context.asker.right(&request, &json_with(200)).await?;
        let took = begun.elapsed();
        let got = read(&answer.body, delay).map_err(|problem| context.wrong(&request, vec![problem]))?;
        let mut problems = Vec::new();
        if got != before + 1 {
            problems.push(format!(
                "serial: expected {}, the next answer of the service, got {got}",
                before + 1
            ));
        }
        problems.extend(too_fast(took, delay));
        let after = serial(service).await?;
        if after != before + 2 {
            problems.push(format!(
                "calls of the service: expected 1 for one request, got {}",
                after.saturating_sub(before + 1)
            ));
        }
        if !problems.is_empty() {
            return Err(context.wrong(&request, problems));
        }
    }
    crowd(context, service).await?;
    for query in REFUSED {
        let request = get_json(&format!("/upstream{query}"));
        let answer = context.asker.ask(&request).await;
        let answer = answer.map_err(|error| context.wrong(&request, vec![error.to_string()]))?;
        if answer.status != 400 && answer.status != 422 {
            return Err(context.wrong(&request, vec![status_problem("400 or 422", &answer)]));
        }
    }
    Ok(())
}

/// Many at once: each has a serial of its own, and the service was called as often.
async fn crowd(context: &CheckContext<'_>, service: SocketAddr) -> Result<(), CheckStop> {
    let request = get_json(&format!("/upstream?ms={CROWD_DELAY_MS}"));
    let before = serial(service).await?;
    let judge = |_: &Request, answer: HttpAnswer| {
        let problems = context.asker.problems(&answer, &json_with(200));
        if !problems.is_empty() {
            return Err(problems);
        }
        read(&answer.body, CROWD_DELAY_MS).map_err(|problem| vec![problem])
    };
    let serials = context.asker.at_once(&vec![request.clone(); CROWD], judge).await?;
    let after = serial(service).await?;
    let calls = after.saturating_sub(before + 1);
    let own: BTreeSet<u64> = (serials.iter().copied())
        .filter(|serial| (before + 1..after).contains(serial))
        .collect();
    let mut problems = Vec::new();
    if own.len() != CROWD {
        problems.push(format!(
            "serials of {CROWD} requests at once: expected {CROWD} different ones from {} to {}, got {}",
            before + 1,
            before + CROWD as u64,
            own.len()
        ));
    }
    if calls != CROWD as u64 {
        problems.push(format!(
            "calls of the service: expected {CROWD} for {CROWD} requests at once, got {calls}"
        ));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(context.wrong(&request, problems))
    }
}

fn too_fast(took: Duration, delay: u64) -> Option<String> {
    (took < Duration::from_millis(delay)).then(|| format!("time: expected at least {delay} ms, got {took:.1?}"))
}

/// The serial in the body of an answer to that delay.
fn read(body: &[u8], delay: u64) -> Result<u64, String> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let serial = value.get("serial").and_then(Value::as_u64);
    let is_right = value.get("ms").and_then(Value::as_u64) == Some(delay)
        && value.as_object().is_some_and(|object| object.len() == 2);
    serial.filter(|_| is_right).ok_or_else(|| {
        format!(
            r#"body: expected {{"ms":{delay},"serial":…}} and nothing else, got {}"#,
            excerpt(body)
        )
    })
}

/// Asks the service itself: the serial of its next answer, which is one more than that of the one before.
async fn serial(service: SocketAddr) -> Result<u64, StageError> {
    let failed = |reason: String| StageError::Other(format!("the upstream service at {service}: {reason}"));
    let client = LocalClient::new(PATIENCE)?;
    let answer = client.get(service, &service.to_string(), "/delay?ms=0").await;
    let answer = answer.map_err(failed)?;
    read(&answer.body, 0).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_s_answer_is_read_strictly() {
        let check = |body: &str, right: bool| {
            assert_eq!(read(body.as_bytes(), 50).is_ok(), right, "{body}");
        };
        check(r#"{"ms":50,"serial":7}"#, true);
        check(r#"{"ms":51,"serial":7}"#, false);
        check(r#"{"ms":50,"serial":7,"x":1}"#, false);
        check(r#"{"ms":50}"#, false);
        check("", false);
    }
}
