//! Reasons why the numbers of two runs are not comparable.

use std::fmt;

use serde::Serialize;

use crate::analysis::Analysis;
use crate::read::view::RunView;
use crate::show::numbers::plain;

/// Reason why the numbers of two runs are not comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Obstacle {
    /// They were measured on different machines.
    Host {
        /// The later run.
        run: String,
        /// The base's processor, cores, kernel.
        base: String,
        /// That run's.
        other: String,
    },
    /// They were measured in different ways.
    Setting {
        /// The later run.
        run: String,
        /// What differs.
        what: String,
        /// In the base.
        base: String,
        /// In that run.
        other: String,
    },
    /// A scenario is defined otherwise.
    Scenario {
        /// The later run.
        run: String,
        name: String,
    },
    /// The rates of one were not measured here.
    Imported {
        /// The imported run.
        run: String,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Host { run, base, other } => {
                write!(f, "{run} was measured on another machine: {other}, the base on {base}")
            }
            Obstacle::Setting { run, what, base, other } => {
                write!(f, "{run} has another {what}: {other}, the base {base}")
            }
            Obstacle::Scenario { run, name } => write!(f, "{run} defines the scenario {name} otherwise than the base"),
            Obstacle::Imported { run } => write!(f, "{run} was not measured but imported"),
        }
    }
}

/// The obstacles of every run except the first.
pub(super) fn find(runs: &[(&RunView<'_>, &Analysis)]) -> Vec<Obstacle> {
    let Some(((base, _), others)) = runs.split_first() else {
        return vec![];
    };
    imported(base)
        .into_iter()
        .chain(others.iter().flat_map(|(other, _)| against(base, other)))
        .collect()
}

/// The obstacles between a run and the base. Only manifests are read.
pub(crate) fn against(base: &RunView<'_>, other: &RunView<'_>) -> Vec<Obstacle> {
    imported(other).into_iter().chain(between(base, other)).collect()
}

fn imported(run: &RunView<'_>) -> Option<Obstacle> {
    let is = run.manifest.imported.is_some();
    is.then(|| Obstacle::Imported { run: run.name.clone() })
}

fn between(base: &RunView<'_>, other: &RunView<'_>) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let hosts = [base, other].map(|run| {
        let server = run.manifest.hosts.get(&run.manifest.roles.server);
        server.map(|host| {
            (
                host.fingerprint(),
                format!(
                    "{}, {} cores, kernel {}",
                    plain(&host.cpu),
                    host.cores,
                    plain(&host.kernel)
                ),
            )
        })
    });
    if let [Some((own, base)), Some((theirs, others))] = &hosts
        && own != theirs
    {
        found.push(Obstacle::Host {
            run: other.name.clone(),
            base: base.clone(),
            other: others.clone(),
        });
    }
    let settings = |run: &RunView<'_>| {
        let plan = run.plan();
        let memory = run.manifest.limits.memory_bytes;
        [
            ("runner", run.runner()),
            (
                "memory limit",
                memory.map_or_else(|| "none".to_owned(), |limit| format!("{limit} bytes")),
            ),
            ("placement", cores(run)),
            ("warm-up after a start", format!("{:?} s", plan.suite.start_warmup())),
            ("window", format!("{} s", plan.suite.duration_s)),
        ]
    };
    for ((what, base), (_, others)) in settings(base).into_iter().zip(settings(other)) {
        if base != others {
            found.push(Obstacle::Setting {
                run: other.name.clone(),
                what: what.to_owned(),
                base,
                other: others,
            });
        }
    }
    for scenario in &other.plan().scenarios {
        let own = base.plan().scenario(&scenario.name);
        // Loads are compared by their names, cell by cell, and what a scenario is called changes no number.
        let differs = own.is_some_and(|own| {
            own.requests != scenario.requests
                || own.protocol != scenario.protocol
                || own.objective != scenario.objective
        });
        if differs {
            found.push(Obstacle::Scenario {
                run: other.name.clone(),
                name: scenario.name.clone(),
            });
        }
    }
    found
}

fn cores(run: &RunView<'_>) -> String {
    let roles = run.plan().placement.cores.iter();
    let roles: Vec<String> = roles.map(|(role, cores)| format!("{role} on {cores:?}")).collect();
    roles.join(", ")
}
