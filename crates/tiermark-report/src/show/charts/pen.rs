//! SVG for the drawing library, which draws on whatever implements its backend. Its own SVG backend knows no dashes, no titles and no
//! colours that a page names; this one writes them as it goes.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use plotters::prelude::{DrawingBackend, RGBColor};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind, FontStyle};

/// The library's text is this much smaller than the size that it is given.
pub(super) const FONT_SCALE: f64 = 1.24;

/// The style of a page that applies to all its charts. It saves attributes in each drawing, which are a third of its bytes.
const SAID_BY_THE_PAGE: [(&str, &str); 3] = [("font-family", "sans-serif"), ("opacity", "1"), ("stroke-width", "1")];

type Attribute = (&'static str, String);

/// The drawing so far, and how the next strokes are made.
pub(super) struct Sheet {
    svg: String,
    /// Pixels of a dash and of the gap behind it.
    pub(super) dash: Option<&'static str>,
    /// Colours by the names of the variables that a page has for them; none for a drawing outside of a page.
    variables: Vec<(String, RGBColor)>,
}

impl Sheet {
    pub(super) fn new((width, height): (u32, u32), variables: Vec<(String, RGBColor)>) -> Self {
        let mut sheet = Self {
            svg: String::new(),
            dash: None,
            variables,
        };
        sheet.open(
            "svg",
            &[
                ("width", width.to_string()),
                ("height", height.to_string()),
                ("viewBox", format!("0 0 {width} {height}")),
                ("xmlns", "http://www.w3.org/2000/svg".to_owned()),
            ],
        );
        sheet.svg.push_str(">\n");
        sheet
    }

    /// The drawing, closed.
    pub(super) fn close(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }

    /// Something that is said when a place is pointed at. It lies above all that was drawn before.
    pub(super) fn say(&mut self, [from, to]: [BackendCoord; 2], words: &str) {
        let (x, y) = (from.0.min(to.0), from.1.min(to.1));
        let (width, height) = ((to.0 - from.0).abs().max(1), (to.1 - from.1).abs().max(1));
        self.open(
            "rect",
            &[
                ("x", x.to_string()),
                ("y", y.to_string()),
                ("width", width.to_string()),
                ("height", height.to_string()),
                ("fill-opacity", "0".to_owned()),
            ],
        );
        let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.svg.push_str(&format!("><title>{words}</title></rect>\n"));
    }

    fn open(&mut self, tag: &str, attributes: &[Attribute]) {
        self.svg.push('<');
        self.svg.push_str(tag);
        let is_said = |(name, value): &Attribute| {
            !self.variables.is_empty() && SAID_BY_THE_PAGE.contains(&(*name, value.as_str()))
        };
        let mut all = String::new();
        for (name, value) in attributes.iter().filter(|attribute| !is_said(attribute)) {
            all.push_str(&format!(" {name}=\"{}\"", escaped(value)));
        }
        self.svg.push_str(&all);
    }

    fn shape(&mut self, tag: &str, attributes: &[Attribute]) {
        self.open(tag, attributes);
        self.svg.push_str("/>\n");
    }

    fn colour(&self, colour: BackendColor) -> String {
        let (red, green, blue) = colour.rgb;
        let named = self
            .variables
            .iter()
            .find(|(_, own)| *own == RGBColor(red, green, blue));
        named.map_or_else(|| hex(RGBColor(red, green, blue)), |(name, _)| format!("var(--{name})"))
    }
}

/// A colour as SVG and CSS write it.
pub(super) fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;")
}

fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
    path.into_iter().map(|(x, y)| format!("{x},{y} ")).collect()
}

/// What the library draws with.
pub(super) struct Pen {
    pub(super) sheet: Rc<RefCell<Sheet>>,
    pub(super) size: (u32, u32),
}

type Stroke = Result<(), DrawingErrorKind<fmt::Error>>;

impl Pen {
    /// Draws in a colour, unless nothing of it would be seen.
    fn draw(&mut self, colour: BackendColor, draw: impl FnOnce(&mut Sheet, String, String)) -> Stroke {
        if colour.alpha > 0.0 {
            let mut sheet = self.sheet.borrow_mut();
            let named = sheet.colour(colour);
            draw(&mut sheet, named, colour.alpha.to_string());
        }
        Ok(())
    }
}

impl DrawingBackend for Pen {
    type ErrorType = fmt::Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Stroke {
        Ok(())
    }

    fn present(&mut self) -> Stroke {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Stroke {
        self.draw_rect(point, (point.0 + 1, point.1 + 1), &colour, true)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Stroke {
        self.draw(style.color(), |sheet, colour, opacity| {
            let none = || "none".to_owned();
            let (fill, stroke) = if fill { (colour, none()) } else { (none(), colour) };
            sheet.shape(
                "rect",
                &[
                    ("x", from.0.to_string()),
                    ("y", from.1.to_string()),
                    ("width", (to.0 - from.0).to_string()),
                    ("height", (to.1 - from.1).to_string()),
                    ("opacity", opacity),
                    ("fill", fill),
                    ("stroke", stroke),
                ],
            );
        })
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Stroke {
        self.draw(style.color(), |sheet, colour, opacity| {
            let mut attributes = vec![
                ("fill", "none".to_owned()),
                ("opacity", opacity),
                ("stroke", colour),
                ("stroke-width", style.stroke_width().to_string()),
            ];
            attributes.extend(sheet.dash.map(|dash| ("stroke-dasharray", dash.to_owned())));
            attributes.push(("points", points(path)));
            sheet.shape("polyline", &attributes);
        })
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Stroke {
        self.draw(style.color(), |sheet, colour, opacity| {
            sheet.shape(
                "polygon",
                &[("opacity", opacity), ("fill", colour), ("points", points(path))],
            );
        })
    }

    fn draw_circle<S: BackendStyle>(&mut self, centre: BackendCoord, radius: u32, style: &S, fill: bool) -> Stroke {
        self.draw(style.color(), |sheet, colour, opacity| {
            let none = || "none".to_owned();
            let (fill, stroke) = if fill { (colour, none()) } else { (none(), colour) };
            sheet.shape(
                "circle",
                &[
                    ("cx", centre.0.to_string()),
                    ("cy", centre.1.to_string()),
                    ("r", radius.to_string()),
                    ("opacity", opacity),
                    ("fill", fill),
                    ("stroke", stroke),
                    ("stroke-width", style.stroke_width().to_string()),
                ],
            );
        })
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Stroke {
        self.draw(style.color(), |sheet, colour, opacity| {
            let anchor = match style.anchor().h_pos {
                HPos::Left => "start",
                HPos::Right => "end",
                HPos::Center => "middle",
            };
            let down = match style.anchor().v_pos {
                VPos::Top => "0.76em",
                VPos::Center => "0.5ex",
                VPos::Bottom => "-0.5ex",
            };
            let mut attributes = vec![
                ("x", at.0.to_string()),
                ("y", at.1.to_string()),
                ("dy", down.to_owned()),
                ("text-anchor", anchor.to_owned()),
                ("font-family", style.family().as_str().to_owned()),
                ("font-size", (style.size() / FONT_SCALE).to_string()),
                ("opacity", opacity),
                ("fill", colour),
            ];
            if matches!(style.style(), FontStyle::Bold) {
                attributes.push(("font-weight", "bold".to_owned()));
            }
            sheet.open("text", &attributes);
            sheet.svg.push_str(&format!(">\n{}\n</text>\n", escaped(text)));
        })
    }
}
