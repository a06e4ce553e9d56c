//! Rules of a `.dockerignore`.

use std::fs;
use std::io;
use std::path::Path;

use regex_lite::Regex;

/// Name of the file that says what stays out of a build context.
pub(crate) const DOCKERIGNORE: &str = ".dockerignore";

/// Rules of a `.dockerignore`.
///
/// Docker's own rules (moby `patternmatcher`), which are not those of git: a pattern is anchored at the context's root,
/// the last one that matches a path or one of its parents decides, and `!` takes a path in again. As there, a pattern becomes a regular
/// expression: for the glob libraries `**` inside a name is nothing special, and braces are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ignore {
    rules: Vec<IgnoreRule>,
}

#[derive(Debug, Clone)]
struct IgnoreRule {
    pattern: String,
    /// None if the pattern cannot be read; then it matches nothing.
    regex: Option<Regex>,
    takes_in: bool,
}

impl Ignore {
    /// The rules of a folder; none if it has no such file.
    pub(crate) fn of_folder(folder: &Path) -> io::Result<Self> {
        match fs::read_to_string(folder.join(DOCKERIGNORE)) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    fn parse(text: &str) -> Self {
        let rules = text
            .trim_start_matches('\u{feff}')
            .lines()
            .filter(|line| !line.starts_with('#'));
        let rules = rules.filter_map(|line| {
            let line = line.trim();
            let (line, takes_in) = line.strip_prefix('!').map_or((line, false), |rest| (rest.trim(), true));
            let parts: Vec<&str> = line
                .split('/')
                .filter(|part| !part.is_empty() && *part != ".")
                .collect();
            let pattern = parts.join("/");
            (!parts.is_empty()).then(|| IgnoreRule {
                regex: Regex::new(&expression(&pattern)).ok(),
                pattern,
                takes_in,
            })
        });
        Self { rules: rules.collect() }
    }

    /// Whether a path (relative, with `/`) stays out of the context.
    pub(crate) fn excludes(&self, path: &str) -> bool {
        let mut excluded = false;
        for rule in &self.rules {
            let matches = |part| rule.regex.as_ref().is_some_and(|regex| regex.is_match(part));
            if rule.takes_in == excluded && with_parents(path).any(matches) {
                excluded = !rule.takes_in;
            }
        }
        excluded
    }

    /// Whether nothing below an excluded folder can be taken in again, so that it need not be walked. Docker looks for
    /// literal prefixes only, and so do we.
    pub(crate) fn skips_below(&self, folder: &str) -> bool {
        let below = format!("{folder}/");
        self.excludes(folder)
            && !self
                .rules
                .iter()
                .any(|rule| rule.takes_in && format!("{}/", rule.pattern).starts_with(&below))
    }
}

/// `a`, `a/b`, `a/b/c` of `a/b/c`.
fn with_parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end]).chain([path])
}

/// The pattern as a regular expression.
fn expression(pattern: &str) -> String {
    let literal = |c: char| regex_lite::escape(c.encode_utf8(&mut [0; 4]));
    let mut text = "(?s)^".to_owned();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // Any number of folders, none included.
            '*' if rest.next_if_eq(&'*').is_some() => {
                let folders = rest.next_if_eq(&'/').is_some();
                text.push_str(if folders { "(?:.*/)?" } else { ".*" });
            }
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '[' => {
                text.push_str(if rest.next_if_eq(&'^').is_some() { "[^/" } else { "[" });
                // One that never ends stays so, and the whole cannot be read.
                for c in rest.by_ref() {
                    match c {
                        // Both have their meaning in regular expressions too.
                        ']' | '-' => text.push(c),
                        c => text.push_str(&literal(c)),
                    }
                    if c == ']' {
                        break;
                    }
                }
            }
            '\\' => text.push_str(&literal(rest.next().unwrap_or('\\'))),
            c => text.push_str(&literal(c)),
        }
    }
    text.push('$');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(rules: &str, taken_in: &[&str], excluded: &[&str]) {
        let ignore = Ignore::parse(rules);
        for path in taken_in {
            assert!(!ignore.excludes(path), "{path} should be taken in by:\n{rules}");
        }
        for path in excluded {
            assert!(ignore.excludes(path), "{path} should be excluded by:\n{rules}");
        }
    }

    #[test]
    fn everything_out_but_some() {
        check(
            "*\n!go.mod\n!*.go\n!templates\n**/__pycache__\n",
            &[
                "go.mod",
                "main.go",
                "templates",
                "templates/a.html",
                "templates/deep/b.html",
            ],
            &[
                "framework.yaml",
                "src/main.go",
                "templates/__pycache__/x.pyc",
                "go.mod.bak",
            ],
        );
    }

    #[test]
    fn patterns_are_anchored_and_the_last_match_decides() {
        check(
            "# note\n/target\nnode_modules/\n./dist\n",
            &["src/target", "a/node_modules"],
            &["target", "target/x", "node_modules/a", "dist/a"],
        );
        check(
            "*.md\n!README.md\nREADME.md\n",
            &["a.txt", "docs/a.md"],
            &["README.md", "b.md"],
        );
        check(
            "**/*.log\na/**/b\nx?y[0-9]\n",
            &["a/c", "xay", "x/y1"],
            &["a.log", "d/e/a.log", "a/b", "a/1/2/b", "xzy7"],
        );
        // Inside a name too, two stars take in folders.
        check(
            "**file\ndir**\n",
            &["files", "a/dir"],
            &["file", "a/file", "a/b.file", "dirs/a"],
        );
        check("a{b,c}\n[!x]y\nz[\n", &["ab", "ay", "z["], &["a{b,c}", "!y", "xy"]);
        check("[^a]b\n\\!c\n", &["ab", "c"], &["bb", "!c"]);
    }

    #[test]
    fn no_rules_exclude_nothing() {
        check("", &["a", ".git/config"], &[]);
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_path_makes_the_matcher_fail(rules in "[a-c*?!/\\[\\]^\\\\\n.-]{0,24}", path in "[a-c]{1,3}(/[a-c]{1,3}){0,3}") {
            let ignore = Ignore::parse(&rules);
            let _ = ignore.excludes(&path);
            let taken_in = Ignore::parse(&format!("{rules}\n!{path}"));
            prop_assert!(!taken_in.excludes(&path));
            let excluded = Ignore::parse(&format!("{rules}\n{path}"));
            prop_assert!(excluded.excludes(&path));
        }
    }
}
