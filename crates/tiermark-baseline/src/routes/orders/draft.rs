//! What a client sends for an order, and everything that is wrong with it.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::routes::faults::{Code, OrderFault, OrderFaults};

pub(super) const CUSTOMERS: RangeInclusive<i64> = 1..=i32::MAX as i64;
const QUANTITIES: RangeInclusive<i64> = 1..=1000;
/// In cents.
const PRICES: RangeInclusive<i64> = 1..=10_000_000;
const LINES: RangeInclusive<usize> = 1..=50;
const SKU_LENGTHS: RangeInclusive<usize> = 3..=32;

/// An order that may be stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewOrder {
    pub(super) customer: i32,
    pub(super) lines: Vec<OrderLine>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct OrderLine {
    pub(super) sku: String,
    pub(super) quantity: i32,
    pub(super) price: i32,
}

type Fields = Map<String, Value>;

impl NewOrder {
    /// The order in `value`, or every fault of it.
    pub(super) fn from_value(value: Value) -> Result<Self, Vec<OrderFault>> {
        let mut faults = OrderFaults::default();
        let draft = order(value, &mut faults);
        faults.or(draft)
    }

    /// The sum of quantity × price, in cents.
    pub(super) fn total(&self) -> i64 {
        let cents = |line: &OrderLine| i64::from(line.quantity) * i64::from(line.price);
        self.lines.iter().map(cents).sum()
    }
}

fn order(value: Value, faults: &mut OrderFaults) -> Option<NewOrder> {
    let mut fields = faults.note(None, "", object(value))?;
    let mut faults = Of { line: None, faults };
    let customer = faults.field(&mut fields, "customer", |value| whole(&value, &CUSTOMERS));
    let lines = faults.field(&mut fields, "lines", list);
    faults.no_more(fields);
    let lines = lines?.into_iter().enumerate();
    // All of them are looked at, so that all their faults are named.
    let lines: Vec<Option<OrderLine>> = lines
        .map(|(position, value)| line(position, value, faults.faults))
        .collect();
    Some(NewOrder {
        customer: customer?,
        lines: lines.into_iter().collect::<Option<_>>()?,
    })
}

fn line(position: usize, value: Value, faults: &mut OrderFaults) -> Option<OrderLine> {
    let value = if value.is_null() {
        Err(Code::Required)
    } else {
        object(value)
    };
    let mut fields = faults.note(Some(position), "", value)?;
    let line = Some(position);
    let mut faults = Of { line, faults };
    let sku = faults.field(&mut fields, "sku", sku);
    let quantity = faults.field(&mut fields, "quantity", |value| whole(&value, &QUANTITIES));
    let price = faults.field(&mut fields, "price", |value| whole(&value, &PRICES));
    faults.no_more(fields);
    Some(OrderLine {
        sku: sku?,
        quantity: quantity?,
        price: price?,
    })
}

/// The faults of the order itself, or of one of its lines.
struct Of<'a> {
    line: Option<usize>,
    faults: &'a mut OrderFaults,
}

impl Of<'_> {
    /// Takes a field that must be there, as `check` sees it.
    fn field<T>(
        &mut self,
        fields: &mut Fields,
        name: &'static str,
        check: impl FnOnce(Value) -> Result<T, Code>,
    ) -> Option<T> {
        let checked = match fields.remove(name) {
            None | Some(Value::Null) => Err(Code::Required),
            Some(value) => check(value),
        };
        self.faults.note(self.line, name, checked)
    }

    /// Adds a fault for each field that is left when the known ones are taken.
    fn no_more(&mut self, fields: Fields) {
        for (name, _) in fields {
            self.faults.add(self.line, name, Code::Unknown);
        }
    }
}

fn object(value: Value) -> Result<Fields, Code> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(Code::Type),
    }
}

fn list(value: Value) -> Result<Vec<Value>, Code> {
    match value {
        Value::Array(values) if LINES.contains(&values.len()) => Ok(values),
        Value::Array(_) => Err(Code::Size),
        _ => Err(Code::Type),
    }
}

fn sku(value: Value) -> Result<String, Code> {
    let Value::String(text) = value else {
        return Err(Code::Type);
    };
    let right = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    if SKU_LENGTHS.contains(&text.len()) && text.bytes().all(right) {
        Ok(text)
    } else {
        Err(Code::Format)
    }
}

