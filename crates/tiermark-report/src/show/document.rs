//! The report as a list of blocks: what is said, in which order. How it looks is the renderers' business.

use tiermark_model::format::quantity::{Quantity, Vocabulary as _, WeightNames};
use tiermark_model::host::Role;

use crate::analysis::{
    Analysis, Composite, EntryAnalysis, Family, LoadKind, ScenarioAnalysis, Standing, ValueRule, Warning, WeightUse,
};
use crate::quantity::words::written_in;
use crate::rate::stats::{BOOTSTRAP_FROM, Interval};
use crate::rate::tiers::Rating;
use crate::show::imported_document::imported_document;
use crate::show::levels::{levels_legend, levels_table, objective_of};
use crate::show::numbers::{NOTHING, bytes, milliseconds, plain, plus_minus, rate, times};
use crate::show::rules::{composite_rule, counted, rating_name, reference_rule, revision, tone, warnings};
use crate::show::table::{Block, Table, TableRow, Text, Tone, left, right};

/// The whole report.
pub(crate) fn document(analysis: &Analysis) -> Vec<Block> {
    if let Some(imported) = &analysis.run.imported {
        return imported_document(analysis, imported);
    }
    let mut blocks = vec![
        Block::Title(format!("tiermark run {}", plain(&analysis.run.name))),
        Block::Facts(facts(analysis)),
    ];
    blocks.push(Block::Heading("Rating".to_owned()));
    blocks.push(Block::Table(rating_table(
        analysis,
        &analysis.scenarios.iter().collect::<Vec<_>>(),
    )));
    blocks.push(Block::List(legend(analysis)));
    if weight_sets(analysis).count() > 1 {
        blocks.push(Block::Heading("Rating by weight set".to_owned()));
        blocks.push(Block::Table(weight_sets_table(analysis)));
        blocks.push(Block::List(weight_sets_legend(analysis)));
    }
    for scenario in &analysis.scenarios {
        blocks.push(Block::Heading(format!("{}: {}", scenario.name, plain(&scenario.title))));
        blocks.push(Block::Paragraph(objective_of(scenario)));
        blocks.push(Block::Table(levels_table(analysis, scenario)));
    }
    blocks.push(Block::Paragraph(levels_legend(analysis)));
    blocks.push(Block::Heading("Cold start".to_owned()));
    blocks.push(Block::Table(starts_table(analysis)));
    blocks.push(Block::Paragraph(
        "Medians over starts, since the start was asked for; – is what the runner cannot tell. Idle memory is measured before any load.".to_owned(),
    ));
    blocks.extend(warnings(analysis));
    blocks
}

/// The rating by the weight set's scenarios alone, and what its words mean.
pub(crate) fn summary(analysis: &Analysis) -> Vec<Block> {
    if let Some(imported) = &analysis.run.imported {
        return imported_document(analysis, imported);
    }
    let counted: Vec<&ScenarioAnalysis> = (analysis.scenarios.iter())
        .filter(|scenario| analysis.weights.counted.contains(&scenario.name))
        .collect();
    vec![
        Block::Facts(facts(analysis)),
        Block::Table(rating_table(analysis, &counted)),
        Block::List(number_rules(analysis)),
    ]
}

pub(crate) fn facts(analysis: &Analysis) -> Vec<(&'static str, String)> {
    let run = &analysis.run;
    let mut facts = vec![(
        "made",
        format!(
            "{}, tiermark {}{}",
            run.created.strftime("%Y-%m-%d %H:%M UTC"),
            run.tool_version,
            revision(analysis)
        ),
    )];
    for (id, host) in &run.hosts {
        let distribution = host
            .distribution
            .as_ref()
            .map(|name| format!(", {name}"))
            .unwrap_or_default();
        let cores = if host.cores == 1 {
            "1 core".to_owned()
        } else {
            format!("{} cores", host.cores)
        };
        let memory = bytes(host.memory_bytes as f64);
        facts.push((
            "host",
            plain(&format!(
                "{id}: {}, {cores}, {memory}, {} {}{distribution}",
                host.cpu, host.os, host.kernel
            )),
        ));
    }
    facts.push(("suite", suite(analysis)));
    facts.push(("cores", cores(analysis)));
    if run.final_trials < run.planned_trials {
        facts.push((
            "trials",
            format!(
                "{} of {} planned: this run is not complete",
                run.final_trials, run.planned_trials
            ),
        ));
    }
    facts
}

