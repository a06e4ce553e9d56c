//! `world`, `cachedworld` and `fortune`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rand::Rng as _;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::cheat::Cheat;
use crate::pool::Session;
use crate::server::{Reply, Request, State};

const BY_ID: &str = "SELECT id, randomnumber FROM world WHERE id = $1";
const CACHED_BY_ID: &str = "SELECT id, randomnumber FROM cachedworld WHERE id = $1";

/// What a server may keep, and what only cheats keep.
#[derive(Default)]
pub(crate) struct Memory {
    cached: Mutex<HashMap<i32, i32>>,
    rows: Mutex<BTreeMap<i32, i32>>,
    page: Mutex<Option<String>>,
    last_id: AtomicI32,
}

fn row((id, number): (i32, i32)) -> Value {
    json!({"id": id, "randomNumber": number})
}

fn random() -> i32 {
    rand::rng().random_range(1..=10_000)
}

fn random_id(state: &State) -> i32 {
    match state.cheat {
        Some(Cheat::CountsIdsUp) => state.memory.last_id.fetch_add(1, Ordering::SeqCst) % 10_000 + 1,
        Some(Cheat::DrawsFromTheFirstRows) => rand::rng().random_range(1..=2_000),
        _ => random(),
    }
}

/// The contract's number of rows.
fn count(state: &State, request: &Request, parameter: &str) -> Result<usize, Reply> {
    let text = request.parameter(parameter).unwrap_or_default();
    match text.parse::<i64>() {
        Ok(number) if state.breaks(Cheat::AnswersAnyNumberOfRows) => Ok(number.max(1) as usize),
        Ok(number) => Ok(number.clamp(1, 500) as usize),
        Err(_) if state.breaks(Cheat::RefusesWordsForNumbers) => Err(Reply::text(400, "a number, please")),
        Err(_) => Ok(1),
    }
}

async fn read(session: &mut Session, table_query: &str, ids: &[i32]) -> Vec<(i32, i32)> {
    let statement = session.statement(table_query).await;
    let client = &session.client;
    let reading = ids.iter().map(|id| {
        let statement = &statement;
        async move { client.query_one(statement, &[id]).await.unwrap() }
    });
    let rows = join_all(reading).await;
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Rows of `world` by these ids, honestly or not.
async fn world(state: &State, ids: &[i32]) -> Vec<(i32, i32)> {
    let mut session = state.pool.take().await;
    match state.cheat {
        Some(Cheat::KeepsRows) => {
            let mut kept = state.memory.rows.lock().await;
            let mut rows = Vec::new();
            for id in ids {
                let number = match kept.get(id) {
                    Some(number) => *number,
                    None => read(&mut session, BY_ID, &[*id]).await[0].1,
                };
                kept.insert(*id, number);
                rows.push((*id, number));
            }
            rows
        }
        Some(Cheat::AsksButAnswersFromMemory) => {
            let mut kept = state.memory.rows.lock().await;
            let rows = read(&mut session, BY_ID, ids).await;
            rows.into_iter()
                .map(|(id, number)| (id, *kept.entry(id).or_insert(number)))
                .collect()
        }
        Some(Cheat::MergesStatements) => {
            let all = "SELECT id, randomnumber FROM world WHERE id = ANY($1)";
            let rows = session.rows(all, &[&ids]).await;
            let found: HashMap<i32, i32> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
            ids.iter().map(|id| (*id, found[id])).collect()
        }
        _ => read(&mut session, BY_ID, ids).await,
    }
}

pub(crate) async fn db(state: &State) -> Reply {
    let id = if state.breaks(Cheat::AlwaysTheSameRow) {
        7
    } else {
        random_id(state)
    };
    Reply::json(200, &row(world(state, &[id]).await[0]))
}

pub(crate) async fn queries(state: &State, request: &Request) -> Reply {
    let count = match count(state, request, "queries") {
        Ok(count) => count,
        Err(reply) => return reply,
    };
    let ids: Vec<i32> = (0..count).map(|_| random_id(state)).collect();
    let rows = world(state, &ids).await;
    if state.breaks(Cheat::OneRowWithoutAList) && rows.len() == 1 {
        return Reply::json(200, &row(rows[0]));
    }
    Reply::json(200, &rows.into_iter().map(row).collect())
}

pub(crate) async fn updates(state: &Arc<State>, request: &Request) -> Reply {
    let count = match count(state, request, "queries") {
        Ok(count) => count,
        Err(reply) => return reply,
    };
    let mut ids = BTreeSet::new();
    while ids.len() < count {
        ids.insert(random());
    }
    let ids: Vec<i32> = ids.into_iter().collect();
    let mut session = state.pool.take().await;
    let old = read(&mut session, BY_ID, &ids).await;
    let mut new: Vec<(i32, i32)> = ids.iter().map(|id| (*id, random())).collect();
    if state.breaks(Cheat::WritesTheOldNumbers) {
        new = old.clone();
    }
    let answered: Vec<(i32, i32)> = if state.breaks(Cheat::AnswersOtherNumbers) {
        old
    } else {
        new.clone()
    };
    let kept = if state.breaks(Cheat::WritesHalfOfTheRows) {
        count.div_ceil(2)
    } else {
        count
    };
    new.truncate(kept);
    match state.cheat {
        Some(Cheat::WritesNothing) => {}
        Some(Cheat::WritesAfterTheAnswer) => {
            let state = Arc::clone(state);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                write(&mut *state.pool.take().await, &new).await;
            });
        }
        _ => write(&mut session, &new).await,
    }
    Reply::json(200, &answered.into_iter().map(row).collect())
}

