//! The rows that the tool itself fills tables with: the same for the same seed.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tiermark_model::contract::{CUSTOMERS, MAX_SEEDED_LINES, ORDER_ROWS, WORLD_ROWS};
use tokio_postgres::{Error, GenericClient};

/// Greatest value of `randomnumber`, as TechEmpower has it; the smallest is 1.
pub(super) const MAX_RANDOM: i32 = 10_000;
/// Kinds of goods in the seeded orders.
const GOODS: u32 = 500;
/// Greatest quantity and price of a seeded line.
const MOST: (i32, i32) = (9, 9_999);

/// Fills `world` and `cachedworld`, each with numbers of its own.
pub(super) async fn fill_worlds(client: &impl GenericClient, seed: u64) -> Result<(), Error> {
    for (table, seed) in [("world", seed), ("cachedworld", !seed)] {
        let (ids, numbers) = world_rows(seed);
        let insert = format!("INSERT INTO {table} (id, randomnumber) SELECT * FROM unnest($1::int4[], $2::int4[])");
        client.execute(&insert, &[&ids, &numbers]).await?;
    }
    Ok(())
}

/// Fills `orders` and `order_lines`, and sets their sequences behind the rows.
pub(super) async fn fill_orders(client: &impl GenericClient, seed: u64) -> Result<(), Error> {
    let rows = SeededOrders::draw(seed);
    let insert = "INSERT INTO orders (id, customer, total, created_at) \
                  SELECT id, customer, total, timestamptz '2026-01-01 00:00:00Z' + id * interval '1 minute' \
                  FROM unnest($1::int4[], $2::int4[], $3::int8[]) AS o (id, customer, total)";
    client
        .execute(insert, &[&rows.ids, &rows.customers, &rows.totals])
        .await?;
    let lines = rows.lines;
    let insert = "INSERT INTO order_lines (order_id, position, sku, quantity, price) \
                  SELECT * FROM unnest($1::int4[], $2::int4[], $3::text[], $4::int4[], $5::int4[])";
    client
        .execute(
            insert,
            &[
                &lines.orders,
                &lines.positions,
                &lines.skus,
                &lines.quantities,
                &lines.prices,
            ],
        )
        .await?;
    let behind = "SELECT setval(pg_get_serial_sequence('orders', 'id'), (SELECT max(id) FROM orders))";
    client.execute(behind, &[]).await.map(drop)
}

/// Ids 1 to 10,000 and their random numbers.
fn world_rows(seed: u64) -> (Vec<i32>, Vec<i32>) {
    let mut random = SmallRng::seed_from_u64(seed);
    (1..=count(WORLD_ROWS))
        .map(|id| (id, random.random_range(1..=MAX_RANDOM)))
        .unzip()
}

/// The seeded orders, by column.
#[derive(Debug, Default, PartialEq, Eq)]
struct SeededOrders {
    ids: Vec<i32>,
    customers: Vec<i32>,
    totals: Vec<i64>,
    lines: SeededLines,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct SeededLines {
    orders: Vec<i32>,
    positions: Vec<i32>,
    skus: Vec<String>,
    quantities: Vec<i32>,
    prices: Vec<i32>,
}

impl SeededOrders {
    /// Every customer has the same number of orders; an order has one to five lines.
    fn draw(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut rows = Self::default();
        for id in 1..=count(ORDER_ROWS) {
            let mut total = 0;
            for position in 0..random.random_range(1..=count(MAX_SEEDED_LINES)) {
                let (quantity, price) = (random.random_range(1..=MOST.0), random.random_range(100..=MOST.1));
                total += i64::from(quantity) * i64::from(price);
                rows.lines.orders.push(id);
                rows.lines.positions.push(position);
                rows.lines
                    .skus
                    .push(format!("SKU-{:04}", random.random_range(1..=GOODS)));
                rows.lines.quantities.push(quantity);
                rows.lines.prices.push(price);
            }
            rows.ids.push(id);
            rows.customers.push((id - 1) % count(CUSTOMERS) + 1);
            rows.totals.push(total);
        }
        rows
    }
}

fn count(rows: u32) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_depend_on_nothing_but_the_seed() {
        let (ids, numbers) = world_rows(7);
        assert_eq!((ids.len(), ids[0], ids[9_999]), (10_000, 1, 10_000));
        assert!(numbers.iter().all(|number| (1..=MAX_RANDOM).contains(number)));
        assert_eq!(numbers, world_rows(7).1);
        assert_ne!(numbers, world_rows(8).1);
        assert_eq!(SeededOrders::draw(7), SeededOrders::draw(7));
        assert_ne!(SeededOrders::draw(7), SeededOrders::draw(8));
    }

    #[test]
    fn orders_are_what_the_contract_says() {
        let rows = SeededOrders::draw(7);
        assert_eq!(
            (rows.ids.len(), rows.ids.first(), rows.ids.last()),
            (10_000, Some(&1), Some(&10_000))
        );
        for customer in 1..=1_000 {
            assert_eq!(rows.customers.iter().filter(|found| **found == customer).count(), 10);
        }
        let totals: i64 = (rows.lines.quantities.iter().zip(&rows.lines.prices))
            .map(|(quantity, price)| i64::from(*quantity) * i64::from(*price))
            .sum();
        assert_eq!(rows.totals.iter().sum::<i64>(), totals);
        assert!(rows.lines.positions.iter().all(|position| (0..5).contains(position)));
        assert_eq!(rows.lines.orders.first(), Some(&1));
    }
}
