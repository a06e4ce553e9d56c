//! Several servers that are up at once, whose windows are shared out into turns.
//!
//! What the neighbours of a shared machine do changes within seconds. Two windows of seconds, the one after the other, meet different
//! moments; turns of a quarter second meet the same ones, and what is left of a pair's difference is less than half.

use std::time::Duration;

use tiermark_model::histogram::Latency;
use tiermark_model::host::Role;
use tiermark_model::load::Load;
use tiermark_model::recording::Outcomes;
use tiermark_stage::error::StageError;
use tiermark_stage::stage::Running;

use crate::bench::Bench;
use crate::judge;
use crate::services::Services;
use crate::start::{ServerEnd, why_gone};
use crate::window::{WindowAsk, WindowMeasured, lost_connections, measure_window};

/// Seconds of a turn: long next to the first answers on new connections, short next to what neighbours do.
const TURN_S: f64 = 0.25;
/// Seconds of load before each turn's window, in which connections are made.
const TURN_WARMUP_S: f64 = 0.05;

/// Longest time for which a server is frozen without a break: gunicorn ends a worker whose heart has not beaten for 30 s.
const LONGEST_FREEZE: Duration = Duration::from_secs(7);
/// How long a break lasts: time for every worker to say that it lives.
const BREAK: Duration = Duration::from_millis(60);

/// Freezes all but one of these servers, each with its place; that one is thawed. If any has been frozen for long, all have a break first.
///
/// # Errors
/// One of them goes on, or does not.
pub(crate) async fn freeze_all_but<'u>(
    servers: impl Iterator<Item = (usize, &'u mut Running)>,
    awake: usize,
) -> Result<(), StageError> {
    let mut servers: Vec<(usize, &mut Running)> = servers.collect();
    let is_due = |server: &Running| server.frozen_for().is_some_and(|time| time > LONGEST_FREEZE);
    if servers.iter().any(|(_, server)| is_due(server)) {
        thaw_all(servers.iter_mut().map(|(_, server)| &mut **server)).await?;
        tokio::time::sleep(BREAK).await;
    }
    for (place, server) in servers {
        if place == awake {
            server.thaw().await?;
        } else {
            server.freeze().await?;
        }
    }
    Ok(())
}

pub(crate) async fn thaw_all<'u>(servers: impl IntoIterator<Item = &'u mut Running>) -> Result<(), StageError> {
    for server in servers {
        server.thaw().await?;
    }
    Ok(())
}

/// What the servers of a round have in common.
#[derive(Clone, Copy)]
pub struct TurnBench<'a> {
    /// What every measurement works with.
    pub bench: &'a Bench<'a>,
    /// The services that the servers ask.
    pub services: &'a Services,
    /// Whether all others are frozen while one has its turn.
    pub freezes: bool,
}

impl TurnBench<'_> {
    /// Loads the servers in turns, `asks` in their order: each has as many turns as its window needs to be shared out into quarters of a
    /// second. In each round `order` orders the servers' places; what is drawn is another in each round, and the same for all servers.
    /// `each` sees what every turn gave.
    ///
    /// # Errors
    /// A server that ended; the machine's fault; an interrupt. What `each` saw until then holds.
    pub async fn measure(
        &self,
        up: &mut [Running],
        asks: &[WindowAsk<'_>],
        order: &mut dyn FnMut(&mut [usize]),
        each: &mut dyn FnMut(usize, &WindowMeasured),
    ) -> Result<(), ServerEnd> {
        let longest_s = asks.iter().map(|ask| ask.window_s).fold(0.0, f64::max);
        // One alone has nobody to take turns with, and what a window's end leaves unanswered counts once.
        let turns = if up.len() == 1 {
            1.0
        } else {
            (longest_s / TURN_S).ceil().max(1.0)
        };
        let mut places: Vec<usize> = (0..up.len()).collect();
        let mut measured = Ok(());
        'turns: for turn in 0..turns as u64 {
            places.sort_unstable();
            order(&mut places);
            for &index in &places {
                let ask = WindowAsk {
                    seed: asks[index].seed.wrapping_add(turn),
                    warmup_s: TURN_WARMUP_S,
                    window_s: asks[index].window_s / turns,
                    ..asks[index]
                };
                match self.turn(up, index, &ask).await {
                    Ok(turn) => each(index, &turn),
                    Err(end) => {
                        measured = Err(end);
                        break 'turns;
                    }
                }
            }
        }
        measured.and(thaw_all(up).await.map_err(ServerEnd::from))
    }

    /// A window on one of the servers, while the others are frozen if they are to be.
    async fn turn(&self, up: &mut [Running], index: usize, ask: &WindowAsk<'_>) -> Result<WindowMeasured, ServerEnd> {
        if self.freezes {
            freeze_all_but(up.iter_mut().enumerate(), index).await?;
        }
        self.one(up, index, ask).await
    }

    /// Loads each server once, one after the other, without keeping anything.
    ///
    /// # Errors
    /// As [`TurnBench::measure`].
    pub async fn warm_up(&self, up: &mut [Running], asks: &[WindowAsk<'_>], seconds: f64) -> Result<(), ServerEnd> {
        for (index, ask) in asks.iter().enumerate() {
            let ask = WindowAsk {
                warmup_s: 0.0,
                window_s: seconds,
                ..*ask
            };
            self.one(up, index, &ask).await?;
        }
        Ok(())
    }

    /// One window on one of the servers; one that ends under it is broken.
    async fn one(&self, up: &mut [Running], index: usize, ask: &WindowAsk<'_>) -> Result<WindowMeasured, ServerEnd> {
        let (running, cores) = (&mut up[index], self.bench.placement.of(Role::Generator));
        let spec = ask.spec(running.target(), None, cores);
        let measured = measure_window(self.bench, self.services, running, ask.scenario, spec).await?;
        let when = format!("under the load of {}", ask.scenario.name);
        let failed = lost_connections(&measured.recording);
        match why_gone(running, self.services, &when, failed).await? {
            Some(reason) => Err(ServerEnd::Broken { index, reason }),
            None => Ok(measured),
        }
    }
}

/// All turns of one load on one server.
#[derive(Debug, Clone, Default)]
pub struct TurnSum {
    /// Seconds of all windows.
    pub seconds: f64,
    /// What became of the requests.
    pub outcomes: Outcomes,
    /// Response times.
    pub response: Latency,
    /// CPU time of the server, if it can be seen.
    pub cpu_ns: Option<u64>,
    /// The most memory that the server held, if it can be seen.
    pub memory_peak_bytes: Option<u64>,
    /// Whether the generator was late or used up its cores in any of them: what was measured is its own as well.
    pub is_strained: bool,
    /// Whether the host did something else meanwhile.
    pub is_disturbed: bool,
}

impl TurnSum {
    /// Adds a turn of that load.
    pub fn add(&mut self, turn: &WindowMeasured, load: &Load) {
        let recording = &turn.recording;
        self.seconds += recording.window.seconds();
        self.outcomes.merge(&recording.outcomes);
        self.response.merge(&recording.response);
        self.is_strained |= judge::is_strained(recording, load);
        self.is_disturbed |= !turn.disturbances.is_empty();
        if let Some(server) = turn.observation.roles.get(&Role::Server) {
            *self.cpu_ns.get_or_insert(0) += server.cpu_user_ns + server.cpu_system_ns;
            self.memory_peak_bytes = self.memory_peak_bytes.max(server.memory_peak_bytes);
        }
    }
}
