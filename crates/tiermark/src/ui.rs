//! All that is printed: results to standard output, everything else to standard error.
//!
//! A terminal may be closed, a reader may leave, a disk may be full. What cannot be said to a person is lost, and ends nothing: what was
//! started must still be taken down. A result that cannot be written is a failure, but for a reader that has left (`| head`).

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tiermark_model::foreign::harmless;
use tiermark_report::Style;
use tiermark_stage::types::StageEvent;

use crate::error::Failure;
use crate::options::{Format, Global};

/// A line of the built-in server's own log, which whoever started it keeps.
pub(crate) fn server_log(line: &str) {
    say(&format!("{line}\n"));
}

/// What the parser of the arguments has to say: help is a result, the rest is an error.
pub(crate) fn parser_says(said: &clap::Error) -> ExitCode {
    let text = |is_terminal: bool| {
        let text = said.render();
        if is_terminal && may_colour() {
            text.ansi().to_string()
        } else {
            text.to_string()
        }
    };
    if said.use_stderr() {
        say(&text(io::stderr().is_terminal()));
    } else if let Err(error) = print(&text(io::stdout().is_terminal())) {
        let failure = unwritten(&error);
        say(&format!("error: {failure}\n"));
        return failure.exit_code();
    }
    ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(u8::MAX))
}

/// Says something to a person on standard error, if anybody is there.
fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes to standard output. A reader that has left is no error.
fn print(text: &str) -> io::Result<()> {
    match StandardOutput.write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Standard output as it is: the standard library's own takes a descriptor that cannot be written to (EBADF) for one that swallows all.
struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::Machine(format!("the result could not be written to standard output: {error}"))
}

fn may_colour() -> bool {
    // https://no-color.org: any value but the empty one switches colour off.
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !no_colour && !is_dumb()
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|value| value == "dumb")
}

/// A value as JSON that people can read as well.
pub(crate) fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::Machine(format!("cannot write JSON: {error}")))
}

/// Where progress and results go.
pub(crate) struct Ui {
    quiet: bool,
    format: Format,
    live: bool,
    colour: bool,
    bars: MultiProgress,
    builds: Mutex<BTreeMap<String, ProgressBar>>,
    /// Why a result could not be written: the first of all.
    unwritten: Mutex<Option<io::Error>>,
}

impl Ui {
    /// By the options and by what standard output and error are.
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            quiet: global.quiet,
            format: global.format.unwrap_or(Format::Text),
            live: io::stderr().is_terminal() && !is_dumb() && !global.quiet,
            colour: io::stdout().is_terminal() && may_colour(),
            bars: MultiProgress::new(),
            builds: Mutex::default(),
            unwritten: Mutex::default(),
        }
    }

    /// Whether results are for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// How results are printed.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether results may be coloured.
    pub(crate) fn colour(&self) -> bool {
        self.colour
    }

    /// Columns of the terminal; 100 where there is none.
    pub(crate) fn width(&self) -> usize {
        std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| {
                if io::stdout().is_terminal() {
                    usize::from(console_width())
                } else {
                    100
                }
            })
    }

    /// How text documents look here.
    pub(crate) fn style(&self) -> Style {
        Style {
            colour: self.colour(),
            width: self.width(),
        }
    }

    /// A line of progress.
    pub(crate) fn note(&self, line: &str) {
        if !self.quiet {
            self.line(line);
        }
    }

    /// A line on standard error, above what is drawn there.
    fn line(&self, line: &str) {
        let line = &*harmless(line);
        if self.live {
            let _ = self.bars.println(line);
        } else {
            say(&format!("{line}\n"));
        }
    }

    /// A question: shown even when quiet, without an end of line, so that the answer stands behind it.
    pub(crate) fn ask(&self, question: &str) {
        say(question);
    }

    /// A warning: shown even when quiet.
    pub(crate) fn warn(&self, line: &str) {
        self.line(&format!("warning: {line}"));
    }

    /// What ended the command.
    pub(crate) fn error(&self, failure: &Failure) {
        let _ = self.bars.clear();
        say(&format!("error: {}\n", harmless(&failure.to_string())));
    }

    /// A result. One that cannot be written ends nothing here: [`Ui::unwritten`] tells at the command's end.
    pub(crate) fn result(&self, text: &str) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        if let Err(error) = print(&format!("{text}{end}")) {
            let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
            unwritten.get_or_insert(error);
        }
    }

    /// The failure to write a result, if there was one.
    pub(crate) fn unwritten(&self) -> Option<Failure> {
        let error = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        error.as_ref().map(unwritten)
    }

    /// A result for programs.
    pub(crate) fn json(&self, value: &impl serde::Serialize) -> Result<(), Failure> {
        self.result(&pretty(value)?);
        Ok(())
    }

    /// A bar over `total` seconds of estimated work, with the time left. Plain lines are the caller's to give.
    pub(crate) fn bar(&self, total: u64) -> ProgressBar {
        if !self.live {
            return ProgressBar::hidden();
        }
        let bar = self.bars.add(ProgressBar::new(total));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} trials, {eta} left  {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        bar
    }

    /// A bar over a load whose length is still to be set, with a line beside it.
    pub(crate) fn meter(&self) -> ProgressBar {
        if !self.live {
            return ProgressBar::hidden();
        }
        let bar = self.bars.add(ProgressBar::new(0));
        if let Ok(style) = ProgressStyle::with_template("{bar:20} {wide_msg}") {
            bar.set_style(style);
        }
        bar
    }

    /// Whether lines are drawn over each other on a terminal.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Shows what the stage does.
    pub(crate) fn stage_event(&self, event: StageEvent) {
        let mut builds = self.builds.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            StageEvent::BuildStarted { what } => {
                if self.live {
                    let bar = self.bars.add(ProgressBar::new_spinner());
                    bar.enable_steady_tick(Duration::from_millis(200));
                    bar.set_message(format!("{what}: building"));
                    builds.insert(what, bar);
                } else {
                    self.note(&format!("{what}: building"));
                }
            }
            StageEvent::BuildStep { what, step } => match builds.get(&what) {
                Some(bar) => bar.set_message(format!("{what}: {}", first_line(&step, 100))),
                // Piped: the steps of a build, not each line its commands print.
                None if step.starts_with("Step ") => self.note(&format!("{what}: {}", first_line(&step, 120))),
                None => {}
            },
            StageEvent::BuildFinished {
                what,
                millis,
                cached,
                bytes,
            } => {
                if let Some(bar) = builds.remove(&what) {
                    bar.finish_and_clear();
                }
                let size = bytes
                    .map(|bytes| format!(", {} MB", bytes / 1_000_000))
                    .unwrap_or_default();
                let how = if cached {
                    "is there already".to_owned()
                } else {
                    format!("built in {:.0} s", millis as f64 / 1000.0)
                };
                self.note(&format!("{what}: {how}{size}"));
            }
            StageEvent::BuildFailed { what, reason } => {
                if let Some(bar) = builds.remove(&what) {
                    bar.finish_and_clear();
                }
                self.warn(&format!("{what} could not be built\n{}", indent(&reason)));
            }
            StageEvent::Note(text) => self.note(&text),
        }
    }
}

fn console_width() -> u16 {
    rustix::termios::tcgetwinsize(io::stdout()).map_or(100, |size| size.ws_col.clamp(60, 400))
}

/// The text's first line, cut to `limit` characters.
fn first_line(text: &str, limit: usize) -> String {
    let line = text.lines().next().unwrap_or("").trim();
    let mut cut: String = line.chars().take(limit).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}

/// Each line set in, for a block of foreign text.
pub(crate) fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
