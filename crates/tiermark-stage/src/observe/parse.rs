//! The kernel's text files, as pure functions over their text.

/// The number after a key in a file of `key value` lines: `cpu.stat`, `memory.stat`, `cpuacct.stat`, `smaps_rollup` (`Pss:`).
pub(crate) fn first_value(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == key).then(|| words.next()?.parse().ok())?
    })
}

/// A number alone in a file.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// User and system nanoseconds of a version-1 group: `cpuacct.usage` is exact but unsplit, `cpuacct.stat` is split but in clock
/// ticks; so the exact total is split in the ticks' proportion.
pub(super) fn cpu_v1(usage: &str, stat: &str) -> Option<(u64, u64)> {
    let total = number(usage)?;
    let (user, system) = (first_value(stat, "user")?, first_value(stat, "system")?);
    let ticks = u128::from(user) + u128::from(system);
    let user_ns = (u128::from(total) * u128::from(user)).checked_div(ticks).unwrap_or(0);
    let user_ns = u64::try_from(user_ns).unwrap_or(total);
    Some((user_ns, total - user_ns))
}

/// User and system nanoseconds of a version-2 group's `cpu.stat`.
pub(super) fn cpu_v2(stat: &str) -> Option<(u64, u64)> {
    Some((
        first_value(stat, "user_usec")?.saturating_mul(1000),
        first_value(stat, "system_usec")?.saturating_mul(1000),
    ))
}

/// Nanoseconds a group was throttled: `throttled_time` in version 1, `throttled_usec` in version 2.
pub(super) fn throttled_ns(stat: &str) -> Option<u64> {
    first_value(stat, "throttled_time").or_else(|| Some(first_value(stat, "throttled_usec")?.saturating_mul(1000)))
}

/// Usage minus inactive file pages, which the kernel gives back as soon as somebody asks (as `docker stats` shows it).
pub(super) fn memory(usage: &str, stat: &str) -> Option<u64> {
    let inactive = first_value(stat, "total_inactive_file")
        .or_else(|| first_value(stat, "inactive_file"))
        .unwrap_or(0);
    Some(number(usage)?.saturating_sub(inactive))
}

/// A line of `/proc/<pid>/stat` (proc_pid_stat(5)). Times in clock ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessStat {
    pub(crate) id: u32,
    /// One letter: `Z` is a zombie.
    pub(crate) state: char,
    pub(crate) parent: u32,
    /// Process group.
    pub(crate) group: u32,
    pub(super) user: u64,
    pub(super) system: u64,
    /// User time of children that ended and were waited for.
    pub(super) children_user: u64,
    /// System time of children that ended and were waited for.
    pub(super) children_system: u64,
    pub(super) threads: u32,
    /// When it started, ticks since boot; with the id it names a process for good.
    pub(crate) start: u64,
}

/// Reads a `/proc/<pid>/stat`. The second field is the name in brackets, and may hold blanks and brackets itself.
pub(super) fn process_stat(text: &str) -> Option<ProcessStat> {
    let id = text.split_once(' ')?.0.parse().ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // The manual counts from 1 and the name is field 2, so field n is at n - 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(ProcessStat {
        id,
        state: fields.first()?.chars().next()?,
        parent: u32::try_from(field(4)?).ok()?,
        group: u32::try_from(field(5)?).unwrap_or(0),
        user: field(14)?,
        system: field(15)?,
        // Signed in the manual; the kernel never shows them negative.
        children_user: field(16)?,
        children_system: field(17)?,
        threads: u32::try_from(field(20)?).ok()?,
        start: field(22)?,
    })
}

/// CPU times of the whole host, in clock ticks, from the first line of `/proc/stat`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct HostCpu {
    /// All of it, idle and stolen time included.
    pub(super) total: u64,
    /// In processes: user, nice and system.
    pub(super) processes: u64,
    /// Taken by the hypervisor.
    pub(super) steal: u64,
}

/// Reads `/proc/stat`. Guest time is part of user time already (proc_stat(5)).
pub(super) fn host_cpu(text: &str) -> Option<HostCpu> {
    let line = text.lines().find(|line| line.starts_with("cpu "))?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .map_while(|field| field.parse().ok())
        .collect();
    let field = |index: usize| fields.get(index).copied().unwrap_or(0);
    Some(HostCpu {
        total: fields.iter().take(8).sum(),
        processes: field(0) + field(1) + field(2),
        steal: field(7),
    })
}

