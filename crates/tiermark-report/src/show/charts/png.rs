//! A drawing as pixels, with letters that come with the program.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::ChartError;

/// The family that the letters are of.
const FAMILY: &str = "DejaVu Sans";
/// Pixels of a PNG for each of the drawing's: sharp on today's screens.
const SCALE: f32 = 2.0;

/// Makes a PNG of a drawing, with twice its pixels in each direction.
///
/// # Errors
/// What the libraries say of a drawing that is no SVG, or of no size.
pub fn png(svg: &str) -> Result<Vec<u8>, ChartError> {
    let fail = |error: String| ChartError::Pixels(error);
    let options = Options {
        font_family: FAMILY.to_owned(),
        fontdb: fonts(),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).map_err(|error| fail(error.to_string()))?;
    let size = tree.size().to_int_size().scale_by(SCALE);
    let size = size.ok_or_else(|| fail("it has no size".to_owned()))?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| fail("it has no size".to_owned()))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| fail(error.to_string()))
}

/// Read once: a run has a hundred charts.
fn fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let read = || {
        let mut fonts = Database::new();
        for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
            fonts.load_font_data(font.to_vec());
        }
        fonts.set_sans_serif_family(FAMILY);
        Arc::new(fonts)
    };
    Arc::clone(FONTS.get_or_init(read))
}
