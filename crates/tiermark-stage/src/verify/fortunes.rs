//! Fortunes that come from the table: one more there is one more on the page.

use tiermark_model::format::scenario::{Expect, ExpectBody, Part};

use super::books::Books;
use super::context::{CheckContext, CheckStop};

/// The fortune that the server adds in its memory.
const ADDED: (i32, &str) = (0, "Additional fortune added at request time.");
/// Added to the table: text to escape, beyond Latin script; first, between and last in order, and where sorting without regard to
/// case, or by a language's rules, would put another.
const NEW: [(i32, &str); 4] = [
    (101, "!A fortune of now: <b>5 > 3</b> & \"so on\""),
    (102, "Größer als A, kleiner als Z: <i>it's</i>"),
    (103, "好運 🍀"),
    (104, "a bad random number generator: 2"),
];

/// The page before, with more fortunes in the table, and after they are deleted.
pub(super) async fn check(context: &CheckContext<'_>, books: &Books, part: &Part) -> Result<(), CheckStop> {
    page(context, books, part, "").await?;
    for (id, message) in NEW {
        let message = message.replace('\'', "''");
        books
            .change(&format!("INSERT INTO fortune (id, message) VALUES ({id}, '{message}')"))
            .await?;
    }
    page(context, books, part, "after four fortunes were added to the table").await?;
    books.change("DELETE FROM fortune WHERE id IN (101, 102)").await?;
    page(context, books, part, "after two fortunes were deleted from the table").await
}

/// Checks that the page shows exactly the table's rows.
async fn page(context: &CheckContext<'_>, books: &Books, part: &Part, when: &str) -> Result<(), CheckStop> {
    let rows = books.rows("SELECT id, message FROM fortune", &[]).await?;
    let fortunes = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expect = Expect {
        body: ExpectBody::Html(document(fortunes)),
        ..part.expect.clone()
    };
    context
        .asker
        .right(&part.request, &expect)
        .await
        .map(drop)
        .map_err(|mut failure| {
            if !when.is_empty() {
                failure.problems.insert(0, when.to_owned());
            }
            CheckStop::Wrong(failure)
        })
}

/// TechEmpower's document of these fortunes and the added one.
fn document(mut fortunes: Vec<(i32, String)>) -> String {
    fortunes.push((ADDED.0, ADDED.1.to_owned()));
    // Code points in order; none of the contract's messages tells that from the order of UTF-16's units.
    fortunes.sort_by(|a, b| a.1.cmp(&b.1));
    let row = |(id, message): &(i32, String)| format!("<tr><td>{id}</td><td>{}</td></tr>", escaped(message));
    let rows: String = fortunes.iter().map(row).collect();
    format!(
        "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>\
         <tr><th>id</th><th>message</th></tr>{rows}</table></body></html>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::html;
    use proptest::prelude::*;

    #[test]
    fn the_document_is_sorted_and_escaped() {
        insta::assert_snapshot!(document(vec![(2, "z".to_owned()), (1, "<b> & 'x'".to_owned())]));
    }

    #[test]
    fn utf_16_sorts_the_new_messages_as_code_points_do() {
        let mut messages: Vec<&str> = NEW
            .iter()
            .map(|(_, message)| *message)
            .chain([ADDED.1, "フレーム"])
            .collect();
        let mut units = messages.clone();
        messages.sort_unstable();
        units.sort_by_key(|message| message.encode_utf16().collect::<Vec<_>>());
        assert_eq!(messages, units);
    }

    proptest! {
        #[test]
        fn a_document_is_equal_to_itself(messages in proptest::collection::vec("[<>&;'\"a-zé ]{1,12}", 0..5)) {
            let fortunes: Vec<(i32, String)> = (1..).zip(messages).collect();
            let page = document(fortunes);
            prop_assert_eq!(html::check(page.as_bytes(), &page), None);
        }
    }
}
