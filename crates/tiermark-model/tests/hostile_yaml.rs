//! Definitions that are made to be too much: whatever a file holds, a person gets a short message, in bounded time and memory.
#![expect(clippy::unwrap_used, reason = "tests")]

use tiermark_model::format::suite::Weights;

/// The message about a weight set with that text.
fn message(text: &str) -> String {
    let error = Weights::from_yaml("mine.yaml", text, "mine").unwrap_err().to_string();
    assert!(error.len() < 8000, "{} bytes: {}", error.len(), &error[..200]);
    error
}

#[test]
fn a_line_of_megabytes_is_shown_around_its_fault() {
    let long = "x".repeat(3 << 20);
    let said = message(&format!("{{version: 1, name: mine, title: {long}, nmae: 1}}"));
    assert!(said.contains("…"), "{said}");
    let said = message(&format!("version: 1\n? {long}\n: 1\n"));
    assert!(said.contains("unknown field `xxx") && said.contains('…'), "{said}");
    let said = message(&long);
    assert!(said.starts_with("mine.yaml:1:1: "), "{said}");
}

#[test]
fn the_mark_stands_under_the_fault_of_a_long_line() {
    let said = message(&format!(
        "{{version: 1, name: mine, title: {}, nmae: 1}}",
        "x".repeat(1000)
    ));
    let lines: Vec<Vec<char>> = said.lines().map(|line| line.chars().collect()).collect();
    let column = lines[2].iter().position(|c| *c == '^').unwrap();
    let marked: String = lines[1][column..].iter().take(4).collect();
    assert_eq!(marked, "nmae", "{said}");
}

#[test]
fn nesting_and_aliases_end() {
    let deep = format!("version: {}1{}", "[".repeat(50_000), "]".repeat(50_000));
    message(&deep);
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    message(&laughs);
    // The same where a value is read, not passed over.
    message(&format!(
        "{laughs}version: 1\nname: mine\ntitle: t\ndescription: d\nscenarios: *a11\n"
    ));
}

#[test]
fn control_characters_are_not_sent_to_the_terminal() {
    let said = message("version: 1\n\"na\\u202eme\": \"\u{202e}\"\n");
    assert!(!said.contains('\u{202e}') && said.contains("\\u{202e}"), "{said}");
}
