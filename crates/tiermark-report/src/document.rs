//! The report as a list of blocks: what is said, in which order. How it looks is the renderers' business.

use tiermark_model::host::Role;

use crate::analysis::{
    Analysis, Cell, Composite, EntryAnalysis, Family, Judgement, ScenarioAnalysis, Standing, ValueRule, Warning,
};
use crate::numbers::{
    NOTHING, bytes, duration_ns, milliseconds, percent, plain, plus_minus, rate, three_digits, times,
};
use crate::stats::BOOTSTRAP_FROM;
use crate::table::{Block, Row, Table, Text, Tone, left, right};
use crate::tiers::{Rating, Tier};

/// The whole report.
pub(crate) fn document(analysis: &Analysis) -> Vec<Block> {
    let mut blocks = vec![
        Block::Title(format!("tiermark run {}", plain(&analysis.run.name))),
        Block::Facts(facts(analysis)),
    ];
    blocks.push(Block::Heading("Rating".to_owned()));
    blocks.push(Block::Table(rating_table(analysis)));
    blocks.push(Block::List(legend(analysis)));
    for scenario in &analysis.scenarios {
        blocks.push(Block::Heading(format!("{}: {}", scenario.name, plain(&scenario.title))));
        blocks.push(Block::Paragraph(objective_of(scenario)));
        blocks.push(Block::Table(levels_table(analysis, scenario)));
    }
    blocks.push(Block::Paragraph(levels_legend()));
    blocks.push(Block::Heading("Cold start".to_owned()));
    blocks.push(Block::Table(starts_table(analysis)));
    blocks.push(Block::Paragraph(
        "Medians over starts, since the start was asked for; – is what the runner cannot tell. Idle memory is measured before any load.".to_owned(),
    ));
    if !analysis.warnings.is_empty() {
        blocks.push(Block::Heading("Before you believe a number".to_owned()));
        blocks.push(Block::List(
            analysis
                .warnings
                .iter()
                .map(|warning| plain(&warning.to_string()))
                .collect(),
        ));
    }
    blocks
}

fn facts(analysis: &Analysis) -> Vec<(&'static str, String)> {
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
    facts.push((
        "suite",
        format!(
            "{}: {} block{}, {} s warm-up and {} s window a cell, runner {}",
            run.suite,
            run.blocks,
            if run.blocks == 1 { "" } else { "s" },
            run.warmup_s,
            run.duration_s,
            run.runner
        ),
    ));
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

fn revision(analysis: &Analysis) -> String {
    analysis
        .run
        .tool_revision
        .as_ref()
        .map(|revision| format!(" ({revision})"))
        .unwrap_or_default()
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
        format!("{all}  (warning: shared, see the end)")
    } else {
        all
    }
}

// The rated table. ---------------------------------------------------------------------------------------------------

