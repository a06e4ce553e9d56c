//! Everything that a run can say of an entry, in one list: unit, direction, scope and words of each quantity.
//!
//! Each format knows some of them, under names of its own that its files have; that is its [`Vocabulary`]. A file that names
//! another quantity is refused when it is read, at its place. To add a quantity, add a variant, its row in [`Quantity::facts`],
//! and a row to the vocabulary of each format that is to know it; `tiermark-report/src/quantity/` says how it is computed.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{EnumAccess, Error, VariantAccess as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

/// What runs measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// Right answers a second: of a load level, or the value of a scenario, the highest rate that meets its objective.
    Rate,
    /// The highest rate of a scenario's closed loops, whatever its latency.
    Peak,
    /// Median of response time.
    P50,
    /// 95th percentile of response time.
    P95,
    /// 99th percentile of response time.
    P99,
    /// 99.9th percentile of response time.
    P999,
    /// Time from the start that was asked for to the first right answer.
    ColdStart,
    /// Memory of the server before any load.
    IdleMemory,
    /// Greatest memory of the server under a load.
    Memory,
    /// All memory of a server that holds the most idle connections of a scenario, over their number (methodology: memory of a
    /// connection).
    ConnectionMemory,
    /// CPU time of the server for each right answer.
    CpuPerRequest,
    /// Size of the image.
    ImageSize,
    /// 99th percentile of the light requests of a mix with heavy ones.
    Blocking,
    /// 99th percentile while the server holds the most idle connections of a scenario.
    IdleConnections,
    /// Greatest number of threads of the server under a load.
    Threads,
    /// Share of requests without a right answer.
    ErrorShare,
    /// Value over the reference, in a scenario or over those of a weight set.
    Share,
}

/// What a number is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Right answers a second.
    PerSecond,
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// KiB.
    Kibibytes,
    /// MiB.
    Mebibytes,
    /// Things.
    Count,
    /// A share or a ratio: 0.5 is a half.
    Share,
}

impl Unit {
    /// Its size in the smallest unit of its kind: in nanoseconds, in bytes.
    #[must_use]
    pub fn size(self) -> f64 {
        match self {
            Unit::Milliseconds => 1e6,
            Unit::Microseconds => 1e3,
            Unit::Mebibytes => 1024.0 * 1024.0,
            Unit::Kibibytes => 1024.0,
            Unit::PerSecond | Unit::Nanoseconds | Unit::Bytes | Unit::Count | Unit::Share => 1.0,
        }
    }

    /// Its name for other tools, in ASCII. What is counted in microseconds is so for each request.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::PerSecond => "requests/s",
            Unit::Nanoseconds => "ns",
            Unit::Microseconds => "us/request",
            Unit::Milliseconds => "ms",
            Unit::Bytes => "bytes",
            Unit::Kibibytes => "KiB",
            Unit::Mebibytes => "MiB",
            Unit::Count | Unit::Share => "",
        }
    }

    /// Whether it counts time.
    #[must_use]
    pub fn is_time(self) -> bool {
        matches!(self, Unit::Nanoseconds | Unit::Microseconds | Unit::Milliseconds)
    }
}

/// What one number of a quantity belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// An entry: every start of it has the same.
    Entry,
    /// A start, before any load.
    Start,
    /// A scenario: the quantity says itself at which load level.
    Scenario,
    /// A load level.
    Cell,
}

/// What is fixed about a quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantityFacts {
    /// Its name in documents for other programs.
    pub key: &'static str,
    /// Its name in sentences and tables.
    pub words: &'static str,
    /// What it is, without an article.
    pub title: &'static str,
    /// The unit in which analyses hold it.
    pub unit: Unit,
    /// Whether more of it is better.
    pub more_is_better: bool,
    /// What one number of it belongs to.
    pub scope: Scope,
}

