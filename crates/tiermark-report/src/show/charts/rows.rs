//! A row an entry: a number on a scale, with its interval.

use super::canvas::{Canvas, DETAIL, Drawn, NAME, NOTE, TICK, TITLE, VALUE, count, cut};
use super::scale::{AxisSpread, Scale};
use crate::rate::stats::Interval;
use crate::rate::tiers::{Rating, Tier};

const WIDTH: i32 = 960;
/// Where the scale begins and ends.
const SCALE: [i32; 2] = [226, 740];
const TOP: i32 = 96;
const ROW: i32 = 36;
const BOTTOM: i32 = 62;
/// Greatest number of characters of a name and of the text below it.
const NAME_LENGTH: usize = 23;
const DETAIL_LENGTH: usize = 36;

/// A part of the scale with a name.
pub(super) struct Band {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) name: &'static str,
}

/// How a row's number is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dot {
    /// In its tier's colour.
    Tier(Tier),
    /// In the text's colour: what is said for sure.
    Sure,
    /// As a ring: what has no tier, or is not sure.
    Open,
}

impl Dot {
    pub(super) fn of(rating: Option<&Rating>) -> Self {
        rating.map_or(Dot::Open, |rating| Dot::Tier(rating.tier))
    }
}

/// One entry.
pub(super) struct ChartRow {
    pub(super) name: String,
    pub(super) detail: String,
    /// None: there is no number, and the words say why.
    pub(super) number: Option<f64>,
    pub(super) interval: Option<Interval>,
    /// The text at the right.
    pub(super) words: String,
    pub(super) dot: Dot,
}

/// A chart of rows.
pub(super) struct Rows {
    pub(super) title: String,
    pub(super) note: String,
    pub(super) axis: String,
    pub(super) bands: Vec<Band>,
    pub(super) spread: AxisSpread,
    pub(super) ticks: Option<Vec<f64>>,
    /// How a number of the scale is written.
    pub(super) number_words: fn(f64) -> String,
    pub(super) rows: Vec<ChartRow>,
}

impl Rows {
    pub(super) fn size(&self) -> (u32, u32) {
        (WIDTH.unsigned_abs(), (self.foot() + BOTTOM).unsigned_abs())
    }

    pub(super) fn draw(&self, canvas: &Canvas) -> Drawn<()> {
        let ends = self.rows.iter().flat_map(|row| {
            let interval = row.interval.map(|interval| [interval.low, interval.high]);
            row.number.into_iter().chain(interval.into_iter().flatten())
        });
        let fixed = self.ticks.iter().flatten().copied();
        let scale = Scale::over(self.spread, ends.chain(fixed), SCALE);
        canvas.text((16, 24), &self.title, canvas.colours.ink, TITLE)?;
        canvas.text((16, 48), &self.note, canvas.colours.faint, NOTE)?;
        self.ground(canvas, &scale)?;
        for (index, row) in self.rows.iter().enumerate() {
            draw_row(canvas, &scale, TOP + ROW / 2 + ROW * count(index), row)?;
        }
        Ok(())
    }

    /// The lower edge of the last row.
    fn foot(&self) -> i32 {
        TOP + ROW * count(self.rows.len())
    }

    fn ground(&self, canvas: &Canvas, scale: &Scale) -> Drawn<()> {
        let foot = self.foot();
        for (index, band) in self.bands.iter().enumerate() {
            let (left, right) = (scale.at(band.from), scale.at(band.to));
            if index % 2 == 0 && right > left {
                canvas.rectangle([(left, TOP - 24), (right, foot)], canvas.colours.shade)?;
            }
            // A sliver of a band has no room for its name.
            if right - left >= 44 {
                canvas.text(
                    (i32::midpoint(left, right), TOP - 12),
                    band.name,
                    canvas.colours.faint,
                    TICK,
                )?;
            }
        }
        for tick in self.ticks.clone().unwrap_or_else(|| scale.ticks()) {
            let x = scale.at(tick);
            canvas.line((x, TOP), (x, foot + 5), canvas.colours.rule, 1)?;
            canvas.text((x, foot + 16), &(self.number_words)(tick), canvas.colours.faint, TICK)?;
        }
        let middle = i32::midpoint(SCALE[0], SCALE[1]);
        canvas.text((middle, foot + 40), &self.axis, canvas.colours.faint, TICK)
    }
}

fn draw_row(canvas: &Canvas, scale: &Scale, y: i32, row: &ChartRow) -> Drawn<()> {
    let colours = &canvas.colours;
    canvas.text((SCALE[0] - 14, y - 7), &cut(&row.name, NAME_LENGTH), colours.ink, NAME)?;
    canvas.text(
        (SCALE[0] - 14, y + 9),
        &cut(&row.detail, DETAIL_LENGTH),
        colours.faint,
        DETAIL,
    )?;
    let Some(number) = row.number else {
        return canvas.text((SCALE[0] + 14, y), &row.words, colours.faint, VALUE);
    };
    let colour = match row.dot {
        Dot::Tier(tier) => colours.mark(tier),
        Dot::Sure => colours.ink,
        Dot::Open => colours.faint,
    };
    if let Some(interval) = row.interval.filter(|interval| interval.low < interval.high) {
        canvas.line((scale.at(interval.low), y), (scale.at(interval.high), y), colour, 3)?;
    }
    let at = (scale.at(number), y);
    match row.dot {
        Dot::Tier(_) | Dot::Sure => canvas.dot(at, 6, colour)?,
        Dot::Open => canvas.ring(at, 5, colour)?,
    }
    canvas.hover(
        [(SCALE[0], y - ROW / 2), (SCALE[1], y + ROW / 2)],
        format!("{}: {}", row.name, row.words),
    );
    canvas.text((SCALE[1] + 14, y), &row.words, colours.ink, VALUE)
}
