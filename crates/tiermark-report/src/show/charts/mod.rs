//! Charts, as SVG and PNG: no font of the machine is needed to make them, and the same analysis gives the same bytes.

mod bars;
mod canvas;
mod history;
mod lines;
mod pen;
mod pictures;
#[cfg(feature = "png")]
mod png;
mod rows;
mod scale;
mod tier_map;
mod trend_lines;

use tiermark_model::trial::EntryId;

use crate::analysis::{Analysis, LoadKind, LoadLevel, ScenarioAnalysis};
use crate::compare::Comparison;
use crate::quantity::level::holds_connections;
use crate::read::curves::Curves;
use crate::trend::Trend;
use canvas::{Canvas, Colours, Drawn, Ground};
use pen::hex;
#[cfg(feature = "png")]
pub use png::png;

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chart {
    /// Every entry's composite with its interval, against the tiers.
    Overall,
    /// Every entry in every scenario: rate and tier.
    TierMap,
    /// Cold starts with their parts.
    Starts,
    /// Memory of the server over a start.
    Memory,
    /// Memory for each idle connection, of the scenario that holds them.
    ConnectionMemory(String),
    /// Each entry's value in a scenario with its interval.
    Rates(String),
    /// Throughput against concurrency in a scenario.
    Throughput(String),
    /// Latency against rate in a scenario.
    LatencyByRate(String),
    /// Latency by percentile in a scenario, at a load level.
    Latency(String, String),
    /// CPU time for each right answer in a scenario.
    Cpu(String),
    /// How the scenarios of an entry got faster.
    WarmUp(EntryId),
}

/// A kind of chart before it is drawn.
enum Picture<'a> {
    Rows(rows::Rows),
    Bars(bars::Bars),
    Lines(lines::Lines),
    TierMap(tier_map::TierMap<'a>),
}

impl Chart {
    /// Those that the run has something to draw in, in the order of a report.
    #[must_use]
    pub fn all(analysis: &Analysis, curves: &Curves) -> Vec<Chart> {
        let mut charts = vec![Chart::Overall, Chart::TierMap, Chart::Starts, Chart::Memory];
        for scenario in &analysis.scenarios {
            charts.extend(Self::of_scenario(analysis, scenario));
        }
        charts.extend(analysis.entries.iter().map(|entry| Chart::WarmUp(entry.id.clone())));
        charts.retain(|chart| chart.picture(analysis, curves).is_some());
        charts
    }

    /// Those of one scenario.
    #[must_use]
    pub fn of_scenario(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Vec<Chart> {
        let name = || scenario.name.clone();
        let mut charts = vec![
            Chart::Rates(name()),
            Chart::Throughput(name()),
            Chart::LatencyByRate(name()),
            Chart::Cpu(name()),
        ];
        let families = analysis.families_of(&scenario.name);
        let mut loads: Vec<&LoadLevel> = Vec::new();
        for cell in families.flat_map(|family| &family.cells) {
            if !loads.contains(&&cell.load) {
                loads.push(&cell.load);
            }
        }
        charts.extend(loads.into_iter().map(|load| Chart::Latency(name(), load.to_string())));
        charts.push(Chart::ConnectionMemory(name()));
        charts
    }

    /// Its name in file names.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Chart::Overall => "overall".to_owned(),
            Chart::TierMap => "tiers".to_owned(),
            Chart::Starts => "starts".to_owned(),
            Chart::Memory => "memory".to_owned(),
            Chart::ConnectionMemory(scenario) => format!("memory-a-connection-{scenario}"),
            Chart::Rates(scenario) => format!("rates-{scenario}"),
            Chart::Throughput(scenario) => format!("throughput-{scenario}"),
            Chart::LatencyByRate(scenario) => format!("latency-by-rate-{scenario}"),
            Chart::Latency(scenario, load) => format!("latency-{scenario}-{load}"),
            Chart::Cpu(scenario) => format!("cpu-{scenario}"),
            Chart::WarmUp(entry) => format!("warm-up-{}-{}", entry.framework, entry.variant),
        }
    }

    /// What it shows; none if the run has nothing for it.
    fn picture<'a>(&self, analysis: &'a Analysis, curves: &Curves) -> Option<Picture<'a>> {
        let scenario = |name: &String| analysis.scenarios.iter().find(|scenario| scenario.name == *name);
        let lines = |lines: lines::Lines, least: usize| {
            let long = lines.lines.iter().any(|line| line.points.len() >= least);
            long.then_some(Picture::Lines(lines))
        };
        let rows = |rows: rows::Rows| {
            let any = rows.rows.iter().any(|row| row.number.is_some());
            any.then_some(Picture::Rows(rows))
        };
        match self {
            Chart::Overall => Some(Picture::Rows(pictures::overall(analysis))),
            Chart::TierMap => Some(Picture::TierMap(tier_map::TierMap::of(analysis))),
            Chart::Starts => {
                let bars = pictures::starts(analysis);
                (!bars.bars.is_empty()).then_some(Picture::Bars(bars))
            }
            Chart::Memory => lines(pictures::memory(analysis, curves), 2),
            Chart::ConnectionMemory(name) => {
                let holds = holds_connections(analysis, name);
                rows(pictures::connection_memory(analysis, scenario(name).filter(|_| holds)?))
            }
            Chart::Rates(name) => rows(pictures::rates(analysis, scenario(name)?)),
            Chart::Throughput(name) => {
                let scenario = scenario(name).filter(|scenario| scenario.value_from == LoadKind::Closed)?;
                lines(pictures::throughput(analysis, scenario), 2)
            }
            Chart::LatencyByRate(name) => lines(pictures::latency_by_rate(analysis, scenario(name)?), 2),
            Chart::Latency(name, load) => lines(pictures::latency(analysis, curves, scenario(name)?, load), 2),
            Chart::Cpu(name) => rows(pictures::cpu(analysis, scenario(name)?)),
            Chart::WarmUp(id) => {
                let entry = analysis.entries.iter().find(|entry| entry.id == *id)?;
                lines(pictures::warm_up(analysis, curves, entry), 2)
            }
        }
    }

    /// Draws it; none if the run has nothing for it. Its size follows from the number of entries and scenarios. What is pointed at says
    /// its number, without a script.
    ///
    /// # Errors
    /// What the drawing library says; it has no reason to while it writes to memory.
    pub fn svg(&self, analysis: &Analysis, curves: &Curves, theme: Theme) -> Result<Option<String>, ChartError> {
        let picture = self.picture(analysis, curves);
        picture
            .map(|picture| written(&picture, Ground::Alone(theme)))
            .transpose()
    }

    /// The same as a part of a page, whose theme it follows: [`variables`] gives its colours their values.
    pub(crate) fn on_page(&self, analysis: &Analysis, curves: &Curves) -> Result<Option<String>, ChartError> {
        let picture = self.picture(analysis, curves);
        picture.map(|picture| written(&picture, Ground::Page)).transpose()
    }
}

