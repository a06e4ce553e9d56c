//! Results of others in, results for others out: TechEmpower's `results.json`, and plain tables of rates.
//!
//! A reader turns a file's text into a [`RateTable`]; [`RateTable::into_run`] makes a run of it, on which everything that reads
//! stored runs works. What such a run does not know (histograms, starts, hosts) stays unknown.

mod error;
mod sheet;
mod table;
mod tfb;

use tiermark_model::foreign::is_harmful;
use tiermark_model::format::framework::Framework;

pub use error::ExchangeError;
pub use sheet::read_csv;
pub use table::{ImportedRow, Maker, RateTable, RowRate};
pub use tfb::{Exported, export_tfb, read_tfb};

/// The frameworks that are defined here, found by the names that other people's results give them.
#[derive(Debug, Clone, Copy)]
pub struct KnownFrameworks<'a>(pub &'a [Framework]);

impl<'a> KnownFrameworks<'a> {
    /// The framework that is called so here or in TechEmpower's results. Capitals do not matter.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'a Framework> {
        let is = |own: &String| own.eq_ignore_ascii_case(name);
        self.0
            .iter()
            .find(|framework| is(&framework.name) || framework.techempower.iter().any(is))
    }
}

/// A name that can stand in tables and in `framework/variant`: one line without `/`; none where nothing is left of it.
fn clean_name(name: &str) -> Option<String> {
    let kept: String = name
        .chars()
        .map(|c| if c == '/' { '-' } else { c })
        .filter(|c| !c.is_control() && !is_harmful(*c))
        .collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}
