//! Alternated rounds: which of them count, and what they come to. Pure.

/// Below this share of its core a closed-loop generator was not the limit, and its CPU time a request says little.
const LEAST_BUSY: f64 = 0.95;
/// Below this share of the rate asked an open loop did less than its work.
const LEAST_REACHED: f64 = 0.99;

/// One generator's part of a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// CPU time a request, in microseconds.
    pub cpu_us: f64,
    /// Right answers a second.
    pub rate: f64,
    /// Share of its core.
    pub busy: f64,
    pub errors: u64,
}

/// tiermark and its peer, one right after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Round {
    pub tiermark: Sample,
    pub peer: Sample,
    /// Rate asked of tiermark, where its loop is open.
    pub asked: Option<f64>,
}

impl Round {
    pub fn ratio(&self) -> f64 {
        self.tiermark.cpu_us / self.peer.cpu_us
    }

    /// Why it does not count; nothing where it does.
    pub fn marks(&self) -> Vec<&'static str> {
        let (ours, theirs) = (self.tiermark, self.peer);
        let mut marks = Vec::new();
        let mut mark = |holds: bool, why| marks.extend(holds.then_some(why));
        match self.asked {
            None => {
                mark(ours.busy < LEAST_BUSY, "tiermark's core not busy");
                mark(ours.rate < theirs.rate, "tiermark slower than its peer");
            }
            Some(asked) => mark(ours.rate < asked * LEAST_REACHED, "rate not reached"),
        }
        mark(theirs.busy < LEAST_BUSY, "peer's core not busy");
        mark(ours.errors > 0, "tiermark had errors");
        mark(theirs.errors > 0, "peer had errors");
        marks
    }

    pub fn counts(&self) -> bool {
        self.marks().is_empty()
    }
}

/// A median with its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of some values; none of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }

    pub fn text(spread: Option<Self>, digits: usize) -> String {
        spread.map_or_else(
            || "none counted".to_owned(),
            |Self { median, min, max }| format!("{median:.digits$} ({min:.digits$}–{max:.digits$})"),
        )
    }
}

/// Aligned columns in Markdown: readable in a terminal, and to be pasted.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells.chain([header[column].chars().count(), 3]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = widths
            .iter()
            .zip(cells)
            .map(|(&width, cell)| format!("{cell:width$}"))
            .collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let header: Vec<String> = header.iter().map(ToString::to_string).collect();
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let mut text = line(&header) + &line(&rule);
    text.extend(rows.iter().map(|row| line(row)));
    text
}

/// Whether a work is wanted: a word names it, or the family its name begins with.
pub fn is_wanted(name: &str, words: &[String]) -> bool {
    words.is_empty()
        || words.iter().any(|word| {
            name.strip_prefix(word.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
}
