//! A recommendation as a list of blocks: what is said, in which order.

use super::answer::{
    DoubtSource, KnownValue, Pick, RankedChoice, RecommendationAnswer, RecommendationVerdict, ReferenceValue,
};
use super::compare::gains;
use super::words::{asked, change, joined, name, place, probability, share, stands_twice, tiers, value};
use crate::show::numbers::{NOTHING, bytes, plain, rate};
use crate::show::table::{Block, Column, Table, TableRow, Text, Tone, left, right};

/// The whole answer.
pub(crate) fn document(answer: &RecommendationAnswer) -> Vec<Block> {
    let mut blocks = vec![
        Block::Title(format!("Recommendation: {}", plain(&answer.profile.title))),
        Block::Facts(facts(answer)),
        Block::Heading("Answer".to_owned()),
        Block::Paragraph(verdict(answer)),
    ];
    blocks.extend(reasons(answer).map(Block::Paragraph));
    blocks.extend(instances(answer).map(Block::Paragraph));
    blocks.extend(seed(answer));
    if answer.ranking.len() > 1 {
        blocks.push(Block::Heading("What would change it".to_owned()));
        blocks.extend(changes(answer));
    }
    if !answer.ranking.is_empty() {
        blocks.push(Block::Heading("Ranking".to_owned()));
        blocks.push(Block::Table(ranking(answer)));
        blocks.push(Block::Paragraph(sources(answer)));
        blocks.push(Block::Heading("What each criterion contributes".to_owned()));
        blocks.push(Block::Table(contributions(answer)));
        blocks.push(Block::List(legend(answer)));
    }
    blocks.extend(absent(answer));
    if !answer.caveats.is_empty() {
        blocks.push(Block::Heading("Before you follow it".to_owned()));
        blocks.push(Block::List(answer.caveats.clone()));
    }
    blocks
}

fn facts(answer: &RecommendationAnswer) -> Vec<(&'static str, String)> {
    let run = &answer.run;
    let mut facts = vec![
        (
            "profile",
            format!(
                "{}: {}",
                answer.profile.name,
                plain(&one_line(&answer.profile.description))
            ),
        ),
        (
            "run",
            format!(
                "{}, suite {}, {} block{}, made {}",
                plain(&run.name),
                plain(&run.suite),
                run.blocks,
                if run.blocks == 1 { "" } else { "s" },
                run.created.strftime("%Y-%m-%d %H:%M UTC")
            ),
        ),
        ("host", run.machine.clone()),
    ];
    let asked = asked(&answer.profile);
    if !asked.is_empty() {
        facts.insert(1, ("asked", plain(&asked.join("; "))));
    }
    facts
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn find<'a>(answer: &'a RecommendationAnswer, entry: &tiermark_model::trial::EntryId) -> Option<&'a RankedChoice> {
    answer.ranking.iter().find(|choice| &choice.entry == entry)
}

fn verdict(answer: &RecommendationAnswer) -> String {
    let named = |entry| {
        find(answer, entry)
            .map(|choice| name(choice, &answer.ranking))
            .unwrap_or_default()
    };
    match &answer.verdict {
        RecommendationVerdict::First { entry, probability: p } => {
            format!("{}: first with a probability of {}.", named(entry), probability(*p))
        }
        RecommendationVerdict::EitherOf {
            entries,
            probability: p,
            question,
        } => {
            let each: Vec<String> = entries
                .iter()
                .filter_map(|entry| find(answer, entry))
                .map(|choice| {
                    let first = choice.places.first().copied().unwrap_or(0.0);
                    format!("{} ({})", name(choice, &answer.ranking), probability(first))
                })
                .collect();
            format!(
                "Either {}: none is first with 60% or more, together they are with {}. What decides: {question}",
                joined(&each, "or"),
                probability(*p)
            )
        }
        RecommendationVerdict::Nobody { reason } => format!("No recommendation: {reason}."),
    }
}

