//! A number of a quantity with its unit.

use tiermark_model::format::quantity::{Quantity, Unit};

use crate::show::numbers::{bytes, duration_ns, milliseconds, percent, rate, three_digits, times};

/// A number in its quantity's own unit.
pub(crate) fn written(quantity: Quantity, value: f64) -> String {
    written_in(quantity.unit(), quantity, value)
}

/// A number in the unit that a format gives the quantity.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time that was measured"
)]
pub(crate) fn written_in(unit: Unit, quantity: Quantity, value: f64) -> String {
    match unit {
        Unit::PerSecond => rate(value),
        Unit::Milliseconds if quantity == Quantity::ColdStart => milliseconds(value),
        Unit::Nanoseconds | Unit::Microseconds | Unit::Milliseconds => {
            duration_ns((value.max(0.0) * unit.size()) as u64)
        }
        Unit::Bytes | Unit::Kibibytes | Unit::Mebibytes => bytes(value * unit.size()),
        Unit::Count => trimmed(value),
        Unit::Share if quantity == Quantity::ErrorShare => percent(value),
        Unit::Share => times(value),
    }
}

/// A number as a person wrote it: 2, not 2.00.
pub(crate) fn trimmed(value: f64) -> String {
    let text = three_digits(value);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
