//! The command that measures a cell again.

use tiermark_model::run::Manifest;
use tiermark_model::trial::EntryId;

/// Options of a run that change what is measured, with their short names; they are given again as they were.
const KEPT: [(&str, &str); 9] = [
    ("--connections", "-c"),
    ("--workers", ""),
    ("--blocks", ""),
    ("--duration", ""),
    ("--warmup", ""),
    ("--start-warmup", ""),
    ("--memory", ""),
    ("--runner", ""),
    ("--url", ""),
];

/// The `tiermark run` that measures that cell alone, with the run's own options.
pub(crate) fn command(manifest: &Manifest, entry: &EntryId, scenario: &str, load: &str) -> String {
    let kept = kept(&manifest.command_line);
    let has = |option: &str| kept.iter().any(|(name, _)| *name == option);
    let mut words = vec![
        "tiermark".to_owned(),
        "run".to_owned(),
        manifest.plan.suite.name.clone(),
    ];
    // A server that runs already has no name.
    if !has("--url") {
        // The number of processes that `--workers` gave is part of the variant's name.
        let variant = entry.variant.rsplit_once("-w").filter(|_| has("--workers"));
        words.push(match variant {
            Some((variant, _)) => format!("--entries {}/{variant}", entry.framework),
            None => format!("--entries {entry}"),
        });
    }
    words.push(format!("--scenarios {scenario} --loads {load}"));
    words.extend(kept.into_iter().map(|(name, value)| format!("{name} {value}")));
    words.join(" ")
}

/// The options of [`KEPT`] in a command line, by their long names.
fn kept(command_line: &[String]) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut words = command_line.iter();
    while let Some(word) = words.next() {
        let (name, joined) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let known = (KEPT.iter()).find(|(long, short)| name == *long || (!name.is_empty() && name == *short));
        if let Some((long, _)) = known
            && let Some(value) = joined.or_else(|| words.next().cloned())
        {
            found.push((*long, value));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_change_what_is_measured_are_given_again() {
        let line = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(kept(&line("tiermark run core")), []);
        assert_eq!(
            kept(&line(
                "tiermark run core -c 1,32 --blocks=5 --seed 7 --results elsewhere --duration 3"
            )),
            [
                ("--connections", "1,32".to_owned()),
                ("--blocks", "5".to_owned()),
                ("--duration", "3".to_owned()),
            ]
        );
        assert_eq!(kept(&line("tiermark run core --blocks")), []);
    }
}
