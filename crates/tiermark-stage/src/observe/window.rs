//! What lies within a window: pure functions over the samples.

use std::collections::BTreeMap;

use tiermark_model::host::Role;
use tiermark_model::recording::Window;
use tiermark_model::trial::{Disturbance, HostNoise, RoleUse};

use super::host::HostReading;
use super::tick::{RoleReading, Tick};

/// Highest share of all cores' time that a hypervisor may take: from there on the loss is of the size of a difference
/// between frameworks that a paired comparison of a few starts can show.
pub const MAX_STEAL_SHARE: f64 = 0.05;
/// Highest share of all cores' time used by others than server, database and generator. Above the desktop's and the
/// observer's own few percent, and below what a build or a browser at work takes on a small machine.
pub const MAX_FOREIGN_SHARE: f64 = 0.15;
/// Highest share of the window in which the server's group may be throttled: tiermark sets no quota, so that any throttling
/// is somebody else's limit; a hundredth is the resolution of the tick-based counters that it is compared with.
pub const MAX_THROTTLED_SHARE: f64 = 0.01;
/// Highest share of segments sent again: on loopback none is lost, and even on networks 1% halves what TCP carries.
pub const MAX_RETRANSMIT_SHARE: f64 = 0.01;
/// Dropped connections within the window: all connections are open before it begins, so there is nothing to drop.
pub const MAX_LISTEN_OVERFLOWS: f64 = 0.0;

/// The value of a counter at a moment, between the samples before and after it; outside of them that of the first or last sample.
fn at(points: &[(u64, u64)], moment: u64) -> Option<u64> {
    let after = points.partition_point(|(at_ns, _)| *at_ns < moment);
    match (
        after.checked_sub(1).and_then(|before| points.get(before)),
        points.get(after),
    ) {
        (Some(&(t0, v0)), Some(&(t1, v1))) if t1 > t0 => {
            let share = u128::from(moment - t0) * u128::from(v1.saturating_sub(v0)) / u128::from(t1 - t0);
            Some(v0 + u64::try_from(share).unwrap_or(0))
        }
        (_, Some(&(_, value))) | (Some(&(_, value)), None) => Some(value),
        (None, None) => None,
    }
}

/// How much a counter grew within the window, and over how many nanoseconds of it there were samples.
fn growth(points: &[(u64, u64)], window: Window) -> Option<(u64, u64)> {
    let (first, last) = (points.first()?.0, points.last()?.0);
    let (start, end) = (window.start_ns.max(first), window.end_ns.min(last));
    let over = end.checked_sub(start).filter(|over| *over > 0)?;
    Some((at(points, end)?.saturating_sub(at(points, start)?), over))
}

fn role_points(ticks: &[Tick], role: Role, value: impl Fn(&RoleReading) -> Option<u64>) -> Vec<(u64, u64)> {
    ticks
        .iter()
        .filter_map(|tick| Some((tick.at_ns, value(tick.roles.get(&role)?)?)))
        .collect()
}

fn host_points(ticks: &[Tick], value: impl Fn(&HostReading) -> Option<u64>) -> Vec<(u64, u64)> {
    ticks
        .iter()
        .filter_map(|tick| Some((tick.at_ns, value(&tick.host)?)))
        .collect()
}

/// What a role used within the window; none if nothing of it was seen.
pub(super) fn role_use(ticks: &[Tick], role: Role, cores: u32, window: Window) -> Option<RoleUse> {
    let total = role_points(ticks, role, |reading| Some(reading.user_ns + reading.system_ns));
    let (total, over_ns) = growth(&total, window)?;
    let (system, _) = growth(&role_points(ticks, role, |reading| Some(reading.system_ns)), window)?;
    // The split of a version-1 group may move by a tick; the total is exact and keeps its value.
    let system = system.min(total);
    let inside: Vec<&RoleReading> = (ticks.iter())
        .filter(|tick| window.contains(tick.at_ns))
        .filter_map(|tick| tick.roles.get(&role))
        .collect();
    Some(RoleUse {
        cpu_user_ns: total - system,
        cpu_system_ns: system,
        cores,
        over_ns,
        memory_peak_bytes: inside.iter().filter_map(|reading| reading.memory_bytes).max(),
        threads_peak: inside.iter().filter_map(|reading| reading.threads).max(),
    })
}

