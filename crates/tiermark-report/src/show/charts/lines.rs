//! Lines over two axes, each with its name at its end.

use super::canvas::{Align, Canvas, Drawn, Lettering, Marker, NOTE, Pixel, TICK, TITLE, count, cut};
use super::history::{History, Plot};
use super::scale::{AxisSpread, Scale};

const WIDTH: i32 = 960;
const PLOT_X: [i32; 2] = [76, 760];
const TOP: i32 = 78;
/// Height of the plot; greater if the names of many lines need it.
const LEAST_HEIGHT: i32 = 318;
const BOTTOM: i32 = 74;
/// Between two names at the right edge.
const NAME_STEP: i32 = 16;
/// Characters that a name has room for.
const NAME_LENGTH: usize = 24;

const TICK_Y: Lettering = Lettering::new(12.0, Align::Right);
/// The name of a line, at its end.
const LINE: Lettering = Lettering::new(12.5, Align::Left);

/// An axis before its numbers are known.
pub(super) struct Axis {
    pub(super) title: String,
    pub(super) spread: AxisSpread,
    /// How a number of it is written.
    pub(super) words: fn(f64) -> String,
}

/// Which of a line's points say their numbers when they are pointed at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Spots {
    /// All, which are marked: few that were measured.
    Marked,
    /// Those over these numbers: many that were drawn from a distribution.
    Over(&'static [f64]),
    /// About a dozen.
    Dozen,
}

/// One line.
pub(super) struct ChartLine {
    pub(super) name: String,
    /// From left to right; at least one.
    pub(super) points: Vec<(f64, f64)>,
    /// Lower and upper ends of the points' intervals; empty if there are none.
    pub(super) intervals: Vec<(f64, f64, f64)>,
    pub(super) spots: Spots,
}

/// A chart of lines.
pub(super) struct Lines {
    pub(super) title: String,
    pub(super) note: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<ChartLine>,
    /// A level that matters, such as an objective, with its name.
    pub(super) limit: Option<(f64, String)>,
    /// Where x is a run, by its number from 0: the runs, and where lines change.
    pub(super) history: Option<History>,
}

impl Lines {
    pub(super) fn size(&self) -> (u32, u32) {
        (WIDTH.unsigned_abs(), (self.foot() + BOTTOM).unsigned_abs())
    }