fn suite(analysis: &Analysis) -> String {
    let run = &analysis.run;
    let warm_up = match run.start_warmup_s {
        [0.0, _] => String::new(),
        [least, limit] if limit <= least => format!("{least} s warm-up a scenario after each start, "),
        [least, limit] => format!("{least} to {limit} s warm-up a scenario after each start, "),
    };
    let cells = match run.turns {
        Some(turns) => format!("in rounds, {turns} turns a cell"),
        None => format!("{} s warm-up and {} s window a cell", run.warmup_s, run.duration_s),
    };
    format!(
        "{}: {} block{}, {warm_up}{cells}, runner {}",
        run.suite,
        run.blocks,
        if run.blocks == 1 { "" } else { "s" },
        run.runner
    )
}

fn cores(analysis: &Analysis) -> String {
    let placement = &analysis.run.placement;
    let of = |role: Role| {
        let cores: Vec<String> = placement.of(role).iter().map(ToString::to_string).collect();
        format!(
            "{role} {}",
            if cores.is_empty() {
                NOTHING.to_owned()
            } else {
                cores.join(",")
            }
        )
    };
    let all = [Role::Server, Role::Database, Role::Generator].map(of).join(" · ");
    if placement.shared {
        format!("{all}  (warning: shared)")
    } else {
        all
    }
}

// The rated table. ---------------------------------------------------------------------------------------------------

fn rating_table(analysis: &Analysis, scenarios: &[&ScenarioAnalysis]) -> Table {
    let mut columns = vec![left("entry"), left("data"), left("overall")];
    columns.extend(scenarios.iter().map(|scenario| left(&scenario.name)));
    let rows = analysis.entries.iter().map(|entry| {
        let mut cells = vec![
            entry_text(entry),
            entry.data_layer.to_string().into(),
            overall(entry.composite.as_ref()),
        ];
        cells.extend(scenarios.iter().map(|scenario| {
            analysis
                .family(&entry.id, &scenario.name)
                .map(|family| family_text(analysis, scenario, family))
                .unwrap_or_default()
        }));
        TableRow {
            group: String::new(),
            cells,
        }
    });
    Table {
        group_title: "",
        rows: rows.collect(),
        columns,
        repeated: 3,
    }
}

/// The framework, and below it the variant and version: side by side they would push a scenario off a usual terminal.
fn entry_text(entry: &EntryAnalysis) -> Text {
    let version = entry
        .version
        .as_ref()
        .filter(|_| !entry.built_in)
        .map(|version| format!(" {}", plain(version)));
    let what = if entry.built_in { "yardstick" } else { &entry.id.variant };
    Text {
        lines: vec![
            entry.id.framework.clone(),
            format!("{what}{}", version.unwrap_or_default()),
        ],
        tone: Tone::Plain,
    }
}

fn overall(composite: Option<&Composite>) -> Text {
    let Some(composite) = composite else {
        return NOTHING.into();
    };
    let width = composite
        .share
        .interval
        .filter(|interval| interval.low < interval.high)
        .map(plus_minus);
    let share = [Some(times(composite.share.value)), width]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    let mut lines = vec![rating_name(composite.rating.as_ref()), share];
    lines.extend(composite.rating.as_ref().and_then(chances));
    if composite.is_partial() {
        lines.push(format!("partial {}/{}", composite.has, composite.of));
    }
    Text {
        lines,
        tone: tone(composite.rating.as_ref()),
    }
}

/// The probability of each named tier, if the interval crosses a boundary.
fn chances(rating: &Rating) -> Option<String> {
    let probabilities = rating.probabilities.filter(|_| rating.best != rating.worst)?;
    let named = probabilities.get(rating.best as usize..=rating.worst as usize)?;
    let percents: Vec<String> = named.iter().map(|share| format!("{:.0}", 100.0 * share)).collect();
    Some(format!("{}%", percents.join("/")))
}

