//! Colours, strokes and marks that all charts share, and what is said when one is pointed at.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::{
    Circle, Color as _, DrawingArea, FontStyle, IntoDrawingArea as _, PathElement, Polygon, RGBColor, Rectangle,
    ShapeStyle, Text, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Theme;
use super::pen::{FONT_SCALE, Pen, Sheet};
use crate::rate::tiers::Tier;

pub(super) type Drawn<T> = Result<T, DrawingAreaErrorKind<fmt::Error>>;

/// Pixels from the left upper corner.
pub(super) type Pixel = (i32, i32);

/// The position of a text relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// A text's size in pixels, weight and place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lettering {
    pub(super) px: f64,
    pub(super) bold: bool,
    pub(super) align: Align,
}

impl Lettering {
    pub(super) const fn new(px: f64, align: Align) -> Self {
        Self { px, bold: false, align }
    }

    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
}

/// A chart's title.
pub(super) const TITLE: Lettering = Lettering::new(17.0, Align::Left).bold();
/// The text below the title or the chart.
pub(super) const NOTE: Lettering = Lettering::new(12.0, Align::Left);
/// An entry's name, left of its row.
pub(super) const NAME: Lettering = Lettering::new(14.0, Align::Right).bold();
/// The text below the name.
pub(super) const DETAIL: Lettering = Lettering::new(11.0, Align::Right);
/// A number below an axis, and the axis' own words.
pub(super) const TICK: Lettering = Lettering::new(12.0, Align::Centre);
/// A number behind its mark or bar.
pub(super) const VALUE: Lettering = Lettering::new(13.0, Align::Left);

/// Rows or columns, of a chart that anybody looks at.
pub(super) fn count(number: usize) -> i32 {
    i32::try_from(number.min(1000)).unwrap_or(1000)
}

/// The shape of a series' points: a second cue besides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
}

impl Marker {
    /// That of the series with this number.
    pub(super) fn of(series: usize) -> Self {
        match series % 4 {
            0 => Self::Circle,
            1 => Self::Square,
            2 => Self::Triangle,
            _ => Self::Diamond,
        }
    }
}

/// How a line is broken, a third cue for lines without marks: pixels of a dash and of the gap behind it. By series; the first four are
/// unbroken.
const DASHES: [Option<&str>; 3] = [None, Some("9 5"), Some("2.5 4")];
/// The same of a level.
const LEVEL: &str = "5 4";

/// What a chart is drawn for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ground {
    /// A file of its own.
    Alone(Theme),
    /// A page, whose theme it follows: its colours are variables, and what the page's style says of all texts is left out.
    Page,
}

/// A name with no more characters than there is room for.
pub(super) fn cut(name: &str, length: usize) -> String {
    if name.chars().count() <= length {
        return name.to_owned();
    }
    name.chars().take(length - 1).chain(['…']).collect()
}

pub(super) struct Canvas {
    area: DrawingArea<Pen, Shift>,
    sheet: Rc<RefCell<Sheet>>,
    pub(super) colours: Colours,
    spots: RefCell<Vec<([Pixel; 2], String)>>,
}

impl Canvas {
    pub(super) fn on(size: (u32, u32), ground: Ground) -> Drawn<Self> {
        let (colours, variables) = match ground {
            Ground::Alone(theme) => (Colours::of(theme), vec![]),
            Ground::Page => (Colours::of(Theme::Light), Colours::of(Theme::Light).named()),
        };
        let sheet = Rc::new(RefCell::new(Sheet::new(size, variables)));
        let pen = Pen {
            sheet: Rc::clone(&sheet),
            size,
        };
        let area = pen.into_drawing_area();
        area.fill(&colours.ground)?;
        Ok(Self {
            area,
            sheet,
            colours,
            spots: RefCell::default(),
        })
    }

    /// The drawing. What is said on pointing at a place lies on top of it.
    pub(super) fn finish(self) -> String {
        let mut sheet = self.sheet.replace(Sheet::new((0, 0), vec![]));
        for (corners, words) in self.spots.into_inner() {
            sheet.say(corners, &words);
        }
        sheet.close()
    }

    pub(super) fn rectangle(&self, corners: [Pixel; 2], colour: RGBColor) -> Drawn<()> {
        self.area.draw(&Rectangle::new(corners, colour.filled()))
    }

