//! Tiers: a tier is a factor of two of the reference, so that "one tier down" means "about twice the servers".

use std::fmt;

use serde::Serialize;

use crate::rate::stats::{self, Interval};

/// A tier, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// At least half of the reference.
    High,
    /// At least a quarter.
    MidHigh,
    /// At least an eighth.
    Mid,
    /// At least a sixteenth.
    LowMid,
    /// Less.
    Low,
}

/// Value of a scenario whose objective no load level met, as a share of the reference.
pub const MISSED: f64 = 1.0 / 32.0;

impl Tier {
    /// All, best first.
    pub const ALL: [Tier; 5] = [Tier::High, Tier::MidHigh, Tier::Mid, Tier::LowMid, Tier::Low];

    /// The tier of a share of the reference (method: High ≥ 1/2, Mid-High ≥ 1/4, Mid ≥ 1/8, Low-Mid ≥ 1/16, Low below).
    #[must_use]
    pub fn of(share: f64) -> Self {
        Self::ALL
            .into_iter()
            .find(|tier| share >= tier.lowest_share())
            .unwrap_or(Tier::Low)
    }

    /// The least share of the reference that is in it.
    #[must_use]
    pub fn lowest_share(self) -> f64 {
        match self {
            Tier::High => 0.5,
            Tier::MidHigh => 0.25,
            Tier::Mid => 0.125,
            Tier::LowMid => 0.0625,
            Tier::Low => 0.0,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tier::High => "High",
            Tier::MidHigh => "Mid-High",
            Tier::Mid => "Mid",
            Tier::LowMid => "Low-Mid",
            Tier::Low => "Low",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which side of a share is open, because the generator or the database and not the server was the limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Neither side.
    #[default]
    Exact,
    /// The entry was held back: its share is this or more.
    AtLeast,
    /// The reference was held back: the share is this or less.
    AtMost,
    /// Both were: the share may be more or less.
    Open,
}

impl Bound {
    /// From what held back the entry and the reference.
    #[must_use]
    pub fn of(entry_held_back: bool, reference_held_back: bool) -> Self {
        match (entry_held_back, reference_held_back) {
            (false, false) => Bound::Exact,
            (true, false) => Bound::AtLeast,
            (false, true) => Bound::AtMost,
            (true, true) => Bound::Open,
        }
    }

    /// Of a mean over two shares.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Bound::Exact, bound) | (bound, Bound::Exact) => bound,
            (one, two) if one == two => one,
            _ => Bound::Open,
        }
    }

    /// The mark before a tier.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Bound::Exact => "",
            Bound::AtLeast => "≥",
            Bound::AtMost => "≤",
            Bound::Open => "~",
        }
    }
}

/// A value as a share of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Value / reference.
    pub value: f64,
    /// Its interval, if there are enough starts for one.
    pub interval: Option<Interval>,
    /// Degrees of freedom that the interval was made with; none if it is not estimated: the reference itself, a missed objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degrees: Option<usize>,
    /// Which side is open.
    pub bound: Bound,
}

impl Share {
    /// A share that is what it is by definition.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            interval: Some(Interval {
                low: value,
                high: value,
            }),
            degrees: None,
            bound: Bound::Exact,
        }
    }

    /// Whether it is that of a missed objective.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.value == MISSED && self.degrees.is_none()
    }

    /// Probability of each tier, in the order of [`Tier::ALL`]; none without an interval.
    ///
    /// The logarithm of the share is taken to lie around its estimate as Student's t with the interval's degrees of freedom, scaled so that
    /// 95% of it lie within the interval: the confidence distribution of the mean (Schweder and Hjort, *Scandinavian Journal of
    /// Statistics* 29, 2002). It is about this run on this machine, and about the share as it was measured: what a bound hides is not in it.
    #[must_use]
    pub fn probabilities(&self) -> Option<[f64; 5]> {
        let interval = self.interval?;
        let half = interval.half_width_log();
        let below = |share: f64| match (share, self.degrees) {
            (share, _) if share <= 0.0 => 0.0,
            (share, Some(degrees)) if half > 0.0 && half.is_finite() => {
                stats::t_below((share / self.value).ln() / half, degrees)
            }
            (share, _) => f64::from(self.value < share),
        };
        let mut upper = 1.0;
        Some(Tier::ALL.map(|tier| {
            let at_least = below(tier.lowest_share());
            let probability = f64::max(upper - at_least, 0.0);
            upper = at_least;
            probability
        }))
    }
}

/// The tier of a share, with those that its interval reaches into.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rating {
    /// The tier of the share itself.
    pub tier: Tier,
    /// The best tier within the interval.
    pub best: Tier,
    /// The worst tier within the interval.
    pub worst: Tier,
    /// Probability of each tier, best first; none without an interval. See [`Share::probabilities`].
    pub probabilities: Option<[f64; 5]>,
    /// Exact, or only a lower or upper bound; a bounded share must not rank two entries.
    pub bound: Bound,
}

impl Rating {
    /// Rates a share: a boundary inside its interval gives both names.
    #[must_use]
    pub fn of(share: &Share) -> Self {
        let tier = Tier::of(share.value);
        let (best, worst) = share.interval.map_or((tier, tier), |interval| {
            (Tier::of(interval.high), Tier::of(interval.low))
        });
        Self {
            tier,
            best: best.min(tier),
            worst: worst.max(tier),
            probabilities: share.probabilities(),
            bound: share.bound,
        }
    }
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.worst as usize - self.best as usize;
        let names = match steps {
            0 => self.best.name().to_owned(),
            1 => format!("{}/{}", self.best, self.worst),
            _ => format!("{} to {}", self.best, self.worst),
        };
        f.pad(&format!("{}{names}", self.bound.mark()))
    }
}

