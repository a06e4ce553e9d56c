//! A bar an entry, of parts that follow each other.

use super::canvas::{Canvas, Drawn, NAME, NOTE, TICK, TITLE, VALUE, count, cut};
use super::scale::{AxisSpread, Scale};

const WIDTH: i32 = 960;
const SCALE: [i32; 2] = [226, 800];
const TOP: i32 = 104;
const ROW: i32 = 32;
const BAR: i32 = 16;
const BOTTOM: i32 = 62;
/// Characters that a name has room for.
const NAME_LENGTH: usize = 23;

/// One entry.
pub(super) struct Bar {
    pub(super) name: String,
    /// Where each part ends, rising, in the order of [`Bars::parts`]; none if it is not known: the next part has its room.
    pub(super) ends: Vec<Option<f64>>,
    /// The text behind the bar.
    pub(super) words: String,
}

/// A chart of bars.
pub(super) struct Bars {
    pub(super) title: String,
    pub(super) note: String,
    pub(super) axis: String,
    pub(super) parts: Vec<&'static str>,
    pub(super) number_words: fn(f64) -> String,
    pub(super) bars: Vec<Bar>,
}

impl Bars {
    pub(super) fn size(&self) -> (u32, u32) {
        (WIDTH.unsigned_abs(), (self.foot() + BOTTOM).unsigned_abs())
    }

    fn foot(&self) -> i32 {
        TOP + ROW * count(self.bars.len())
    }

    pub(super) fn draw(&self, canvas: &Canvas) -> Drawn<()> {
        let colours = &canvas.colours;
        let ends = self.bars.iter().flat_map(|bar| &bar.ends).flatten().copied();
        let scale = Scale::over(AxisSpread::Linear, ends, SCALE);
        canvas.text((16, 24), &self.title, colours.ink, TITLE)?;
        canvas.text((16, 46), &self.note, colours.faint, NOTE)?;
        self.legend(canvas)?;
        for tick in scale.ticks() {
            let x = scale.at(tick);
            canvas.line((x, TOP), (x, self.foot() + 5), colours.rule, 1)?;
            canvas.text((x, self.foot() + 16), &(self.number_words)(tick), colours.faint, TICK)?;
        }
        for (index, bar) in self.bars.iter().enumerate() {
            self.bar(canvas, &scale, TOP + ROW / 2 + ROW * count(index), bar)?;
        }
        let middle = i32::midpoint(SCALE[0], SCALE[1]);
        canvas.text((middle, self.foot() + 40), &self.axis, colours.faint, TICK)
    }

    /// The parts' names, in the order in which they follow each other.
    fn legend(&self, canvas: &Canvas) -> Drawn<()> {
        for (index, part) in self.parts.iter().enumerate() {
            let x = SCALE[0] + 150 * count(index);
            canvas.rectangle([(x, 70), (x + 14, 84)], canvas.colours.part(index))?;
            canvas.text((x + 20, 77), part, canvas.colours.ink, NOTE)?;
        }
        Ok(())
    }

    fn bar(&self, canvas: &Canvas, scale: &Scale, y: i32, bar: &Bar) -> Drawn<()> {
        let colours = &canvas.colours;
        canvas.text((SCALE[0] - 14, y), &cut(&bar.name, NAME_LENGTH), colours.ink, NAME)?;
        let mut from = 0.0;
        for (index, end) in bar.ends.iter().enumerate() {
            let Some(end) = end else { continue };
            let corners = [(scale.at(from), y - BAR / 2), (scale.at(*end), y + BAR / 2)];
            canvas.rectangle(corners, colours.part(index))?;
            let words = format!(
                "{}, {}: {} to {}",
                bar.name,
                self.parts[index],
                (self.number_words)(from),
                (self.number_words)(*end)
            );
            canvas.hover(corners, words);
            from = *end;
        }
        canvas.text((scale.at(from) + 8, y), &bar.words, colours.ink, VALUE)
    }
}