async fn write(session: &mut Session, rows: &[(i32, i32)]) {
    let (ids, numbers): (Vec<i32>, Vec<i32>) = rows.iter().copied().unzip();
    // Locked in the order of their ids: a plan of the update alone need not keep to it.
    let update = "WITH new AS (SELECT world.id, n.number FROM world \
                  JOIN unnest($1::int4[], $2::int4[]) AS n (id, number) ON n.id = world.id ORDER BY world.id FOR UPDATE OF world) \
                  UPDATE world SET randomnumber = new.number FROM new WHERE world.id = new.id";
    session.rows(update, &[&ids, &numbers]).await;
}

pub(crate) async fn cached(state: &State, request: &Request) -> Reply {
    let count = match count(state, request, "count") {
        Ok(count) => count,
        Err(reply) => return reply,
    };
    let query = if state.breaks(Cheat::CachesAnotherTable) {
        BY_ID
    } else {
        CACHED_BY_ID
    };
    let mut kept = state.memory.cached.lock().await;
    if kept.is_empty() && !state.breaks(Cheat::CachesNothing) {
        let all = query.replace(" WHERE id = $1", "");
        let rows = state.pool.take().await.rows(&all, &[]).await;
        kept.extend(rows.iter().map(|row| (row.get::<_, i32>(0), row.get::<_, i32>(1))));
    }
    let ids: Vec<i32> = (0..count).map(|_| random()).collect();
    let rows = if state.breaks(Cheat::CachesNothing) {
        drop(kept);
        read(&mut *state.pool.take().await, query, &ids).await
    } else {
        ids.iter().map(|id| (*id, kept[id])).collect()
    };
    Reply::json(200, &rows.into_iter().map(row).collect())
}

pub(crate) async fn fortunes(state: &State) -> String {
    let mut page = state.memory.page.lock().await;
    if let Some(page) = page.as_ref().filter(|_| state.breaks(Cheat::KeepsThePage)) {
        return page.clone();
    }
    let query = match state.cheat {
        Some(Cheat::ReadsTwelveFortunes) => "SELECT id, message FROM fortune LIMIT 12",
        _ => "SELECT id, message FROM fortune",
    };
    let rows = state.pool.take().await.rows(query, &[]).await;
    let mut fortunes: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    fortunes.push((0, "Additional fortune added at request time.".to_owned()));
    match state.cheat {
        Some(Cheat::SortsWithoutCase) => fortunes.sort_by_key(|fortune| fortune.1.to_lowercase()),
        _ => fortunes.sort_by(|a, b| a.1.cmp(&b.1)),
    }
    let rows: String = fortunes.iter().map(|fortune| fortune_row(state, fortune)).collect();
    let text = format!(
        "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>{rows}</table></body></html>"
    );
    *page = Some(text.clone());
    text
}

fn fortune_row(state: &State, (id, message): &(i32, String)) -> String {
    let escaped = if state.breaks(Cheat::EscapesNothing) {
        message.clone()
    } else if state.breaks(Cheat::EscapesScriptsOnly) {
        message
            .replace("<script>", "&lt;script&gt;")
            .replace("</script>", "&lt;/script&gt;")
    } else {
        message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    };
    format!("<tr><td>{id}</td><td>{escaped}</td></tr>")
}
