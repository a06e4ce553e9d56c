//! The order of pipelined answers: unlike requests in one write.

use tiermark_model::format::scenario::Part;
use tiermark_model::load::Request;

use super::ask::PATIENCE;
use super::body;
use super::context::{CheckContext, CheckStop};
use crate::http::NoAnswer;

/// Pairs of requests in one write: as deep as TechEmpower pipelines, 16.
const PAIRS: usize = 8;

/// The scenario's request and another one, in turn, in one write. If the other one's answer is at an odd place, the server
/// answers out of order: as one does that begins all requests at once and sends what is ready first.
pub(super) async fn check(context: &CheckContext<'_>, part: &Part, other: &str) -> Result<(), CheckStop> {
    let asker = &context.asker;
    let first = part.request.with(|value| value.from);
    let second = Request::get(other);
    let no_answer =
        |request: &Request, which: &str, error: &NoAnswer| context.wrong(request, vec![format!("{which}: {error}")]);
    let alone = asker.ask(&second).await;
    let alone = alone.map_err(|error| no_answer(&second, "one request", &error))?;
    let connecting = asker.connect(PATIENCE).await;
    let mut connection = connecting.map_err(|error| no_answer(&first, "connecting", &error))?;
    let both = [asker.bytes(&first, false), asker.bytes(&second, false)].concat();
    let sent = connection.send(&both.repeat(PAIRS)).await;
    sent.map_err(|error| no_answer(&first, "pipelining", &error))?;
    for place in 0..2 * PAIRS {
        let which = format!(
            "pipelined in turn with GET {other}, answer {} of {}",
            place + 1,
            2 * PAIRS
        );
        let request = if place % 2 == 0 { &first } else { &second };
        let answer = connection.answer(PATIENCE).await;
        let answer = answer.map_err(|error| no_answer(request, &which, &error))?;
        let mut problems = if place % 2 == 0 {
            asker.problems(&answer, &part.expect)
        } else if (answer.status, &answer.body) == (alone.status, &alone.body) {
            vec![]
        } else {
            vec![format!(
                "body: expected {} as one request alone gets it, got {}",
                body::excerpt(&alone.body),
                body::excerpt(&answer.body)
            )]
        };
        if !problems.is_empty() {
            problems.insert(0, which);
            return Err(context.wrong(request, problems));
        }
    }
    Ok(())
}
