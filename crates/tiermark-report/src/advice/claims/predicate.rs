//! Whether a range satisfies a predicate, and how verdicts of several predicates combine.

use serde::Serialize;
use tiermark_model::format::claim::{Bounds, TierName};

use crate::rate::stats::Interval;
use crate::rate::tiers::{Bound, Tier};

/// What a run says of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimVerdict {
    /// The whole interval satisfies the claim's test.
    Supported,
    /// The whole interval violates it.
    Refuted,
    /// The interval reaches over the edge, or there is none.
    Inconclusive,
    /// The run does not have what the test asks for, or no run can have it.
    Untested,
    /// The claim has figures of other hardware; ours are shown next to them.
    NotComparable,
}

impl ClaimVerdict {
    /// All verdicts, in the order in which they are shown.
    pub const ALL: [ClaimVerdict; 5] = [
        ClaimVerdict::Supported,
        ClaimVerdict::Refuted,
        ClaimVerdict::Inconclusive,
        ClaimVerdict::Untested,
        ClaimVerdict::NotComparable,
    ];

    /// The method's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ClaimVerdict::Supported => "supported",
            ClaimVerdict::Refuted => "refuted",
            ClaimVerdict::Inconclusive => "inconclusive",
            ClaimVerdict::Untested => "untested",
            ClaimVerdict::NotComparable => "not comparable",
        }
    }

    /// Combines parts that must all hold. One part that fails decides, even if others are unknown (Kleene's strong logic of three
    /// values, *Introduction to Metamathematics*, 1952, § 64). If no part decides, untested comes before inconclusive.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = ClaimVerdict>) -> ClaimVerdict {
        strongest(
            parts,
            &[
                ClaimVerdict::Refuted,
                ClaimVerdict::Untested,
                ClaimVerdict::Inconclusive,
                ClaimVerdict::Supported,
            ],
        )
    }

    /// Combines parts of which at least one must hold.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = ClaimVerdict>) -> ClaimVerdict {
        strongest(
            parts,
            &[
                ClaimVerdict::Supported,
                ClaimVerdict::Untested,
                ClaimVerdict::Inconclusive,
                ClaimVerdict::Refuted,
            ],
        )
    }
}

/// The first of `order` that is among the parts.
fn strongest(parts: impl IntoIterator<Item = ClaimVerdict>, order: &[ClaimVerdict]) -> ClaimVerdict {
    let parts: Vec<ClaimVerdict> = parts.into_iter().collect();
    let first = order.iter().find(|verdict| parts.contains(verdict));
    first.copied().unwrap_or(ClaimVerdict::Untested)
}

/// Where a true value lies: an interval whose ends may be open, because a bound was measured and not the value. What may be open
/// is 0 or more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    /// Its lower end; 0 if it is open.
    pub(crate) low: f64,
    /// Its upper end; infinite if it is open.
    pub(crate) high: f64,
}

impl Range {
    /// An interval, opened on the side that it does not bound.
    pub(crate) fn of(interval: Interval, bound: Bound) -> Self {
        let open_above = matches!(bound, Bound::AtLeast | Bound::Open);
        let open_below = matches!(bound, Bound::AtMost | Bound::Open);
        Self {
            low: if open_below { 0.0 } else { interval.low },
            high: if open_above { f64::INFINITY } else { interval.high },
        }
    }
}

/// The values that satisfy a predicate: all from `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Region {
    low: f64,
    high: f64,
    /// Whether `high` itself is included. It is not for tiers, because a boundary belongs to the better tier.
    closed: bool,
}

impl From<Bounds> for Region {
    fn from(bounds: Bounds) -> Self {
        Self {
            low: bounds.at_least.unwrap_or(f64::NEG_INFINITY),
            high: bounds.at_most.unwrap_or(f64::INFINITY),
            closed: true,
        }
    }
}

impl From<Tier> for Region {
    fn from(tier: Tier) -> Self {
        let better = Tier::ALL.into_iter().take_while(|other| *other != tier).last();
        Self {
            low: tier.lowest_share(),
            high: better.map_or(f64::INFINITY, Tier::lowest_share),
            closed: better.is_none(),
        }
    }
}

impl Region {
    fn is_above(&self, value: f64) -> bool {
        value > self.high || (value == self.high && !self.closed)
    }

    /// Whether one value satisfies the predicate.
    pub(crate) fn contains(&self, value: f64) -> bool {
        value >= self.low && !self.is_above(value)
    }

    /// Supported if the whole range satisfies the predicate, refuted if no part of it does.
    pub(crate) fn decide(&self, range: Range) -> ClaimVerdict {
        if range.low >= self.low && !self.is_above(range.high) {
            ClaimVerdict::Supported
        } else if range.high < self.low || self.is_above(range.low) {
            ClaimVerdict::Refuted
        } else {
            ClaimVerdict::Inconclusive
        }
    }
}

