//! The bases that a Dockerfile names.

/// Name of the file that says how an image is built.
pub(super) const DOCKERFILE: &str = "Dockerfile";

/// A base image that a Dockerfile names by a build argument: `ARG GO_IMAGE=golang:1.26-trixie` and `FROM ${GO_IMAGE}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseArgument {
    /// The build argument's name.
    pub(super) name: String,
    /// Its default: the official image.
    pub(super) reference: String,
}

/// The bases that a Dockerfile names by build argument, in the order of their `ARG` lines.
///
/// Only `ARG NAME=default` lines before the first `FROM` count, and only those that a `FROM` uses as a whole
/// (`$NAME`, `${NAME}`, `${NAME:-x}`): Docker itself knows no others there (Dockerfile reference, "Understand how ARG
/// and FROM interact").
pub(super) fn base_arguments(dockerfile: &str) -> Vec<BaseArgument> {
    let mut declared: Vec<BaseArgument> = Vec::new();
    let mut used: Vec<String> = Vec::new();
    let mut before_first_stage = true;
    for instruction in instructions(dockerfile) {
        let (keyword, rest) = instruction
            .split_once(char::is_whitespace)
            .unwrap_or((&instruction, ""));
        if keyword.eq_ignore_ascii_case("FROM") {
            before_first_stage = false;
            let image = rest.split_whitespace().find(|word| !word.starts_with("--"));
            used.extend(image.and_then(variable_name));
        } else if keyword.eq_ignore_ascii_case("ARG") && before_first_stage {
            let pairs = rest.split_whitespace().filter_map(|word| word.split_once('='));
            declared.extend(pairs.map(|(name, value)| BaseArgument {
                name: name.to_owned(),
                reference: value.trim_matches(['"', '\'']).to_owned(),
            }));
        }
    }
    declared.retain(|argument| used.contains(&argument.name) && !argument.reference.is_empty());
    declared
}

/// Instructions without comments, continuation lines joined.
fn instructions(dockerfile: &str) -> Vec<String> {
    let mut joined = Vec::new();
    let mut current = String::new();
    for line in dockerfile
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(open) = line.strip_suffix('\\') {
            current.push_str(open);
            current.push(' ');
        } else {
            current.push_str(line);
            joined.push(std::mem::take(&mut current));
        }
    }
    if !current.is_empty() {
        joined.push(current);
    }
    joined
}

fn variable_name(image: &str) -> Option<String> {
    let name = image.trim_matches('"').strip_prefix('$')?;
    let name = match name.strip_prefix('{') {
        Some(braced) => braced.strip_suffix('}')?.split(':').next()?,
        None => name,
    };
    let whole = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    whole.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(dockerfile: &str) -> Vec<String> {
        base_arguments(dockerfile)
            .into_iter()
            .map(|base| format!("{}={}", base.name, base.reference))
            .collect()
    }

    #[test]
    fn bases_are_the_arguments_that_a_from_uses() {
        let text = "# syntax\nARG GO_IMAGE=golang:1.26-trixie\nARG RUNTIME_IMAGE=\"debian:trixie-slim\"\nARG VERSION=1\n\
                    FROM ${GO_IMAGE} AS build\nARG LATER=x:1\nfrom --platform=linux/amd64 $RUNTIME_IMAGE\nFROM build\nFROM $LATER\n";
        assert_eq!(
            names(text),
            ["GO_IMAGE=golang:1.26-trixie", "RUNTIME_IMAGE=debian:trixie-slim"]
        );
    }

    #[test]
    fn continuation_lines_and_several_arguments_on_a_line() {
        assert_eq!(
            names("ARG A=a:1 \\\n# why\n  B=b:2\nFROM $A\nFROM ${B:-c:3}"),
            ["A=a:1", "B=b:2"]
        );
    }

    #[test]
    fn a_part_of_a_reference_or_an_argument_without_default_is_no_base() {
        assert!(names("ARG V=1.26\nARG X\nFROM golang:${V}\nFROM $X\nFROM scratch").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_a_dockerfile(text in "(?s).{0,200}") {
            let _ = base_arguments(&text);
        }
    }
}
