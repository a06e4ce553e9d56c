//! The output of an image build, read as steps and the lines that they wrote.

use crate::output::LastLines;

/// Follows the classic builder's output: `Step 4/9 : RUN go build`, then what it writes.
#[derive(Debug, Default)]
pub(super) struct BuildLog {
    step: String,
    lines: LastLines,
    unfinished: String,
}

impl BuildLog {
    /// Takes a piece of output; gives the steps that began in it.
    pub(super) fn add(&mut self, piece: &str) -> Vec<String> {
        let mut began = Vec::new();
        self.unfinished.push_str(piece);
        while let Some(end) = self.unfinished.find('\n') {
            let line: String = self.unfinished.drain(..=end).collect();
            began.extend(self.line(line.trim_end()));
        }
        began
    }

    fn line(&mut self, line: &str) -> Option<String> {
        // Progress bars overwrite themselves with carriage returns: what is there in the end counts.
        let line = without_colours(line.rsplit('\r').next().unwrap_or(line));
        let line = line.trim_end();
        if line.starts_with("Step ") && line.contains(" : ") {
            line.clone_into(&mut self.step);
            self.lines.clear();
            return Some(self.step.clone());
        }
        // The builder's notes of its own containers and layers would crowd out what the step wrote.
        let note = line.starts_with(" ---> ") || line.starts_with("Removing intermediate container ");
        if !line.is_empty() && !note {
            self.lines.push(line.to_owned());
        }
        None
    }

    /// What to say of a failure: the step, its last lines, the builder's own word.
    pub(super) fn failure(mut self, error: &str) -> String {
        let rest = std::mem::take(&mut self.unfinished);
        self.line(rest.trim_end());
        let parts = [self.step, self.lines.into_text(), error.trim().to_owned()];
        let said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        said.join("\n")
    }
}

/// The classic builder colours what steps write to their error stream (ECMA-48 control sequences).
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(|c: char| c.is_ascii_alphabetic())
            .map_or(part.len(), |end| end + 1);
        text.push_str(&part[end..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_step_and_keeps_its_last_lines_only() {
        let mut log = BuildLog::default();
        assert_eq!(
            log.add("Step 1/2 : FROM x\n ---> 1234\nStep 2/2 : RU"),
            ["Step 1/2 : FROM x"]
        );
        assert_eq!(log.add("N make\n"), ["Step 2/2 : RUN make"]);
        for number in 0..50 {
            log.add(&format!("line {number}\r\n"));
        }
        log.add("10%\r99%\n\u{1b}[91mlast words\n\u{1b}[0mRemoving intermediate container 12");
        let reason = log.failure("The command 'make' returned a non-zero code: 2\n");
        let lines: Vec<&str> = reason.lines().collect();
        assert_eq!(lines.len(), 22);
        assert_eq!((lines[0], lines[1]), ("Step 2/2 : RUN make", "line 32"));
        assert_eq!(
            lines[19..],
            ["99%", "last words", "The command 'make' returned a non-zero code: 2"]
        );
    }

    #[test]
    fn a_failure_before_any_step_is_the_builders_word() {
        assert_eq!(
            BuildLog::default().failure("dockerfile parse error"),
            "dockerfile parse error"
        );
    }
}
