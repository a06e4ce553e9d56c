//! The summary for a quick reader: the tiers, and which framework suits which use.

use maud::{Markup, html};

use super::parts::{FieldRow, TableField, class, entry_link, entry_name, prose, table};
use super::{Report, chart};
use crate::advice::recommend::{RecommendationAnswer, RecommendationVerdict};
use crate::analysis::{EntryAnalysis, Standing};
use crate::show::charts::{Chart, ChartError};
use crate::show::numbers::{NOTHING, bytes, milliseconds, plain, rate, times};
use crate::show::rules::{composite_rule, reference_rule};

pub(super) fn summary(report: &Report<'_>) -> Result<Markup, ChartError> {
    let analysis = report.analysis;
    Ok(html! {
        section #summary {
            h2 { "Summary" }
            p.lead { "A tier is a factor of two: one tier down means about twice the servers. The dots are what was measured, the bars what is uncertain of it." }
            (chart(report, &Chart::Overall, "Overall rating of each entry with its 95% interval, against the tiers")?)
            ul.rules { li { (prose(&composite_rule(analysis))) } li { (prose(&reference_rule(analysis))) } }
            (rating(report))
            (chart(report, &Chart::TierMap, "Rate and tier of each entry in each scenario")?)
            (answers(report.answers))
        }
    })
}

fn rating(report: &Report<'_>) -> Markup {
    let analysis = report.analysis;
    let mut titles = vec!["entry", "overall"];
    titles.extend(analysis.scenarios.iter().map(|scenario| scenario.name.as_str()));
    // This column is last, so that a narrow screen shows the ratings.
    titles.extend(["language", "data"]);
    let rows = analysis.entries.iter().map(|entry| {
        let composite = entry.composite.as_ref();
        let share = composite.map(|composite| composite.share.value);
        let rated = composite.and_then(|composite| composite.rating.as_ref());
        let mut cells = vec![
            TableField::words(html! { a href=(entry_link(&entry.id)) { (entry_name(entry)) } }),
            TableField::number(
                html! {
                    (share.map_or_else(|| NOTHING.to_owned(), times))
                    @if let Some(rating) = rated { br; (rating) }
                    @if entry.built_in { br; "yardstick" }
                },
                share,
            )
            .of(if rated.is_some() { class(rated) } else { "number" }),
        ];
        cells.extend(
            analysis
                .scenarios
                .iter()
                .map(|scenario| family(report, entry, &scenario.name)),
        );
        cells.push(TableField::words(plain(&entry.language)));
        cells.push(TableField::words(entry.data_layer.to_string()));
        FieldRow { id: None, cells }
    });
    table("Rate and tier by scenario", &titles, rows.collect())
}

fn family(report: &Report<'_>, entry: &EntryAnalysis, scenario: &str) -> TableField {
    let Some(family) = report.analysis.family(&entry.id, scenario) else {
        return TableField::words(NOTHING);
    };
    let bound = if family.lower_bound { "≥" } else { "" };
    let link = format!("#scenario-{scenario}");
    let shown = match (&family.value, &family.standing) {
        (Some(value), _) => format!("{bound}{}", rate(value.per_s)),
        (None, Standing::Ok) => NOTHING.to_owned(),
        (None, standing) => standing.name().to_owned(),
    };
    let rating = family.rating.as_ref();
    TableField::number(
        html! { a href=(link) { (shown) } @if let Some(rating) = rating { br; (rating) } },
        family.value.map(|value| value.per_s),
    )
    .of(if rating.is_some() { class(rating) } else { "number" })
}

/// One row for each use case: the first, its probability, and the others.
fn answers(answers: &[RecommendationAnswer]) -> Markup {
    if answers.is_empty() {
        return html! {};
    }
    let rows = answers.iter().map(|answer| {
        let first = match &answer.verdict {
            RecommendationVerdict::Nobody { .. } => "nobody".to_owned(),
            RecommendationVerdict::First { .. } | RecommendationVerdict::EitherOf { .. } => answer
                .ranking
                .first()
                .map(|choice| plain(&choice.title))
                .unwrap_or_default(),
        };
        let surely = answer.ranking.first().and_then(|choice| choice.places.first().copied());
        let others: Vec<String> = answer
            .ranking
            .iter()
            .skip(1)
            .take(2)
            .map(|choice| plain(&choice.title))
            .collect();
        let article = answer
            .seed
            .as_ref()
            .map_or(NOTHING, |seed| if seed.agrees { "agrees" } else { "differs" });
        FieldRow {
            id: None,
            cells: vec![
                TableField::words(plain(&answer.profile.title)),
                TableField::words(first),
                TableField::number(
                    surely.map_or_else(|| NOTHING.to_owned(), |share| format!("{:.0}%", 100.0 * share)),
                    surely,
                ),
                TableField::words(others.join(", ")),
                TableField::words(article),
            ],
        }
    });
    html! {
        h3 { "Which for what" }
        p { (prose("By what was measured here and by judged facts, each with its source; `tiermark recommend --use-case NAME` gives the reasons, and takes the profile of your own team.")) }
        (table("Recommendation by use case", &["use case", "first", "probability", "then", "beside the article's pick"], rows.collect()))
    }
}

/// How everything starts.
pub(super) fn starts(report: &Report<'_>) -> Result<Markup, ChartError> {
    let analysis = report.analysis;
    let rows = analysis.entries.iter().map(|entry| {
        let start = &entry.start;
        let time = |ms: Option<f64>| TableField::number(ms.map_or_else(|| NOTHING.to_owned(), milliseconds), ms);
        let size = |size: Option<f64>| TableField::number(size.map_or_else(|| NOTHING.to_owned(), bytes), size);
        FieldRow {
            id: None,
            cells: vec![
                TableField::words(html! { a href=(entry_link(&entry.id)) { (entry_name(entry)) } }),
                time(start.created_ms),
                time(start.running_ms),
                time(start.listening_ms),
                time(start.first_right_answer_ms),
                size(start.idle_memory_bytes),
                size(entry.image_bytes.map(|bytes| bytes as f64)),
            ],
        }
    });
    let titles = [
        "entry",
        "created",
        "running",
        "listening",
        "first right answer",
        "idle memory",
        "image",
    ];
    Ok(html! {
        section #starts {
            h2 { "Cold start and memory" }
            (chart(report, &Chart::Starts, "Cold start of each entry in its parts, medians")?)
            (table("Medians over starts, since the start was asked for", &titles, rows.collect()))
            (chart(report, &Chart::Memory, "Memory of each server over its last start")?)
        }
    })
}
