//! Every `tiermark …` that is written anywhere (in a message, in `--help`, in a document, in a file for CI) is one that this program
//! takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use super::Cli;

/// Texts that look like a command and are a name.
const NAMES: [&str; 2] = ["tiermark gate {}", "tiermark run {}: imported"];
/// What a placeholder may stand for, tried in turn.
const STAND_INS: [&str; 6] = ["name", "2", "http://127.0.0.1:1", "text", "docker", "file.yaml"];
/// Stands for what only the shell knows, and for a value that a message puts in.
const PLACEHOLDER: &str = "{}";
/// Stands for as many words as there are.
const MANY: &str = "…";

/// A command and where it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    place: String,
    command: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path, wanted));
        } else if wanted(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn ends_in(endings: &'static [&'static str]) -> impl Fn(&Path) -> bool {
    move |path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| endings.contains(&ending))
    }
}

/// Everything that is written in the repository and in the help.
fn all() -> Vec<Written> {
    let mut all = Vec::new();
    let root = root();
    let mut add = |place: &str, commands: Vec<String>| {
        let place = place.to_owned();
        all.extend(commands.into_iter().map(|command| Written {
            place: place.clone(),
            command,
        }));
    };
    let name = |file: &Path| file.strip_prefix(&root).unwrap_or(file).display().to_string();
    let read = |file: &Path| fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    for crate_folder in fs::read_dir(root.join("crates"))
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        for file in files(&crate_folder.path().join("src"), &ends_in(&["rs"])) {
            let code = read(&file);
            // What tests write is shown to nobody.
            let shown = code.split("#[cfg(test)]\nmod tests").next().unwrap_or(&code);
            if !name(&file).ends_with("_tests.rs") {
                let commands = literals(shown).iter().flat_map(|text| in_message(text)).collect();
                add(&name(&file), commands);
            }
        }
    }
    let mut documents = files(&root.join("docs"), &ends_in(&["md"]));
    documents.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name)));
    for file in documents {
        add(&name(&file), in_markdown(&read(&file)));
    }
    for file in files(&root.join("docs/ci"), &ends_in(&["yml", "yaml"])) {
        add(&name(&file), in_lines(&read(&file)));
    }
    add(
        "--help",
        helps(Cli::command())
            .iter()
            .flat_map(|help| in_backticks(help))
            .collect(),
    );
    all
}

/// The long help of the command and of all below it.
fn helps(mut command: clap::Command) -> Vec<String> {
    // Wide, so that no command is broken over lines.
    let mut all = vec![command.clone().term_width(10_000).render_long_help().to_string()];
    command.build();
    all.extend(command.get_subcommands().cloned().flat_map(helps));
    all
}

/// The string literals of Rust code, with their escapes read.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some((hashes, inner)) = raw_string(rest) {
            let (text, after) = inner.split_once(&format!("\"{hashes}")).unwrap_or((inner, ""));
            found.push(text.to_owned());
            rest = after;
        } else if next == '"' {
            let (text, after) = plain_string(&rest[1..]);
            found.push(text);
            rest = after;
        } else if let Some(after) = ["'\"'", "'\\\"'", "'\\''"]
            .iter()
            .find_map(|quote| rest.strip_prefix(quote))
        {
            rest = after;
        } else {
            rest = &rest[next.len_utf8()..];
        }
    }
    found
}

fn raw_string(code: &str) -> Option<(&str, &str)> {
    let after = code.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inner = after[hashes..].strip_prefix('"')?;
    Some((&after[..hashes], inner))
}

/// The text up to the closing quote, and what follows it.
fn plain_string(code: &str) -> (String, &str) {
    let mut text = String::new();
    let mut rest = code;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            '"' => break,
            '\\' => {
                let escaped = rest.chars().next().unwrap_or(' ');
                rest = &rest[escaped.len_utf8()..];
                match escaped {
                    'n' => text.push('\n'),
                    // The line goes on behind the blanks of the next one.
                    '\n' => rest = rest.trim_start(),
                    other => text.push(other),
                }
            }
            other => text.push(other),
        }
    }
    (text, rest)
}

/// The commands of a message: in backticks, or from a line's beginning or a colon to the line's end.
fn in_message(text: &str) -> Vec<String> {
    let mut found = in_backticks(text);
    for line in text.lines().filter(|line| !line.contains('`')) {
        let starts = line.match_indices("tiermark ").map(|(start, _)| start);
        let begins_there = |start: &usize| {
            let before = line[..*start].trim_start();
            before.is_empty() || [". ", ": "].iter().any(|end| before.ends_with(end))
        };
        for start in starts.filter(begins_there) {
            let word = line[start..].split(' ').nth(1).unwrap_or("");
            if is_subcommand(word) && !NAMES.contains(&&line[start..]) {
                found.push(line[start..].to_owned());
            }
        }
    }
    found
}

