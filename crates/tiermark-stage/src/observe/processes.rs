//! Plain processes: a tree of them, followed over time although its members come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::parse::{ProcessStat, first_value, process_stat};
use super::tick::RoleReading;

/// Everything that runs, as `/proc` shows it; empty if there is no `/proc`.
pub(crate) fn all_processes() -> Vec<ProcessStat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(stat_of).collect()
}

fn stat_of(id: u32) -> Option<ProcessStat> {
    process_stat(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// When a process started, in clock ticks since boot; none if it has ended. Id and start together name a process for good.
pub(crate) fn start_time(id: u32) -> Option<u64> {
    stat_of(id).map(|stat| stat.start)
}

/// Whether the process of this id and start runs. A zombie does not: it waits to be waited for.
pub(crate) fn lives(id: u32, start: u64) -> bool {
    stat_of(id).is_some_and(|stat| stat.start == start && !matches!(stat.state, 'Z' | 'X'))
}

/// A process of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TreeMember {
    pub(crate) id: u32,
    /// It was stopped by a signal, or has ended.
    pub(crate) is_stopped: bool,
}

/// The process, its group and all that they started.
pub(crate) fn members_of(root: u32) -> Vec<TreeMember> {
    let all = all_processes();
    let found = members(root, &all);
    let of_tree = all.iter().filter(|process| found.contains(&process.id));
    of_tree
        .map(|process| TreeMember {
            id: process.id,
            is_stopped: matches!(process.state, 'T' | 'Z' | 'X'),
        })
        .collect()
}

/// Members of the tree below `root`: itself, its process group, and all descendants (PostgreSQL's backends leave the group).
fn members(root: u32, all: &[ProcessStat]) -> BTreeSet<u32> {
    let mut found: BTreeSet<u32> = all
        .iter()
        .filter(|process| process.id == root || process.group == root)
        .map(|process| process.id)
        .collect();
    loop {
        let before = found.len();
        let children: Vec<u32> = all
            .iter()
            .filter(|process| found.contains(&process.parent))
            .map(|process| process.id)
            .collect();
        found.extend(children);
        if found.len() == before {
            return found;
        }
    }
}

/// Times of one process in clock ticks, those of ended children apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    user: u64,
    system: u64,
    children_user: u64,
    children_system: u64,
}

/// Adds up the CPU time of processes that come and go, so that the sum never falls.
#[derive(Debug, Default)]
struct Account {
    last: BTreeMap<(u32, u64), Times>,
    user: u64,
    system: u64,
}

impl Account {
    /// A process that was waited for counts through its parent's children; one that nobody waited for (SIGCHLD ignored)
    /// would make the sum fall: then only what the living used is added.
    fn update(&mut self, now: BTreeMap<(u32, u64), Times>) {
        let delta = |own: fn(&Times) -> u64, children: fn(&Times) -> u64| {
            let sum =
                |all: &BTreeMap<(u32, u64), Times>| all.values().map(|times| own(times) + children(times)).sum::<u64>();
            let living = |of: fn(&Times) -> u64| {
                (now.iter())
                    .map(|(key, times)| of(times).saturating_sub(self.last.get(key).map_or(0, of)))
                    .sum::<u64>()
            };
            sum(&now).checked_sub(sum(&self.last)).unwrap_or_else(|| living(own))
        };
        let user = delta(|times| times.user, |times| times.children_user);
        let system = delta(|times| times.system, |times| times.children_system);
        self.user += user;
        self.system += system;
        self.last = now;
    }
}

/// A tree of processes, followed.
#[derive(Debug)]
pub(super) struct Tree {
    root: u32,
    known: BTreeSet<u32>,
    account: Account,
    tick_ns: u64,
}

impl Tree {
    pub(super) fn new(root: u32) -> Self {
        let ticks = rustix::param::clock_ticks_per_second().max(1);
        Self {
            root,
            known: BTreeSet::from([root]),
            account: Account::default(),
            tick_ns: 1_000_000_000 / ticks,
        }
    }

    /// `dear`: look for new members, and add up memory, which makes the kernel walk page tables.
    pub(super) fn read(&mut self, dear: bool) -> Option<RoleReading> {
        let stats: Vec<ProcessStat> = if dear {
            let all = all_processes();
            self.known = members(self.root, &all);
            all.into_iter()
                .filter(|process| self.known.contains(&process.id))
                .collect()
        } else {
            self.known.iter().filter_map(|id| stat_of(*id)).collect()
        };
        if stats.is_empty() {
            return None;
        }
        self.account
            .update(stats.iter().map(|stat| ((stat.id, stat.start), times(stat))).collect());
        Some(RoleReading {
            user_ns: self.account.user * self.tick_ns,
            system_ns: self.account.system * self.tick_ns,
            memory_bytes: dear.then(|| proportional_set_size(&stats)).flatten(),
            threads: Some(stats.iter().map(|stat| stat.threads).sum()),
            throttled_ns: None,
        })
    }
}

fn times(stat: &ProcessStat) -> Times {
    Times {
        user: stat.user,
        system: stat.system,
        children_user: stat.children_user,
        children_system: stat.children_system,
    }
}

/// Sum of PSS: pages that several share count once in all. None if one of them may not be looked at, because a sum
/// without it would be wrong.
fn proportional_set_size(stats: &[ProcessStat]) -> Option<u64> {
    let mut sum = 0;
    for stat in stats {
        match fs::read_to_string(format!("/proc/{}/smaps_rollup", stat.id)) {
            Ok(text) => sum += first_value(&text, "Pss:")? * 1024,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return None,
            // Ended meanwhile, or a zombie: it holds no memory.
            Err(_) => {}
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(processes: &[(u32, u64, u64)]) -> BTreeMap<(u32, u64), Times> {
        (processes.iter())
            .map(|(id, user, children_user)| {
                (
                    (*id, 1),
                    Times {
                        user: *user,
                        system: 0,
                        children_user: *children_user,
                        children_system: 0,
                    },
                )
            })
            .collect()
    }

    #[track_caller]
    fn check(steps: &[&[(u32, u64, u64)]], expected: u64) {
        let mut account = Account::default();
        steps.iter().for_each(|step| account.update(of(step)));
        assert_eq!(account.user, expected);
    }

    #[test]
    fn a_child_that_was_waited_for_counts_once() {
        check(&[&[(1, 5, 0), (2, 10, 0)], &[(1, 6, 12)]], 18);
    }

    #[test]
    fn one_that_nobody_waited_for_never_makes_the_sum_fall() {
        check(&[&[(1, 5, 0), (2, 10, 0)], &[(1, 8, 0)], &[(1, 9, 0)]], 19);
    }

    #[test]
    fn new_members_count_from_their_beginning() {
        check(&[&[(1, 5, 0)], &[(1, 6, 0), (3, 4, 0)]], 10);
    }

    #[test]
    fn descendants_and_the_group_belong_to_the_tree() {
        let stat = |id, parent, group| ProcessStat {
            id,
            state: 'S',
            parent,
            group,
            user: 0,
            system: 0,
            children_user: 0,
            children_system: 0,
            threads: 1,
            start: 1,
        };
        let all = [
            stat(1, 0, 1),
            stat(10, 1, 10),
            stat(12, 11, 12),
            stat(11, 10, 11),
            stat(13, 1, 10),
            stat(20, 1, 20),
        ];
        assert_eq!(members(10, &all), BTreeSet::from([10, 11, 12, 13]));
    }
}
