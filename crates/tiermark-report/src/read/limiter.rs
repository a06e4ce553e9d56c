//! What kept a cell from being faster.

use std::collections::BTreeMap;

use tiermark_model::host::{Placement, Role};
use tiermark_model::trial::TrialRecord;
use tiermark_model::verdict::Verdict;

use crate::analysis::{Limit, Limiter};

/// A core that is busy for this share of the time leaves no room (method: placement).
pub(crate) const BUSY: f64 = 0.9;

/// CPU nanoseconds that a role used and could have used.
#[derive(Debug, Clone, Copy, Default)]
struct Cpu {
    used: f64,
    available: f64,
}

/// Names the limiter from what was observed during `trials`. Shares of time are taken over all of them together.
pub(crate) fn limit(trials: &[&TrialRecord], placement: &Placement) -> Limit {
    let by_role = cpu_by_role(trials);
    let busy: BTreeMap<Role, f64> = by_role
        .keys()
        .map(|role| (*role, busy_of_cores(*role, &by_role, placement)))
        .collect();
    let is_busy = |role: Role| busy.get(&role).is_some_and(|share| *share >= BUSY);
    let mut recordings = trials.iter().filter_map(|trial| trial.recording.as_ref());
    let mut searches = trials.iter().filter_map(|trial| trial.capacity.as_ref());
    // The generator's own checks may say so where its cores, seen as a whole, look free; and a search that found a rate
    // but none above it at which the target failed ended at the generator's limit.
    let bounded = recordings.any(|recording| recording.verdicts.iter().any(Verdict::bounds))
        || searches.any(|found| found.rate_per_s.is_some() && found.high.is_none());
    let busy_service = [Role::Database, Role::Upstream].into_iter().find(|role| is_busy(*role));
    let lower_bound = is_busy(Role::Generator) || busy_service.is_some() || bounded;
    let limiter = if by_role.is_empty() {
        Limiter::Unknown
    } else if is_busy(Role::Generator) {
        named(hungriest_beside(Role::Generator, &by_role, placement))
    } else if let Some(service) = busy_service {
        named(hungriest_beside(service, &by_role, placement))
    } else if bounded {
        Limiter::Generator
    } else if is_busy(Role::Server) {
        Limiter::Server
    } else {
        Limiter::Waiting
    };
    Limit {
        limiter,
        lower_bound,
        busy,
    }
}

fn cpu_by_role(trials: &[&TrialRecord]) -> BTreeMap<Role, Cpu> {
    let mut all: BTreeMap<Role, Cpu> = BTreeMap::new();
    for observation in trials.iter().filter_map(|trial| trial.observation.as_ref()) {
        for (role, seen) in &observation.roles {
            let cpu = all.entry(*role).or_default();
            cpu.used += (seen.cpu_user_ns + seen.cpu_system_ns) as f64;
            cpu.available += seen.over_ns as f64 * f64::from(seen.cores.max(1));
        }
    }
    all.retain(|_, cpu| cpu.available > 0.0);
    all
}

/// Whether two roles have a core in common.
fn share_cores(one: Role, two: Role, placement: &Placement) -> bool {
    one == two || placement.of(one).iter().any(|core| placement.of(two).contains(core))
}

/// Busy share of a role's cores: whoever shares them adds to it.
fn busy_of_cores(role: Role, by_role: &BTreeMap<Role, Cpu>, placement: &Placement) -> f64 {
    let beside = by_role
        .iter()
        .filter(|(other, _)| share_cores(role, **other, placement));
    beside.map(|(_, cpu)| cpu.used / cpu.available).sum()
}

/// Of the roles on these cores, the one that used most.
fn hungriest_beside(role: Role, by_role: &BTreeMap<Role, Cpu>, placement: &Placement) -> Role {
    let beside = by_role
        .iter()
        .filter(|(other, _)| share_cores(role, **other, placement));
    beside
        .max_by(|a, b| a.1.used.total_cmp(&b.1.used))
        .map_or(role, |(other, _)| *other)
}

fn named(role: Role) -> Limiter {
    match role {
        Role::Server => Limiter::Server,
        Role::Database => Limiter::Database,
        Role::Upstream => Limiter::Upstream,
        Role::Generator => Limiter::Generator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cores: &[usize], used: [f64; 3], expected: (Limiter, bool)) {
        let roles = [Role::Server, Role::Database, Role::Generator];
        let by_role: BTreeMap<Role, Cpu> = roles
            .into_iter()
            .zip(used)
            .map(|(role, used)| (role, Cpu { used, available: 1.0 }))
            .collect();
        let placement = Placement::on(cores);
        let generator = busy_of_cores(Role::Generator, &by_role, &placement);
        let found = if generator >= BUSY {
            named(hungriest_beside(Role::Generator, &by_role, &placement))
        } else {
            Limiter::Waiting
        };
        assert_eq!((found, generator >= BUSY), expected);
    }

    #[test]
    fn roles_that_share_a_core_add_up() {
        check(&[0, 1], [0.5, 0.6, 0.35], (Limiter::Database, true));
        check(&[0, 1], [1.0, 0.0, 0.95], (Limiter::Generator, true));
        check(&[0, 1, 2], [0.5, 0.6, 0.35], (Limiter::Waiting, false));
        check(&[0], [0.6, 0.1, 0.3], (Limiter::Server, true));
    }
}
