//! The command that measures a cell again.

use tiermark_model::run::Manifest;
use tiermark_model::trial::EntryId;

/// An option of a run that changes what is measured, or whether it may be: it is given again as it was.
#[derive(Debug)]
struct Kept {
    long: &'static str,
    /// Its short name, which clap also takes with the value behind it: `-c32`.
    short: Option<&'static str>,
    has_value: bool,
}

const fn valued(long: &'static str) -> Kept {
    Kept {
        long,
        short: None,
        has_value: true,
    }
}

const KEPT: [Kept; 11] = [
    Kept {
        short: Some("-c"),
        ..valued("--connections")
    },
    valued("--workers"),
    valued("--blocks"),
    valued("--duration"),
    valued("--warmup"),
    valued("--start-warmup"),
    valued("--memory"),
    valued("--runner"),
    valued("--bases"),
    valued("--url"),
    // A run of another machine's server is refused without it.
    Kept {
        has_value: false,
        ..valued("--allow-remote")
    },
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
    words.extend(kept.into_iter().map(|(name, value)| match value {
        Some(value) => format!("{name} {value}"),
        None => name.to_owned(),
    }));
    words.join(" ")
}

/// The options of [`KEPT`] in a command line, by their long names, with the values of those that have one.
fn kept(command_line: &[String]) -> Vec<(&'static str, Option<String>)> {
    let mut found = Vec::new();
    let mut words = command_line.iter();
    while let Some(word) = words.next() {
        let named = KEPT.iter().find_map(|option| Some((option, joined_to(option, word)?)));
        match named {
            Some((option, _)) if !option.has_value => found.push((option.long, None)),
            Some((option, joined)) => {
                if let Some(value) = joined.or_else(|| words.next().cloned()) {
                    found.push((option.long, Some(value)));
                }
            }
            None => {}
        }
    }
    found
}

/// Whether a word of the command line is that option; if so, the value that is joined to it, if one is.
fn joined_to(option: &Kept, word: &str) -> Option<Option<String>> {
    let value = |rest: &str| (!rest.is_empty()).then(|| rest.trim_start_matches('=').to_owned());
    if let Some(rest) = word.strip_prefix(option.long) {
        return (rest.is_empty() || rest.starts_with('=')).then(|| value(rest));
    }
    word.strip_prefix(option.short?).map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command_line: &str, expected: &[(&'static str, Option<&str>)]) {
        let words: Vec<String> = command_line.split(' ').map(str::to_owned).collect();
        let expected: Vec<_> = (expected.iter())
            .map(|(name, value)| (*name, value.map(str::to_owned)))
            .collect();
        assert_eq!(kept(&words), expected, "{command_line}");
    }

    #[test]
    fn options_that_change_what_is_measured_are_given_again() {
        check("tiermark run core", &[]);
        check(
            "tiermark run core -c 1,32 --blocks=5 --seed 7 --results elsewhere --duration 3",
            &[
                ("--connections", Some("1,32")),
                ("--blocks", Some("5")),
                ("--duration", Some("3")),
            ],
        );
        check("tiermark run core -c32", &[("--connections", Some("32"))]);
        check("tiermark run core --warmup 2", &[("--warmup", Some("2"))]);
        check("tiermark run core --blocks", &[]);
    }

    #[test]
    fn an_option_without_a_value_takes_no_other_word() {
        check(
            "tiermark run quick --allow-remote --url http://[host] --blocks 2",
            &[
                ("--allow-remote", None),
                ("--url", Some("http://[host]")),
                ("--blocks", Some("2")),
            ],
        );
    }
}