impl Quantity {
    /// What is fixed about it.
    #[must_use]
    #[rustfmt::skip]
    pub const fn facts(self) -> QuantityFacts {
        use Scope::{Cell, Entry, Scenario, Start};
        use Unit::{Bytes, Count, Microseconds, Milliseconds, Nanoseconds, PerSecond};
        let (key, words, title, unit, more_is_better, scope) = match self {
            Quantity::Rate => ("rate", "rate", "Right answers a second", PerSecond, true, Scenario),
            Quantity::Peak => ("peak", "peak rate", "Highest rate whatever its latency", PerSecond, true, Scenario),
            Quantity::P50 => ("p50", "p50", "Median of response time", Nanoseconds, false, Cell),
            Quantity::P95 => ("p95", "p95", "95th percentile of response time", Nanoseconds, false, Cell),
            Quantity::P99 => ("p99", "p99", "99th percentile of response time", Nanoseconds, false, Cell),
            Quantity::P999 => ("p999", "p99.9", "99.9th percentile of response time", Nanoseconds, false, Cell),
            Quantity::ColdStart => ("start", "cold start", "Time to the first right answer", Milliseconds, false, Start),
            Quantity::IdleMemory => ("idle_memory", "idle memory", "Memory before any load", Bytes, false, Start),
            Quantity::Memory => ("memory", "memory", "Greatest memory", Bytes, false, Cell),
            Quantity::ConnectionMemory => ("connection_memory", "memory a connection", "Memory for each idle connection", Bytes, false, Scenario),
            Quantity::CpuPerRequest => ("cpu", "CPU a request", "CPU time for each right answer", Microseconds, false, Cell),
            Quantity::ImageSize => ("image", "image size", "Size of the image", Bytes, false, Entry),
            Quantity::Blocking => ("blocking", "p99 of light requests", "99th percentile of light requests next to heavy ones", Nanoseconds, false, Scenario),
            Quantity::IdleConnections => ("idle_connections", "p99 with idle connections", "99th percentile with the most idle connections", Nanoseconds, false, Scenario),
            Quantity::Threads => ("threads", "threads", "Greatest number of threads", Count, false, Cell),
            Quantity::ErrorShare => ("errors", "errors", "Share of requests without a right answer", Unit::Share, false, Cell),
            Quantity::Share => ("share", "share of the reference", "Share of the reference", Unit::Share, true, Scenario),
        };
        QuantityFacts { key, words, title, unit, more_is_better, scope }
    }

    /// Its name in documents for other programs.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.facts().key
    }

    /// Its name in sentences and tables.
    #[must_use]
    pub fn words(self) -> &'static str {
        self.facts().words
    }

    /// The unit in which analyses hold it.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.facts().unit
    }

    /// Whether more of it is better.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        self.facts().more_is_better
    }

    /// What one number of it belongs to.
    #[must_use]
    pub fn scope(self) -> Scope {
        self.facts().scope
    }

    /// Of a percentile of response time the fraction: 0.99 for the 99th.
    #[must_use]
    pub fn fraction(self) -> Option<f64> {
        match self {
            Quantity::P50 => Some(0.5),
            Quantity::P95 => Some(0.95),
            Quantity::P99 | Quantity::Blocking | Quantity::IdleConnections => Some(0.99),
            Quantity::P999 => Some(0.999),
            _ => None,
        }
    }

    /// Whether it belongs to an entry as a whole and takes no scenario.
    #[must_use]
    pub fn is_of_entry(self) -> bool {
        matches!(self.scope(), Scope::Entry | Scope::Start)
    }

    /// Whether a mix has it for each of its requests.
    #[must_use]
    pub fn is_of_request(self) -> bool {
        self.fraction().is_some() || self == Quantity::ErrorShare
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// A quantity as a format names it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Its name in the format's files.
    pub name: &'static str,
    /// The quantity.
    pub quantity: Quantity,
    /// The unit of the format's numbers.
    pub unit: Unit,
    /// What it is there, for the format's schema.
    pub help: &'static str,
}

/// The quantities that a format knows, and their names in it.
pub trait Vocabulary {
    /// The name of its schema.
    const TITLE: &'static str;
    /// What its schema says of it.
    const SUMMARY: &'static str;
    /// Its quantities, in the order in which they are listed to a person.
    const TERMS: &'static [Term];
    /// Their names, in the same order.
    const NAMES: &'static [&'static str];

    /// The quantity of that name.
    #[must_use]
    fn named(name: &str) -> Option<Quantity> {
        let found = Self::TERMS.iter().find(|term| term.name == name);
        found.map(|term| term.quantity)
    }

    /// The quantity's name; of one that the format does not know, that in documents.
    #[must_use]
    fn name(quantity: Quantity) -> &'static str {
        let found = Self::TERMS.iter().find(|term| term.quantity == quantity);
        found.map_or(quantity.key(), |term| term.name)
    }

    /// The unit of the format's numbers.
    #[must_use]
    fn unit(quantity: Quantity) -> Unit {
        let found = Self::TERMS.iter().find(|term| term.quantity == quantity);
        found.map_or(quantity.unit(), |term| term.unit)
    }

    /// A number in the format's unit, of one in the quantity's own.
    #[must_use]
    fn in_unit(quantity: Quantity, value: f64) -> f64 {
        let (own, wanted) = (quantity.unit(), Self::unit(quantity));
        if own == wanted {
            return value;
        }
        value * own.size() / wanted.size()
    }

    /// Its quantities.
    fn quantities() -> impl Iterator<Item = Quantity> {
        Self::TERMS.iter().map(|term| term.quantity)
    }
}

