//! What a scenario has checked of the contract (`containers/CONTRACT.md`) beyond the answers that its `expect` describes.
//!
//! Each check is a rule of the contract that one answer cannot show: that a statement is sent for every row, that what was
//! posted can be read again. `tiermark-stage` holds how it is done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_path;
use super::yaml::{At, Faults};
use crate::contract::{POSTGRES, UPSTREAM};

/// Most statements or rows of one request: the contract's greatest number of rows.
const MAX_ROWS: u32 = 500;

/// A rule of the contract that is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScenarioCheck {
    /// A path that no route has is answered with 404.
    UnknownPath,
    /// Requests of this one and of another path, sent in one write, are answered in their order.
    PipelinedWith {
        /// The other path, whose answer is always the same.
        path: String,
    },
    /// How many rows are answered for a number that is missing, empty, 0, negative, no number, or beyond 500.
    RowCounts {
        /// The parameter of the query string that holds the number.
        parameter: String,
    },
    /// Statements really sent and rows really read under 512 concurrent requests, and the database connections meanwhile.
    Statements(Statements),
    /// Rows answered are those that the table holds at that moment, and the ids are drawn at random.
    FreshRows {
        /// The table.
        table: String,
    },
    /// A fortune that is added to the table appears on the page, escaped and in its place, and is gone when it is deleted.
    FreshFortunes,
    /// Rows that an update answered with are those in the table afterwards; more than 95% of them changed, and no others.
    StoredUpdates,
    /// Once every row was asked for, no statement is sent; the rows are the table's.
    FilledCache {
        /// The table.
        table: String,
    },
    /// Orders are stored, listed, replaced and deleted as the contract says; a list takes at most two statements.
    Orders,
    /// Every fault of a wrong order is named, and nothing is stored.
    OrderFaults,
    /// The number of primes for several n; a wrong n is refused.
    Primes,
    /// Every answer comes from the upstream service; a wrong delay is refused.
    Upstream,
    /// A WebSocket that echoes.
    Websocket {
        /// Where it is.
        path: String,
    },
}

/// What one request sends to the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statements {
    /// The table whose statements are counted.
    pub table: String,
    /// Statements that read, of one request.
    pub reads: u32,
    /// Rows that these read; as many as `reads` if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// Rows that are written by one request, in as many statements or fewer.
    #[serde(default)]
    pub writes: u32,
}

impl ScenarioCheck {
    /// Its name, as files write it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            ScenarioCheck::UnknownPath => "unknown_path",
            ScenarioCheck::PipelinedWith { .. } => "pipelined_with",
            ScenarioCheck::RowCounts { .. } => "row_counts",
            ScenarioCheck::Statements(_) => "statements",
            ScenarioCheck::FreshRows { .. } => "fresh_rows",
            ScenarioCheck::FreshFortunes => "fresh_fortunes",
            ScenarioCheck::StoredUpdates => "stored_updates",
            ScenarioCheck::FilledCache { .. } => "filled_cache",
            ScenarioCheck::Orders => "orders",
            ScenarioCheck::OrderFaults => "order_faults",
            ScenarioCheck::Primes => "primes",
            ScenarioCheck::Upstream => "upstream",
            ScenarioCheck::Websocket { .. } => "websocket",
        }
    }

    /// The service that it looks into, if it needs one.
    #[must_use]
    pub fn service(&self) -> Option<&'static str> {
        match self {
            ScenarioCheck::Statements(_)
            | ScenarioCheck::FreshRows { .. }
            | ScenarioCheck::FreshFortunes
            | ScenarioCheck::StoredUpdates
            | ScenarioCheck::FilledCache { .. }
            | ScenarioCheck::Orders
            | ScenarioCheck::OrderFaults => Some(POSTGRES),
            ScenarioCheck::Upstream => Some(UPSTREAM),
            ScenarioCheck::UnknownPath
            | ScenarioCheck::PipelinedWith { .. }
            | ScenarioCheck::RowCounts { .. }
            | ScenarioCheck::Primes
            | ScenarioCheck::Websocket { .. } => None,
        }
    }

    /// The feature that a server must have for it.
    #[must_use]
    pub(super) fn feature(&self) -> Option<&'static str> {
        matches!(self, ScenarioCheck::Websocket { .. }).then_some("websocket")
    }

    /// Whether it is about the scenario's one request, which a mix does not have.
    fn is_of_one_request(&self) -> bool {
        match self {
            ScenarioCheck::PipelinedWith { .. }
            | ScenarioCheck::RowCounts { .. }
            | ScenarioCheck::Statements(_)
            | ScenarioCheck::FreshRows { .. }
            | ScenarioCheck::FreshFortunes
            | ScenarioCheck::StoredUpdates
            | ScenarioCheck::FilledCache { .. } => true,
            ScenarioCheck::UnknownPath
            | ScenarioCheck::Orders
            | ScenarioCheck::OrderFaults
            | ScenarioCheck::Primes
            | ScenarioCheck::Upstream
            | ScenarioCheck::Websocket { .. } => false,
        }
    }
}

/// Each check once, with what it needs; `single`: the scenario has exactly one request.
pub(super) fn validate_checks(checks: &[At<ScenarioCheck>], services: &[&str], single: bool, faults: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for At { value: check, place } in checks {
        let name = check.name();
        if seen.contains(&name) {
            faults.add(
                *place,
                format!("the check `{name}` stands here a second time"),
                "each check once",
            );
        }
        seen.push(name);
        if let Some(service) = check.service().filter(|service| !services.contains(service)) {
            faults.add(
                *place,
                format!("the check `{name}` looks into the service `{service}`, which the scenario does not name"),
                format!("add `services: [{service}]`"),
            );
        }
        if check.is_of_one_request() && !single {
            faults.add(
                *place,
                format!("the check `{name}` is about one request, and the scenario has none or several"),
                "give it `request` and `expect`, or put the check into a scenario of that one request",
            );
        }
        let at = |value: &String| At {
            value: value.clone(),
            place: *place,
        };
        match check {
            ScenarioCheck::PipelinedWith { path } | ScenarioCheck::Websocket { path } => check_path(&at(path), faults),
            ScenarioCheck::Statements(statements) => validate_statements(
                &At {
                    value: statements.clone(),
                    place: *place,
                },
                faults,
            ),
            _ => {}
        }
    }
}

fn validate_statements(statements: &At<Statements>, faults: &mut Faults) {
    let Statements {
        reads, rows, writes, ..
    } = &statements.value;
    let numbers = [("reads", Some(*reads)), ("rows", *rows), ("writes", Some(*writes))];
    for (what, value) in numbers {
        let Some(value) = value.filter(|value| *value > MAX_ROWS) else {
            continue;
        };
        faults.add(
            statements.place,
            format!("{what} is {value}"),
            format!("of one request: a whole number from 0 to {MAX_ROWS}"),
        );
    }
    if *reads == 0 && *writes == 0 {
        faults.add(
            statements.place,
            "no statement is expected",
            "for example {table: world, reads: 1}",
        );
    }
}