fn whole(value: &Value, range: &RangeInclusive<i64>) -> Result<i32, Code> {
    let Value::Number(number) = value else {
        return Err(Code::Type);
    };
    within(nearest(number).ok_or(Code::Type)?, range)
}

pub(super) fn within(number: i64, range: &RangeInclusive<i64>) -> Result<i32, Code> {
    if range.contains(&number) {
        i32::try_from(number).map_err(|_| Code::Range)
    } else {
        Err(Code::Range)
    }
}

/// A whole number; one beyond an `i64` counts as the nearest. JSON knows one kind of number, so that 2.0 and 2e0 are 2.
#[expect(clippy::cast_possible_truncation, reason = "saturates, which is what is wanted")]
fn nearest(number: &Number) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let number = number.as_f64()?;
    (number.fract() == 0.0).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::routes::faults::named;

    fn line() -> Value {
        json!({"sku": "TEA-1", "quantity": 3, "price": 1299})
    }

    /// A right order but for `field` of its line.
    fn with(field: &str, value: Value) -> Value {
        let mut line = line();
        line[field] = value;
        json!({"customer": 42, "lines": [line]})
    }

    fn check(value: Value, expect: &[&str]) {
        let text = value.to_string();
        let faults = NewOrder::from_value(value).err().unwrap_or_default();
        assert_eq!(named(&faults), expect, "{text}");
    }

    #[test]
    fn a_right_order_is_read_and_summed() {
        let bounds = json!({"sku": "A".repeat(32), "quantity": 1000, "price": 10_000_000});
        let draft = NewOrder::from_value(json!({"lines": [line(), bounds], "customer": 2_147_483_647}));
        assert_eq!(draft.as_ref().ok().map(NewOrder::total), Some(10_000_003_897));
        let expect = NewOrder {
            customer: i32::MAX,
            lines: vec![
                OrderLine {
                    sku: "TEA-1".to_owned(),
                    quantity: 3,
                    price: 1299,
                },
                OrderLine {
                    sku: "A".repeat(32),
                    quantity: 1000,
                    price: 10_000_000,
                },
            ],
        };
        assert_eq!(draft.ok(), Some(expect));
    }

    #[test]
    fn the_whole_is_an_object() {
        for value in [json!([]), json!(7), json!("order"), json!(true), Value::Null] {
            check(value, &[" type"]);
        }
        check(json!({}), &["customer required", "lines required"]);
        check(
            json!({"customer": null, "lines": null}),
            &["customer required", "lines required"],
        );
    }

    #[test]
    fn a_number_is_whole_and_within_its_range() {
        for (field, most) in [("quantity", 1000), ("price", 10_000_000)] {
            let path = format!("lines.0.{field}");
            for right in [json!(1), json!(most), json!(2.0)] {
                check(with(field, right), &[]);
            }
            for wide in [
                json!(0),
                json!(-1),
                json!(most + 1),
                json!(u64::MAX),
                json!(1e300),
                json!(-1e300),
            ] {
                check(with(field, wide), &[&format!("{path} range")]);
            }
            for other in [json!("two"), json!("2"), json!(1.5), json!(true), json!([1]), json!({})] {
                check(with(field, other), &[&format!("{path} type")]);
            }
            check(with(field, Value::Null), &[&format!("{path} required")]);
        }
        check(
            json!({"customer": 2_147_483_648_i64, "lines": [line()]}),
            &["customer range"],
        );
        check(json!({"customer": "42", "lines": [line()]}), &["customer type"]);
    }

    #[test]
    fn a_sku_is_matched_as_a_whole() {
        for right in ["ABC", "A-1", "---", "0123456789ABCDEFGHIJKLMNOPQRSTU-"] {
            check(with("sku", json!(right)), &[]);
        }
        for wrong in [
            "",
            "AB",
            "abc",
            "ABC\n",
            " ABC",
            "ÄBC",
            "A_B",
            "0123456789ABCDEFGHIJKLMNOPQRSTU-V",
        ] {
            check(with("sku", json!(wrong)), &["lines.0.sku format"]);
        }
        for other in [json!(7), json!({}), json!(["ABC"])] {
            check(with("sku", other), &["lines.0.sku type"]);
        }
    }

    #[test]
    fn lines_are_one_to_fifty_objects() {
        check(json!({"customer": 1, "lines": vec![line(); 50]}), &[]);
        check(json!({"customer": 1, "lines": vec![Value::Null; 51]}), &["lines size"]);
        check(json!({"customer": 1, "lines": []}), &["lines size"]);
        check(json!({"customer": 1, "lines": {}}), &["lines type"]);
        check(
            json!({"customer": 1, "lines": [7, line(), null, {}]}),
            &[
                "lines.0 type",
                "lines.2 required",
                "lines.3.price required",
                "lines.3.quantity required",
                "lines.3.sku required",
            ],
        );
    }

    #[test]
    fn every_fault_is_named_at_once() {
        check(
            json!({"customer": -5, "note": null, "lines": [
                {"sku": "x", "quantity": 3, "price": 1299, "gift": true},
                {"sku": "TEA-1", "quantity": null, "price": 10_000_001},
            ]}),
            &[
                "customer range",
                "lines.0.gift unknown",
                "lines.0.sku format",
                "lines.1.price range",
                "lines.1.quantity required",
                "note unknown",
            ],
        );
    }

    #[test]
    fn faults_are_written_as_the_contract_has_them() {
        let faults = NewOrder::from_value(with("sku", json!(""))).err().unwrap_or_default();
        assert_eq!(
            serde_json::to_string(&faults).ok().as_deref(),
            Some(r#"[{"path":"lines.0.sku","code":"format"}]"#)
        );
    }

    /// Something, right or wrong, in a field's place.
    fn anything() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-2_i64..12_000_000).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[A-Z0-9-]{0,34}".prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
            Just(json!([])),
        ]
    }

    /// An object with the fields `names` and perhaps others, or something else.
    fn object_of(
        names: &'static [&'static str],
        value: impl Strategy<Value = Value> + 'static,
    ) -> impl Strategy<Value = Value> {
        let name = prop_oneof![8 => prop::sample::select(names), 1 => Just("other")];
        let fields = prop::collection::vec((name, value), 0..6);
        let object = fields.prop_map(|fields| {
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        });
        prop_oneof![9 => object.prop_map(Value::Object), 1 => anything()]
    }

    fn orders() -> impl Strategy<Value = Value> {
        let lines =
            prop::collection::vec(object_of(&["sku", "quantity", "price"], anything()), 0..52).prop_map(Value::Array);
        object_of(&["customer", "lines"], prop_oneof![lines, anything()])
    }

    proptest! {
        #[test]
        fn what_is_accepted_keeps_every_rule(value in orders()) {
            match NewOrder::from_value(value.clone()) {
                Ok(draft) => {
                    prop_assert!(draft.customer > 0 && (1..=50).contains(&draft.lines.len()));
                    for line in &draft.lines {
                        prop_assert!((1..=1000).contains(&line.quantity) && (1..=10_000_000).contains(&line.price));
                        prop_assert!((3..=32).contains(&line.sku.len()));
                    }
                    prop_assert!(value.as_object().is_some_and(|order| order.len() == 2));
                }
                Err(faults) => {
                    let named = named(&faults);
                    let paths: BTreeSet<_> = named.iter().filter_map(|fault| fault.rsplit_once(' ')).map(|(path, _)| path).collect();
                    prop_assert!(!named.is_empty() && paths.len() == named.len(), "a path is named once: {named:?}");
                }
            }
        }

        /// One field of many is spoilt: that one is named, and no other.
        #[test]
        fn a_single_fault_is_found_wherever_it_is(lines in 1..=50_usize, at in any::<prop::sample::Index>(), field in 0..4_usize) {
            let mut order = json!({"customer": 1, "lines": vec![line(); lines]});
            let at = at.index(lines);
            let (name, code) = [("sku", "type"), ("quantity", "type"), ("price", "type"), ("extra", "unknown")][field];
            order["lines"][at][name] = json!(false);
            let faults = NewOrder::from_value(order).err().unwrap_or_default();
            prop_assert_eq!(named(&faults), [format!("lines.{at}.{name} {code}")]);
        }
    }
}