/// What the weight set compares with its interval, and below it the tier; or why there is none.
fn family_text(analysis: &Analysis, scenario: &ScenarioAnalysis, family: &Family) -> Text {
    let measure = analysis.weights.set.measure;
    let tier = match (&family.rating, &family.share) {
        (Some(rating), _) => Some(rating.to_string()),
        (None, Some(share)) => Some(format!("— {}", times(share.value))),
        (None, None) => None,
    };
    let first = match (measure, family.value, &family.share, &scenario.reference) {
        (Quantity::Rate, Some(value), ..) => {
            let bound = if family.lower_bound { "≥" } else { "" };
            Some(format!("{bound}{}{}", rate(value.per_s), width(value.interval)))
        }
        // Of a time the share is reference / value.
        (_, _, Some(share), Some(reference)) if measure != Quantity::Rate && !share.is_missed() => {
            let time = written_in(WeightNames::unit(measure), measure, reference.value / share.value);
            let interval = share.interval.filter(|interval| interval.low < interval.high);
            Some(format!("{time}{}", width(interval)))
        }
        _ => None,
    };
    let Some(first) = first else {
        let standing = match (measure, &family.share) {
            (Quantity::P99, Some(_)) => "rate not sustained",
            (_, None) if measure != Quantity::Rate && family.standing == Standing::Ok => "not measured",
            _ => family.standing.name(),
        };
        return Text {
            lines: std::iter::once(standing.to_owned()).chain(tier).collect(),
            tone: Tone::Bad,
        };
    };
    let below = tier.unwrap_or_else(|| "—".to_owned());
    Text {
        lines: [Some(first), Some(below), family.rating.as_ref().and_then(chances)]
            .into_iter()
            .flatten()
            .collect(),
        tone: tone(family.rating.as_ref()),
    }
}

fn width(interval: Option<Interval>) -> String {
    interval
        .map(|interval| format!(" {}", plus_minus(interval)))
        .unwrap_or_default()
}

/// The weight sets by which something can be rated in this run, each with its place among the further ones; none for the report's own.
fn weight_sets(analysis: &Analysis) -> impl Iterator<Item = (Option<usize>, &WeightUse)> {
    let further = analysis.also.iter().enumerate().map(|(index, set)| (Some(index), set));
    std::iter::once((None, &analysis.weights))
        .chain(further)
        .filter(|(_, set)| !set.counted.is_empty())
}

fn composite_by(entry: &EntryAnalysis, further: Option<usize>) -> Option<&Composite> {
    further.map_or(entry.composite.as_ref(), |index| {
        entry.also.get(index).and_then(Option::as_ref)
    })
}

/// Every entry's standing by each weight set.
fn weight_sets_table(analysis: &Analysis) -> Table {
    let mut columns = vec![left("entry")];
    columns.extend(weight_sets(analysis).map(|(_, set)| left(&set.set.name)));
    let row = |entry: &EntryAnalysis| TableRow {
        group: String::new(),
        cells: std::iter::once(entry_text(entry))
            .chain(weight_sets(analysis).map(|(further, _)| overall(composite_by(entry, further))))
            .collect(),
    };
    Table {
        group_title: "",
        rows: analysis.entries.iter().map(row).collect(),
        columns,
        repeated: 1,
    }
}

fn weight_sets_legend(analysis: &Analysis) -> Vec<String> {
    let mut lines: Vec<String> = weight_sets(analysis)
        .map(|(_, weights)| format!("{}: {}.", weights.set.name, counted(weights)))
        .collect();
    let nothing: Vec<&str> = (analysis.also.iter())
        .filter(|set| set.counted.is_empty())
        .map(|set| set.set.name.as_str())
        .collect();
    if !nothing.is_empty() {
        lines.push(format!(
            "not measured in this run: what {} compares.",
            nothing.join(" and ")
        ));
    }
    lines
}

/// What the numbers of a rated table and the tiers below them mean.
pub(crate) fn number_rules(analysis: &Analysis) -> Vec<String> {
    let mut all = vec![
        tier_rule(),
        reference_rule(analysis),
        composite_rule(analysis),
        value_rule(analysis),
        interval_rule(analysis),
    ];
    if analysis.families.iter().any(|family| family.lower_bound) {
        all.push(bound_rule());
    }
    all
}