/// Why the first is before the second, and what speaks for the second.
fn reasons(answer: &RecommendationAnswer) -> Option<String> {
    let [first, second, ..] = answer.ranking.as_slice() else {
        return None;
    };
    let list = |gains: Vec<(String, f64)>| {
        let each: Vec<String> = gains
            .iter()
            .map(|(what, tiers)| format!("{what} ({tiers:.2})"))
            .collect();
        joined(&each, "and")
    };
    let (a, b) = (name(first, &answer.ranking), name(second, &answer.ranking));
    let (wins, loses) = (list(gains(first, second)), list(gains(second, first)));
    let lead = format!("{a} is {:.2} tiers before {b}", first.score - second.score);
    Some(match (wins.is_empty(), loses.is_empty()) {
        (false, false) => format!("{lead}: it gains most in {wins}; {b} gains most in {loses}."),
        (false, true) => format!("{lead}: it gains most in {wins}."),
        _ => format!("{lead}: nothing that is weighed here tells them apart by much."),
    })
}

fn instances(answer: &RecommendationAnswer) -> Option<String> {
    let per_s = answer.profile.load.rate_per_s?;
    let each: Vec<String> = answer
        .ranking
        .iter()
        .filter_map(|choice| Some((choice, choice.instances?)))
        .map(|(choice, instances)| {
            let memory = instances
                .memory_bytes
                .map(|all| format!(", {}", bytes(all)))
                .unwrap_or_default();
            let bound = if instances.at_most { "at most " } else { "" };
            format!("{} {bound}{}{memory}", name(choice, &answer.ranking), instances.count)
        })
        .collect();
    (!each.is_empty()).then(|| {
        format!(
            "Instances for {} (of the measured machine, each at half of what it can do, with their memory): {}.",
            rate(per_s),
            each.join("; ")
        )
    })
}

fn seed(answer: &RecommendationAnswer) -> Vec<Block> {
    let (Some(seed), Some(standing)) = (&answer.profile.seed, &answer.seed) else {
        return vec![];
    };
    let picks: Vec<String> = standing.picks.iter().map(|pick| plain(&pick.title)).collect();
    let verdict = if standing.agrees {
        "This answer agrees."
    } else {
        "This answer differs."
    };
    let because = |because: &[(String, f64)]| {
        let each: Vec<String> = because
            .iter()
            .map(|(what, tiers)| format!("{what} ({tiers:.2})"))
            .collect();
        joined(&each, "and")
    };
    let items = standing.picks.iter().map(|pick| {
        let title = plain(&pick.title);
        match &pick.standing {
            Pick::Placed {
                place: 1,
                first,
                because: reasons,
                ..
            } if reasons.is_empty() => format!("{title} is 1st here ({}).", probability(*first)),
            Pick::Placed {
                place: 1,
                first,
                because: reasons,
                ..
            } => format!(
                "{title} is 1st here ({}), before the second by {}.",
                probability(*first),
                because(reasons)
            ),
            Pick::Placed {
                place: n,
                behind,
                because: reasons,
                ..
            } => format!(
                "{title} is {} here, {behind:.2} tiers behind; it loses most in {}.",
                place(*n),
                because(reasons)
            ),
            Pick::LeftOut { reasons } => format!("{title} is left out: {}.", plain(&reasons.join("; "))),
            Pick::NotInRun => format!("{title} is not in this run."),
            Pick::NotDefined => format!("{title} is not among the frameworks here."),
        }
    });
    vec![
        Block::Heading("Beside the article's pick".to_owned()),
        Block::Paragraph(format!(
            "{} ({}): {} {verdict}",
            joined(&picks, "or"),
            plain(&one_line(&seed.place)),
            plain(&one_line(&seed.why))
        )),
        Block::List(items.collect()),
    ]
}

fn changes(answer: &RecommendationAnswer) -> Vec<Block> {
    let [first, second, ..] = answer.ranking.as_slice() else {
        return vec![];
    };
    let items = answer
        .changes
        .iter()
        .map(|one| format!("{}.", change(one, first, second)));
    vec![
        Block::Paragraph(format!(
            "{} would be before {} if one of these held (the smallest change of each kind):",
            name(second, &answer.ranking),
            name(first, &answer.ranking)
        )),
        Block::List(items.collect()),
    ]
}

