//! The end of what a program printed, as the reason of a failure shows it.

use std::collections::VecDeque;

/// Last lines of a program's output that are kept with its failure.
pub const LOG_LINES: usize = 20;

/// The last lines of a program's output as a part of a sentence: `last lines of its output:` with the lines below, or that there are none.
#[must_use]
pub fn last_words(logs: &str) -> String {
    match logs.trim_end() {
        "" => "it printed nothing".to_owned(),
        logs => format!("last lines of its output:\n{logs}"),
    }
}

/// The last lines of a text.
#[must_use]
pub fn last_lines(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Keeps the last [`LOG_LINES`] of the lines that it is given.
#[derive(Debug, Default)]
pub(crate) struct LastLines(VecDeque<String>);

impl LastLines {
    pub(crate) fn push(&mut self, line: String) {
        if self.0.len() == LOG_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn into_text(self) -> String {
        Vec::from(self.0).join("\n")
    }
}