/// The tier that a claim names.
pub(crate) fn tier_of(name: TierName) -> Tier {
    match name {
        TierName::High => Tier::High,
        TierName::MidHigh => Tier::MidHigh,
        TierName::Mid => Tier::Mid,
        TierName::LowMid => Tier::LowMid,
        TierName::Low => Tier::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn region() -> impl Strategy<Value = Region> {
        let number = 0.0f64..10.0;
        prop_oneof![
            (number.clone(), number.clone()).prop_map(|(a, b)| Region::from(Bounds {
                at_least: Some(a.min(b)),
                at_most: Some(a.max(b)),
            })),
            number.clone().prop_map(|low| Region::from(Bounds {
                at_least: Some(low),
                at_most: None,
            })),
            number.prop_map(|high| Region::from(Bounds {
                at_least: None,
                at_most: Some(high),
            })),
            proptest::sample::select(Tier::ALL.to_vec()).prop_map(Region::from),
        ]
    }

    fn range() -> impl Strategy<Value = Range> {
        (0.0f64..10.0, 0.0f64..10.0, 0u8..4).prop_map(|(a, b, open)| {
            let interval = Interval {
                low: a.min(b),
                high: a.max(b),
            };
            let bounds = [Bound::Exact, Bound::AtLeast, Bound::AtMost, Bound::Open];
            Range::of(interval, bounds[usize::from(open)])
        })
    }

    fn verdict() -> impl Strategy<Value = ClaimVerdict> {
        proptest::sample::select(ClaimVerdict::ALL[..4].to_vec())
    }

    proptest! {
        #[test]
        fn supported_ranges_satisfy_and_refuted_ones_violate_everywhere(region in region(), range in range(), at in 0.0f64..=1.0) {
            let inside = if range.high.is_finite() { range.low + at * (range.high - range.low) } else { range.low + 20.0 * at };
            match region.decide(range) {
                ClaimVerdict::Supported => prop_assert!(region.contains(inside)),
                ClaimVerdict::Refuted => prop_assert!(!region.contains(inside)),
                other => prop_assert_eq!(other, ClaimVerdict::Inconclusive),
            }
        }

        #[test]
        fn a_wider_range_only_loses_its_verdict(region in region(), range in range(), below in 0.0f64..5.0, above in 0.0f64..5.0) {
            let wider = Range { low: (range.low - below).max(0.0), high: range.high + above };
            let (narrow, wide) = (region.decide(range), region.decide(wider));
            prop_assert!(wide == narrow || wide == ClaimVerdict::Inconclusive, "{:?} became {:?}", narrow, wide);
        }

        #[test]
        fn a_laxer_bound_never_refutes_what_held(range in range(), bound in 0.0f64..10.0, laxer in 0.0f64..10.0) {
            let at_least = |bound| Region::from(Bounds { at_least: Some(bound), at_most: None }).decide(range);
            let at_most = |bound| Region::from(Bounds { at_least: None, at_most: Some(bound) }).decide(range);
            // Supported < Inconclusive < Refuted in what it says of the bound.
            let rank = |verdict| [ClaimVerdict::Supported, ClaimVerdict::Inconclusive, ClaimVerdict::Refuted].iter().position(|v| *v == verdict);
            prop_assert!(rank(at_least((bound - laxer).max(0.0))) <= rank(at_least(bound)));
            prop_assert!(rank(at_most(bound + laxer)) <= rank(at_most(bound)));
        }

        #[test]
        fn a_better_part_never_makes_the_whole_worse(parts in proptest::collection::vec(verdict(), 1..5), at in 0usize..5) {
            let at = at % parts.len();
            let with = |part: ClaimVerdict| {
                let mut changed = parts.clone();
                changed[at] = part;
                changed
            };
            let (good, bad) = (with(ClaimVerdict::Supported), with(ClaimVerdict::Refuted));
            prop_assert!(ClaimVerdict::all(bad.clone()) == ClaimVerdict::Refuted);
            prop_assert!(ClaimVerdict::any(good.clone()) == ClaimVerdict::Supported);
            prop_assert!(ClaimVerdict::all(good) != ClaimVerdict::Refuted || parts.contains(&ClaimVerdict::Refuted));
            prop_assert!(ClaimVerdict::any(bad) != ClaimVerdict::Supported || parts.contains(&ClaimVerdict::Supported));
        }
    }

    #[test]
    fn a_lower_bound_decides_in_one_direction_alone() {
        let two = |at_least, at_most| Region::from(Bounds { at_least, at_most });
        let or_more = Range::of(Interval { low: 3.0, high: 4.0 }, Bound::AtLeast);
        assert_eq!(two(Some(2.0), None).decide(or_more), ClaimVerdict::Supported);
        assert_eq!(two(Some(5.0), None).decide(or_more), ClaimVerdict::Inconclusive);
        assert_eq!(two(None, Some(2.0)).decide(or_more), ClaimVerdict::Refuted);
        assert_eq!(two(None, Some(5.0)).decide(or_more), ClaimVerdict::Inconclusive);
    }

    #[test]
    fn a_difference_may_be_below_0() {
        let region = Region::from(Bounds {
            at_least: None,
            at_most: Some(5.0),
        });
        assert_eq!(region.decide(Range { low: -3.0, high: 4.0 }), ClaimVerdict::Supported);
    }

    #[test]
    fn the_bounds_of_tiers_belong_to_the_better_one() {
        let at = |value| Range {
            low: value,
            high: value,
        };
        assert_eq!(Region::from(Tier::High).decide(at(0.5)), ClaimVerdict::Supported);
        assert_eq!(Region::from(Tier::MidHigh).decide(at(0.5)), ClaimVerdict::Refuted);
        assert_eq!(Region::from(Tier::MidHigh).decide(at(0.49)), ClaimVerdict::Supported);
        assert_eq!(Region::from(Tier::Low).decide(at(0.0)), ClaimVerdict::Supported);
        let over = Range { low: 0.4, high: 0.6 };
        assert_eq!(Region::from(Tier::High).decide(over), ClaimVerdict::Inconclusive);
    }

    #[test]
    fn what_was_not_tested_is_named_where_nothing_decides() {
        use ClaimVerdict::{Inconclusive, Refuted, Supported, Untested};
        assert_eq!(ClaimVerdict::all([Supported, Untested, Inconclusive]), Untested);
        assert_eq!(ClaimVerdict::all([Supported, Untested, Refuted]), Refuted);
        assert_eq!(ClaimVerdict::any([Refuted, Untested]), Untested);
        assert_eq!(ClaimVerdict::any([Refuted, Inconclusive]), Inconclusive);
    }
}
