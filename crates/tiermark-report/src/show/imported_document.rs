//! The report of an imported run: hundreds of entries, one line each.

use tiermark_model::format::framework::DataLayerKind;
use tiermark_model::imported::{ImportFormat, Imported};

use crate::analysis::{Analysis, Composite, EntryAnalysis, Family, Standing};
use crate::rate::tiers::Tier;
use crate::show::numbers::{NOTHING, plain, rate, times};
use crate::show::rules::{composite_rule, rating_name, reference_rule, revision, tone, warnings};
use crate::show::table::{Block, Table, TableRow, Text, Tone, left, right};
use tiermark_model::imported::NOT_KNOWN;

pub(crate) fn imported_document(analysis: &Analysis, imported: &Imported) -> Vec<Block> {
    let mut blocks = vec![
        Block::Title(format!("tiermark run {}: imported", plain(&analysis.run.name))),
        Block::Facts(facts(analysis, imported)),
        Block::Heading("Rating".to_owned()),
        Block::Table(rating_table(analysis, imported)),
        Block::List(legend(analysis, imported)),
        Block::Heading("Rates".to_owned()),
        Block::Paragraph(
            "Right answers a second, and the tier: H High, MH Mid-High, M Mid, LM Low-Mid, L Low. – is not in the file.".to_owned(),
        ),
        Block::Table(rates_table(analysis)),
    ];
    blocks.extend(warnings(analysis));
    blocks
}

fn facts(analysis: &Analysis, imported: &Imported) -> Vec<(&'static str, String)> {
    let run = &analysis.run;
    let title = imported.title.as_ref().map(|title| format!(" ({title})"));
    vec![
        (
            "source",
            plain(&format!(
                "{}{}; {}",
                imported.origin(),
                title.unwrap_or_default(),
                imported.whose()
            )),
        ),
        (
            "file",
            plain(&format!("{}, SHA-256 {}", imported.file, imported.sha256)),
        ),
        (
            "made",
            format!(
                "imported {}, tiermark {}{}",
                run.created.strftime("%Y-%m-%d %H:%M UTC"),
                run.tool_version,
                revision(analysis)
            ),
        ),
    ]
}

// The rated table. ---------------------------------------------------------------------------------------------------

fn rating_table(analysis: &Analysis, imported: &Imported) -> Table {
    let is_tfb = imported.format == ImportFormat::Tfb;
    let mut columns = vec![
        left("entry"),
        left("language"),
        left("data"),
        left("overall"),
        right("share"),
        right("has"),
    ];
    if is_tfb {
        columns.extend([right("summed"), right("place"), right("tests")]);
    }
    let row = |entry: &EntryAnalysis| {
        let composite = entry.composite.as_ref();
        let mut cells = vec![
            both_names_of(entry).into(),
            or_nothing(&entry.language),
            or_nothing(&entry.data_layer_name),
            Text {
                lines: vec![composite.map_or_else(|| NOTHING.to_owned(), |c| rating_name(c.rating.as_ref()))],
                tone: tone(composite.and_then(|composite| composite.rating.as_ref())),
            },
            composite
                .map_or_else(|| NOTHING.to_owned(), |c| times(c.share.value))
                .into(),
            composite.map_or_else(|| NOTHING.to_owned(), has).into(),
        ];
        if is_tfb {
            cells.extend(summed(entry));
        }
        TableRow {
            group: String::new(),
            cells,
        }
    };
    Table {
        group_title: "",
        rows: analysis.entries.iter().map(row).collect(),
        columns,
        repeated: 1,
    }
}

/// The name of its row: ours, with the variant if the file names one.
fn name_of(entry: &EntryAnalysis) -> String {
    let own = &entry.id.framework;
    let named = in_file(entry).filter(|name| name.starts_with(&format!("{own}/")));
    plain(named.unwrap_or(own))
}

/// The same with the file's own name, if that is different.
fn both_names_of(entry: &EntryAnalysis) -> String {
    let name = name_of(entry);
    match in_file(entry) {
        Some(other) if !other.eq_ignore_ascii_case(&name) => plain(&format!("{name} ({other})")),
        _ => name,
    }
}

fn in_file(entry: &EntryAnalysis) -> Option<&str> {
    let row = &entry.imported.as_ref()?.row;
    Some(row.name.as_str()).filter(|name| !name.is_empty())
}

fn or_nothing(text: &str) -> Text {
    if text.is_empty() || text == NOT_KNOWN {
        NOTHING.into()
    } else {
        plain(text).into()
    }
}

fn has(composite: &Composite) -> String {
    format!("{}/{}", composite.has, composite.of)
}

