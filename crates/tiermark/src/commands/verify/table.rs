//! What `verify` prints: entries beside scenarios, and below it every failure in full. Pure.

use std::fmt::Write as _;

use super::check::{CheckState, EntryCheck};
use crate::ui::indent;

/// Blanks between two columns.
const GAP: usize = 2;

impl CheckState {
    fn word(self) -> &'static str {
        match self {
            CheckState::Pass => "pass",
            CheckState::Failed => "FAILED",
            CheckState::Unsupported => "unsupported",
            CheckState::NotBuildableHere => "not buildable",
        }
    }

    /// A second cue beside the word; blue, yellow and magenta are told apart with every common colour blindness.
    fn colour(self) -> &'static str {
        match self {
            CheckState::Pass => "34",
            CheckState::Failed => "1;35",
            CheckState::Unsupported | CheckState::NotBuildableHere => "33",
        }
    }
}

/// One check in one line, for progress. A failure is told at once too: a whole verification takes half an hour.
pub(super) fn line(check: &EntryCheck) -> String {
    let mut line = format!("{:<32} {:<20} {}", check.entry, check.scenario, cell(check));
    if check.state == CheckState::Failed
        && let Some(reason) = &check.reason
    {
        for part in reason.lines() {
            line.push_str("\n    ");
            line.push_str(part);
        }
    }
    line
}

/// The whole result for a terminal of that width.
pub(super) fn render(checks: &[EntryCheck], width: usize, colour: bool) -> String {
    let mut out = String::new();
    grid(&mut out, checks, width, colour);
    let reason = |check: &EntryCheck| check.reason.clone();
    section(&mut out, "Failed", checks, |check| {
        reason(check).filter(|_| check.state == CheckState::Failed)
    });
    section(&mut out, "Unsupported", checks, |check| {
        reason(check).filter(|_| check.state == CheckState::Unsupported)
    });
    section(&mut out, "Not buildable here", checks, |check| {
        reason(check).filter(|_| check.state == CheckState::NotBuildableHere)
    });
    section(&mut out, "Not looked at", checks, |check| {
        (!check.unchecked.is_empty()).then(|| check.unchecked.join("\n"))
    });
    let of = |state: CheckState| checks.iter().filter(|check| check.state == state).count();
    // Writing to a String cannot fail.
    let _ = write!(out, "\n{} of {} passed", of(CheckState::Pass), checks.len());
    for (state, words) in [
        (CheckState::Failed, "failed"),
        (CheckState::Unsupported, "unsupported"),
        (CheckState::NotBuildableHere, "not buildable here"),
    ] {
        if of(state) > 0 {
            let _ = write!(out, ", {} {words}", of(state));
        }
    }
    out.push('\n');
    out
}

fn cell(check: &EntryCheck) -> String {
    let seconds = check.seconds.map(|seconds| format!(" {seconds:.1} s"));
    format!("{}{}", check.state.word(), seconds.unwrap_or_default())
}

/// Names in the order in which they first stand.
fn names<'a>(checks: &'a [EntryCheck], of: impl Fn(&'a EntryCheck) -> &'a str) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for check in checks {
        if !names.contains(&of(check)) {
            names.push(of(check));
        }
    }
    names
}