const fn names<const N: usize>(terms: &[Term; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut index = 0;
    while index < N {
        names[index] = terms[index].name;
        index += 1;
    }
    names
}

const fn term(name: &'static str, quantity: Quantity, unit: Unit, help: &'static str) -> Term {
    Term {
        name,
        quantity,
        unit,
        help,
    }
}

/// A quantity as a file of a format names it. A quantity that the format does not know cannot be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<V> {
    pub(super) quantity: Quantity,
    vocabulary: PhantomData<V>,
}

impl<V> From<Quantity> for Named<V> {
    fn from(quantity: Quantity) -> Self {
        Self {
            quantity,
            vocabulary: PhantomData,
        }
    }
}

/// Read as an enum is, so that a fault has the place of the name.
impl<'de, V: Vocabulary> Deserialize<'de> for Named<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole<V>(PhantomData<V>);
        impl<'de, V: Vocabulary> Visitor<'de> for Whole<V> {
            type Value = Named<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "enum {}", V::TITLE)
            }
            fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Named<V>, A::Error> {
                let (Name(quantity, _), rest) = access.variant::<Name<V>>()?;
                rest.unit_variant()?;
                Ok(quantity.into())
            }
        }
        deserializer.deserialize_enum(V::TITLE, V::NAMES, Whole(PhantomData))
    }
}

/// The name alone.
struct Name<V>(Quantity, PhantomData<V>);

impl<'de, V: Vocabulary> Deserialize<'de> for Name<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Identifier<V>(PhantomData<V>);
        impl<V: Vocabulary> Visitor<'_> for Identifier<V> {
            type Value = Name<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("variant identifier")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Name<V>, E> {
                let quantity = V::named(name).ok_or_else(|| E::unknown_variant(name, V::NAMES))?;
                Ok(Name(quantity, PhantomData))
            }
        }
        deserializer.deserialize_identifier(Identifier(PhantomData))
    }
}

impl<V: Vocabulary> Serialize for Named<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(V::name(self.quantity))
    }
}

impl<V: Vocabulary> JsonSchema for Named<V> {
    fn schema_name() -> Cow<'static, str> {
        V::TITLE.into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |term: &Term| json!({"description": term.help, "type": "string", "const": term.name});
        let all: Vec<serde_json::Value> = V::TERMS.iter().map(one).collect();
        json_schema!({"description": V::SUMMARY, "oneOf": all})
    }
}

/// What a profile can weigh.
#[derive(Debug, Clone, Copy)]
pub struct CriterionNames;

const CRITERIA: [Term; 10] = [
    term("rate", Quantity::Rate, Unit::PerSecond, ""),
    term("tail-latency", Quantity::P99, Unit::Nanoseconds, ""),
    term("blocking", Quantity::Blocking, Unit::Nanoseconds, ""),
    term("idle-connections", Quantity::IdleConnections, Unit::Nanoseconds, ""),
    term("cpu-per-request", Quantity::CpuPerRequest, Unit::Microseconds, ""),
    term("load-memory", Quantity::Memory, Unit::Bytes, ""),
    term("connection-memory", Quantity::ConnectionMemory, Unit::Bytes, ""),
    term("idle-memory", Quantity::IdleMemory, Unit::Bytes, ""),
    term("cold-start", Quantity::ColdStart, Unit::Milliseconds, ""),
    term("image-size", Quantity::ImageSize, Unit::Bytes, ""),
];

impl Vocabulary for CriterionNames {
    const TITLE: &'static str = "MeasuredCriterion";
    const SUMMARY: &'static str = "What runs measure of an entry.";
    const TERMS: &'static [Term] = &CRITERIA;
    const NAMES: &'static [&'static str] = &names(&CRITERIA);
}

/// What a claim can be about.
#[derive(Debug, Clone, Copy)]
pub struct ClaimNames;

