//! Charts of an analysis, as SVG: no font is needed to make them, and the same analysis gives the same bytes.

mod canvas;
mod overall;
mod tier_map;

use crate::analysis::Analysis;
use canvas::Canvas;

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chart {
    /// Every entry's composite with its interval, against the tiers.
    Overall,
    /// Every entry in every scenario: rate and tier.
    TierMap,
}

impl Chart {
    /// All of them.
    pub const ALL: [Chart; 2] = [Chart::Overall, Chart::TierMap];

    /// Its name in file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Chart::Overall => "overall",
            Chart::TierMap => "tiers",
        }
    }

    /// Draws it. Its size follows from the number of entries and scenarios.
    ///
    /// # Errors
    /// What the drawing library says; it has no reason to while it writes to memory.
    pub fn svg(self, analysis: &Analysis, theme: Theme) -> Result<String, ChartError> {
        let mut svg = String::new();
        let drawn = match self {
            Chart::Overall => {
                let chart = overall::Overall::of(analysis);
                Canvas::on(&mut svg, chart.size(), theme).and_then(|canvas| chart.draw(&canvas))
            }
            Chart::TierMap => {
                let chart = tier_map::TierMap::of(analysis);
                Canvas::on(&mut svg, chart.size(), theme).and_then(|canvas| chart.draw(&canvas))
            }
        };
        drawn.map_err(|error| ChartError::Drawing(error.to_string()))?;
        Ok(svg)
    }
}

/// What a chart lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// White.
    Light,
    /// Nearly black.
    Dark,
}

impl Theme {
    /// Both.
    pub const ALL: [Theme; 2] = [Theme::Light, Theme::Dark];

    /// Its name in file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// Why there is no chart.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The drawing library failed.
    #[error("the chart could not be drawn: {0}")]
    Drawing(String),
}