/// Scenarios downwards, entries to the right; where they are too many for the width, the rest follows below.
fn grid(out: &mut String, checks: &[EntryCheck], width: usize, colour: bool) {
    let scenarios = names(checks, |check| &check.scenario);
    let entries = names(checks, |check| &check.entry);
    let first = scenarios.iter().map(|name| name.len()).max().unwrap_or(0);
    let column = |entry: &&str| {
        let cells = checks.iter().filter(|check| check.entry == *entry);
        cells.map(|check| cell(check).len()).max().unwrap_or(0).max(entry.len()) + GAP
    };
    let mut rest = entries.as_slice();
    while !rest.is_empty() {
        let mut used = first;
        let mut count = 0;
        for entry in rest {
            used += column(entry);
            if used > width && count > 0 {
                break;
            }
            count += 1;
        }
        let (now, later) = rest.split_at(count.max(1));
        let mut heading = " ".repeat(first);
        for entry in now {
            let _ = write!(
                heading,
                "{:gap$}{entry:<size$}",
                "",
                gap = GAP,
                size = column(entry) - GAP
            );
        }
        let _ = writeln!(out, "{}", heading.trim_end());
        for scenario in &scenarios {
            let mut row = format!("{scenario:<first$}");
            for (place, entry) in now.iter().enumerate() {
                let found = checks
                    .iter()
                    .find(|check| check.scenario == *scenario && check.entry == *entry);
                let Some(check) = found else { continue };
                let text = cell(check);
                let pad = if place + 1 == now.len() {
                    0
                } else {
                    (column(entry) - GAP).saturating_sub(text.len())
                };
                let text = if colour {
                    format!("\u{1b}[{}m{text}\u{1b}[0m", check.state.colour())
                } else {
                    text
                };
                let _ = write!(row, "{:gap$}{text}{:pad$}", "", "", gap = GAP);
            }
            let _ = writeln!(out, "{row}");
        }
        if !later.is_empty() {
            out.push('\n');
        }
        rest = later;
    }
}

/// Reasons below a heading; the same reason of several scenarios of an entry once.
fn section(out: &mut String, title: &str, checks: &[EntryCheck], reason: impl Fn(&EntryCheck) -> Option<String>) {
    let mut groups: Vec<(&str, String, Vec<&str>)> = Vec::new();
    for check in checks {
        let Some(text) = reason(check) else { continue };
        match groups
            .iter_mut()
            .find(|(entry, known, _)| *entry == check.entry && *known == text)
        {
            Some((_, _, scenarios)) => scenarios.push(&check.scenario),
            None => groups.push((&check.entry, text, vec![&check.scenario])),
        }
    }
    if groups.is_empty() {
        return;
    }
    let all = names(checks, |check| &check.scenario).len();
    let _ = writeln!(out, "\n{title}");
    for (entry, text, scenarios) in groups {
        let which = if scenarios.len() == all && all > 1 {
            "all scenarios".to_owned()
        } else {
            scenarios.join(", ")
        };
        let _ = writeln!(out, "  {entry}: {which}\n{}", indent(&text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entry: &str, scenario: &str, state: CheckState, reason: &str) -> EntryCheck {
        EntryCheck {
            entry: entry.to_owned(),
            scenario: scenario.to_owned(),
            state,
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            unchecked: vec![],
            seconds: matches!(state, CheckState::Pass | CheckState::Failed).then_some(1.25),
        }
    }

    fn checks() -> Vec<EntryCheck> {
        let wrong = "db (GET /db) answered wrongly:\n- status: expected 200, got 500 with body \"no database\"";
        let mut checks = vec![
            check("gin/pgx", "plaintext", CheckState::Pass, ""),
            check("gin/pgx", "db", CheckState::Failed, wrong),
            check("gin/pgx", "ws", CheckState::Unsupported, "net/http has no WebSocket"),
        ];
        for scenario in ["plaintext", "db", "ws"] {
            checks.push(check(
                "rails/puma",
                scenario,
                CheckState::NotBuildableHere,
                "ruby is missing\nremedy: apt-get install ruby",
            ));
            checks.push(check("fastapi/uvicorn", scenario, CheckState::Pass, ""));
        }
        if let Some(last) = checks.last_mut() {
            last.unchecked = vec!["`statements` was not checked: the target's database is not known".to_owned()];
        }
        checks
    }

    #[test]
    fn a_table_and_everything_that_did_not_pass() {
        insta::assert_snapshot!(render(&checks(), 100, false));
    }

    #[test]
    fn a_narrow_terminal_gets_the_columns_below_each_other() {
        let text = render(&checks(), 40, false);
        insta::assert_snapshot!(text);
        let plain = render(&checks(), 40, true);
        assert!(plain.contains("\u{1b}[1;35mFAILED 1.2 s\u{1b}[0m"), "{plain}");
    }
}
