//! The verdicts as text and as Markdown.

use super::{Checked, ClaimVerdict, ClaimsReport, Finding, NumberMethod, SideBySide, words};
use crate::show::markdown;
use crate::show::numbers::{NOTHING, plain, times};
use crate::show::table::{Block, Table, TableRow, Text, Tone, left, right};
use crate::show::text::{self, Style};

/// Writes the verdicts as plain text.
#[must_use]
pub fn render_text(report: &ClaimsReport, style: &Style) -> String {
    text::render_blocks(&document(report), style)
}

/// Writes the verdicts as Markdown.
#[must_use]
pub fn render_markdown(report: &ClaimsReport) -> String {
    markdown::render_blocks(&document(report))
}

fn document(report: &ClaimsReport) -> Vec<Block> {
    let mut blocks = vec![
        Block::Title(format!("claims, held against run {}", plain(&report.run))),
        Block::Facts(facts(report)),
    ];
    blocks.extend(side_by_side(report));
    blocks.extend(contradictions(report));
    for count in report.counts.iter().filter(|count| count.claims > 0) {
        blocks.push(Block::Heading(format!(
            "{}: {}",
            capitalised(count.verdict.name()),
            count.claims
        )));
        let those = report.claims.iter().filter(|claim| claim.verdict == count.verdict);
        those.for_each(|claim| blocks.extend(claim_blocks(claim)));
    }
    if !report.claims.is_empty() {
        blocks.push(Block::Heading("How to read it".to_owned()));
        blocks.push(Block::List(legend(report)));
    }
    blocks
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn facts(report: &ClaimsReport) -> Vec<(&'static str, String)> {
    let blocks = if report.blocks == 1 { "block" } else { "blocks" };
    let counts: Vec<String> = (report.counts.iter())
        .map(|count| format!("{} {}", count.claims, count.verdict.name()))
        .collect();
    let mut documents: Vec<&str> = report
        .claims
        .iter()
        .map(|claim| claim.source.document.as_str())
        .collect();
    documents.sort_unstable();
    documents.dedup();
    vec![
        (
            "run",
            format!(
                "{}: suite {}, {} {blocks}",
                plain(&report.run),
                report.suite,
                report.blocks
            ),
        ),
        ("said", documents.join("; ")),
        ("claims", format!("{}: {}", report.claims.len(), counts.join(", "))),
    ]
}

// Tiers side by side. ------------------------------------------------------------------------------------------------

fn side_by_side(report: &ClaimsReport) -> Vec<Block> {
    let columns = vec![
        left("framework"),
        left("published"),
        left("measured"),
        right("share"),
        right("steps"),
        left("data"),
        left("verdict"),
    ];
    let rows = report.side_by_side.iter().map(|row| TableRow {
        group: String::new(),
        cells: side_by_side_cells(row),
    });
    let table = Table {
        group_title: "",
        columns,
        repeated: 1,
        rows: rows.collect(),
    };
    let why = report.side_by_side.iter().filter(|row| row.share.is_some());
    let mut blocks = vec![
        Block::Heading("Tiers side by side".to_owned()),
        Block::Table(table),
        Block::Paragraph(format!(
            "measured: the tier over weight set {}, of the framework's default variant. steps: tiers above what was published; one \
             is a factor of two. ≥, ≤ or ~: generator or database held back the entry, the reference or both.",
            report.weights
        )),
    ];
    let why: Vec<String> = why
        .map(|row| format!("{}: {}.", plain(&row.title), plain(&row.why)))
        .collect();
    if !why.is_empty() {
        blocks.push(Block::List(why));
    }
    blocks
}

fn side_by_side_cells(row: &SideBySide) -> Vec<Text> {
    let or_nothing = |text: Option<String>| Text::from(text.unwrap_or_else(|| NOTHING.to_owned()));
    let signed = |steps: i8| match steps {
        0 => "0".to_owned(),
        steps if steps > 0 => format!("+{steps}"),
        steps => format!("−{}", -i16::from(steps)),
    };
    let steps = row.steps.map(|steps| {
        let mark = row.measured.map_or("", |rating| rating.bound.mark());
        if steps.least == steps.most {
            format!("{mark}{}", signed(steps.most))
        } else {
            format!("{mark}{} to {}", signed(steps.least), signed(steps.most))
        }
    });
    let measured = match (row.measured, row.share) {
        (Some(rating), _) => Some(rating.to_string()),
        (None, None) => Some("not measured".to_owned()),
        (None, Some(_)) => None,
    };
    vec![
        plain(&row.title).into(),
        or_nothing(row.published.map(|tier| tier.to_string())),
        or_nothing(measured),
        or_nothing(row.share.map(times)),
        or_nothing(steps),
        or_nothing(row.data_layer.map(|kind| kind.to_string())),
        Text {
            tone: row.verdict.map_or(Tone::Plain, tone),
            ..or_nothing(row.verdict.map(|verdict| verdict.name().to_owned()))
        },
    ]
}

fn tone(verdict: ClaimVerdict) -> Tone {
    match verdict {
        ClaimVerdict::Supported => Tone::Good,
        ClaimVerdict::Refuted => Tone::Bad,
        ClaimVerdict::Inconclusive => Tone::Middling,
        ClaimVerdict::Untested | ClaimVerdict::NotComparable => Tone::Plain,
    }
}

// Contradictions. ----------------------------------------------------------------------------------------------------

/// Groups of claims that are linked by contradictions, each with its verdict, side by side.
fn contradictions(report: &ClaimsReport) -> Vec<Block> {
    let said = |claim: &&Checked| plain(&format!("{} ({}: {})", claim.title, claim.name, claim.verdict.name()));
    let items: Vec<String> = clusters(&report.claims)
        .iter()
        .map(|cluster| cluster.iter().map(said).collect::<Vec<_>>().join(" Against it: "))
        .collect();
    if items.is_empty() {
        return vec![];
    }
    vec![
        Block::Heading("Statements that contradict each other".to_owned()),
        Block::List(items),
    ]
}

/// Claims linked by contradictions, directly or through others.
fn clusters(claims: &[Checked]) -> Vec<Vec<&Checked>> {
    let mut found: Vec<Vec<&Checked>> = Vec::new();
    for claim in claims.iter().filter(|claim| !claim.contradicts.is_empty()) {
        let linked = |cluster: &Vec<&Checked>| cluster.iter().any(|other| claim.contradicts.contains(&other.name));
        let (joined, apart): (Vec<_>, Vec<_>) = found.into_iter().partition(linked);
        found = apart;
        found.push(joined.into_iter().flatten().chain([claim]).collect());
    }
    found
}

// Claims. ------------------------------------------------------------------------------------------------------------

fn claim_blocks(claim: &Checked) -> [Block; 2] {
    let source = &claim.source;
    let names = source.names.as_ref().map(|names| format!(" (it names: {names})"));
    let date = source.date.as_ref().map(|date| format!(", {date}"));
    let said = format!(
        "{}{}{}",
        source.place,
        date.unwrap_or_default(),
        names.unwrap_or_default()
    );
    let mut facts = vec![("said", plain(&said))];
    facts.extend(claim.reason.as_ref().map(|reason| ("why", plain(reason))));
    for finding in &claim.findings {
        match finding.verdict {
            Some(_) => {
                facts.push(("asked", plain(&finding.asked)));
                facts.push(("found", plain(&found(finding, claim.findings.len() > 1))));
            }
            None => facts.push(("ours", plain(&format!("{}: {}", finding.asked, shown(finding))))),
        }
    }
    facts.extend(claim.note.as_ref().map(|note| ("note", plain(note))));
    facts.extend(claim.command.as_ref().map(|command| ("to know", plain(command))));
    [
        Block::Paragraph(plain(&format!("{}: {}", claim.name, claim.title))),
        Block::Facts(facts),
    ]
}

/// The numbers, and if they decide nothing, the reason.
fn found(finding: &Finding, is_one_of_several: bool) -> String {
    let mut text = String::new();
    if let Some(verdict) = finding.verdict.filter(|_| is_one_of_several) {
        text.push_str(&format!("{}: ", verdict.name()));
    }
    if let Some(ratio) = &finding.ratio {
        text.push_str(&format!(
            "{}{}",
            times(ratio.estimate),
            words::ends(ratio.interval, times)
        ));
    }
    let figures = shown(finding);
    if finding.ratio.is_some() && !figures.is_empty() {
        text.push_str(": ");
    }
    text.push_str(&figures);
    if let Some(reason) = finding.reason.as_ref().filter(|_| finding.verdict.is_some()) {
        let leaning = finding
            .leaning
            .map(|leaning| format!(" (by itself the number would {} it)", leaning_word(leaning)));
        let separator = if figures.is_empty() { "" } else { "; " };
        text.push_str(&format!("{separator}{reason}{}", leaning.unwrap_or_default()));
    }
    text
}

fn leaning_word(leaning: ClaimVerdict) -> &'static str {
    if leaning == ClaimVerdict::Supported {
        "support"
    } else {
        "refute"
    }
}

