//! When the requests of an open loop are intended: in closed form, so that no error adds up over a long trial.
//!
//! A rate r(t) has a cumulative count N(t) = ∫ r. Evenly spaced arrivals are where N is a whole number; those of a Poisson
//! process of rate r(t) are where N meets a Poisson process of rate 1 (time change; Çinlar, Introduction to Stochastic
//! Processes, 1975, 4.7). So a schedule is the inverse of N, applied to a sequence that knows nothing of time.

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tiermark_model::load::{Arrivals, Open};
use tiermark_model::recording::Window;

const SECOND_NS: u64 = 1_000_000_000;

/// One thread's part of an open loop's schedule. Times are nanoseconds since the trial's zero.
#[derive(Debug)]
pub(crate) struct Schedule {
    rate: Rate,
    arrivals: Sequence,
    start: u64,
    end: u64,
    next: Option<u64>,
}

/// Which of all threads this one is: thread `index` of `of` takes every `of`-th request, so that what the threads
/// send together is as even as what one would send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ThreadPart {
    pub(crate) index: u64,
    pub(crate) of: u64,
}

impl ThreadPart {
    #[cfg(test)]
    pub(crate) const WHOLE: ThreadPart = ThreadPart { index: 0, of: 1 };

    /// This thread's share of `all` requests.
    pub(crate) fn of_all(self, all: u64) -> u64 {
        all / self.of + u64::from(self.index < all % self.of)
    }
}

/// The inverse of N.
#[derive(Debug, Clone, Copy)]
enum Rate {
    /// Requests a second, for ever.
    Constant { per_s: u64 },
    /// `from` a second until `flat_s` have passed, then linear to `to` within `ramp_s`.
    Ramp {
        from: f64,
        to: f64,
        flat_s: f64,
        ramp_s: f64,
    },
}

impl Rate {
    /// When `count` requests (a whole number) have been due, in nanoseconds.
    fn at_count(self, count: u64) -> Option<u64> {
        match self {
            // Exact, by integers: the error of any request is below one nanosecond, however many came before.
            Rate::Constant { per_s } => match count.checked_mul(SECOND_NS) {
                Some(product) => Some(product / per_s),
                None => u64::try_from(u128::from(count) * u128::from(SECOND_NS) / u128::from(per_s)).ok(),
            },
            Rate::Ramp { .. } => self.at(count as f64),
        }
    }

    /// When `count` requests have been due, in nanoseconds; none when they never are.
    fn at(self, count: f64) -> Option<u64> {
        let seconds = match self {
            Rate::Constant { per_s } => count / per_s as f64,
            Rate::Ramp {
                from,
                to,
                flat_s,
                ramp_s,
            } => {
                let beyond = count - from * flat_s;
                if beyond <= 0.0 {
                    count / from
                } else {
                    // N = from·τ + (to − from)·τ²/(2·ramp), solved for τ in the form that loses no digits if the
                    // quadratic part is small (Press et al., Numerical Recipes, 5.6).
                    let discriminant = from * from + 2.0 * (to - from) / ramp_s * beyond;
                    if discriminant < 0.0 {
                        return None;
                    }
                    flat_s + 2.0 * beyond / (from + discriminant.sqrt())
                }
            }
        };
        let nanoseconds = seconds * SECOND_NS as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time that is no number or beyond 584 years is never due"
        )]
        (nanoseconds >= 0.0 && nanoseconds < u64::MAX as f64).then_some(nanoseconds as u64)
    }
}

/// The values of N at which requests are intended.
#[derive(Debug)]
enum Sequence {
    /// At every `of`-th whole number.
    Even { count: u64, of: u64 },
    /// At a Poisson process of rate 1 / `of`: `of` such processes together have rate 1.
    Poisson { count: f64, of: f64, random: Box<SmallRng> },
}

impl Schedule {
    /// The schedule of `open` from `start` on: warm-up at its rate until the window begins, and the ramp, if there is
    /// one, over the window. Nothing is due at or after the window's end.
    pub(crate) fn new(open: &Open, part: ThreadPart, seed: u64, start: u64, window: Window) -> Self {
        let seconds = |ns: u64| ns as f64 / SECOND_NS as f64;
        let rate = match open.ramp_to {
            None => Rate::Constant {
                per_s: u64::from(open.rate.max(1)),
            },
            Some(to) => Rate::Ramp {
                from: f64::from(open.rate.max(1)),
                to: f64::from(to),
                flat_s: seconds(window.start_ns.saturating_sub(start)),
                ramp_s: seconds(window.end_ns.saturating_sub(window.start_ns)).max(f64::MIN_POSITIVE),
            },
        };
        let of = part.of.max(1);
        let arrivals = match open.arrivals {
            Arrivals::Constant => Sequence::Even { count: part.index, of },
            Arrivals::Poisson => Sequence::Poisson {
                count: 0.0,
                of: of as f64,
                random: Box::new(SmallRng::seed_from_u64(
                    seed ^ (part.index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
                )),
            },
        };
        let mut schedule = Self {
            rate,
            arrivals,
            start,
            end: window.end_ns,
            next: None,
        };
        if let Sequence::Even { count, .. } = schedule.arrivals {
            schedule.next = schedule.rate.at_count(count).and_then(|offset| schedule.due(offset));
        } else {
            schedule.advance();
        }
        schedule
    }

    /// When the next request is intended; none when no more are.
    pub(crate) fn next(&self) -> Option<u64> {
        self.next
    }

    /// The next request was taken.
    pub(crate) fn advance(&mut self) {
        let offset = match &mut self.arrivals {
            Sequence::Even { count, of } => {
                *count += *of;
                self.rate.at_count(*count)
            }
            Sequence::Poisson { count, of, random } => {
                // 1 − U lies in (0, 1], so that the logarithm is finite.
                let gap = -(1.0 - random.random::<f64>()).ln();
                *count += gap * *of;
                self.rate.at(*count)
            }
        };
        self.next = offset.and_then(|offset| self.due(offset));
    }

    fn due(&self, offset: u64) -> Option<u64> {
        let due = self.start.saturating_add(offset);
        (due < self.end).then_some(due)
    }
}

/// Mean rate of `open` over its window, requests a second.
pub(crate) fn mean_rate(open: &Open) -> f64 {
    let end = open.ramp_to.unwrap_or(open.rate);
    f64::midpoint(f64::from(open.rate), f64::from(end))
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