    pub(super) fn line(&self, from: Pixel, to: Pixel, colour: RGBColor, width: u32) -> Drawn<()> {
        let style = ShapeStyle::from(colour).stroke_width(width);
        self.area.draw(&PathElement::new(vec![from, to], style))
    }

    /// What is said when somebody points there.
    pub(super) fn hover(&self, corners: [Pixel; 2], words: String) {
        self.spots.borrow_mut().push((corners, words));
    }

    /// A line through points, in the dashes of that series.
    pub(super) fn path(&self, points: &[Pixel], colour: RGBColor, series: usize) -> Drawn<()> {
        let dash = DASHES[(series / 4) % DASHES.len()];
        self.stroke(points.to_vec(), ShapeStyle::from(colour).stroke_width(2), dash)
    }

    /// A straight line of dashes: a level, not a measurement.
    pub(super) fn dashes(&self, from: Pixel, to: Pixel, colour: RGBColor) -> Drawn<()> {
        self.stroke(vec![from, to], ShapeStyle::from(colour).stroke_width(1), Some(LEVEL))
    }

    fn stroke(&self, points: Vec<Pixel>, style: ShapeStyle, dash: Option<&'static str>) -> Drawn<()> {
        self.sheet.borrow_mut().dash = dash;
        let drawn = self.area.draw(&PathElement::new(points, style));
        self.sheet.borrow_mut().dash = None;
        drawn
    }

    /// The mark of a series, with a rim in the ground's colour.
    pub(super) fn mark(&self, (x, y): Pixel, colour: RGBColor, marker: Marker) -> Drawn<()> {
        let shape = |radius: i32| match marker {
            Marker::Circle => vec![],
            Marker::Square => vec![
                (x - radius, y - radius),
                (x + radius, y - radius),
                (x + radius, y + radius),
                (x - radius, y + radius),
            ],
            Marker::Triangle => vec![(x, y - radius), (x + radius, y + radius), (x - radius, y + radius)],
            Marker::Diamond => vec![
                (x, y - radius - 1),
                (x + radius + 1, y),
                (x, y + radius + 1),
                (x - radius - 1, y),
            ],
        };
        if marker == Marker::Circle {
            return self.dot((x, y), 4, colour);
        }
        self.area.draw(&Polygon::new(shape(6), self.colours.ground.filled()))?;
        self.area.draw(&Polygon::new(shape(4), colour.filled()))
    }

    /// An arrowhead that points up or down, its point at `at`, with a rim in the ground's colour.
    pub(super) fn arrow(&self, (x, y): Pixel, up: bool, colour: RGBColor) -> Drawn<()> {
        let back = |length: i32| if up { y + length } else { y - length };
        let shape = |half: i32, point: i32| vec![(x, back(-point)), (x + half, back(10)), (x - half, back(10))];
        self.area
            .draw(&Polygon::new(shape(8, 3), self.colours.ground.filled()))?;
        self.area.draw(&Polygon::new(shape(6, 0), colour.filled()))
    }

    /// A dot with a rim in the ground's colour, so that it stands out from what it lies on.
    pub(super) fn dot(&self, at: Pixel, radius: i32, colour: RGBColor) -> Drawn<()> {
        self.area
            .draw(&Circle::new(at, radius + 2, self.colours.ground.filled()))?;
        self.area.draw(&Circle::new(at, radius, colour.filled()))
    }

    /// A ring: what has no tier.
    pub(super) fn ring(&self, at: Pixel, radius: i32, colour: RGBColor) -> Drawn<()> {
        self.area.draw(&Circle::new(at, radius, self.colours.ground.filled()))?;
        let style = ShapeStyle::from(colour).stroke_width(2);
        self.area.draw(&Circle::new(at, radius, style))
    }

    pub(super) fn text(&self, at: Pixel, text: &str, colour: RGBColor, how: Lettering) -> Drawn<()> {
        let weight = if how.bold { FontStyle::Bold } else { FontStyle::Normal };
        let horizontal = match how.align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = TextStyle::from(("sans-serif", how.px * FONT_SCALE, weight))
            .color(&colour)
            .pos(Pos::new(horizontal, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), at, style))
    }
}