// Tables. ------------------------------------------------------------------------------------------------------------

fn ranking(answer: &RecommendationAnswer) -> Table {
    let needs_language = answer.ranking.iter().any(|choice| choice.language_cost > 0.0);
    let shown = answer.ranking.len().min(3);
    let mut columns = vec![right("place"), left("entry"), left("data"), left("language")];
    columns.extend(needs_language.then(|| right("costs")));
    columns.push(right("score"));
    columns.extend((1..=shown).map(|n| right(&place(n))));
    let row = |choice: &RankedChoice| {
        let mut cells: Vec<Text> = vec![
            choice.place.to_string().into(),
            choice.entry.to_string().into(),
            choice.data_layer.to_string().into(),
            plain(&choice.language).into(),
        ];
        cells.extend(needs_language.then(|| Text::from(tiers(-choice.language_cost))));
        cells.push(tiers(choice.score).into());
        cells.extend(choice.places.iter().take(shown).map(|p| Text::from(probability(*p))));
        TableRow {
            group: String::new(),
            cells,
        }
    };
    Table {
        group_title: "",
        columns,
        repeated: 2,
        rows: answer.ranking.iter().map(row).collect(),
    }
}

fn sources(answer: &RecommendationAnswer) -> String {
    let uncertainty = &answer.uncertainty;
    let Some(shares) = &uncertainty.shares else {
        return format!("Probabilities of places from {} draws.", uncertainty.draws);
    };
    let of = |source: DoubtSource| share(shares.get(&source).copied().unwrap_or(0.0));
    format!(
        "Probabilities of places from {} draws. The lead of the first over the second is uncertain by ±{:.2} tiers (one standard deviation): {} of its variance is \
         the measurement's, {} that of judged facts, {} that of the weights.",
        uncertainty.draws,
        uncertainty.sd,
        of(DoubtSource::Measurement),
        of(DoubtSource::Judged),
        of(DoubtSource::Weights)
    )
}

fn contributions(answer: &RecommendationAnswer) -> Table {
    let mut columns = vec![left("criterion"), right("weight")];
    columns.extend(answer.ranking.iter().map(|choice| Column {
        title: short_name(choice, &answer.ranking),
        ..right("")
    }));
    let rows = answer.criteria.iter().enumerate().map(|(index, used)| {
        let mut cells: Vec<Text> = vec![used.criterion.to_string().into(), share(used.weight).into()];
        cells.extend(answer.ranking.iter().map(|choice| {
            let part = &choice.parts[index];
            Text {
                lines: vec![known(&part.known, &used.criterion), tiers(part.contribution)],
                tone: tone(part.utility),
            }
        }));
        TableRow {
            group: String::new(),
            cells,
        }
    });
    let mut rows: Vec<TableRow> = rows.collect();
    if answer.ranking.iter().any(|choice| choice.language_cost > 0.0) {
        let mut cells: Vec<Text> = vec!["language".into(), NOTHING.into()];
        cells.extend(answer.ranking.iter().map(|choice| Text {
            lines: vec![plain(&choice.language), tiers(-choice.language_cost)],
            tone: tone(-choice.language_cost),
        }));
        rows.push(TableRow {
            group: String::new(),
            cells,
        });
    }
    Table {
        group_title: "",
        columns,
        repeated: 2,
        rows,
    }
}

/// The framework's name, or the whole entry if the framework is listed twice.
fn short_name(choice: &RankedChoice, ranking: &[RankedChoice]) -> String {
    if stands_twice(choice, ranking) {
        choice.entry.to_string()
    } else {
        choice.entry.framework.clone()
    }
}