pub(crate) fn legend(analysis: &Analysis) -> Vec<String> {
    let mut all = number_rules(analysis);
    if analysis
        .warnings
        .iter()
        .any(|warning| matches!(warning, Warning::WithoutNumber { .. }))
    {
        all.push(
            "failed, invalid, unsupported, not buildable here: there is no number, and the reason stands at the end."
                .to_owned(),
        );
    }
    if analysis.entries.iter().any(|entry| entry.built_in) {
        all.push("yardstick: tiermark's own server shows what this host can do; it has rates, but no tier, and is never the reference.".to_owned());
    }
    all.push("data: raw is SQL through a driver, micro a thin mapper, full an object-relational mapper.".to_owned());
    all
}

fn tier_rule() -> String {
    "tier: the value as a share of the reference. High is 1/2 of it or more, Mid-High 1/4, Mid 1/8, Low-Mid 1/16, Low less: \
     one tier down means about twice the servers. Two names: the interval reaches over the boundary; 62/38%: the probability of each, \
     best first."
        .to_owned()
}

fn value_rule(analysis: &Analysis) -> String {
    let rule = match analysis.value_rule {
        ValueRule::Objective if analysis.run.turns.is_some() => {
            "value: the rate of right answers at the load level that was chosen before: the fewest connections near the best rate within the \
             scenario's objective; objective missed: one connection missed it too, valued at 1/32 of the reference."
        }
        ValueRule::Objective => {
            "value: the highest rate of right answers among the load levels that meet the scenario's objective; objective missed: \
             none does, valued at 1/32 of the reference."
        }
        ValueRule::Peak => "value: the highest rate of right answers, whatever its latency and errors (--value peak).",
    };
    let cells = analysis.families.iter().flat_map(|family| &family.cells);
    if cells.into_iter().all(|cell| cell.kind == LoadKind::Closed) {
        return rule.to_owned();
    }
    format!(
        "{rule} Of several kinds of load the first there is counts: closed loops, searches for the capacity, open loops (which ask for no \
         more than they do, so that their rates are lower bounds)."
    )
}

fn interval_rule(analysis: &Analysis) -> String {
    let blocks = analysis.run.blocks;
    if analysis
        .families
        .iter()
        .all(|family| family.value.is_none_or(|value| value.interval.is_none()))
    {
        return "±: there is no interval, because it takes two starts or more of some entry. A difference may be chance.".to_owned();
    }
    if analysis.run.turns.is_some() {
        let most = analysis
            .families
            .iter()
            .filter_map(|family| family.value)
            .map(|value| value.starts)
            .max();
        return format!(
            "±: 95% interval over the starts of an entry, {} at most (t-interval, spread pooled over the scenario's cells), without what the machine's \
             speed did to all alike. It is about this machine and this run, not about other machines.",
            most.unwrap_or(0)
        );
    }
    let how = if blocks as usize >= BOOTSTRAP_FROM {
        "bootstrap over starts"
    } else {
        "t-interval, spread pooled over the scenario's cells"
    };
    format!(
        "±: 95% interval over {blocks} starts ({how}). It is about this machine and this run, not about other machines."
    )
}

fn bound_rule() -> String {
    "≥ before a rate: the load generator or the database was the limit, or the load asked for no more: the server can do this or more. ≥, ≤ or ~ before a tier: it rests on \
     such a rate of the entry, of the reference, or of both, and tells nobody apart."
        .to_owned()
}

// Starts. ------------------------------------------------------------------------------------------------------------

fn starts_table(analysis: &Analysis) -> Table {
    let columns = vec![
        left("entry"),
        right("created"),
        right("running"),
        right("listening"),
        right("first answer"),
        right("idle memory"),
        right("image"),
        left("version"),
    ];
    let rows = analysis.entries.iter().map(|entry| {
        let or_nothing = |text: Option<String>| Text::from(text.unwrap_or_else(|| NOTHING.to_owned()));
        let start = &entry.start;
        let cells = vec![
            entry.id.to_string().into(),
            or_nothing(start.created_ms.map(milliseconds)),
            or_nothing(start.running_ms.map(milliseconds)),
            or_nothing(start.listening_ms.map(milliseconds)),
            or_nothing(start.first_right_answer_ms.map(milliseconds)),
            or_nothing(start.idle_memory_bytes.map(bytes)),
            or_nothing(entry.image_bytes.map(|size| bytes(size as f64))),
            or_nothing(entry.version.as_ref().map(|version| plain(version))),
        ];
        TableRow {
            group: String::new(),
            cells,
        }
    });
    Table {
        group_title: "",
        rows: rows.collect(),
        columns,
        repeated: 1,
    }
}
