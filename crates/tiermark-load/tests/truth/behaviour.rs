//! When a server of known behaviour answers: times in, times out, no clock.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

/// How a server behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Behaviour {
    /// Every answer takes as long.
    Delay(Duration),
    /// Answers take times drawn from the exponential distribution, the same ones for the same seed.
    Drawn { mean: Duration, seed: u64 },
    /// Everything stands still for the last `stall` of each `every` since the server's start; otherwise it answers at once.
    Stall { stall: Duration, every: Duration },
    /// One queue whose server takes 1/rate for each request, first come, first served.
    Capacity { rate_per_s: f64 },
}

impl Behaviour {
    /// The behaviour from its beginning.
    pub fn begin(self) -> Times {
        let seed = match self {
            Self::Drawn { seed, .. } => seed,
            _ => 0,
        };
        Times {
            behaviour: self,
            rng: SmallRng::seed_from_u64(seed),
            free_at: 0,
        }
    }
}

/// A behaviour under way. Times are nanoseconds since the server's start.
#[derive(Debug)]
pub struct Times {
    behaviour: Behaviour,
    rng: SmallRng,
    /// When the queue's server is free.
    free_at: u64,
}

impl Times {
    /// When a request is answered that was read at `read`. To be asked in the order of reading.
    pub fn due(&mut self, read: u64) -> u64 {
        match self.behaviour {
            Behaviour::Delay(delay) => read + nanoseconds(delay),
            Behaviour::Drawn { mean, .. } => {
                // Inversion; 1 − u lies in (0, 1], so that the logarithm is finite.
                let u: f64 = self.rng.random();
                read + (-(1.0 - u).ln() * mean.as_secs_f64() * 1e9) as u64
            }
            Behaviour::Stall { stall, every } => {
                let (stall, every) = (nanoseconds(stall), nanoseconds(every).max(1));
                let phase = read % every;
                let stands = phase >= every.saturating_sub(stall);
                if stands { read - phase + every } else { read }
            }
            Behaviour::Capacity { rate_per_s } => {
                self.free_at = self.free_at.max(read) + (1e9 / rate_per_s) as u64;
                self.free_at
            }
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
