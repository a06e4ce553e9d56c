//! What the environment asks for.

use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;

/// All settings.
#[derive(Debug)]
pub struct Settings {
    /// Works wanted by name or family; all where empty.
    pub works: Vec<String>,
    pub rounds: u32,
    /// Length of one generator's part of a round, in seconds.
    pub seconds: u32,
    pub memory_seconds: u32,
    /// The many connections.
    pub connections: u32,
    pub generator_core: usize,
    pub server_core: usize,
    pub tiermark: PathBuf,
}

impl Settings {
    /// Of the environment, each with its default.
    pub fn read() -> Result<Self, Box<dyn Error>> {
        let settings = Self {
            works: variable("WORK", String::new())?
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            rounds: variable("ROUNDS", 5)?,
            seconds: variable("SECONDS_EACH", 5)?,
            memory_seconds: variable("MEMORY_SECONDS", 60)?,
            connections: variable("CONNECTIONS", 15_000)?,
            generator_core: variable("GENERATOR_CORE", 0)?,
            server_core: variable("SERVER_CORE", 1)?,
            tiermark: variable("TIERMARK", PathBuf::from("tiermark"))?,
        };
        if settings.rounds == 0 || settings.seconds == 0 || settings.memory_seconds < 3 || settings.connections <= 64 {
            return Err("ROUNDS and SECONDS_EACH are at least 1, MEMORY_SECONDS 3, CONNECTIONS 65".into());
        }
        Ok(settings)
    }
}

fn variable<T: FromStr<Err: std::fmt::Display>>(name: &str, default: T) -> Result<T, Box<dyn Error>> {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().map_err(|error| format!("{name}={text}: {error}").into()),
        _ => Ok(default),
    }
}
