//! Every entry in every scenario: rate and tier.

use super::canvas::{Align, Canvas, DETAIL, Drawn, Lettering, NAME, NOTE, TITLE, count, cut};
use crate::analysis::{Analysis, EntryAnalysis, Family, ScenarioAnalysis, Standing};
use crate::rate::tiers::Rating;
use crate::show::numbers::{plain, rate, times};

const NAMES: i32 = 210;
const CELL: (i32, i32) = (90, 42);
const TOP: i32 = 98;
/// A longer scenario name is broken at its hyphen.
const HEAD_LENGTH: usize = 11;
const EDGE: i32 = 16;
const BOTTOM: i32 = 40;
/// Characters that a name has room for.
const NAME_LENGTH: usize = 24;

const HEAD: Lettering = Lettering::new(11.0, Align::Centre).bold();
const RATE: Lettering = Lettering::new(13.0, Align::Centre).bold();
const TIER: Lettering = Lettering::new(10.5, Align::Centre);
/// Two tiers that are far apart are written below each other.
const TIERS: Lettering = Lettering::new(9.5, Align::Centre);

pub(super) struct TierMap<'a> {
    analysis: &'a Analysis,
    /// Those in which anybody has a tier.
    scenarios: Vec<&'a ScenarioAnalysis>,
}

/// What a cell says.
struct Face {
    number: String,
    words: String,
    rating: Option<Rating>,
}

impl<'a> TierMap<'a> {
    pub(super) fn of(analysis: &'a Analysis) -> Self {
        let rated = |scenario: &&ScenarioAnalysis| {
            let mut families = analysis.families_of(&scenario.name);
            families.any(|family| family.rating.is_some())
        };
        Self {
            analysis,
            scenarios: analysis.scenarios.iter().filter(rated).collect(),
        }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        let width = NAMES + CELL.0 * count(self.scenarios.len() + 1) + EDGE;
        let height = TOP + CELL.1 * count(self.analysis.entries.len()) + BOTTOM;
        // The heading needs room, however few scenarios there are.
        (width.max(560).unsigned_abs(), height.unsigned_abs())
    }

    pub(super) fn draw(&self, canvas: &Canvas) -> Drawn<()> {
        let colours = &canvas.colours;
        canvas.text((EDGE, 24), "Rate and tier in each scenario", colours.ink, TITLE)?;
        let note = "right answers a second within the objective; one tier is a factor of two of the core's best";
        canvas.text((EDGE, 46), note, colours.faint, NOTE)?;
        let heads = std::iter::once("overall").chain(self.scenarios.iter().map(|scenario| scenario.name.as_str()));
        for (column, head) in heads.enumerate() {
            let middle = left(column) + CELL.0 / 2;
            match head.rsplit_once('-').filter(|_| head.len() > HEAD_LENGTH) {
                Some((first, last)) => {
                    canvas.text((middle, TOP - 27), &plain(&format!("{first}-")), colours.ink, HEAD)?;
                    canvas.text((middle, TOP - 13), &plain(last), colours.ink, HEAD)?;
                }
                None => canvas.text((middle, TOP - 13), &plain(head), colours.ink, HEAD)?,
            }
        }
        for (row, entry) in self.analysis.entries.iter().enumerate() {
            self.row(canvas, TOP + CELL.1 * count(row), entry)?;
        }
        let foot = TOP + CELL.1 * count(self.analysis.entries.len()) + 20;
        let legend = "≥: held back by generator or database, or asked for no more   ·   two names: the interval reaches over the boundary";
        canvas.text((EDGE, foot), legend, colours.faint, NOTE)
    }

    fn row(&self, canvas: &Canvas, top: i32, entry: &EntryAnalysis) -> Drawn<()> {
        let colours = &canvas.colours;
        let middle = top + CELL.1 / 2;
        canvas.text(
            (NAMES - 12, middle - 8),
            &cut(&plain(&entry.title), NAME_LENGTH),
            colours.ink,
            NAME,
        )?;
        canvas.text(
            (NAMES - 12, middle + 9),
            &cut(&plain(&entry.id.variant), NAME_LENGTH),
            colours.faint,
            DETAIL,
        )?;
        let overall = entry.composite.as_ref().map_or_else(Face::nothing, |composite| Face {
            number: times(composite.share.value),
            words: tier_words(entry, composite.rating.as_ref()),
            rating: composite.rating,
        });
        let families = self.scenarios.iter().map(|scenario| {
            let family = self.analysis.family(&entry.id, &scenario.name);
            family.map_or_else(Face::nothing, |family| Face::of(entry, family))
        });
        for (column, face) in std::iter::once(overall).chain(families).enumerate() {
            face.draw(canvas, (left(column), top))?;
        }
        Ok(())
    }
}

impl Face {
    fn nothing() -> Self {
        Self {
            number: "–".to_owned(),
            words: String::new(),
            rating: None,
        }
    }

    fn of(entry: &EntryAnalysis, family: &Family) -> Self {
        let number = match (&family.value, &family.standing) {
            (Some(value), _) => {
                let bound = if family.lower_bound { "≥" } else { "" };
                format!("{bound}{}", rate(value.per_s).trim_end_matches("/s"))
            }
            (None, Standing::ObjectiveMissed) => "missed".to_owned(),
            (None, _) => "–".to_owned(),
        };
        let words = match (&family.rating, &family.standing) {
            (Some(_), _) | (None, Standing::Ok) => tier_words(entry, family.rating.as_ref()),
            (None, standing) => standing.name().to_owned(),
        };
        Self {
            number,
            words,
            rating: family.rating,
        }
    }

    fn draw(&self, canvas: &Canvas, (x, y): (i32, i32)) -> Drawn<()> {
        let colours = &canvas.colours;
        let ground = self
            .rating
            .as_ref()
            .map_or(colours.shade, |rating| colours.tier(rating.tier));
        canvas.rectangle([(x + 1, y + 1), (x + CELL.0 - 1, y + CELL.1 - 1)], ground)?;
        let ink = self.rating.as_ref().map_or(colours.faint, |_| colours.on(ground));
        let middle = (x + CELL.0 / 2, y + CELL.1 / 2);
        if let Some((best, worst)) = self.words.split_once(" to ") {
            canvas.text((middle.0, middle.1 - 12), &self.number, ink, RATE)?;
            canvas.text((middle.0, middle.1 + 3), best, ink, TIERS)?;
            return canvas.text((middle.0, middle.1 + 14), &format!("to {worst}"), ink, TIERS);
        }
        canvas.text((middle.0, middle.1 - 8), &self.number, ink, RATE)?;
        canvas.text((middle.0, middle.1 + 9), &self.words, ink, TIER)
    }
}

/// The tier; a yardstick has none.
fn tier_words(entry: &EntryAnalysis, rating: Option<&Rating>) -> String {
    match rating {
        Some(rating) => rating.to_string(),
        None if entry.built_in => "yardstick".to_owned(),
        None => String::new(),
    }
}

fn left(column: usize) -> i32 {
    NAMES + CELL.0 * count(column)
}