fn summed(entry: &EntryAnalysis) -> [Text; 3] {
    let imported = entry.imported.as_ref();
    let summed = imported.and_then(|imported| imported.summed);
    let tests = imported.map_or_else(String::new, |imported| {
        let stripped = if imported.row.stripped { "*" } else { "" };
        format!("{}{stripped}", imported.row.tests.len())
    });
    [
        summed
            .map_or_else(|| NOTHING.to_owned(), |summed| format!("{:.3}", summed.sum))
            .into(),
        summed
            .map_or_else(|| NOTHING.to_owned(), |summed| summed.place.to_string())
            .into(),
        tests.into(),
    ]
}

fn legend(analysis: &Analysis, imported: &Imported) -> Vec<String> {
    let mut all = vec![
        "tier: the value as a share of the reference. High is 1/2 of it or more, Mid-High 1/4, Mid 1/8, Low-Mid 1/16, Low less: \
         one tier down means about twice the servers. There are no intervals, so that a tier beside a boundary may be the next one."
            .to_owned(),
        reference_rule(analysis),
        composite_rule(analysis),
        value_rule(imported),
    ];
    if imported.format == ImportFormat::Tfb {
        all.extend(tfb_rules(analysis));
    }
    let kinds = [DataLayerKind::Raw, DataLayerKind::Micro, DataLayerKind::Full].map(|kind| kind.to_string());
    if analysis.entries.iter().any(|entry| {
        entry
            .data_layer_name
            .split('+')
            .any(|name| kinds.iter().any(|kind| kind == name))
    }) {
        all.push(
            "data: raw is SQL through a driver, micro a thin mapper, full an object-relational mapper; with + the tests that a row rests on differ."
                .to_owned(),
        );
    }
    all.extend(imported.notes.iter().map(|note| plain(note)));
    all
}

fn value_rule(imported: &Imported) -> String {
    match imported.format {
        ImportFormat::Tfb => {
            "value: (totalRequests − 5xx) / duration, the highest of all levels; of queries, updates and cached-queries the last level. No latency is \
             judged: the file has no histograms."
        }
        ImportFormat::Csv => "value: the rate that stands in the table. No latency is judged: there is none in it.",
    }
    .to_owned()
}

fn tfb_rules(analysis: &Analysis) -> Vec<String> {
    let sums = analysis
        .entries
        .iter()
        .filter_map(|entry| entry.imported.as_ref()?.summed);
    let (count, of) = sums.fold((0, 0.0), |(count, _), summed| (count + 1, summed.of));
    let mut all = vec![format!(
        "summed: composites of TechEmpower's kind add: the sum of weight × rate / best rate in the file, {of} at most, for frameworks that have all of it and a \
         name of their own ({count} here); place is the rank by it. Ours is the geometric mean (share): one slow test costs more there than a fast one gains. \
         What TechEmpower's site divides by is not published with its sources."
    )];
    let rows = || {
        analysis
            .entries
            .iter()
            .filter_map(|entry| Some(&entry.imported.as_ref()?.row))
    };
    if rows().any(|row| row.tests.len() > 1) {
        all.push(
            "tests above 1: several tests joined. Of the tests of one framework the best counts in each scenario, as in TechEmpower's composite: it may be that no \
             single server does all of it."
                .to_owned(),
        );
    }
    if rows().any(|row| row.stripped) {
        all.push(
            "*: a rate of the row is of a test that the file marks as stripped: nobody would run it so.".to_owned(),
        );
    }
    all
}

// The rates. ---------------------------------------------------------------------------------------------------------

fn rates_table(analysis: &Analysis) -> Table {
    let mut columns = vec![left("entry")];
    columns.extend(analysis.scenarios.iter().map(|scenario| right(&scenario.name)));
    let row = |entry: &EntryAnalysis| {
        let families = analysis.scenarios.iter().map(|scenario| {
            analysis
                .family(&entry.id, &scenario.name)
                .map_or_else(|| NOTHING.into(), rate_text)
        });
        TableRow {
            group: String::new(),
            cells: std::iter::once(name_of(entry).into()).chain(families).collect(),
        }
    };
    Table {
        group_title: "",
        rows: analysis.entries.iter().map(row).collect(),
        columns,
        repeated: 1,
    }
}

fn rate_text(family: &Family) -> Text {
    let Some(value) = family.value else {
        return match family.standing {
            Standing::NotMeasured => NOTHING.into(),
            _ => Text {
                lines: vec![family.standing.name().to_owned()],
                tone: Tone::Bad,
            },
        };
    };
    let per_s = rate(value.per_s);
    let tier = family.rating.map_or("", |rating| short(rating.tier));
    Text {
        lines: vec![format!("{} {tier:<2}", per_s.trim_end_matches("/s"))],
        tone: tone(family.rating.as_ref()),
    }
}

fn short(tier: Tier) -> &'static str {
    match tier {
        Tier::High => "H",
        Tier::MidHigh => "MH",
        Tier::Mid => "M",
        Tier::LowMid => "LM",
        Tier::Low => "L",
    }
}
