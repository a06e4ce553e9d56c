//! Composites with their intervals, against the tiers.

use super::canvas::{Align, Canvas, DETAIL, Drawn, Lettering, NAME, NOTE, Point, TITLE, count};
use crate::analysis::{Analysis, Composite, EntryAnalysis};
use crate::numbers::{plain, times};
use crate::tiers::Tier;

const WIDTH: i32 = 960;
/// Where the scale begins and ends.
const SCALE: [i32; 2] = [226, 740];
const TOP: i32 = 96;
const ROW: i32 = 36;
const BOTTOM: i32 = 62;
/// The scale goes down to this share at most; what lies below is drawn at its end, with its number beside it.
const LEAST_SHARE: f64 = 1.0 / 128.0;

const BAND: Lettering = Lettering::new(12.0, Align::Centre);
const VALUE: Lettering = Lettering::new(13.0, Align::Left);

pub(super) struct Overall<'a> {
    analysis: &'a Analysis,
    rows: Vec<(&'a EntryAnalysis, &'a Composite)>,
    /// Logarithms to the base 2 of the shares at the scale's ends.
    ends: [f64; 2],
}

impl<'a> Overall<'a> {
    pub(super) fn of(analysis: &'a Analysis) -> Self {
        let entries = analysis.entries.iter();
        let rows: Vec<_> = entries
            .filter_map(|entry| Some((entry, entry.composite.as_ref()?)))
            .collect();
        let ends_of = |composite: &Composite| {
            let share = &composite.share;
            share
                .interval
                .map_or([share.value; 2], |interval| [interval.low, interval.high])
        };
        let (mut least, mut most) = (0.5_f64, 1.0_f64);
        for (_, composite) in &rows {
            let [low, high] = ends_of(composite);
            least = least.min(low);
            most = most.max(high);
        }
        Self {
            analysis,
            rows,
            ends: [least.max(LEAST_SHARE).log2().floor(), most.min(4.0).log2() + 0.08],
        }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (WIDTH.unsigned_abs(), self.foot().unsigned_abs() + BOTTOM.unsigned_abs())
    }

    pub(super) fn draw(&self, canvas: &Canvas<'_>) -> Drawn<()> {
        self.heading(canvas)?;
        self.bands(canvas)?;
        self.scale(canvas)?;
        for (index, (entry, composite)) in self.rows.iter().enumerate() {
            self.row(canvas, TOP + ROW / 2 + ROW * count(index), entry, composite)?;
        }
        Ok(())
    }

    /// The lower edge of the last row.
    fn foot(&self) -> i32 {
        TOP + ROW * count(self.rows.len())
    }

    fn heading(&self, canvas: &Canvas<'_>) -> Drawn<()> {
        let run = &self.analysis.run;
        let starts = format!("{} start{} each", run.blocks, if run.blocks == 1 { "" } else { "s" });
        let host = run.hosts.get(&run.server_host).map(|host| plain(&host.cpu));
        let facts = [
            Some(format!("run {}", plain(&run.name))),
            host,
            Some(starts),
            Some("bars: 95% interval".to_owned()),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        canvas.text(
            (16, 24),
            "Overall: share of the core's best rates",
            canvas.colours.ink,
            TITLE,
        )?;
        canvas.text((16, 48), &facts.join("  ·  "), canvas.colours.faint, NOTE)
    }

    fn bands(&self, canvas: &Canvas<'_>) -> Drawn<()> {
        let mut upper = f64::INFINITY;
        for (index, tier) in Tier::ALL.into_iter().enumerate() {
            let lower = tier.lowest_share();
            let (left, right) = (self.x(lower), self.x(upper));
            upper = lower;
            if right <= left {
                continue;
            }
            if index % 2 == 0 {
                canvas.rectangle([(left, TOP - 24), (right, self.foot())], canvas.colours.shade)?;
            }
            // A sliver of a band has no room for its name.
            if right - left >= 44 {
                canvas.text(((left + right) / 2, TOP - 12), tier.name(), canvas.colours.faint, BAND)?;
            }
        }
        Ok(())
    }

    fn scale(&self, canvas: &Canvas<'_>) -> Drawn<()> {
        let foot = self.foot();
        let mut share = self.ends[0].exp2();
        while share <= self.ends[1].exp2() {
            let x = self.x(share);
            canvas.line((x, TOP), (x, foot + 5), canvas.colours.rule, 1)?;
            canvas.text((x, foot + 16), &fraction(share), canvas.colours.faint, BAND)?;
            share *= 2.0;
        }
        let title = format!(
            "geometric mean of value / reference over {} (logarithmic scale)",
            self.analysis.weights.counted.join(", ")
        );
        let middle = i32::midpoint(SCALE[0], SCALE[1]);
        canvas.text((middle, foot + 40), &title, canvas.colours.faint, BAND)
    }

    fn row(&self, canvas: &Canvas<'_>, y: i32, entry: &EntryAnalysis, composite: &Composite) -> Drawn<()> {
        let colours = &canvas.colours;
        canvas.text((SCALE[0] - 14, y - 7), &plain(&entry.title), colours.ink, NAME)?;
        let detail = format!(
            "{} · {} · {}",
            plain(&entry.language),
            plain(&entry.id.variant),
            entry.data_layer
        );
        canvas.text((SCALE[0] - 14, y + 9), &detail, colours.faint, DETAIL)?;
        let share = &composite.share;
        let at: Point = (self.x(share.value), y);
        let colour = composite
            .rating
            .as_ref()
            .map_or(colours.faint, |rating| colours.mark(rating.tier));
        if let Some(interval) = share.interval.filter(|interval| interval.low < interval.high) {
            canvas.line((self.x(interval.low), y), (self.x(interval.high), y), colour, 3)?;
        }
        let partial = if composite.is_partial() {
            format!(" ({}/{})", composite.has, composite.of)
        } else {
            String::new()
        };
        let words = match &composite.rating {
            Some(rating) => {
                canvas.dot(at, 6, colour)?;
                format!("{}  {rating}{partial}", times(share.value))
            }
            None => {
                canvas.ring(at, 5, colour)?;
                format!("{}  yardstick{partial}", times(share.value))
            }
        };
        canvas.text((SCALE[1] + 14, y), &words, colours.ink, VALUE)
    }

    /// Where a share stands on the scale; what lies beyond its ends stands at them.
    fn x(&self, share: f64) -> i32 {
        let [left, right] = SCALE.map(f64::from);
        let along = (share.log2() - self.ends[0]) / (self.ends[1] - self.ends[0]);
        #[expect(clippy::cast_possible_truncation, reason = "a pixel between the ends")]
        let x = (left + along.clamp(0.0, 1.0) * (right - left)).round() as i32;
        x
    }
}

/// A power of two as people write it.
fn fraction(share: f64) -> String {
    if share >= 1.0 {
        format!("{share}")
    } else {
        format!("1/{}", 1.0 / share)
    }
}
