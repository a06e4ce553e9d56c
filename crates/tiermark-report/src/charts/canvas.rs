//! Colours and strokes that all charts share.

use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::{
    Circle, Color as _, DrawingArea, DrawingBackend, FontStyle, IntoDrawingArea as _, PathElement, RGBColor, Rectangle,
    SVGBackend, ShapeStyle, Text, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Theme;
use crate::tiers::Tier;

pub(super) type Drawn<T> = Result<T, DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>>;

/// Pixels from the left upper corner.
pub(super) type Point = (i32, i32);

/// The library's text is this much smaller than the size that it is given.
const FONT_SCALE: f64 = 1.24;

/// Where a text stands beside its point.
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
/// What stands below the title or the chart.
pub(super) const NOTE: Lettering = Lettering::new(12.0, Align::Left);
/// An entry's name, left of its row.
pub(super) const NAME: Lettering = Lettering::new(14.0, Align::Right).bold();
/// What stands below the name.
pub(super) const DETAIL: Lettering = Lettering::new(11.0, Align::Right);

/// Rows or columns, of a chart that anybody looks at.
pub(super) fn count(number: usize) -> i32 {
    i32::try_from(number.min(1000)).unwrap_or(1000)
}

pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    pub(super) colours: Colours,
}

impl<'a> Canvas<'a> {
    pub(super) fn on(svg: &'a mut String, size: (u32, u32), theme: Theme) -> Drawn<Self> {
        let area = SVGBackend::with_string(svg, size).into_drawing_area();
        let colours = Colours::of(theme);
        area.fill(&colours.ground)?;
        Ok(Self { area, colours })
    }

    pub(super) fn rectangle(&self, corners: [Point; 2], colour: RGBColor) -> Drawn<()> {
        self.area.draw(&Rectangle::new(corners, colour.filled()))
    }

    pub(super) fn line(&self, from: Point, to: Point, colour: RGBColor, width: u32) -> Drawn<()> {
        let style = ShapeStyle::from(colour).stroke_width(width);
        self.area.draw(&PathElement::new(vec![from, to], style))
    }

    /// A dot with a rim in the ground's colour, so that it stands out from what it lies on.
    pub(super) fn dot(&self, at: Point, radius: i32, colour: RGBColor) -> Drawn<()> {
        self.area
            .draw(&Circle::new(at, radius + 2, self.colours.ground.filled()))?;
        self.area.draw(&Circle::new(at, radius, colour.filled()))
    }

    /// A ring: what has no tier.
    pub(super) fn ring(&self, at: Point, radius: i32, colour: RGBColor) -> Drawn<()> {
        self.area.draw(&Circle::new(at, radius, self.colours.ground.filled()))?;
        let style = ShapeStyle::from(colour).stroke_width(2);
        self.area.draw(&Circle::new(at, radius, style))
    }

    pub(super) fn text(&self, at: Point, text: &str, colour: RGBColor, how: Lettering) -> Drawn<()> {
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
}

impl Colours {
    fn of(theme: Theme) -> Self {
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
            },
        }
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
