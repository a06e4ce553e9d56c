//! What server, database and host do during a trial: CPU time, memory, threads, and the host's noise.
//!
//! A background thread reads the kernel's counters every [`EVERY`]; what a window used is interpolated between samples.

mod host;
mod parse;
mod processes;
mod rest;
mod role;
mod tick;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tiermark_model::host::Role;
use tiermark_model::recording::{GeneratorUse, Window};
use tiermark_model::trial::{Disturbance, Observation, RoleUse, Sample};

pub(crate) use parse::first_value;
pub(crate) use processes::{TreeMember, all_processes, lives, members_of, start_time};
pub use rest::rest;
pub use window::{MAX_FOREIGN_SHARE, MAX_LISTEN_OVERFLOWS, MAX_RETRANSMIT_SHARE, MAX_STEAL_SHARE, MAX_THROTTLED_SHARE};

use crate::types::Watch;
use tick::{RoleReading, Tick};

/// Time between two samples.
pub const EVERY: Duration = Duration::from_millis(100);
/// Number of samples after which the expensive counters are read too: the list of processes and their PSS, for which the kernel walks page tables.
const DEAR_EVERY: usize = 5;

/// Reads counters in the background until it is finished.
#[derive(Debug)]
pub struct Observer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Tick>>>,
    cores: BTreeMap<Role, usize>,
}

impl Observer {
    /// Begins to observe. `zero` is the trial's monotonic zero; `watches` gives what to watch of each role, and the number of
    /// cores it was given. The first sample is taken before this returns.
    #[must_use]
    pub fn begin(zero: Instant, watches: BTreeMap<Role, (Watch, usize)>) -> Self {
        let cores = watches.iter().map(|(role, (_, cores))| (*role, *cores)).collect();
        let mut sampler = Sampler::new(zero, watches);
        let first = sampler.tick();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("observer".to_owned())
            .spawn(move || sampler.run(first, &stopped))
            .ok();
        Self { stop, thread, cores }
    }

    /// Ends observing. `zero_ns` is the recording's zero in nanoseconds since the one that [`Observer::begin`] was given: 0
    /// if they are the same, more if a trial had several stages before the one recorded. Window and samples count from
    /// the recording's. `generator` is what the generator measured of itself within the window, `generator_cores` the number of
    /// cores it was given. It tells its CPU time as a whole, which is given as user time.
    ///
    /// Returns what was seen within the window, and what the host did beyond its limits.
    #[must_use]
    pub fn finish(
        mut self,
        zero_ns: u64,
        window: Window,
        generator: &GeneratorUse,
        generator_cores: usize,
    ) -> (Observation, Vec<Disturbance>) {
        let ticks = rebased(self.join(), zero_ns);
        let seen =
            |(role, cores): (&Role, &usize)| Some((*role, window::role_use(&ticks, *role, count(*cores), window)?));
        let mut roles: BTreeMap<Role, RoleUse> = self.cores.iter().filter_map(seen).collect();
        let generator = RoleUse {
            cpu_user_ns: generator.cpu_ns,
            cores: count(generator_cores),
            over_ns: window.end_ns.saturating_sub(window.start_ns),
            threads_peak: Some(generator.threads),
            ..RoleUse::default()
        };
        roles.insert(Role::Generator, generator);
        let (noise, disturbances) = window::noise(&ticks, &roles, window);
        (
            Observation {
                roles,
                noise,
                samples: samples(&ticks),
            },
            disturbances,
        )
    }

    fn join(&mut self) -> Vec<Tick> {
        self.stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else {
            return Vec::new();
        };
        thread.thread().unpark();
        thread.join().unwrap_or_default()
    }
}

/// The ticks with their times from a later zero; of those before it only the last, which every difference needs.
fn rebased(mut ticks: Vec<Tick>, zero_ns: u64) -> Vec<Tick> {
    let before = ticks.iter().filter(|tick| tick.at_ns <= zero_ns).count();
    ticks.drain(..before.saturating_sub(1));
    for tick in &mut ticks {
        tick.at_ns = tick.at_ns.saturating_sub(zero_ns);
    }
    ticks
}

/// An observer that nobody finished (a trial that failed) ends its thread.
impl Drop for Observer {
    fn drop(&mut self) {
        self.join();
    }
}

/// What one role uses at this moment; for idle memory after a start. Blocking: some milliseconds for plain processes.
#[must_use]
pub fn memory(watch: &Watch) -> Option<u64> {
    role::RoleReader::new(watch.clone()).read(true)?.memory_bytes
}

fn count(cores: usize) -> u32 {
    u32::try_from(cores).unwrap_or(u32::MAX)
}

fn samples(ticks: &[Tick]) -> Vec<Sample> {
    let Some(first) = ticks.first() else { return Vec::new() };
    let total = |reading: &RoleReading| reading.user_ns + reading.system_ns;
    let of_tick = |tick: &Tick| -> Vec<Sample> {
        (tick.roles.iter())
            .map(|(role, reading)| {
                let before = first.roles.get(role).map_or(0, total);
                Sample {
                    at_ns: tick.at_ns,
                    role: *role,
                    cpu_ns: total(reading).saturating_sub(before),
                    memory_bytes: reading.memory_bytes,
                }
            })
            .collect()
    };
    ticks.iter().flat_map(of_tick).collect()
}

struct Sampler {
    zero: Instant,
    readers: BTreeMap<Role, role::RoleReader>,
    taken: usize,
}

impl Sampler {
    fn new(zero: Instant, watches: BTreeMap<Role, (Watch, usize)>) -> Self {
        let readers = watches
            .into_iter()
            .map(|(role, (watch, _))| (role, role::RoleReader::new(watch)))
            .collect();
        Self {
            zero,
            readers,
            taken: 0,
        }
    }

    fn run(mut self, first: Tick, stop: &AtomicBool) -> Vec<Tick> {
        let mut ticks = vec![first];
        let begun = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            // By the clock and not by adding pauses, so that the samples' own cost does not shift them.
            let next = EVERY * u32::try_from(ticks.len()).unwrap_or(u32::MAX);
            match next.checked_sub(begun.elapsed()) {
                Some(rest) => std::thread::park_timeout(rest),
                None => ticks.push(self.tick()),
            }
        }
        // The last one lies behind the window's end.
        ticks.push(self.tick());
        ticks
    }

    fn tick(&mut self) -> Tick {
        let dear = self.taken.is_multiple_of(DEAR_EVERY);
        self.taken += 1;
        let at_ns = u64::try_from(self.zero.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let roles = self
            .readers
            .iter_mut()
            .filter_map(|(role, reader)| Some((*role, reader.read(dear)?)))
            .collect();
        Tick {
            at_ns,
            roles,
            host: host::read_host(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_zero_keeps_the_last_tick_before_it() {
        let ticks = |times: &[u64]| -> Vec<Tick> {
            let tick = |at_ns: &u64| Tick {
                at_ns: *at_ns,
                roles: BTreeMap::new(),
                host: host::HostReading::default(),
            };
            times.iter().map(tick).collect()
        };
        let check = |zero_ns, expected: &[u64]| {
            let rebased = rebased(ticks(&[5, 100, 200, 300]), zero_ns);
            let times: Vec<u64> = rebased.iter().map(|tick| tick.at_ns).collect();
            assert_eq!(times, expected, "{zero_ns}");
        };
        check(0, &[5, 100, 200, 300]);
        check(150, &[0, 50, 150]);
        check(200, &[0, 100]);
        check(900, &[0]);
    }
}
