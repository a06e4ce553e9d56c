//! The fortunes: a query, a row added, a sort and a template.

use deadpool_postgres::Client;
use maud::{DOCTYPE, html};
use tokio_postgres::Row;

use crate::database::{QueryError, WorkerDatabase};
use crate::reply::{self, Reply};

const ALL: &str = "SELECT id, message FROM fortune";

/// The row that TechEmpower's rules have added in the handler, so that no database can sort in its place.
const ADDED: Fortune<'static> = Fortune {
    id: 0,
    message: "Additional fortune added at request time.",
};

#[derive(Clone, Copy)]
struct Fortune<'a> {
    id: i32,
    message: &'a str,
}

impl<'a> TryFrom<&'a Row> for Fortune<'a> {
    type Error = tokio_postgres::Error;

    fn try_from(row: &'a Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            message: row.try_get(1)?,
        })
    }
}

/// All fortunes and one more, sorted by message, as an HTML table.
pub(super) async fn fortunes(database: &WorkerDatabase) -> Result<Reply, QueryError> {
    database.on(all).await.map(reply::html)
}

async fn all(client: Client) -> Result<String, tokio_postgres::Error> {
    let all = client.prepare_cached(ALL).await?;
    let rows = client.query(&all, &[]).await?;
    let mut fortunes = Vec::with_capacity(rows.len() + 1);
    fortunes.push(ADDED);
    for row in &rows {
        fortunes.push(Fortune::try_from(row)?);
    }
    Ok(page(fortunes))
}

/// The document of TechEmpower's fortunes test. maud, because it escapes to the entities of that document
/// (`&lt;`), where askama writes numbers (`&#60;`).
fn page(mut fortunes: Vec<Fortune<'_>>) -> String {
    fortunes.sort_unstable_by_key(|fortune| (fortune.message, fortune.id));
    html! {
        (DOCTYPE)
        html {
            head { title { "Fortunes" } }
            body {
                table {
                    tr { th { "id" } th { "message" } }
                    @for fortune in &fortunes {
                        tr { td { (fortune.id) } td { (fortune.message) } }
                    }
                }
            }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>\
        <tr><th>id</th><th>message</th></tr>";
    const TAIL: &str = "</table></body></html>";

    fn check(messages: &[(i32, &str)], expect: &str) {
        let fortunes = messages.iter().map(|&(id, message)| Fortune { id, message }).collect();
        assert_eq!(page(fortunes), format!("{HEAD}{expect}{TAIL}"));
    }

    #[test]
    fn the_document_is_techempowers() {
        check(&[], "");
        check(
            &[
                (12, "フレームワークのベンチマーク"),
                (
                    11,
                    "<script>alert(\"This should not be displayed in a browser alert box.\");</script>",
                ),
                (0, ADDED.message),
                (3, "A & B"),
            ],
            "<tr><td>11</td><td>&lt;script&gt;alert(&quot;This should not be displayed in a browser alert box.\
             &quot;);&lt;/script&gt;</td></tr><tr><td>3</td><td>A &amp; B</td></tr>\
             <tr><td>0</td><td>Additional fortune added at request time.</td></tr>\
             <tr><td>12</td><td>フレームワークのベンチマーク</td></tr>",
        );
    }

    /// The messages of a page, read back in its order.
    fn messages(page: &str) -> Option<Vec<String>> {
        let rows = page.strip_prefix(HEAD)?.strip_suffix(TAIL)?;
        rows.split_terminator("</td></tr>")
            .map(|row| Some(unescape(row.split_once("</td><td>")?.1)))
            .collect()
    }

    fn unescape(text: &str) -> String {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")]
            .iter()
            .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
    }

    proptest! {
        #[test]
        fn any_message_comes_back_whole_and_in_order(mut expect in prop::collection::vec("[<>&\"'a-z;é/ ]{0,12}", 0..9)) {
            let fortunes = expect.iter().map(|message| Fortune { id: 7, message }).collect();
            let page = page(fortunes);
            expect.sort();
            prop_assert_eq!(messages(&page), Some(expect));
        }
    }
}