fn rating_table(analysis: &Analysis) -> Table {
    let mut columns = vec![left("entry"), left("data"), left("overall")];
    columns.extend(analysis.scenarios.iter().map(|scenario| left(&scenario.name)));
    let rows = analysis.entries.iter().map(|entry| {
        let mut cells = vec![
            entry_text(entry),
            entry.data_layer.to_string().into(),
            overall(entry.composite.as_ref()),
        ];
        cells.extend(analysis.scenarios.iter().map(|scenario| {
            analysis
                .family(&entry.id, &scenario.name)
                .map(family_text)
                .unwrap_or_default()
        }));
        Row {
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
    if composite.is_partial() {
        lines.push(format!("partial {}/{}", composite.has, composite.of));
    }
    Text {
        lines,
        tone: tone(composite.rating.as_ref()),
    }
}

fn rating_name(rating: Option<&Rating>) -> String {
    rating.map_or_else(|| "—".to_owned(), ToString::to_string)
}

fn tone(rating: Option<&Rating>) -> Tone {
    match rating.map(|rating| rating.tier) {
        Some(Tier::High) => Tone::Good,
        Some(Tier::MidHigh | Tier::Mid) => Tone::Middling,
        Some(Tier::LowMid | Tier::Low) => Tone::Bad,
        None => Tone::Plain,
    }
}

/// The rate with its interval, and below it the tier; or why there is none.
fn family_text(family: &Family) -> Text {
    let Some(value) = family.value else {
        let tier = family.rating.as_ref().map(ToString::to_string);
        return Text {
            lines: [Some(family.standing.name().to_owned()), tier]
                .into_iter()
                .flatten()
                .collect(),
            tone: Tone::Bad,
        };
    };
    let bound = if family.lower_bound { "≥" } else { "" };
    let width = value
        .interval
        .map(|interval| format!(" {}", plus_minus(interval)))
        .unwrap_or_default();
    let below = match (&family.rating, &family.share) {
        (Some(rating), _) => rating.to_string(),
        (None, Some(share)) => format!("— {}", times(share.value)),
        (None, None) => "—".to_owned(),
    };
    Text {
        lines: vec![format!("{bound}{}{width}", rate(value.per_s)), below],
        tone: tone(family.rating.as_ref()),
    }
}

fn legend(analysis: &Analysis) -> Vec<String> {
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
     one tier down means about twice the servers. Two names: the interval reaches over the boundary."
        .to_owned()
}

fn reference_rule(analysis: &Analysis) -> String {
    let reference = &analysis.reference;
    if analysis.scenarios.iter().all(|scenario| scenario.reference.is_none()) {
        return "reference: none. No default variant of a core framework has a value in this run, so there are no tiers.".to_owned();
    }
    let held: Vec<String> = analysis
        .scenarios
        .iter()
        .filter_map(|scenario| {
            scenario
                .reference
                .as_ref()
                .map(|reference| format!("{} {}", scenario.name, reference.entry.framework))
        })
        .collect();
    let of_those = if reference.missing.is_empty() {
        format!(
            "the best default variant of the core ({})",
            reference.present.join(", ")
        )
    } else {
        format!(
            "the best of those of the core that are in this run ({}); missing: {}",
            reference.present.join(", "),
            reference.missing.join(", ")
        )
    };
    format!("reference: {of_those}. It is: {}.", held.join(", "))
}

fn composite_rule(analysis: &Analysis) -> String {
    let weights = &analysis.weights;
    let named: Vec<String> = weights
        .counted
        .iter()
        .map(|name| format!("{name} {}", weights.set.scenarios.get(name).copied().unwrap_or(0.0)))
        .collect();
    let counted = if named.is_empty() {
        "nothing".to_owned()
    } else {
        named.join(", ")
    };
    let missing = if weights.missing.is_empty() {
        String::new()
    } else {
        format!("; cannot be rated in this run: {}", weights.missing.join(", "))
    };
    let partial = if analysis
        .entries
        .iter()
        .any(|entry| entry.composite.as_ref().is_some_and(Composite::is_partial))
    {
        " partial k/n: rated over the k scenarios it has."
    } else {
        ""
    };
    format!(
        "overall: geometric mean of the shares, weight set `{}`: {counted}{missing}.{partial}",
        weights.set.name
    )
}

fn value_rule(analysis: &Analysis) -> String {
    match analysis.value_rule {
        ValueRule::Objective => "value: the highest rate of right answers among the load levels that meet the scenario's objective; objective missed: \
                                 none does, valued at 1/32 of the reference."
            .to_owned(),
        ValueRule::Peak => "value: the highest rate of right answers, whatever its latency and errors (--value peak).".to_owned(),
    }
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
    "≥ before a rate: the load generator or the database was the limit, the server can do this or more. ≥, ≤ or ~ before a tier: it rests on \
     such a rate of the entry, of the reference, or of both, and tells nobody apart."
        .to_owned()
}

// Load levels. -------------------------------------------------------------------------------------------------------

fn objective_of(scenario: &ScenarioAnalysis) -> String {
    let objective = scenario.objective;
    format!(
        "Objective: 99th percentile ≤ {} ms, errors ≤ {}%.",
        three_or_whole(objective.p99_ms),
        objective.errors_percent
    )
}

fn three_or_whole(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value}")
    } else {
        three_digits(value)
    }
}

fn levels_table(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Table {
    let columns = vec![
        left("load"),
        right("rate"),
        right("±"),
        right("p50"),
        right("p99"),
        right("errors"),
        left("limiter"),
        right("CPU/req"),
        right("memory"),
        left("objective"),
    ];
    // An entry without any number is one row: which levels it has none at says nothing more.
    let rows = analysis.families_of(&scenario.name).flat_map(|family| {
        let any = family.cells.iter().any(|cell| cell.standing == Standing::Ok);
        let shown = if any {
            family.cells.as_slice()
        } else {
            family.cells.get(..1).unwrap_or_default()
        };
        shown.iter().map(move |cell| {
            let mut cells = cell_texts(cell, family.level.as_deref() == Some(&cell.load));
            if !any && let Some(load) = cells.first_mut() {
                *load = "all".into();
            }
            Row {
                group: family.entry.to_string(),
                cells,
            }
        })
    });
    Table {
        group_title: "entry",
        rows: rows.collect(),
        columns,
        repeated: 1,
    }
}

fn cell_texts(cell: &Cell, is_value: bool) -> Vec<Text> {
    let Some(estimate) = cell.rate.filter(|_| cell.standing == Standing::Ok) else {
        let mut cells: Vec<Text> = vec![cell.load.clone().into()];
        cells.extend(std::iter::repeat_n(Text::from(NOTHING), 8));
        cells.push(Text {
            lines: vec![cell.standing.name().to_owned()],
            tone: Tone::Bad,
        });
        return cells;
    };
    let or_nothing = |text: Option<String>| Text::from(text.unwrap_or_else(|| NOTHING.to_owned()));
    let bound = if cell.limit.lower_bound { "≥" } else { "" };
    vec![
        cell.load.clone().into(),
        format!("{bound}{}", rate(estimate.per_s)).into(),
        or_nothing(estimate.interval.map(plus_minus)),
        or_nothing(cell.percentile(0.5).map(duration_ns)),
        or_nothing(cell.percentile(0.99).map(duration_ns)),
        percent(cell.outcomes.error_share()).into(),
        cell.limit.limiter.name().into(),
        or_nothing(cell.server_cpu_us.map(|us| duration_ns((us * 1e3) as u64))),
        or_nothing(cell.server_memory_peak_bytes.map(|peak| bytes(peak as f64))),
        judgement_text(cell, is_value),
    ]
}

fn judgement_text(cell: &Cell, is_value: bool) -> Text {
    let word = match cell.judgement {
        Some(Judgement::Met) => "met",
        Some(Judgement::Missed) => "missed",
        Some(Judgement::TooFewSamples) => "too few samples",
        None => NOTHING,
    };
    let tone = if cell.judgement == Some(Judgement::Met) {
        Tone::Plain
    } else {
        Tone::Bad
    };
    Text {
        lines: vec![if is_value { format!("{word} *") } else { word.to_owned() }],
        tone,
    }
}

fn levels_legend() -> String {
    "load: c64 is a closed loop over 64 connections. * marks the level whose rate is the value. p50 and p99 are of response time, from the merged \
     histogram of all starts (– where fewer than ten samples lie beyond). limiter: whose cores were 90% busy; waiting: nobody's. CPU/req and memory \
     are the server's."
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
        Row {
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