/// The numbers themselves. The two sides of a ratio have no intervals here: they may overlap although the ratio is clearly not 1.
fn shown(finding: &Finding) -> String {
    let figures = finding.figures.iter().map(|figure| {
        let what = figure.metric.what;
        let number = words::number(what, figure.estimate);
        let level = figure.level.as_ref().filter(|_| figure.metric.load.is_none());
        let level = level.map(|level| format!(" at {level}")).unwrap_or_default();
        let interval = if finding.ratio.is_some() || figure.method == NumberMethod::Exact {
            String::new()
        } else {
            words::ends(figure.interval, |value| words::number(what, value))
        };
        format!("{} {number}{level}{interval}", figure.entry)
    });
    let figures: Vec<String> = figures.collect();
    match (&finding.reason, finding.verdict) {
        (Some(reason), None) if figures.is_empty() => reason.clone(),
        _ => figures.join(", "),
    }
}

fn legend(report: &ClaimsReport) -> Vec<String> {
    let mut all = vec![
        format!(
            "supported, refuted: the whole {:.0}% interval satisfies or violates what is asked. inconclusive: it reaches over the edge, \
             or a bound was measured and not the value. It is about this machine and this run.",
            100.0 * report.confidence
        ),
        "untested: the run does not have it, or no run can have it. not comparable: figures of other hardware or of hosted functions, with \
         ours beside them, which decide nothing."
            .to_owned(),
    ];
    let used = |method: NumberMethod| {
        let of = |finding: &Finding| {
            finding.ratio.is_some_and(|ratio| ratio.method == method)
                || finding.figures.iter().any(|figure| figure.method == method)
        };
        report.claims.iter().flat_map(|claim| &claim.findings).any(of)
    };
    let methods = [
        (
            NumberMethod::PairedT,
            "ratios: t-interval on logarithms over paired blocks, what a block did to all taken out, spread pooled over the scenario's cells",
        ),
        (
            NumberMethod::PooledT,
            "numbers: t-interval on logarithms of what each start showed, spread pooled over the scenario's cells; a percentile itself is \
             that of the merged histogram",
        ),
        (
            NumberMethod::Bootstrap,
            "values over ten starts and more: bootstrap over starts",
        ),
        (
            NumberMethod::Binomial,
            "errors: exact binomial interval (Clopper-Pearson), requests taken as independent",
        ),
        (
            NumberMethod::Share,
            "shares of the reference: the interval of the report",
        ),
    ];
    let explained = methods.iter().filter(|(method, _)| used(*method));
    all.extend(explained.map(|(_, words)| format!("{words}.")));
    all
}
