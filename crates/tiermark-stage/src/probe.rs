//! A fixed piece of work on each core: how fast the machine is at this moment, whatever else it does.

use std::time::Instant;

use crate::process::pin_thread;

/// Steps of the work: between one and two milliseconds of a core of 2020 and later.
const STEPS: u32 = 600_000;

/// What a core needed for the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreProbe {
    pub core: usize,
    pub wall_ns: u64,
}

/// Does the same work on each of the cores at the same time; blocks for the one or two milliseconds that it takes. A core that this thread may
/// not run on is left out.
#[must_use]
pub fn probe_cores(cores: &[usize]) -> Vec<CoreProbe> {
    std::thread::scope(|scope| {
        let probes: Vec<_> = cores.iter().map(|core| scope.spawn(move || probe(*core))).collect();
        probes
            .into_iter()
            .filter_map(|probe| probe.join().ok().flatten())
            .collect()
    })
}

fn probe(core: usize) -> Option<CoreProbe> {
    pin_thread(&[core]).ok()?;
    let began = Instant::now();
    std::hint::black_box(work(std::hint::black_box(STEPS)));
    let wall_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Some(CoreProbe { core, wall_ns })
}

/// Steps that depend on each other: a multiplication, a shift, an addition (xorshift*, Marsaglia, *Journal of Statistical Software* 8, 2003).
fn work(steps: u32) -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..steps {
        state ^= state >> 12;
        state ^= state << 25;
        state = state.wrapping_mul(0x2545_F491_4F6C_DD1D);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_that_there_is_does_the_work() {
        let cores = crate::host::cores();
        let probes = probe_cores(&cores);
        assert_eq!(probes.iter().map(|probe| probe.core).collect::<Vec<_>>(), cores);
        assert!(probes.iter().all(|probe| probe.wall_ns > 0));
        assert_eq!(probe_cores(&[100_000]), []);
        assert_eq!(work(STEPS), work(STEPS), "always the same work");
    }
}