/// Draws how the cells of a scenario differ from the base; none if no ratio is known.
///
/// # Errors
/// As [`Chart::svg`].
pub fn changes(comparison: &Comparison, scenario: &str, theme: Theme) -> Result<Option<String>, ChartError> {
    changes_on(comparison, scenario, Ground::Alone(theme))
}

/// The same as a part of a page.
pub(crate) fn changes_on_page(comparison: &Comparison, scenario: &str) -> Result<Option<String>, ChartError> {
    changes_on(comparison, scenario, Ground::Page)
}

fn changes_on(comparison: &Comparison, scenario: &str, ground: Ground) -> Result<Option<String>, ChartError> {
    let rows = pictures::changes(comparison, scenario);
    if rows.rows.is_empty() {
        return Ok(None);
    }
    written(&Picture::Rows(rows), ground).map(Some)
}

/// Draws how a load level of a scenario went over many runs, a line an entry, with its change points; none if no entry has two values.
///
/// # Errors
/// As [`Chart::svg`].
pub fn history(trend: &Trend, scenario: &str, load: &str, theme: Theme) -> Result<Option<String>, ChartError> {
    let lines = trend_lines::lines(trend, scenario, load);
    if lines.lines.iter().all(|line| line.points.len() < 2) {
        return Ok(None);
    }
    written(&Picture::Lines(lines), Ground::Alone(theme)).map(Some)
}

/// How many gates had decided something by when.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// What they were about.
    pub name: String,
    /// Seconds, and the share of gates that had decided by then.
    pub shares: Vec<(f64, f64)>,
}

/// Draws the share of gates that had called a version slower over the time that they measured.
///
/// # Errors
/// As [`Chart::svg`].
pub fn decided(curves: &[Decided], note: &str, theme: Theme) -> Result<String, ChartError> {
    written(&Picture::Lines(pictures::decided(curves, note)), Ground::Alone(theme))
}

fn written(picture: &Picture<'_>, ground: Ground) -> Result<String, ChartError> {
    draw(picture, ground).map_err(|error| ChartError::Drawing(error.to_string()))
}

fn draw(picture: &Picture<'_>, ground: Ground) -> Drawn<String> {
    let size = match picture {
        Picture::Rows(rows) => rows.size(),
        Picture::Bars(bars) => bars.size(),
        Picture::Lines(lines) => lines.size(),
        Picture::TierMap(map) => map.size(),
    };
    let canvas = Canvas::on(size, ground)?;
    match picture {
        Picture::Rows(rows) => rows.draw(&canvas)?,
        Picture::Bars(bars) => bars.draw(&canvas)?,
        Picture::Lines(lines) => lines.draw(&canvas)?,
        Picture::TierMap(map) => map.draw(&canvas)?,
    }
    Ok(canvas.finish())
}

/// The colours of a theme, as declarations of CSS variables.
pub(crate) fn variables(theme: Theme) -> String {
    let named = Colours::of(theme).named();
    named
        .iter()
        .map(|(name, colour)| format!("--{name}:{};", hex(*colour)))
        .collect()
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
    /// The library that makes pixels of a drawing failed, or this build has none.
    #[error("no PNG could be made of the chart: {0}")]
    Pixels(String),
}

/// Fails: this build has no library that makes pixels of a drawing.
///
/// # Errors
/// Always, with the remedy.
#[cfg(not(feature = "png"))]
pub fn png(_svg: &str) -> Result<Vec<u8>, ChartError> {
    Err(ChartError::Pixels(NO_PNG.to_owned()))
}

/// What a build without the feature `png` says when it is asked for one.
pub const NO_PNG: &str = "this program was built without PNG\nremedy: use the SVG files, or build it with `cargo build --release --features png`";