/// Microseconds in which some task waited for CPU, from `/proc/pressure/cpu`.
pub(super) fn pressure_us(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    line.split_whitespace()
        .find_map(|word| word.strip_prefix("total="))?
        .parse()
        .ok()
}

/// A counter of `/proc/net/snmp` or `/proc/net/netstat`: a line of names, then a line of values, each beginning with the group.
pub(super) fn network(text: &str, group: &str, name: &str) -> Option<u64> {
    let mut lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(group)?.strip_prefix(':'));
    let position = lines.next()?.split_whitespace().position(|word| word == name)?;
    lines.next()?.split_whitespace().nth(position)?.parse().ok()
}

/// Mean frequency of all processors in MHz, from `/proc/cpuinfo`; not every architecture says one.
pub(super) fn frequency_mhz(text: &str) -> Option<u32> {
    let found: Vec<f64> = (text.lines())
        .filter_map(|line| {
            line.split_once(':')
                .filter(|(key, _)| key.trim() == "cpu MHz")?
                .1
                .trim()
                .parse()
                .ok()
        })
        .collect();
    (!found.is_empty()).then(|| (found.iter().sum::<f64>() / found.len() as f64).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn version_1_splits_the_exact_total() {
        assert_eq!(
            cpu_v1("10000000000\n", "user 300\nsystem 100\n"),
            Some((7_500_000_000, 2_500_000_000))
        );
        assert_eq!(cpu_v1("7\n", "user 0\nsystem 0\n"), Some((0, 7)));
        assert_eq!(cpu_v1("x", "user 0\nsystem 0\n"), None);
        assert_eq!(
            throttled_ns("nr_periods 10\nnr_throttled 2\nthrottled_time 123456\n"),
            Some(123_456)
        );
        assert_eq!(
            memory("1000\n", "cache 500\ninactive_file 100\ntotal_inactive_file 300\n"),
            Some(700)
        );
    }

    #[test]
    fn version_2_is_in_microseconds() {
        let stat = "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 0\nnr_throttled 0\nthrottled_usec 5\n";
        assert_eq!(cpu_v2(stat), Some((20_000, 10_000)));
        assert_eq!(throttled_ns(stat), Some(5_000));
        assert_eq!(memory("1000\n", "anon 600\nfile 400\ninactive_file 250\n"), Some(750));
    }

    #[test]
    fn a_process_may_have_brackets_in_its_name() {
        let text = "42 (a) b (c)) S 1 40 40 0 -1 4194304 100 200 0 0 11 12 13 14 20 0 5 0 98765 1000 2 3";
        let expected = ProcessStat {
            id: 42,
            state: 'S',
            parent: 1,
            group: 40,
            user: 11,
            system: 12,
            children_user: 13,
            children_system: 14,
            threads: 5,
            start: 98765,
        };
        assert_eq!(process_stat(text), Some(expected));
        assert_eq!(process_stat("42 (cut"), None);
    }

    #[test]
    fn the_host_s_counters() {
        let stat = "cpu  100 10 50 800 20 5 5 10 7 0\ncpu0 1 1 1 1\n";
        assert_eq!(
            host_cpu(stat),
            Some(HostCpu {
                total: 1000,
                processes: 160,
                steal: 10
            })
        );
        assert_eq!(
            pressure_us("some avg10=1.00 avg60=2.00 avg300=3.00 total=545816878\nfull avg10=0.00 total=0\n"),
            Some(545_816_878)
        );
        let snmp = "Ip: A B\nIp: 1 2\nTcp: InSegs OutSegs RetransSegs\nTcp: 10 20 3\n";
        assert_eq!(
            (
                network(snmp, "Tcp", "RetransSegs"),
                network(snmp, "Tcp", "OutSegs"),
                network(snmp, "Udp", "X")
            ),
            (Some(3), Some(20), None)
        );
        // `TcpExt` begins with `Tcp` too.
        assert_eq!(network("TcpExt: A ListenOverflows\nTcpExt: 1 9\n", "Tcp", "A"), None);
        assert_eq!(
            frequency_mhz("cpu MHz\t\t: 2000.4\nx : y\ncpu MHz\t\t: 3000.0\n"),
            Some(2500)
        );
        assert_eq!(frequency_mhz("processor : 0\n"), None);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[ -~\n]{0,200}") {
            let _ = (process_stat(&text), host_cpu(&text), pressure_us(&text), network(&text, "T", "x"), frequency_mhz(&text), cpu_v1(&text, &text));
        }
    }
}
