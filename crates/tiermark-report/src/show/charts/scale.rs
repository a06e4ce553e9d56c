//! From numbers to pixels, and the numbers along an axis.

/// How numbers are spread over an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum AxisSpread {
    /// Evenly.
    Linear,
    /// By their logarithm; all are above 0.
    Log,
    /// The same, of bytes: round numbers are powers of two.
    Binary,
    /// Shares of requests by 1 / (1 − p): as much room for 90 to 99% as for 99 to 99.9%.
    Percentile,
}

/// Pixels between two numbers along an axis from left to right, and along one that goes up.
const ROOM_ALONG: i32 = 48;
const ROOM_UP: i32 = 16;

impl AxisSpread {
    fn is_log(self) -> bool {
        matches!(self, AxisSpread::Log | AxisSpread::Binary)
    }
}

/// An axis: numbers from `low` to `high`, over pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    spread: AxisSpread,
    low: f64,
    high: f64,
    pixels: [i32; 2],
}

impl Scale {
    /// Over all of the numbers; a scale of no numbers, or of one, has room around it.
    pub(super) fn over(spread: AxisSpread, numbers: impl IntoIterator<Item = f64>, pixels: [i32; 2]) -> Self {
        let usable = |number: &f64| number.is_finite() && (!spread.is_log() || *number > 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for number in numbers.into_iter().filter(usable) {
            low = low.min(number);
            high = high.max(number);
        }
        if low > high {
            (low, high) = (1.0, 10.0);
        }
        let (low, high) = match spread {
            AxisSpread::Linear => (low.min(0.0), if high > low.min(0.0) { high } else { low + 1.0 }),
            AxisSpread::Log | AxisSpread::Binary if high < low * 1.5 => (low / 1.5, high * 1.5),
            AxisSpread::Log | AxisSpread::Binary => (low, high),
            AxisSpread::Percentile => (0.0, high.clamp(0.9, 0.999_999)),
        };
        Self {
            spread,
            low,
            high,
            pixels,
        }
    }

    /// The position of a number; a number beyond an end is placed at that end.
    pub(super) fn at(&self, number: f64) -> i32 {
        let along = (self.place(number) - self.place(self.low)) / (self.place(self.high) - self.place(self.low));
        let [from, to] = self.pixels.map(f64::from);
        #[expect(clippy::cast_possible_truncation, reason = "a pixel between the ends")]
        let pixel = (from + along.clamp(0.0, 1.0) * (to - from)).round() as i32;
        pixel
    }

    /// Whether a number lies within the axis.
    pub(super) fn holds(&self, number: f64) -> bool {
        (self.low..=self.high).contains(&number)
    }

    fn place(&self, number: f64) -> f64 {
        match self.spread {
            AxisSpread::Linear => number,
            AxisSpread::Log | AxisSpread::Binary => number.log10(),
            AxisSpread::Percentile => -(1.0 - number).log10(),
        }
    }

    /// Round numbers for the axis, a handful, none so near to the last that their words would lie over each other.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let room = if self.pixels[0] < self.pixels[1] {
            ROOM_ALONG
        } else {
            ROOM_UP
        };
        let mut kept: Vec<f64> = Vec::new();
        for tick in self.all_ticks() {
            if kept
                .last()
                .is_none_or(|last| (self.at(tick) - self.at(*last)).abs() >= room)
            {
                kept.push(tick);
            }
        }
        kept
    }

    fn all_ticks(&self) -> Vec<f64> {
        match self.spread {
            AxisSpread::Linear => self.even_ticks(),
            AxisSpread::Log => {
                let ticks = self.log_ticks();
                // Over less than a decade hardly any of them lies within.
                if ticks.len() < 3 { self.even_ticks() } else { ticks }
            }
            AxisSpread::Binary => self.binary_ticks(),
            AxisSpread::Percentile => [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999]
                .into_iter()
                .filter(|share| *share <= self.high)
                .collect(),
        }
    }

    fn even_ticks(&self) -> Vec<f64> {
        let rough = (self.high - self.low) / 5.0;
        let unit = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * unit)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let first = (self.low / step).ceil();
        (0..12)
            .map(|index| (first + f64::from(index)) * step)
            .take_while(|tick| *tick <= self.high * (1.0 + 1e-9))
            .collect()
    }

    /// Powers of two; powers of four if there would be too many; also halfway between if there are few.
    fn binary_ticks(&self) -> Vec<f64> {
        #[expect(clippy::cast_possible_truncation, reason = "exponents of numbers that are measured")]
        let (first, last) = (self.low.log2().ceil() as i32, self.high.log2().floor() as i32);
        let step = if last - first > 6 { 2 } else { 1 };
        let ticks: Vec<f64> = (first..=last)
            .filter(|exponent| exponent % step == 0)
            .map(|exponent| 2f64.powi(exponent))
            .collect();
        if ticks.is_empty() { self.even_ticks() } else { ticks }
    }

    /// Powers of ten; if there are fewer than three, also twice and five times these.
    fn log_ticks(&self) -> Vec<f64> {
        #[expect(clippy::cast_possible_truncation, reason = "exponents of numbers that are measured")]
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let times = |factors: &'static [f64]| -> Vec<f64> {
            (first..=last)
                .flat_map(|exponent| factors.iter().map(move |factor| factor * 10f64.powi(exponent)))
                .filter(|tick| (self.low * 0.999..=self.high * 1.001).contains(tick))
                .collect()
        };
        let tens = times(&[1.0]);
        if tens.len() < 3 { times(&[1.0, 2.0, 5.0]) } else { tens }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn greater_numbers_stand_farther_and_ticks_within(numbers in prop::collection::vec(0.001..1e7_f64, 1..20), log in any::<bool>()) {
            let spread = if log { AxisSpread::Log } else { AxisSpread::Linear };
            let scale = Scale::over(spread, numbers.iter().copied(), [100, 900]);
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            let pixels: Vec<i32> = sorted.iter().map(|number| scale.at(*number)).collect();
            prop_assert!(pixels.is_sorted());
            prop_assert!(pixels.iter().all(|pixel| (100..=900).contains(pixel)));
            prop_assert!((1..=13).contains(&scale.ticks().len()), "{:?}", scale.ticks());
        }
    }

    #[test]
    fn a_logarithmic_axis_has_numbers_along_all_of_it() {
        let scale = Scale::over(AxisSpread::Log, [225.0, 90_100.0], [76, 760]);
        let ticks = scale.ticks();
        assert!(ticks[0] <= 500.0 && ticks[ticks.len() - 1] >= 50_000.0, "{ticks:?}");
        let gaps = ticks.windows(2).map(|pair| scale.at(pair[1]) - scale.at(pair[0]));
        assert!(gaps.clone().all(|gap| (ROOM_ALONG..200).contains(&gap)), "{ticks:?}");
    }

    #[test]
    fn percentiles_have_as_much_room_for_each_nine() {
        let scale = Scale::over(AxisSpread::Percentile, [0.999], [0, 300]);
        assert_eq!([0.0, 0.9, 0.99, 0.999].map(|share| scale.at(share)), [0, 100, 200, 300]);
    }
}