/// Colours of a theme. Tiers are steps of one hue from dark to light: told apart by lightness, whatever colours an eye sees; their names
/// always stand beside them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colours {
    pub(super) ground: RGBColor,
    pub(super) ink: RGBColor,
    pub(super) faint: RGBColor,
    pub(super) rule: RGBColor,
    /// Of every other band, and of cells without a number.
    pub(super) shade: RGBColor,
    tiers: [RGBColor; 5],
    series: [RGBColor; 8],
}

impl Colours {
    pub(super) fn of(theme: Theme) -> Self {
        match theme {
            Theme::Light => Self {
                ground: RGBColor(255, 255, 255),
                ink: RGBColor(31, 35, 40),
                faint: RGBColor(89, 99, 110),
                rule: RGBColor(209, 217, 224),
                shade: RGBColor(246, 248, 250),
                tiers: [
                    RGBColor(8, 69, 148),
                    RGBColor(33, 113, 181),
                    RGBColor(107, 174, 214),
                    RGBColor(189, 215, 231),
                    RGBColor(226, 232, 240),
                ],
                // Okabe and Ito (2008), whose colours people of every kind of colour vision tell apart; its yellow is darkened for white ground.
                series: [
                    RGBColor(0, 114, 178),
                    RGBColor(213, 94, 0),
                    RGBColor(0, 158, 115),
                    RGBColor(204, 121, 167),
                    RGBColor(86, 180, 233),
                    RGBColor(179, 120, 0),
                    RGBColor(90, 90, 90),
                    RGBColor(150, 137, 0),
                ],
            },
            Theme::Dark => Self {
                ground: RGBColor(13, 17, 23),
                ink: RGBColor(240, 246, 252),
                faint: RGBColor(145, 152, 161),
                rule: RGBColor(61, 68, 77),
                shade: RGBColor(21, 27, 35),
                tiers: [
                    RGBColor(158, 202, 225),
                    RGBColor(79, 151, 207),
                    RGBColor(33, 102, 172),
                    RGBColor(24, 66, 115),
                    RGBColor(38, 50, 66),
                ],
                // As above, lightened for dark ground.
                series: [
                    RGBColor(86, 180, 233),
                    RGBColor(240, 134, 60),
                    RGBColor(42, 193, 148),
                    RGBColor(224, 150, 190),
                    RGBColor(150, 205, 245),
                    RGBColor(230, 159, 0),
                    RGBColor(170, 170, 170),
                    RGBColor(240, 228, 66),
                ],
            },
        }
    }

    /// All of them with their names; no two of a theme are alike.
    pub(super) fn named(&self) -> Vec<(String, RGBColor)> {
        let numbered = |name: &str, colours: &[RGBColor]| -> Vec<(String, RGBColor)> {
            let named = colours.iter().enumerate();
            named
                .map(|(index, colour)| (format!("{name}{index}"), *colour))
                .collect()
        };
        let single = [
            ("ground", self.ground),
            ("ink", self.ink),
            ("faint", self.faint),
            ("rule", self.rule),
            ("shade", self.shade),
        ];
        let single = single.into_iter().map(|(name, colour)| (name.to_owned(), colour));
        single
            .chain(numbered("tier", &self.tiers))
            .chain(numbered("series", &self.series))
            .collect()
    }

    /// The colour of a series; beyond eight they come again, with other dashes.
    pub(super) fn series(&self, index: usize) -> RGBColor {
        self.series[index % self.series.len()]
    }

    /// The colour of a part of a whole: the tiers' steps, each of another lightness.
    pub(super) fn part(&self, index: usize) -> RGBColor {
        self.tiers[index.min(self.tiers.len() - 1)]
    }

    pub(super) fn tier(&self, tier: Tier) -> RGBColor {
        self.tiers[tier as usize]
    }

    /// A line or a dot in a tier's colour must be seen on the ground: the palest steps are replaced.
    pub(super) fn mark(&self, tier: Tier) -> RGBColor {
        match tier {
            Tier::High | Tier::MidHigh | Tier::Mid => self.tier(tier),
            Tier::LowMid | Tier::Low => self.faint,
        }
    }

    /// What can be read on that colour.
    pub(super) fn on(&self, ground: RGBColor) -> RGBColor {
        let RGBColor(red, green, blue) = ground;
        // Relative luminance without gamma, as Rec. 709 weighs the channels.
        let light = 0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue);
        if light > 128.0 {
            RGBColor(31, 35, 40)
        } else {
            RGBColor(255, 255, 255)
        }
    }
}
