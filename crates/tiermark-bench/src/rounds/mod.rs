//! A run in rounds: all entries of a group are up together, and in each round every one of them has a turn, in fresh random order, while the
//! others are frozen.
//!
//! The speed of a shared machine changes within seconds, for all servers alike. What is compared is therefore measured within the same
//! seconds. A block is a start of every entry that starts fast; entries that start slowly stay up over several blocks.

mod levels;
mod member;
mod turn;
mod warm_up;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures_util::future::join_all;
use jiff::Timestamp;
use tiermark_model::format::rounds::RoundsRule;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::load::{Closed, Load};
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart, has_turns};
use tiermark_model::round::{LevelRecord, RoundRecord};
use tiermark_model::trial::{EntryId, Record, StartRecord, State, WarmUp};
use tiermark_stage::observe;

use self::member::{Life, Member, freeze_others, starts_slowly};
use self::turn::{TURN_S, TurnAsk, TurnEnd, probe_cores, turn_record, turn_seconds};
use self::warm_up::{WARM_UP_TURN_S, WarmUpRounds};
use crate::error::BenchError;
use crate::event::BenchEvent;
use crate::run::{RunProgress, StartOf};
use crate::start::{ServerEnd, Verification, start};
use crate::turns::thaw_all;

/// Connections of the yardstick wherever something is judged against it.
const YARDSTICK_CONNECTIONS: u32 = 16;

/// Entries that can be up together: so many times 32 connections fit into the database's 640 (`containers/services/postgres/postgresql.conf`).
const MOST_ENTRIES: usize = 18;

/// What is measured in rounds.
pub(crate) struct GroupPlan<'p> {
    plan: &'p Plan,
    rule: &'p RoundsRule,
    /// Those that are measured in turns; writing ones last, so that what they write is restored less often.
    scenarios: Vec<&'p Scenario>,
}

/// The level of an entry in a scenario, and how long its turns are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    load: Closed,
    seconds: f64,
}

impl Level {
    pub(crate) fn of(record: &LevelRecord) -> Self {
        let tried = record
            .tried
            .iter()
            .find(|level| level.connections == record.load.connections);
        Self {
            load: record.load,
            seconds: tried.map_or(TURN_S, |level| turn_seconds(level.median_ns)),
        }
    }
}

impl<'p> GroupPlan<'p> {
    pub(crate) fn of(plan: &'p Plan) -> Option<Self> {
        let rule = plan.suite.rounds.as_ref()?;
        let mut scenarios: Vec<&Scenario> = plan
            .scenarios
            .iter()
            .filter(|it| plan.suite.turn_load(it).is_some())
            .collect();
        scenarios.sort_by_key(|scenario| scenario.writes);
        Some(Self { plan, rule, scenarios })
    }

    fn restarts_slow_entries(&self, block: u32) -> bool {
        self.rule.restarts_slow_entries(block, self.plan.suite.blocks)
    }
}

