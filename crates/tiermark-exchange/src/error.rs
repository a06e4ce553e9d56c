//! What can be wrong with a file that is to be imported, or a run that is to be exported.

use tiermark_model::format::yaml::FormatError;

/// What can be wrong with other people's files, and with runs that shall become one.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The file is not JSON, or not the JSON that is expected.
    #[error("{file}:{line}:{column}: {message}\nremedy: {remedy}")]
    Json {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What would help.
        remedy: &'static str,
    },
    /// The file can be read, but says too little.
    #[error("{file}: {message}\nremedy: {remedy}")]
    Content {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
        /// What would help.
        remedy: &'static str,
    },
    /// Faults of a table, each with its place.
    #[error(transparent)]
    Table(#[from] FormatError),
    /// The scenarios that the file's rates are of are not defined here.
    #[error(
        "{file}: its rates are of the scenario `{scenario}`, which is not defined here\nremedy: add scenarios/{scenario}.yaml"
    )]
    UnknownScenario {
        /// The file.
        file: String,
        /// The scenario.
        scenario: String,
    },
    /// The run has nothing that the format could hold.
    #[error("run {run}: {message}\nremedy: {remedy}")]
    Run {
        /// The run's name.
        run: String,
        /// What is wrong.
        message: String,
        /// What would help.
        remedy: &'static str,
    },
}