fn known(known: &KnownValue, criterion: &tiermark_model::format::criterion::Criterion) -> String {
    let bound = |lower_bound: bool| if lower_bound { "≥" } else { "" };
    match known {
        KnownValue::Measured {
            value: Some(number),
            lower_bound,
            ..
        } => format!("{}{}", bound(*lower_bound), value(criterion, *number)),
        KnownValue::Measured {
            value: None,
            share,
            lower_bound,
        } => format!("{}{}", bound(*lower_bound), crate::show::numbers::times(*share)),
        KnownValue::Judged { rating, .. } => format!("{rating} of 5"),
        KnownValue::Missed { .. } => "missed".to_owned(),
        KnownValue::Partly { .. } => "partly".to_owned(),
        KnownValue::Unknown { .. } => "unknown".to_owned(),
    }
}

fn tone(utility: f64) -> Tone {
    match utility {
        u if u >= -1.0 => Tone::Good,
        u if u >= -3.0 => Tone::Middling,
        _ => Tone::Bad,
    }
}

fn legend(answer: &RecommendationAnswer) -> Vec<String> {
    let mut all = vec![
        "score: the contributions' sum, less what an unknown language costs, in tiers: −1 is a factor of two below the reference in everything that counts."
            .to_owned(),
        "contribution (the second line): weight × tiers from the reference; of judged facts a step of the rubric (docs/rubric.md) is a tier, and 5 is the reference."
            .to_owned(),
    ];
    all.push("data: raw is SQL through a driver, micro a thin mapper, full an object-relational mapper, which does more and costs rate.".to_owned());
    let relative: Vec<String> = answer
        .criteria
        .iter()
        .filter_map(|used| {
            let scenarios = if used.scenarios.is_empty() {
                String::new()
            } else {
                format!(" ({})", used.scenarios.join(", "))
            };
            match &used.reference {
                ReferenceValue::Measured {
                    value: Some(number),
                    entries,
                    ..
                } => Some(format!(
                    "{}{scenarios} {} of {}",
                    used.criterion,
                    value(&used.criterion, *number),
                    joined(&entries.iter().map(ToString::to_string).collect::<Vec<_>>(), "and")
                )),
                ReferenceValue::Measured { value: None, .. } => {
                    Some(format!("{}{scenarios} the best of each", used.criterion))
                }
                ReferenceValue::Needed { per_s } => Some(format!(
                    "{}{scenarios} the needed {}, which half of the value has to carry; more is worth nothing",
                    used.criterion,
                    rate(*per_s)
                )),
                ReferenceValue::Rubric => None,
            }
        })
        .collect();
    if !relative.is_empty() {
        all.push(format!(
            "reference, the best default variant of the core in the run: {}.",
            relative.join("; ")
        ));
    }
    if answer.ranking.iter().any(|choice| choice.language_cost > 0.0) {
        all.push(
            if answer.profile.team.language_cost.is_some() {
                "language: what the team pays for one that it does not know, as the profile states it."
            } else {
                "language: what a team pays for one that it does not know, a tier for four people and two years, less for more of both."
            }
            .to_owned(),
        );
    }
    all
}

/// The entries and criteria that are not in the ranking.
fn absent(answer: &RecommendationAnswer) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !answer.not_measured.is_empty() {
        blocks.push(Block::Heading("Asked for and not measured".to_owned()));
        let item = |one: &super::answer::NotMeasured| {
            format!(
                "{} ({} of the profile's weight, which does not count here): {}.",
                one.criterion,
                share(one.weight),
                plain(&one.reason)
            )
        };
        blocks.push(Block::List(answer.not_measured.iter().map(item).collect()));
    }
    let mut items: Vec<String> = answer
        .left_out
        .iter()
        .map(|left_out| format!("{}: {}.", left_out.entry, plain(&left_out.reasons.join("; "))))
        .collect();
    if !answer.not_in_run.is_empty() {
        items.push(format!("not in this run: {}.", answer.not_in_run.join(", ")));
    }
    if !items.is_empty() {
        blocks.push(Block::Heading("Left out".to_owned()));
        blocks.push(Block::List(items));
    }
    blocks
}
