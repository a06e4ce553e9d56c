//! The routes over the tables `world` and `cachedworld`.

use deadpool_postgres::Client;
use futures_util::future::try_join_all;
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;
use rand::Rng;
use rand::seq::index;
use serde::Serialize;
use tokio_postgres::{Error, Row};

use crate::database::{QueryError, WorkerDatabase};
use crate::reply::{self, Reply};

/// The rows of `world` and `cachedworld` have the ids 1 to this.
pub const WORLD_ROWS: u16 = 10_000;

/// Random numbers are 1 to this.
const MOST: i32 = 10_000;

const BY_ID: &str = "SELECT id, randomnumber FROM world WHERE id = $1";
const CACHED: &str = "SELECT id, randomnumber FROM cachedworld";
const CACHED_BY_ID: &str = "SELECT id, randomnumber FROM cachedworld WHERE id = $1";

/// Rows are locked in the order of the lists, which is that of the ids.
const WRITE: &str = "UPDATE world SET randomnumber = new.number \
    FROM unnest($1::int[], $2::int[]) AS new (id, number) WHERE world.id = new.id";

#[derive(Clone, Copy, Serialize)]
struct World {
    id: i32,
    #[serde(rename = "randomNumber")]
    random_number: i32,
}

impl TryFrom<&Row> for World {
    type Error = Error;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            random_number: row.try_get(1)?,
        })
    }
}

/// One row, chosen at random.
pub(super) async fn db(database: &WorkerDatabase) -> Result<Reply, QueryError> {
    let world = database.on(|client| one(client, random_id())).await?;
    Ok(reply::json(&world))
}

/// `count` rows, each chosen at random and read by itself.
pub(super) async fn queries(database: &WorkerDatabase, count: usize) -> Result<Reply, QueryError> {
    let worlds = database.on(|client| several(client, count)).await?;
    Ok(reply::json(&worlds))
}

/// `count` different rows, each read by itself, with new numbers that are written before they are answered.
pub(super) async fn updates(database: &WorkerDatabase, count: usize) -> Result<Reply, QueryError> {
    let worlds = database.on(|client| renumber(client, count)).await?;
    Ok(reply::json(&worlds))
}

/// `count` rows, each chosen at random, from memory if they are there.
pub(super) async fn cached_queries(
    database: &WorkerDatabase,
    cache: &CachedWorlds,
    count: usize,
) -> Result<Reply, QueryError> {
    let ids: Vec<i32> = (0..count).map(|_| random_id()).collect();
    let worlds = match cache.all(&ids) {
        Some(worlds) => worlds,
        None => database.on(|client| cache.fill(client, ids)).await?,
    };
    Ok(reply::json(&worlds))
}

/// Rows of `cachedworld`. Bounded well above the 10,000 that there are, because each part of the cache has a share of the
/// bound and by chance more keys than its share.
pub(crate) struct CachedWorlds(Cache<i32, World>);

impl Default for CachedWorlds {
    fn default() -> Self {
        Self(Cache::with_weighter(
            WORLD_ROWS.into(),
            4 * u64::from(WORLD_ROWS),
            UnitWeighter,
        ))
    }
}

impl CachedWorlds {
    /// The rows of `ids`, in their order; `None` if one of them is not there.
    fn all(&self, ids: &[i32]) -> Option<Vec<World>> {
        ids.iter().map(|id| self.0.get(id)).collect()
    }

    /// As [`CachedWorlds::all`], but asks the database for those that are not there, and keeps them. The first request
    /// has all rows read: one by one, at random, the last of them would be asked for after some 100,000.
    async fn fill(&self, client: Client, ids: Vec<i32>) -> Result<Vec<World>, Error> {
        if self.0.is_empty() {
            let all = client.prepare_cached(CACHED).await?;
            for row in &client.query(&all, &[]).await? {
                let world = World::try_from(row)?;
                self.0.insert(world.id, world);
            }
        }
        let kept: Vec<Option<World>> = ids.iter().map(|id| self.0.get(id)).collect();
        let missing = ids.iter().zip(&kept).filter(|(_, kept)| kept.is_none());
        let read = read(&client, CACHED_BY_ID, missing.map(|(&id, _)| id)).await?;
        for world in &read {
            self.0.insert(world.id, *world);
        }
        let mut read = read.into_iter();
        Ok(kept
            .into_iter()
            .filter_map(|kept| kept.or_else(|| read.next()))
            .collect())
    }
}

async fn one(client: Client, id: i32) -> Result<World, Error> {
    let by_id = client.prepare_cached(BY_ID).await?;
    World::try_from(&client.query_one(&by_id, &[&id]).await?)
}

async fn several(client: Client, count: usize) -> Result<Vec<World>, Error> {
    read(&client, BY_ID, (0..count).map(|_| random_id())).await
}

async fn renumber(client: Client, count: usize) -> Result<Vec<World>, Error> {
    let ids = different_ids(count);
    let mut worlds = read(&client, BY_ID, ids.iter().copied()).await?;
    let numbers: Vec<i32> = ids.iter().map(|_| random_number()).collect();
    let write = client.prepare_cached(WRITE).await?;
    client.execute(&write, &[&ids, &numbers]).await?;
    for (world, number) in worlds.iter_mut().zip(numbers) {
        world.random_number = number;
    }
    Ok(worlds)
}

/// The rows of `ids`, in their order, by a statement each. They are sent together and answered one after the other: the
/// driver pipelines what is asked at once on one connection.
async fn read(client: &Client, statement: &str, ids: impl Iterator<Item = i32>) -> Result<Vec<World>, Error> {
    let by_id = &client.prepare_cached(statement).await?;
    let asked = ids.map(|id| async move { World::try_from(&client.query_one(by_id, &[&id]).await?) });
    try_join_all(asked).await
}

fn random_id() -> i32 {
    rand::rng().random_range(1..=i32::from(WORLD_ROWS))
}

fn random_number() -> i32 {
    rand::rng().random_range(1..=MOST)
}

/// In ascending order.
fn different_ids(count: usize) -> Vec<i32> {
    let mut ids: Vec<i32> = index::sample(&mut rand::rng(), WORLD_ROWS.into(), count)
        .iter()
        .filter_map(|index| i32::try_from(index + 1).ok())
        .collect();
    ids.sort_unstable();
    ids
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
        assert!((0..100_000).all(|_| (1..=i32::from(WORLD_ROWS)).contains(&random_id())));
    }

    #[test]
    fn different_ids_are_different_and_in_order() {
        for count in [1, 2, 20, 500, WORLD_ROWS.into()] {
            let ids = different_ids(count);
            assert_eq!(ids.len(), count);
            assert!(ids.is_sorted_by(|a, b| a < b));
            assert!(ids.first() >= Some(&1) && ids.last() <= Some(&i32::from(WORLD_ROWS)));
        }
    }

    #[test]
    fn all_rows_have_room_in_the_cache() {
        let cache = CachedWorlds::default();
        let ids: Vec<i32> = (1..=i32::from(WORLD_ROWS)).collect();
        for &id in &ids {
            let random_number = id;
            cache.0.insert(id, World { id, random_number });
        }
        assert_eq!(cache.all(&ids).map(|worlds| worlds.len()), Some(ids.len()));
        assert!(cache.all(&[1, 0]).is_none());
        for id in ids.len()..100 * ids.len() {
            let id = i32::try_from(id).unwrap_or_default();
            cache.0.insert(id, World { id, random_number: 1 });
        }
        assert!(cache.0.len() <= 4 * usize::from(WORLD_ROWS), "it is bounded");
    }
}
