//! Options of a run that whoever measures one of its cells again gives again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An option that changed what was measured, or whether it may be, as it is written on a command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptOption {
    /// Its long name, such as `--duration`.
    pub name: String,
    /// Its value, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl fmt::Display for KeptOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} {value}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Such options of `tiermark run` before format 7, which stored the command line alone; with whether they have a value.
const BEFORE_7: [(&str, bool); 11] = [
    ("--connections", true),
    ("--workers", true),
    ("--blocks", true),
    ("--duration", true),
    ("--warmup", true),
    ("--start-warmup", true),
    ("--memory", true),
    ("--runner", true),
    ("--bases", true),
    ("--url", true),
    ("--allow-remote", false),
];
/// The one with a short name, which clap also takes with the value behind it: `-c32`.
const CONNECTIONS: (&str, &str) = ("-c", "--connections");

/// Those of a command line.
pub(crate) fn of_command_line(command_line: &[String]) -> Vec<KeptOption> {
    let mut found = Vec::new();
    let mut words = command_line.iter();
    while let Some(word) = words.next() {
        let named = BEFORE_7
            .iter()
            .find_map(|(name, has_value)| Some((*name, *has_value, joined_to(name, word)?)));
        let Some((name, has_value, joined)) = named else {
            continue;
        };
        let value = has_value.then(|| joined.or_else(|| words.next().cloned())).flatten();
        if value.is_some() || !has_value {
            let name = name.to_owned();
            found.push(KeptOption { name, value });
        }
    }
    found
}

/// Whether a word of the command line is that option; if so, the value that is joined to it, if one is.
fn joined_to(name: &str, word: &str) -> Option<Option<String>> {
    let value = |rest: &str| (!rest.is_empty()).then(|| rest.trim_start_matches('=').to_owned());
    if let Some(rest) = word.strip_prefix(name) {
        return (rest.is_empty() || rest.starts_with('=')).then(|| value(rest));
    }
    let (short, long) = CONNECTIONS;
    let rest = word.strip_prefix(short).filter(|_| name == long)?;
    Some(value(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command_line: &str, expected: &[&str]) {
        let words: Vec<String> = command_line.split(' ').map(str::to_owned).collect();
        let found: Vec<String> = of_command_line(&words).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{command_line}");
    }

    #[test]
    fn options_that_change_what_is_measured_are_given_again() {
        check("tiermark run core", &[]);
        check(
            "tiermark run core -c 1,32 --blocks=5 --seed 7 --results elsewhere --duration 3",
            &["--connections 1,32", "--blocks 5", "--duration 3"],
        );
        check("tiermark run core -c32", &["--connections 32"]);
        check("tiermark run core --warmup 2", &["--warmup 2"]);
        check("tiermark run core --blocks", &[]);
    }

    #[test]
    fn an_option_without_a_value_takes_no_other_word() {
        check(
            "tiermark run quick --allow-remote --url http://[host] --blocks 2",
            &["--allow-remote", "--url http://[host]", "--blocks 2"],
        );
    }
}
