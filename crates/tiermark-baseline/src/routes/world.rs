//! The routes over the table `world`.

use rand::Rng;
use serde::Serialize;
use tokio_postgres::Row;

use crate::database::{Database, QueryError};
use crate::reply::{self, Reply};

/// The table's rows have the ids 1 to this.
const WORLDS: i32 = 10_000;

const BY_ID: &str = "SELECT id, randomnumber FROM world WHERE id = $1";

#[derive(Serialize)]
struct World {
    id: i32,
    #[serde(rename = "randomNumber")]
    random_number: i32,
}

impl TryFrom<&Row> for World {
    type Error = tokio_postgres::Error;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            random_number: row.try_get(1)?,
        })
    }
}

/// One row, chosen at random.
pub(super) async fn db(database: &Database) -> Result<Reply, QueryError> {
    let row = database.row(BY_ID, random_id()).await?;
    let world = World::try_from(&row).map_err(|error| database.failed(error))?;
    Ok(reply::json(&world))
}

fn random_id() -> i32 {
    rand::rng().random_range(1..=WORLDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_has_the_contracts_names() {
        let world = World {
            id: 1,
            random_number: 2,
        };
        assert_eq!(
            serde_json::to_string(&world).ok().as_deref(),
            Some(r#"{"id":1,"randomNumber":2}"#)
        );
    }

    #[test]
    fn ids_are_those_of_the_table() {
        assert!((0..100_000).all(|_| (1..=WORLDS).contains(&random_id())));
    }
}
