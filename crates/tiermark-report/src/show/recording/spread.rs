//! How latencies are spread, in a few bins that are equally wide on a logarithmic scale.

use tiermark_model::histogram::Latency;

/// Greatest number of bins of a spread, unless bins are wider than a decade.
const MOST_BINS: usize = 14;
/// Bounds of the first decade in nanoseconds (what is shorter is one bin), finest series first: the preferred numbers R10 and R5 of ISO 3 (rounded), 1-2-5, 1-3, and whole
/// decades.
const SERIES: [&[u64]; 5] = [
    &[100, 125, 160, 200, 250, 315, 400, 500, 630, 800],
    &[100, 160, 250, 400, 630],
    &[100, 200, 500],
    &[100, 300],
    &[100],
];

/// Samples above one bound and at or below the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bin {
    /// Samples are longer than this, nanoseconds (to the histogram's precision).
    pub(super) over_ns: u64,
    /// Samples are at most this long.
    pub(super) up_to_ns: u64,
    /// How many there are.
    pub(super) count: u64,
}

/// All samples, from the bin of the shortest to that of the longest; empty without samples.
pub(super) fn spread(latency: &Latency) -> Vec<Bin> {
    let counts = latency.to_hdr();
    let samples: Vec<(u64, u64)> = counts
        .iter_recorded()
        .map(|value| {
            (
                counts.lowest_equivalent(value.value_iterated_to()),
                value.count_at_value(),
            )
        })
        .collect();
    let mut bins = Vec::new();
    for series in SERIES {
        bins = bins_of(series, &samples);
        if bins.len() <= MOST_BINS {
            break;
        }
    }
    bins
}

/// The bins of a series from that of the first sample to that of the last; samples are values and counts in order.
fn bins_of(series: &[u64], samples: &[(u64, u64)]) -> Vec<Bin> {
    let mut bins = Vec::new();
    let mut rest = samples;
    let mut over_ns = 0;
    // From 100 ns to beyond the hour that histograms reach to.
    let bounds = (0..12).flat_map(|decade| series.iter().map(move |bound| bound * 10_u64.pow(decade)));
    for up_to_ns in bounds {
        let (inside, beyond) = rest.split_at(rest.partition_point(|(value, _)| *value <= up_to_ns));
        if !(inside.is_empty() && bins.is_empty()) {
            bins.push(Bin {
                over_ns,
                up_to_ns,
                count: inside.iter().map(|(_, count)| count).sum(),
            });
        }
        if beyond.is_empty() {
            break;
        }
        (over_ns, rest) = (up_to_ns, beyond);
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tiermark_model::histogram::HIGHEST_NS;

    fn of(samples: &[u64]) -> Latency {
        let mut latency = Latency::new();
        samples.iter().for_each(|&ns| latency.record(ns));
        latency
    }

    proptest! {
        #[test]
        fn every_sample_lies_in_its_bin(samples in proptest::collection::vec((0_u32..42).prop_flat_map(|bits| 0..=(1_u64 << bits).min(HIGHEST_NS)), 0..200)) {
            let latency = of(&samples);
            let counts = latency.to_hdr();
            let bins = spread(&latency);
            prop_assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), latency.count());
            prop_assert!(bins.len() <= MOST_BINS);
            prop_assert!(bins.windows(2).all(|pair| pair[0].up_to_ns == pair[1].over_ns));
            for bin in &bins {
                // Bounds are as exact as the histogram is: three digits.
                let over = counts.highest_equivalent(bin.over_ns);
                let up_to = counts.highest_equivalent(bin.up_to_ns);
                let inside = samples.iter().filter(|&&ns| (ns > over || bin.over_ns == 0) && ns <= up_to).count() as u64;
                prop_assert_eq!(bin.count, inside, "{:?}", bin);
            }
        }
    }

    #[test]
    fn bins_are_as_fine_as_there_is_room_for() {
        let bounds = |samples: &[u64]| {
            spread(&of(samples))
                .iter()
                .map(|bin| (bin.over_ns, bin.up_to_ns, bin.count))
                .collect::<Vec<_>>()
        };
        assert_eq!(bounds(&[]), []);
        assert_eq!(bounds(&[1_000_000]), [(800_000, 1_000_000, 1)]);
        assert_eq!(bounds(&[50, 110]), [(0, 100, 1), (100, 125, 1)]);
        let wide = bounds(&[100, 3_600_000_000_000]);
        assert_eq!((wide.len(), wide[1]), (12, (100, 1_000, 0)));
    }
}
