//! `/cpu`: how many primes there are below n, counted anew for every request.

use std::time::{Duration, Instant};

use serde_json::json;
use tiermark_model::format::scenario::{Expect, ExpectBody};

use super::answer::status_problem;
use super::ask::{get_json, json_with};
use super::context::{CheckContext, CheckStop};

/// Small ones, at which a loop goes wrong, squares of primes and their neighbours, and larger ones.
const COUNTED: [u64; 18] = [
    0, 1, 2, 3, 4, 5, 9, 10, 25, 26, 49, 50, 100, 121, 1_000, 7_920, 10_000, 100_000,
];
/// Texts other than whole numbers from 0 to 1,000,000.
const REFUSED: [&str; 7] = [
    "?n=-1",
    "?n=1000001",
    "?n=foo",
    "?n=1.5",
    "?n=",
    "?n=99999999999999999999",
    "",
];
/// Asked for several times: an answer that is remembered comes much faster than one to a number never asked for.
const REPEATED: u64 = 100_000;
/// Least and most looks at each of the two.
const LOOKS: [u64; 2] = [8, 40];
/// An answer that is faster by this factor is too fast: the same work takes the same time, except for the host's noise and a compiler that warms up.
const REMEMBERED: f64 = 5.0;
/// Up to here it is the same work, and more looks would show nothing.
const ALIKE: f64 = 1.25;
/// Below this a difference is the network's.
const MEASURABLE: Duration = Duration::from_millis(1);

/// Numbers, refusals, and that nothing is remembered.
pub(super) async fn check(context: &CheckContext<'_>) -> Result<(), CheckStop> {
    for n in COUNTED {
        ask(context, n).await?;
    }
    for query in REFUSED {
        let request = get_json(&format!("/cpu{query}"));
        let answer = context.asker.ask(&request).await;
        let answer = answer.map_err(|error| context.wrong(&request, vec![error.to_string()]))?;
        if answer.status != 400 && answer.status != 422 {
            return Err(context.wrong(&request, vec![status_problem("400 or 422", &answer)]));
        }
    }
    let mut times = Fastest::default();
    let [least, most] = LOOKS;
    for look in 1..=most {
        // In turn, so that noise meets both.
        times.look(ask(context, REPEATED).await?, ask(context, REPEATED - look).await?);
        if look >= least && times.ratio() <= ALIKE {
            break;
        }
    }
    match times.remembered() {
        None => Ok(()),
        Some(problem) => Err(context.wrong(&get_json(&format!("/cpu?n={REPEATED}")), vec![problem])),
    }
}

/// Asks for the primes below n; how long it took.
async fn ask(context: &CheckContext<'_>, n: u64) -> Result<Duration, CheckStop> {
    let expect = Expect {
        body: ExpectBody::Json(json!({"n": n, "primes": primes_below(n)})),
        ..json_with(200)
    };
    let begun = Instant::now();
    context.asker.right(&get_json(&format!("/cpu?n={n}")), &expect).await?;
    Ok(begun.elapsed())
}

/// The shortest times of both kinds of answers. Whatever else the machine does makes an answer later, never sooner.
#[derive(Debug, Default)]
struct Fastest {
    known: Option<Duration>,
    fresh: Option<Duration>,
}

impl Fastest {
    fn look(&mut self, known: Duration, fresh: Duration) {
        let shorter = |so_far: Option<Duration>, now| Some(so_far.map_or(now, |so_far: Duration| so_far.min(now)));
        self.known = shorter(self.known, known);
        self.fresh = shorter(self.fresh, fresh);
    }

    /// How many times longer an answer to a number takes that was not asked for before; 1 if nobody looked.
    fn ratio(&self) -> f64 {
        match (self.known, self.fresh) {
            (Some(known), Some(fresh)) => fresh.as_secs_f64() / known.as_secs_f64().max(1e-9),
            _ => 1.0,
        }
    }

    /// Whether answers to a number that was asked for before come too fast.
    fn remembered(&self) -> Option<String> {
        let (known, fresh) = (self.known?, self.fresh?);
        (fresh >= MEASURABLE && self.ratio() > REMEMBERED).then(|| {
            format!(
                "memory: expected the same work for every request, got an answer in {known:.1?} for a number that was asked for before, \
                 in {fresh:.1?} for one that was not"
            )
        })
    }
}

/// By a sieve, which the servers may not use: another way to the same number.
fn primes_below(n: u64) -> u64 {
    let n = usize::try_from(n).unwrap_or(0);
    let mut composite = vec![false; n];
    let mut count = 0;
    for candidate in 2..n {
        if composite[candidate] {
            continue;
        }
        count += 1;
        for multiple in (candidate * candidate..n).step_by(candidate) {
            composite[multiple] = true;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_counted() {
        let counts = COUNTED.map(primes_below);
        // OEIS A000720, shifted by one: below n, not up to n.
        assert_eq!(
            counts,
            [0, 0, 0, 1, 2, 2, 4, 4, 9, 9, 15, 15, 25, 30, 168, 1_000, 1_229, 9_592]
        );
    }

    #[test]
    fn what_is_remembered_is_faster_by_far() {
        let remembered = |known: [u64; 5], fresh: [u64; 5]| {
            let mut times = Fastest::default();
            for (known, fresh) in known.into_iter().zip(fresh) {
                times.look(Duration::from_micros(known), Duration::from_micros(fresh));
            }
            times.remembered()
        };
        assert_eq!(
            remembered(
                [9_000, 30_000, 10_000, 8_000, 9_000],
                [9_000, 9_000, 12_000, 10_000, 11_000]
            ),
            None
        );
        // One look that nothing delayed is enough.
        assert!(
            remembered(
                [20_000, 9_000, 9_000, 1_000, 30_000],
                [9_000, 9_000, 12_000, 10_000, 11_000]
            )
            .is_some()
        );
        assert_eq!(remembered([90; 5], [900; 5]), None);
        assert_eq!(Fastest::default().remembered(), None);
    }
}