fn is_subcommand(word: &str) -> bool {
    Cli::command()
        .get_subcommands()
        .any(|command| command.get_name() == word)
}

/// The commands between backticks on one line or over two.
fn in_backticks(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in text.split("\n\n") {
        let spans = paragraph.split('`').skip(1).step_by(2);
        found.extend(spans.flat_map(|span| commands_of_line(&span.replace('\n', " "))));
    }
    found
}

/// Of blocks each line, of everything else what stands in backticks.
fn in_markdown(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut prose, mut block, mut in_block) = (String::new(), String::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            block.push('\n');
            continue;
        }
        let part = if in_block { &mut block } else { &mut prose };
        part.push_str(line);
        part.push('\n');
    }
    found.extend(in_lines(&block));
    found.extend(in_backticks(&prose));
    found
}

/// The commands of lines of a shell, also within YAML.
fn in_lines(text: &str) -> Vec<String> {
    text.replace("\\\n", " ").lines().flat_map(commands_of_line).collect()
}

/// The commands of this program on a line of a shell.
fn commands_of_line(line: &str) -> Vec<String> {
    let mut commands = vec![vec![]];
    for word in shell_words(line) {
        match word {
            ShellWord::Ends => commands.push(vec![]),
            ShellWord::Is(word) => commands
                .last_mut()
                .into_iter()
                .for_each(|words| words.push(word.clone())),
        }
    }
    let of = |words: &Vec<String>| own_arguments(words).map(|arguments| joined(&arguments));
    commands.iter().filter_map(of).collect()
}

fn joined(arguments: &[String]) -> String {
    let quoted = arguments.iter().map(|word| match word.contains([' ', '|', '>', '#']) {
        true => format!("'{word}'"),
        false => word.clone(),
    });
    ["tiermark".to_owned()]
        .into_iter()
        .chain(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What this program is given, if these words run it: by itself, after settings of the environment, or through cargo.
fn own_arguments(words: &[String]) -> Option<Vec<String>> {
    let is_before = |word: &&String| {
        let assigns = word
            .split_once('=')
            .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
        assigns || word.ends_with(':') || ["$", "-", "sudo", "env", "time", "if", "!", "run:"].contains(&word.as_str())
    };
    let words = &words[words.iter().take_while(is_before).count()..];
    let (program, arguments) = words.split_first()?;
    let is_cargo = program == "cargo" && arguments.first().is_some_and(|word| word == "run");
    if is_cargo && arguments.iter().any(|word| word == "tiermark") {
        let start = arguments.iter().position(|word| word == "--")?;
        return Some(arguments[start + 1..].to_vec());
    }
    let is_own = program == "tiermark" || program.ends_with("/tiermark");
    // Alone it is the program's name.
    (is_own && !arguments.is_empty()).then(|| arguments.to_vec())
}

enum ShellWord {
    Is(String),
    /// A pipe, a redirection, the end of a command.
    Ends,
}

/// Words as a shell divides them; of a comment nothing.
fn shell_words(line: &str) -> Vec<ShellWord> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(character),
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '$') if characters.peek() == Some(&'{') || characters.peek() == Some(&'(') => {
                let close = if characters.next() == Some('{') { '}' } else { ')' };
                let inner: String = characters.by_ref().take_while(|inner| *inner != close).collect();
                while characters.next_if_eq(&close).is_some() {}
                word.get_or_insert_default()
                    .push_str(if inner.ends_with("[@]") { MANY } else { PLACEHOLDER });
            }
            (None, '#') if word.is_none() => break,
            (None, ' ' | '\t') => found.extend(word.take().map(ShellWord::Is)),
            (None, '|' | '>' | ';' | '&') => {
                // The number of a redirected stream is no argument.
                let word = word
                    .take()
                    .filter(|word| character != '>' || word.parse::<u8>().is_err());
                found.extend(word.map(ShellWord::Is));
                found.push(ShellWord::Ends);
            }
            (None, _) => word.get_or_insert_default().push(character),
        }
    }
    found.extend(word.map(ShellWord::Is));
    found
}

/// Where a word stands for another: `NAME`, `{name}`, `$NAME`.
fn with_stand_in(word: &str, stand_in: &str) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push_str(stand_in);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    let is_of_a_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut whole = String::new();
    for part in out.split_inclusive(|c| !is_of_a_word(c)) {
        let name = part.trim_end_matches(|c| !is_of_a_word(c));
        let is_placeholder =
            name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains(|c: char| c.is_ascii_lowercase());
        whole.push_str(if is_placeholder { stand_in } else { name });
        whole.push_str(&part[name.len()..]);
    }
    if let Some(start) = whole.find('$') {
        whole.replace_range(start.., stand_in);
    }
    whole
}