    pub(super) fn draw(&self, canvas: &Canvas) -> Drawn<()> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let intervals = self.lines.iter().flat_map(|line| &line.intervals);
        let reached = intervals.flat_map(|(_, low, high)| [*low, *high]);
        let x = Scale::over(self.x.spread, points().map(|point| point.0), PLOT_X);
        let y = Scale::over(
            self.y.spread,
            points().map(|point| point.1).chain(reached),
            [self.foot(), TOP],
        );
        canvas.text((16, 24), &self.title, canvas.colours.ink, TITLE)?;
        canvas.text((16, 46), &self.note, canvas.colours.faint, NOTE)?;
        self.axes(canvas, &x, &y)?;
        // A value beyond the scale would be drawn at the edge, which is wrong.
        if let Some((level, name)) = self.limit.as_ref().filter(|(level, _)| y.holds(*level)) {
            let at = y.at(*level);
            canvas.dashes((PLOT_X[0], at), (PLOT_X[1], at), canvas.colours.faint)?;
            // Above the line, or below it if the axis's title is above.
            let place = if at < TOP + 16 { at + 11 } else { at - 9 };
            canvas.text((PLOT_X[0] + 6, place), name, canvas.colours.faint, NOTE)?;
        }
        for (index, line) in self.lines.iter().enumerate() {
            self.line(canvas, &x, &y, index, line)?;
        }
        if let Some(history) = &self.history {
            let plot = Plot {
                right: PLOT_X[1],
                top: TOP,
                foot: self.foot(),
            };
            history.draw(canvas, [&x, &y], &plot)?;
        }
        self.names(canvas, &y)
    }

    /// The lower edge of the plot.
    fn foot(&self) -> i32 {
        TOP + LEAST_HEIGHT.max(NAME_STEP * count(self.lines.len()))
    }

    fn axes(&self, canvas: &Canvas, x: &Scale, y: &Scale) -> Drawn<()> {
        let (colours, foot) = (&canvas.colours, self.foot());
        for tick in y.ticks() {
            let at = y.at(tick);
            canvas.line((PLOT_X[0], at), (PLOT_X[1], at), colours.rule, 1)?;
            canvas.text((PLOT_X[0] - 8, at), &(self.y.words)(tick), colours.faint, TICK_Y)?;
        }
        let ticks = match &self.history {
            Some(history) => history.ticks(),
            None => x.ticks().into_iter().map(|tick| (tick, (self.x.words)(tick))).collect(),
        };
        for (tick, words) in ticks {
            let at = x.at(tick);
            canvas.line((at, foot), (at, foot + 5), colours.rule, 1)?;
            canvas.text((at, foot + 18), &words, colours.faint, TICK)?;
        }
        canvas.line((PLOT_X[0], foot), (PLOT_X[1], foot), colours.rule, 1)?;
        let middle = i32::midpoint(PLOT_X[0], PLOT_X[1]);
        canvas.text((middle, foot + 44), &self.x.title, colours.faint, TICK)?;
        canvas.text((16, TOP - 16), &self.y.title, colours.faint, NOTE)
    }

    fn line(&self, canvas: &Canvas, x: &Scale, y: &Scale, index: usize, line: &ChartLine) -> Drawn<()> {
        let colour = canvas.colours.series(index);
        let pixels: Vec<Pixel> = line
            .points
            .iter()
            .map(|(along, up)| (x.at(*along), y.at(*up)))
            .collect();
        for (along, low, high) in &line.intervals {
            let at = x.at(*along);
            canvas.line((at, y.at(*low)), (at, y.at(*high)), colour, 2)?;
        }
        canvas.path(&pixels, colour, index)?;
        let step = pixels.len() / 12 + 1;
        for (number, (pixel, (along, up))) in pixels.iter().zip(&line.points).enumerate() {
            if line.spots == Spots::Marked || pixels.len() == 1 {
                canvas.mark(*pixel, colour, Marker::of(index))?;
            }
            let is_spot = match line.spots {
                Spots::Marked => true,
                Spots::Over(numbers) => numbers.contains(along),
                Spots::Dozen => number % step == 0,
            };
            if is_spot {
                let place = match &self.history {
                    Some(history) => history.name_at(*along),
                    None => (self.x.words)(*along),
                };
                let words = format!("{}: {} at {place}", line.name, (self.y.words)(*up));
                canvas.hover([(pixel.0 - 7, pixel.1 - 7), (pixel.0 + 7, pixel.1 + 7)], words);
            }
        }
        Ok(())
    }

    /// The names at the lines' ends, connected to the lines and pushed apart if lines end close together.
    fn names(&self, canvas: &Canvas, y: &Scale) -> Drawn<()> {
        let mut ends: Vec<(i32, usize)> = (self.lines.iter().enumerate())
            .filter_map(|(index, line)| Some((y.at(line.points.last()?.1), index)))
            .collect();
        ends.sort_unstable();
        for (at, (end, index)) in spaced(&ends, self.foot()).into_iter().zip(ends) {
            let colour = canvas.colours.series(index);
            canvas.line((PLOT_X[1] + 4, end), (PLOT_X[1] + 18, at), colour, 1)?;
            canvas.mark((PLOT_X[1] + 25, at), colour, Marker::of(index))?;
            let name = cut(&self.lines[index].name, NAME_LENGTH);
            canvas.text((PLOT_X[1] + 36, at), &name, canvas.colours.ink, LINE)?;
        }
        Ok(())
    }
}

/// Heights for names, each [`NAME_STEP`] below the last and none below the foot, near their lines' ends.
fn spaced(ends: &[(i32, usize)], foot: i32) -> Vec<i32> {
    let mut heights: Vec<i32> = ends.iter().map(|(end, _)| *end).collect();
    for index in 1..heights.len() {
        heights[index] = heights[index].max(heights[index - 1] + NAME_STEP);
    }
    // What ran over the lower edge moves up again, and takes those above it along.
    let mut lowest = foot;
    for height in heights.iter_mut().rev() {
        *height = (*height).min(lowest);
        lowest = *height - NAME_STEP;
    }
    heights
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_never_lie_over_each_other(mut ends in prop::collection::vec(TOP..TOP + LEAST_HEIGHT, 1..19)) {
            ends.sort_unstable();
            let numbered: Vec<(i32, usize)> = ends.into_iter().zip(0..).collect();
            let heights = spaced(&numbered, TOP + LEAST_HEIGHT);
            prop_assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= NAME_STEP), "{heights:?}");
            prop_assert!(heights.iter().all(|height| (TOP - NAME_STEP..=TOP + LEAST_HEIGHT).contains(height)), "{heights:?}");
        }
    }
}