/// The host's noise within the window, and each kind that is over its limit.
///
/// Pressure has no limit: a saturated server's own threads wait for CPU, so that it is high in every good measurement.
pub(super) fn noise(ticks: &[Tick], roles: &BTreeMap<Role, RoleUse>, window: Window) -> (HostNoise, Vec<Disturbance>) {
    let host = |value: fn(&HostReading) -> Option<u64>| growth(&host_points(ticks, value), window);
    let share = |part: Option<(u64, u64)>, whole: Option<(u64, u64)>| {
        Some((part?.0, whole?.0))
            .filter(|(_, whole)| *whole > 0)
            .map(|(part, whole)| part as f64 / whole as f64)
    };
    let total = host(|reading| Some(reading.cpu?.total));
    let retransmits = host(|reading| reading.retransmits);
    let throttled = growth(
        &role_points(ticks, Role::Server, |reading| reading.throttled_ns),
        window,
    );
    let noise = HostNoise {
        steal_share: share(host(|reading| Some(reading.cpu?.steal)), total),
        cpu_pressure_share: host(|reading| reading.pressure_us)
            .map(|(waited_us, over_ns)| waited_us as f64 * 1e3 / over_ns as f64),
        throttled_ns: throttled.map(|(throttled, _)| throttled),
        foreign_cpu_share: foreign_share(ticks, roles, window),
        tcp_retransmits: retransmits.map(|(count, _)| count),
        listen_overflows: host(|reading| reading.listen_overflows).map(|(count, _)| count),
        frequency_mhz: mean_frequency(ticks, window),
    };
    let found = [
        ("steal", noise.steal_share, MAX_STEAL_SHARE),
        ("foreign cpu", noise.foreign_cpu_share, MAX_FOREIGN_SHARE),
        (
            "throttled",
            throttled.map(|(throttled, over)| throttled as f64 / over as f64),
            MAX_THROTTLED_SHARE,
        ),
        (
            "tcp retransmits",
            share(retransmits, host(|reading| reading.segments)),
            MAX_RETRANSMIT_SHARE,
        ),
        (
            "listen overflows",
            noise.listen_overflows.map(|count| count as f64),
            MAX_LISTEN_OVERFLOWS,
        ),
    ];
    let over = |(what, value, limit): (&str, Option<f64>, f64)| {
        value.filter(|value| *value > limit).map(|value| Disturbance {
            what: what.to_owned(),
            value,
            limit,
        })
    };
    (noise, found.into_iter().filter_map(over).collect())
}

/// Time in processes that are neither server, database nor generator. Interrupts and softirqs do not count: on loopback
/// they are the measured traffic itself, and the kernel may charge them to nobody.
fn foreign_share(ticks: &[Tick], roles: &BTreeMap<Role, RoleUse>, window: Window) -> Option<f64> {
    let seconds_per_tick = 1.0 / rustix::param::clock_ticks_per_second().max(1) as f64;
    let (processes, _) = growth(&host_points(ticks, |reading| Some(reading.cpu?.processes)), window)?;
    let (total, _) = growth(&host_points(ticks, |reading| Some(reading.cpu?.total)), window)?;
    let own: f64 = roles
        .values()
        .map(|used| (used.cpu_user_ns + used.cpu_system_ns) as f64 / 1e9)
        .sum();
    let foreign = (processes as f64 * seconds_per_tick - own).max(0.0);
    // If a role cannot be seen, what it uses would count as foreign: then nobody can tell.
    let unseen = !roles.contains_key(&Role::Server) || !roles.contains_key(&Role::Generator);
    (total > 0 && !unseen).then(|| foreign / (total as f64 * seconds_per_tick))
}

fn mean_frequency(ticks: &[Tick], window: Window) -> Option<u32> {
    let seen: Vec<u64> = ticks
        .iter()
        .filter(|tick| window.contains(tick.at_ns))
        .filter_map(|tick| tick.host.frequency_mhz)
        .map(u64::from)
        .collect();
    let count = u64::try_from(seen.len()).ok().filter(|count| *count > 0)?;
    u32::try_from(seen.iter().sum::<u64>() / count).ok()
}