/// Why the program refuses a command, whatever its placeholders stand for.
fn refused(command: &str) -> Option<String> {
    let mut words = vec![];
    for word in shell_words(command) {
        match word {
            ShellWord::Is(word) if [MANY, "...", "$@"].contains(&word.as_str()) => {}
            // What may be left out stands in brackets.
            ShellWord::Is(word) if word.starts_with('[') && word.ends_with(']') => {
                words.push(word[1..word.len() - 1].to_owned());
            }
            ShellWord::Is(word) => words.push(word),
            ShellWord::Ends => break,
        }
    }
    let mut first = None;
    // A prose that names a command names no argument.
    let names_it = words.len() == 2 || words.len() == 3 && is_subcommand_of(&words[1], &words[2]);
    for number in STAND_INS {
        for stand_in in STAND_INS {
            // Numbers differ from everything else in kind: a command may need both.
            let given = words
                .iter()
                .map(|word| match word.ends_with('N') && with_stand_in(word, "") != *word {
                    true => with_stand_in(word, number),
                    false => with_stand_in(word, stand_in),
                });
            let error = match Cli::try_parse_from(given) {
                Ok(_) => return None,
                Err(error) => error,
            };
            let is_incomplete = matches!(
                error.kind(),
                ErrorKind::MissingRequiredArgument
                    | ErrorKind::MissingSubcommand
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            );
            let is_shown = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if is_shown || names_it && is_incomplete {
                return None;
            }
            first.get_or_insert(error.to_string());
        }
    }
    first
}

fn is_subcommand_of(outer: &str, inner: &str) -> bool {
    let command = Cli::command();
    let outer = command.find_subcommand(outer);
    outer.is_some_and(|outer| outer.find_subcommand(inner).is_some())
}

#[test]
fn every_command_that_is_written_is_taken() {
    let all = all();
    let faults: Vec<String> = (all.iter())
        .filter_map(|written| {
            let reason = refused(&written.command)?;
            Some(format!("{}: `{}`\n{reason}", written.place, written.command))
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));

    // That all kinds of places are looked through.
    let found: BTreeSet<(&str, &str)> = all
        .iter()
        .map(|written| (written.place.as_str(), written.command.as_str()))
        .collect();
    for (place, command) in [
        ("README.md", "tiermark run quick"),
        ("CONTRIBUTING.md", "tiermark new framework NAME --like express"),
        ("CONTRIBUTING.md", "tiermark report latest --format markdown"),
        ("docs/methodology.md", "tiermark import tfb FILE"),
        (
            "docs/ci/gitlab/.gitlab-ci.yml",
            "tiermark gate --base $CI_MERGE_REQUEST_DIFF_BASE_SHA --fail-if-inconclusive",
        ),
        ("docs/ci/github/action.yml", "tiermark gate ${arguments[@]}"),
        ("crates/tiermark/src/root.rs", "tiermark list weights"),
        (
            "crates/tiermark/src/commands/new.rs",
            "tiermark verify --entries {name}",
        ),
        ("crates/tiermark-report/src/show/html/index.rs", "tiermark run quick"),
        ("--help", "tiermark list use-cases"),
    ] {
        assert!(
            found.contains(&(place, command)),
            "{place}: `{command}` was not found among {found:#?}"
        );
    }
}

#[test]
fn what_the_program_does_not_take_is_refused() {
    for command in [
        "tiermark list weight",
        "tiermark lst",
        "tiermark run quick --entires gin",
        "tiermark gate --base",
        "tiermark new framework NAME --alike express",
        "tiermark report --format {} --nothing",
    ] {
        assert!(refused(command).is_some(), "{command}");
    }
    for command in [
        "tiermark import tfb",
        "tiermark report --format {}",
        "tiermark run --blocks N",
        "tiermark claims [RUN]",
    ] {
        assert_eq!(refused(command), None, "{command}");
    }
}

#[test]
fn commands_are_found_in_lines_of_a_shell() {
    for (line, expected) in [
        ("$ tiermark run quick # minutes", vec!["tiermark run quick"]),
        ("A_B=1 tiermark run quick | tee log", vec!["tiermark run quick"]),
        (
            "cd x && ./target/tiermark load 'a b' > out",
            vec!["tiermark load 'a b'"],
        ),
        (
            "cargo run --release -p tiermark -- run quick 2>&1",
            vec!["tiermark run quick"],
        ),
        (
            "  - run: tiermark gate --base ${{ github.sha }}",
            vec!["tiermark gate --base {}"],
        ),
        ("cargo install tiermark", vec![]),
        ("tiermark", vec![]),
    ] {
        assert_eq!(commands_of_line(line), expected, "{line}");
    }
    let code = "let a = \"one \\\"two\\\" \\\n   three\"; // \"no\"\nlet b = '\"'; let c = r#\"four \"five\"\"#;";
    assert_eq!(literals(code), ["one \"two\" three", "four \"five\""]);
}