impl RunProgress<'_> {
    /// Measures all that is missing of a plan in rounds.
    pub(crate) async fn measure_rounds(&mut self, group: &GroupPlan<'_>) -> Result<(), BenchError> {
        let entries = group.plan.entries.len();
        if entries > MOST_ENTRIES {
            return Err(BenchError::Service(format!(
                "{entries} entries cannot be up together: the database has connections for {MOST_ENTRIES}\n\
                 remedy: name fewer (--entries), or measure with a suite without rounds, such as `full`"
            )));
        }
        let mut members = self.members(group).await?;
        let mut measured = Ok(());
        for block in 1..=group.plan.suite.blocks {
            measured = self.block(group, &mut members, block).await;
            if measured.is_err() {
                break;
            }
        }
        let stopped = stop(&mut members, |_| true).await;
        measured.and(stopped)
    }

    /// Those that can be started here. What cannot be measured is stored at once.
    async fn members<'p>(&mut self, group: &GroupPlan<'p>) -> Result<Vec<Member<'p>>, BenchError> {
        let mut members = Vec::new();
        for entry in &group.plan.entries {
            let Some(variant) = entry.framework.variant(&entry.id.variant) else {
                return Err(BenchError::NoEntry(entry.id.clone()));
            };
            let planned = PlannedStart {
                block: 1,
                entry: entry.id.clone(),
                cells: self.all_cells(group, entry.id.clone()),
            };
            let start = StartOf {
                plan: group.plan,
                planned: &planned,
                services: self.services,
            };
            let cells: Vec<&PlannedCell> = planned.cells.iter().collect();
            self.store_what_cannot_run(start, self.missing(start, &cells), &entry.framework)?;
            let Some(Ok(prepared)) = self.prepared.get(&entry.id).cloned() else {
                continue;
            };
            let before = self.starts_before.get(&entry.id).map_or(&[][..], Vec::as_slice);
            let can_run = |cell: &&PlannedCell| self.cannot_run(start, cell, &entry.framework).is_none();
            let left: Vec<&PlannedCell> = cells.into_iter().filter(can_run).collect();
            let in_turns = |scenario: &&&Scenario| {
                let mut turns = left.iter().filter(|cell| has_turns(&cell.load));
                turns.any(|cell| cell.scenario == scenario.name)
            };
            members.push(Member {
                id: &entry.id,
                framework: &entry.framework,
                variant,
                prepared,
                services: self.services.for_entry(&entry.id).await?,
                scenarios: group
                    .scenarios
                    .iter()
                    .filter(in_turns)
                    .map(|scenario| scenario.name.as_str())
                    .collect(),
                can_run: !left.is_empty(),
                life: None,
                ended: None,
                starts: before.iter().map(|start| start.block).max().unwrap_or(0),
                starts_slowly: before
                    .first()
                    .is_some_and(|first| starts_slowly(first, least_warm_up_s(group))),
            });
        }
        Ok(members)
    }

    /// One cell of each scenario, so that what an entry lacks is stored once a scenario.
    fn all_cells(&self, group: &GroupPlan<'_>, entry: EntryId) -> Vec<PlannedCell> {
        let in_turns = (group.scenarios.iter()).filter_map(|scenario| self.turn_cell(group.plan, &entry, scenario));
        let first = group.plan.starts.iter().find(|start| start.entry == entry);
        in_turns
            .chain(first.into_iter().flat_map(|start| start.cells.clone()))
            .collect()
    }

    /// The cell that an entry has turns in: at the level that was chosen, if one was.
    fn turn_cell(&self, plan: &Plan, entry: &EntryId, scenario: &Scenario) -> Option<PlannedCell> {
        let base = plan.suite.turn_load(scenario)?;
        let level = self.levels.get(&(entry.clone(), scenario.name.clone()));
        Some(PlannedCell {
            scenario: scenario.name.clone(),
            load: Load::Closed(level.map_or(base, |level| level.load)),
        })
    }

    async fn block(&mut self, group: &GroupPlan<'_>, members: &mut [Member<'_>], block: u32) -> Result<(), BenchError> {
        let order = self.missing_rounds(group, block);
        let alone = self.missing_alone(group, members, block);
        if order.is_empty() && alone.is_empty() {
            return Ok(());
        }
        let anew = |member: &Member<'_>| !member.starts_slowly || group.restarts_slow_entries(block);
        stop(members, anew).await?;
        // Nobody is frozen while others start, are checked and warm up.
        let up = members.iter_mut().filter_map(|member| member.life.as_mut());
        thaw_all(up.map(|life| &mut life.running)).await?;
        let yardstick = members.iter().position(|member| member.framework.built_in);
        let started = self.start_members(members).await?;
        self.verify_members(group, members, &started).await?;
        let places: Vec<usize> = started.iter().map(|(place, _)| *place).collect();
        let mut warm_ups = self.warm_up_members(group, members, yardstick, &places).await?;
        restore(members).await?;
        let least_s = least_warm_up_s(group);
        for (place, mut record) in started {
            record.warm_up = take_warm_up(&mut warm_ups, place);
            members[place].starts_slowly |= starts_slowly(&record, least_s);
            self.writer.append(&Record::Start(record))?;
        }
        self.choose_levels(group, members, yardstick).await?;
        restore(members).await?;
        for (number, scenario) in order {
            self.round(group, members, (block, number), scenario).await?;
        }
        for (entry, cells) in alone {
            self.measure_alone(group, members, &entry, cells).await?;
        }
        Ok(())
    }

    /// Starts all that are down. One that does not start has failed in this start, and the others go on.
    async fn start_members(&mut self, members: &mut [Member<'_>]) -> Result<Vec<(usize, StartRecord)>, BenchError> {
        let mut started = Vec::new();
        for (place, member) in members.iter_mut().enumerate() {
            if member.life.is_some() || !member.can_run {
                continue;
            }
            if self.bench.interrupt.is_set() {
                return Err(BenchError::Interrupted);
            }
            self.services.check_alive().await?;
            (self.bench.sink)(BenchEvent::MemberStarts { entry: member.id });
            let definition = (member.framework, member.variant);
            let contender = self.contender(&member.prepared, definition, &member.services)?;
            let at = Timestamp::now();
            let up = start(&self.bench, &contender, place).await;
            member.starts += 1;
            member.ended = None;
            match up {
                Ok(running) => {
                    let record = self.start_record((member.id, member.variant), (member.starts, 1), at, &running);
                    member.life = Some(Life {
                        running,
                        failed: BTreeSet::new(),
                    });
                    started.push((place, record));
                }
                Err(ServerEnd::Broken { reason, .. }) => self.leaves(member, &reason).await?,
                Err(ServerEnd::Bench(error)) => return Err(error),
            }
        }
        Ok(started)
    }

    /// Checks what was just started, in every scenario. Whoever answers wrongly has no turns there.
    async fn verify_members(
        &mut self,
        group: &GroupPlan<'_>,
        members: &mut [Member<'_>],
        started: &[(usize, StartRecord)],
    ) -> Result<(), BenchError> {
        for scenario in &group.scenarios {
            for (place, _) in started {
                let member = &mut members[*place];
                if !member.takes_part(&scenario.name) {
                    continue;
                }
                let Some(life) = member.life.as_mut() else { continue };
                if scenario.writes {
                    member.services.restore().await?;
                }
                let of = (member.id, &member.services);
                let verification = self.verify_entry(of, scenario, &mut life.running).await?;
                match verification {
                    Verification::Right(_) => {}
                    Verification::Gone(reason) => self.leaves(member, &reason).await?,
                    Verification::Wrong(reason) => self.fails(group.plan, member, scenario, &reason)?,
                }
            }
        }
        restore(members).await?;
        Ok(())
    }

    /// One round of a scenario, stored at its end.
    async fn round(
        &mut self,
        group: &GroupPlan<'_>,
        members: &mut [Member<'_>],
        (block, number): (u32, u32),
        scenario: &Scenario,
    ) -> Result<(), BenchError> {
        let mut places: Vec<usize> = (0..members.len()).collect();
        group.plan.order_turns(block, number, &mut places);
        places.retain(|place| members[*place].takes_part(&scenario.name));
        (self.bench.sink)(BenchEvent::RoundBegins { block, scenario });
        let (at, began) = (Timestamp::now(), Instant::now());
        let mut turns = Vec::new();
        for place in places {
            let key = (members[place].id.clone(), scenario.name.clone());
            let Some(level) = self.levels.get(&key).copied() else {
                continue;
            };
            let ask = TurnAsk {
                scenario,
                load: level.load,
                seed: group.plan.draws_of_round(block, number),
                seconds: level.seconds,
                timeout_s: group.plan.suite.timeout_s,
            };
            freeze_others(members, place).await?;
            let probe_ns = probe_cores(self.bench.placement.all()).await;
            match self.load_member(&mut members[place], &ask).await? {
                TurnEnd::Measured(measured) => {
                    turns.push(turn_record(&members[place], &ask, (began, probe_ns), *measured));
                }
                TurnEnd::Gone(reason) => self.leaves(&mut members[place], &reason).await?,
            }
        }
        if scenario.writes {
            restore(members).await?;
        }
        let round = RoundRecord {
            block,
            scenario: scenario.name.clone(),
            at,
            turns,
        };
        (self.bench.sink)(BenchEvent::RoundStored(&round));
        Ok(self.writer.append(&Record::Round(round))?)
    }

    /// The cells of an entry that have no turns, while all others are frozen.
    async fn measure_alone(
        &mut self,
        group: &GroupPlan<'_>,
        members: &mut [Member<'_>],
        entry: &EntryId,
        cells: Vec<PlannedCell>,
    ) -> Result<(), BenchError> {
        let Some(place) = members.iter().position(|member| member.id == entry) else {
            return Ok(());
        };
        let services = members[place].services.clone();
        let planned = PlannedStart {
            block: members[place].starts,
            entry: entry.clone(),
            cells,
        };
        let start = StartOf {
            plan: group.plan,
            planned: &planned,
            services: &services,
        };
        for cell in &planned.cells {
            freeze_others(members, place).await?;
            let member = &mut members[place];
            let Some(life) = member.life.as_mut() else {
                let reason = member.ended.clone().unwrap_or_default();
                self.fail_all(start, &[cell], &reason)?;
                continue;
            };
            let watch = life.running.target().watch.clone();
            observe::rest(&watch, warm_up::REST).await;
            let windows_s = group.plan.windows_s(&[cell], None);
            self.measure_cells(start, &[cell], &windows_s, &mut life.running)
                .await?;
            if let Some(reason) = self.gone(&mut life.running, "under load", false).await? {
                member.ended = Some(reason);
                if let Some(life) = member.life.take() {
                    life.running.stop().await?;
                }
            }
        }
        Ok(())
    }

    /// An entry has ended: all its cells have failed in this start, and it leaves the block.
    async fn leaves(&mut self, member: &mut Member<'_>, reason: &str) -> Result<(), BenchError> {
        self.services.check_alive().await?;
        let plan = std::sync::Arc::clone(&self.plan);
        if let Some(life) = member.life.take() {
            life.running.stop().await?;
        }
        member.ended = Some(reason.to_owned());
        for name in member.scenarios.clone() {
            if let Some(scenario) = plan.scenario(name) {
                self.fails(&plan, member, scenario, reason)?;
            }
        }
        Ok(())
    }

    /// An entry has failed in a scenario of this start.
    fn fails(
        &mut self,
        plan: &Plan,
        member: &mut Member<'_>,
        scenario: &Scenario,
        reason: &str,
    ) -> Result<(), BenchError> {
        let reason = self.bench.redactor.text(reason);
        let Some(cell) = self.turn_cell(plan, member.id, scenario) else {
            return Ok(());
        };
        let planned = PlannedStart {
            block: member.starts.max(1),
            entry: member.id.clone(),
            cells: vec![],
        };
        let start = StartOf {
            plan,
            planned: &planned,
            services: self.services,
        };
        if let (Some(life), Some(name)) = (
            &mut member.life,
            member.scenarios.iter().find(|it| **it == scenario.name),
        ) {
            life.failed.insert(name);
        }
        self.store(start, &cell, State::Failed { reason })
    }

    /// The rounds of a block that are not stored, in a fresh order: scenario by scenario in turn would meet the same speeds of the machine.
    fn missing_rounds<'p>(&self, group: &GroupPlan<'p>, block: u32) -> Vec<(u32, &'p Scenario)> {
        let planned = group.plan.order_of_rounds(block);
        let mut stored: BTreeMap<&str, u32> = BTreeMap::new();
        for ((of_block, scenario), rounds) in &self.rounds_before {
            if *of_block == block {
                stored.insert(scenario, *rounds);
            }
        }
        let mut missing = Vec::new();
        for (number, name) in (1u32..).zip(planned) {
            let left = stored.entry(name).or_default();
            if *left > 0 {
                *left -= 1;
            } else if let Some(scenario) = group.plan.scenario(name) {
                missing.push((number, scenario));
            }
        }
        missing
    }

    /// What of the block's cells without turns is missing.
    fn missing_alone(
        &self,
        group: &GroupPlan<'_>,
        members: &[Member<'_>],
        block: u32,
    ) -> Vec<(EntryId, Vec<PlannedCell>)> {
        let planned_until = |entry, cell: &PlannedCell| {
            let until = group
                .plan
                .starts
                .iter()
                .filter(|start| start.block <= block && start.entry == entry);
            until.filter(|start| start.cells.contains(cell)).count()
        };
        let starts = group.plan.starts.iter().filter(|start| start.block == block);
        let runs = |start: &&PlannedStart| members.iter().any(|member| *member.id == start.entry);
        let missing = |start: &PlannedStart| {
            let is_missing = |cell: &&PlannedCell| {
                self.finished_starts(&start.entry, cell) < planned_until(start.entry.clone(), cell)
            };
            let cells: Vec<PlannedCell> = start.cells.iter().filter(is_missing).cloned().collect();
            (!cells.is_empty()).then(|| (start.entry.clone(), cells))
        };
        starts.filter(runs).filter_map(missing).collect()
    }
}

/// Seconds of load on each scenario that the quickest warm-up takes.
fn least_warm_up_s(group: &GroupPlan<'_>) -> f64 {
    WarmUpRounds::of(group.plan.suite.start_warmup()).map_or(0.0, |rounds| f64::from(rounds.least) * WARM_UP_TURN_S)
}

fn take_warm_up(warm_ups: &mut Vec<(usize, WarmUp)>, place: usize) -> Option<WarmUp> {
    let found = warm_ups.iter().position(|(of, _)| *of == place)?;
    Some(warm_ups.swap_remove(found).1)
}

/// Restores what was written to in any entry's database. Whoever is frozen holds no lock: its turn ended with every answer there.
async fn restore(members: &[Member<'_>]) -> Result<(), BenchError> {
    let all = members.iter().map(|member| member.services.restore());
    for restored in join_all(all).await {
        restored?;
    }
    Ok(())
}

/// Takes down those that are up and meant.
async fn stop(members: &mut [Member<'_>], is_meant: impl Fn(&Member<'_>) -> bool) -> Result<(), BenchError> {
    let mut all = Ok(());
    for member in members {
        if !is_meant(member) {
            continue;
        }
        if let Some(life) = member.life.take() {
            all = all.and(life.running.stop().await.map_err(BenchError::from));
        }
    }
    all
}