#[cfg(test)]
mod tests {
    use super::super::parse::HostCpu;
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    /// Three seconds on two cores, a hundred ticks a second each: the server uses half a core, others what is given.
    fn ticks(foreign: u64, steal: u64, overflows: u64) -> Vec<Tick> {
        (0..=3)
            .map(|second| {
                let server = RoleReading {
                    user_ns: second * 400_000_000,
                    system_ns: second * 100_000_000,
                    memory_bytes: Some(second * 10),
                    threads: Some(4),
                    throttled_ns: Some(0),
                };
                let cpu = HostCpu {
                    total: second * 200,
                    processes: second * (50 + foreign),
                    steal: second * steal,
                };
                let host = HostReading {
                    cpu: Some(cpu),
                    listen_overflows: Some(second * overflows),
                    pressure_us: Some(second * 500_000),
                    retransmits: Some(0),
                    segments: Some(second * 100),
                    frequency_mhz: Some(2000),
                };
                Tick {
                    at_ns: second * SECOND,
                    roles: BTreeMap::from([(Role::Server, server)]),
                    host,
                }
            })
            .collect()
    }

    #[test]
    fn use_is_interpolated() {
        let window = Window {
            start_ns: SECOND / 2,
            end_ns: 5 * SECOND / 2,
        };
        let used = role_use(&ticks(0, 0, 0), Role::Server, 1, window);
        let expected = RoleUse {
            cpu_user_ns: 800_000_000,
            cpu_system_ns: 200_000_000,
            cores: 1,
            over_ns: 2 * SECOND,
            memory_peak_bytes: Some(20),
            threads_peak: Some(4),
        };
        assert_eq!(used, Some(expected));
        assert_eq!(role_use(&ticks(0, 0, 0), Role::Database, 1, window), None);
    }

    #[test]
    fn a_window_beyond_the_samples_is_cut() {
        let used = role_use(
            &ticks(0, 0, 0),
            Role::Server,
            1,
            Window {
                start_ns: 2 * SECOND,
                end_ns: 9 * SECOND,
            },
        );
        assert_eq!(used.map(|used| used.over_ns), Some(SECOND));
        assert_eq!(
            role_use(
                &ticks(0, 0, 0),
                Role::Server,
                1,
                Window {
                    start_ns: 8 * SECOND,
                    end_ns: 9 * SECOND
                }
            ),
            None
        );
    }

    #[track_caller]
    fn check(ticks: &[Tick], expected: &[&str]) {
        let window = Window {
            start_ns: 0,
            end_ns: 3 * SECOND,
        };
        let mut roles = BTreeMap::from([(Role::Generator, RoleUse::default())]);
        roles.extend(role_use(ticks, Role::Server, 1, window).map(|used| (Role::Server, used)));
        let (noise, disturbances) = noise(ticks, &roles, window);
        assert_eq!(
            disturbances.iter().map(|found| found.what.as_str()).collect::<Vec<_>>(),
            expected,
            "{noise:?}"
        );
        assert_eq!(noise.cpu_pressure_share, Some(0.5));
    }

    #[test]
    fn what_is_over_its_limit_is_named() {
        check(&ticks(0, 0, 0), &[]);
        check(&ticks(20, 9, 0), &[]);
        check(&ticks(40, 0, 0), &["foreign cpu"]);
        check(&ticks(0, 20, 1), &["steal", "listen overflows"]);
    }

    proptest! {
        #[test]
        fn interpolation_never_leaves_the_samples(values in proptest::collection::vec(0u64..1_000_000, 1..20), moment in 0u64..3000) {
            let mut sorted = values;
            sorted.sort_unstable();
            let points: Vec<(u64, u64)> = sorted.iter().enumerate().map(|(index, value)| (index as u64 * 100, *value)).collect();
            let found = at(&points, moment);
            prop_assert!(found.is_some_and(|found| sorted[0] <= found && found <= sorted[sorted.len() - 1]));
        }
    }
}