#[rustfmt::skip]
const CLAIMS: [Term; 15] = [
    term("rate", Quantity::Rate, Unit::PerSecond, "Right answers a second: at a load level; without one the scenario's value, the highest rate that meets its objective."),
    term("peak", Quantity::Peak, Unit::PerSecond, "The highest rate of the scenario's closed loops, whatever its latency: as TechEmpower counts."),
    term("p50_ms", Quantity::P50, Unit::Milliseconds, "Median response time, milliseconds."),
    term("p95_ms", Quantity::P95, Unit::Milliseconds, "95th percentile of response time, milliseconds."),
    term("p99_ms", Quantity::P99, Unit::Milliseconds, "99th percentile of response time, milliseconds."),
    term("p999_ms", Quantity::P999, Unit::Milliseconds, "99.9th percentile of response time, milliseconds."),
    term("cpu_us", Quantity::CpuPerRequest, Unit::Microseconds, "CPU time of the server for each right answer, microseconds."),
    term("memory_mb", Quantity::Memory, Unit::Mebibytes, "Greatest memory of the server under a load, MiB."),
    term("error_share", Quantity::ErrorShare, Unit::Share, "Share of requests without a right answer, 0 to 1."),
    term("threads", Quantity::Threads, Unit::Count, "Greatest number of threads of the server under a load."),
    term("connection_kb", Quantity::ConnectionMemory, Unit::Kibibytes, "Memory for each idle connection, KiB: all memory of a server that holds the most idle connections that the scenario has, over their number."),
    term("cold_start_ms", Quantity::ColdStart, Unit::Milliseconds, "From the start that was asked for to the first right answer, milliseconds."),
    term("idle_memory_mb", Quantity::IdleMemory, Unit::Mebibytes, "Memory before any load, MiB."),
    term("image_mb", Quantity::ImageSize, Unit::Mebibytes, "Size of the image, MiB."),
    term("share", Quantity::Share, Unit::Share, "The composite over all scenarios of the weight set, as a share of the reference; in a scenario its value's share."),
];

impl Vocabulary for ClaimNames {
    const TITLE: &'static str = "What";
    const SUMMARY: &'static str = "Which number of an entry.";
    const TERMS: &'static [Term] = &CLAIMS;
    const NAMES: &'static [&'static str] = &names(&CLAIMS);
}

/// What two versions of a service can be compared in.
#[derive(Debug, Clone, Copy)]
pub struct GateNames;

#[rustfmt::skip]
const GATE: [Term; 6] = [
    term("rate", Quantity::Rate, Unit::PerSecond, "Right answers a second under the closed loop."),
    term("p50", Quantity::P50, Unit::Milliseconds, "Median of response time at the fixed rate."),
    term("p99", Quantity::P99, Unit::Milliseconds, "99th percentile of response time at the fixed rate."),
    term("cpu", Quantity::CpuPerRequest, Unit::Microseconds, "CPU time of the server for each right answer under the closed loop."),
    term("memory", Quantity::Memory, Unit::Bytes, "Greatest memory of the server."),
    term("start", Quantity::ColdStart, Unit::Milliseconds, "Time to the first right answer."),
];

impl Vocabulary for GateNames {
    const TITLE: &'static str = "Metric";
    const SUMMARY: &'static str = "What two versions are compared in.";
    const TERMS: &'static [Term] = &GATE;
    const NAMES: &'static [&'static str] = &names(&GATE);
}

/// What a weight set can compare.
#[derive(Debug, Clone, Copy)]
pub struct WeightNames;

#[rustfmt::skip]
const WEIGHTS: [Term; 3] = [
    term("rate", Quantity::Rate, Unit::PerSecond, "The value: right answers a second within the scenario's objective."),
    term("p99", Quantity::P99, Unit::Nanoseconds, "The 99th percentile of response time under an open loop at one rate for all; less is better."),
    term("cpu", Quantity::CpuPerRequest, Unit::Nanoseconds, "CPU time of the server for each right answer, at the level of the value; less is better."),
];

impl Vocabulary for WeightNames {
    const TITLE: &'static str = "Measure";
    const SUMMARY: &'static str = "What of an entry in a scenario is compared.";
    const TERMS: &'static [Term] = &WEIGHTS;
    const NAMES: &'static [&'static str] = &names(&WEIGHTS);
}

/// A weight set that does not say what it compares compares rates.
impl Default for Named<WeightNames> {
    fn default() -> Self {
        Quantity::Rate.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_vocabulary<V: Vocabulary>() {
        for (term, name) in V::TERMS.iter().zip(V::NAMES) {
            assert_eq!(term.name, *name);
            assert_eq!(V::named(name), Some(term.quantity));
            assert_eq!(
                V::name(term.quantity),
                *name,
                "a quantity has one name in a format, or it could not be written back"
            );
        }
    }

    #[test]
    fn names_and_quantities_are_one_to_one() {
        check_vocabulary::<CriterionNames>();
        check_vocabulary::<ClaimNames>();
        check_vocabulary::<GateNames>();
        check_vocabulary::<WeightNames>();
    }

    #[test]
    fn numbers_change_their_unit() {
        assert_eq!(ClaimNames::in_unit(Quantity::P99, 5e6), 5.0);
        assert_eq!(ClaimNames::in_unit(Quantity::Memory, 3.0 * 1024.0 * 1024.0), 3.0);
        assert_eq!(ClaimNames::in_unit(Quantity::CpuPerRequest, 12.5), 12.5);
        assert_eq!(WeightNames::in_unit(Quantity::CpuPerRequest, 12.5), 12_500.0);
    }
}