/// One scenario's part in a composite.
#[derive(Debug, Clone, Copy)]
pub struct CompositePart {
    /// Weight above 0.
    pub weight: f64,
    /// Share of the scenario's reference.
    pub share: Share,
}

/// The weighted geometric mean of shares; none of no parts.
///
/// Its interval adds the parts' half widths by weight: scenarios share their starts, so that their errors may go together,
/// and the standard deviation of a sum is never more than the sum of standard deviations. It is thus a little too wide,
/// never too short.
#[must_use]
pub fn composite(parts: &[CompositePart]) -> Option<Share> {
    let total: f64 = parts.iter().map(|part| part.weight).sum();
    if parts.is_empty() || total <= 0.0 {
        return None;
    }
    let log: f64 = parts
        .iter()
        .map(|part| part.weight * part.share.value.ln())
        .sum::<f64>()
        / total;
    let half_width = |part: &CompositePart| {
        part.share
            .interval
            .map(|interval| part.weight * interval.half_width_log())
    };
    // A missing interval of one part leaves the whole without.
    let half: Option<f64> = parts.iter().map(half_width).sum();
    let value = log.exp();
    Some(Share {
        value,
        interval: half.map(|half| Interval::around(value, half / total)),
        degrees: parts.iter().filter_map(|part| part.share.degrees).min(),
        bound: parts
            .iter()
            .fold(Bound::Exact, |bound, part| bound.and(part.share.bound)),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn exact(value: f64) -> Share {
        Share {
            value,
            interval: None,
            degrees: None,
            bound: Bound::Exact,
        }
    }

    proptest! {
        #[test]
        fn probabilities_of_tiers_add_up_to_one_and_favour_the_own_tier(value in 0.001f64..2.0, half in 0.0f64..1.5, degrees in 2usize..60) {
            let share = Share { interval: Some(Interval::around(value, half)), degrees: Some(degrees), ..exact(value) };
            let all = share.probabilities().unwrap();
            prop_assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let rating = Rating::of(&share);
            // What lies beyond the tiers within the interval is 5% at most.
            let inside: f64 = all[rating.best as usize..=rating.worst as usize].iter().sum();
            prop_assert!(inside >= 0.95 - 1e-9, "{inside}");
        }

        #[test]
        fn a_greater_share_is_never_in_a_worse_tier(a in 0.0f64..2.0, b in 0.0f64..2.0) {
            let (small, great) = (a.min(b), a.max(b));
            prop_assert!(Tier::of(great) <= Tier::of(small));
        }

        #[test]
        fn a_composite_lies_between_its_parts(shares in proptest::collection::vec((0.1f64..5.0, 0.001f64..2.0), 1..9)) {
            let parts: Vec<CompositePart> = shares.iter().map(|&(weight, value)| CompositePart { weight, share: exact(value) }).collect();
            let value = composite(&parts).unwrap().value;
            let least = shares.iter().map(|s| s.1).fold(f64::INFINITY, f64::min);
            let most = shares.iter().map(|s| s.1).fold(0.0, f64::max);
            prop_assert!(value >= least * 0.999_999 && value <= most * 1.000_001);
        }
    }

    #[test]
    fn bounds_belong_to_the_better_tier() {
        let tiers: Vec<Tier> = [1.5, 0.5, 0.25, 0.125, 0.0625, 0.0624, MISSED, 0.0]
            .map(Tier::of)
            .to_vec();
        use Tier::{High, Low, LowMid, Mid, MidHigh};
        assert_eq!(tiers, [High, High, MidHigh, Mid, LowMid, Low, Low, Low]);
    }

    #[test]
    fn a_boundary_inside_the_interval_gives_both_names() {
        let share = |value, low, high, bound| {
            Rating::of(&Share {
                value,
                interval: Some(Interval { low, high }),
                degrees: Some(20),
                bound,
            })
            .to_string()
        };
        assert_eq!(share(0.51, 0.48, 0.54, Bound::Exact), "High/Mid-High");
        assert_eq!(share(0.49, 0.48, 0.54, Bound::AtMost), "≤High/Mid-High");
        assert_eq!(share(0.3, 0.1, 0.6, Bound::Exact), "High to Low-Mid");
        assert_eq!(share(0.7, 0.6, 0.8, Bound::AtLeast), "≥High");
    }

    #[test]
    fn a_composite_is_the_weighted_geometric_mean() {
        let parts = [
            CompositePart {
                weight: 2.0,
                share: exact(0.25),
            },
            CompositePart {
                weight: 1.0,
                share: exact(1.0),
            },
        ];
        assert!((composite(&parts).unwrap().value - 0.25f64.powf(2.0 / 3.0)).abs() < 1e-12);
        assert_eq!(composite(&[]), None);
    }

    #[test]
    fn a_share_on_a_boundary_is_as_likely_above_as_below() {
        let at = |value: f64, half: f64| Share {
            interval: Some(Interval::around(value, half)),
            degrees: Some(8),
            ..exact(value)
        };
        let [high, mid_high, ..] = at(0.5, 0.1).probabilities().unwrap();
        assert!((high - 0.5).abs() < 1e-9 && (mid_high - 0.5).abs() < 1e-5);
        // The boundary lies on the interval's upper end: 2.5% are above it.
        let [high, ..] = at(0.5 / 0.1f64.exp(), 0.1).probabilities().unwrap();
        assert!((high - 0.025).abs() < 1e-6, "{high}");
        assert_eq!(Share::exact(MISSED).probabilities().unwrap(), [0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(exact(0.3).probabilities(), None);
    }
}
