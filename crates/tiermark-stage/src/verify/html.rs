//! HTML: compared by tags and texts, as TechEmpower's `toolset/test_types/fortune/fortune_html_parser.py` does.
//!
//! What may differ: white space between tags, the case of tags and `doctype`, attributes, the elements `thead`, `tbody`,
//! `meta` and `link`, and how a character is escaped. `<` must be escaped.

use html5gum::{Doctype, Error, Token, Tokenizer};

/// Tags that frameworks may add.
const OPTIONAL: [&str; 8] = [
    "<thead>", "</thead>", "<tbody>", "</tbody>", "<meta>", "</meta>", "<link>", "</link>",
];
/// Tokens of context before a difference.
const CONTEXT: usize = 3;
/// Marks a `<` that neither begins a tag nor is escaped.
const NO_TAG: &str = "(an unescaped `<`)";
/// The beginning of a cross-site script from the database that was not escaped.
const UNESCAPED: &str = "<script>alert";

/// What is wrong with an HTML body, if anything is.
pub(super) fn check(got: &[u8], wanted: &str) -> Option<String> {
    let Ok(text) = std::str::from_utf8(got) else {
        return Some(format!("body: expected UTF-8, got {}", super::body::excerpt(got)));
    };
    if text.to_ascii_lowercase().contains(UNESCAPED) {
        return Some(format!(
            "body: `{UNESCAPED}` is there unescaped: a message is data and must be escaped"
        ));
    }
    let (wanted, got) = (tokens(wanted), tokens(text));
    let at = wanted.iter().zip(&got).take_while(|(a, b)| a == b).count();
    if at == wanted.len() && at == got.len() {
        return None;
    }
    let shown = |tokens: &[String]| {
        tokens
            .get(at)
            .map_or("(end of the document)", String::as_str)
            .to_owned()
    };
    let before: Vec<&str> = wanted[at.saturating_sub(CONTEXT)..at]
        .iter()
        .map(String::as_str)
        .collect();
    Some(format!(
        "body: differs after {}\n- {}\n+ {}",
        before.join(""),
        shown(&wanted),
        shown(&got)
    ))
}

/// Tags without attributes in lower case, and texts with references resolved; blank texts and optional tags left out.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut text_so_far = String::new();
    for Ok(token) in Tokenizer::new(text) {
        let token = match token {
            Token::String(text) => {
                text_so_far.push_str(&String::from_utf8_lossy(&text));
                continue;
            }
            Token::StartTag(tag) => format!("<{}>", String::from_utf8_lossy(&tag.name)),
            Token::EndTag(tag) => format!("</{}>", String::from_utf8_lossy(&tag.name)),
            Token::Comment(comment) => format!("<!--{}-->", String::from_utf8_lossy(&comment)),
            Token::Doctype(doctype) => doctype_tag(&doctype),
            Token::Error(error) => {
                // The standard takes such a `<` for text, as if it were escaped, or leaves it out.
                let no_tag = [
                    Error::InvalidFirstCharacterOfTagName,
                    Error::EofBeforeTagName,
                    Error::EofInTag,
                    Error::MissingEndTagName,
                ];
                if no_tag.contains(&error) {
                    text_so_far.push_str(NO_TAG);
                }
                continue;
            }
        };
        tokens.push(trimmed(&std::mem::take(&mut text_so_far)));
        tokens.push(token);
    }
    tokens.push(trimmed(&text_so_far));
    tokens.retain(|token| !token.is_empty() && !OPTIONAL.contains(&token.as_str()));
    tokens
}

/// White space that was written, but not that of a reference such as `&nbsp;`, may be at both ends of a text.
fn trimmed(text: &str) -> String {
    text.trim_matches(|c: char| c.is_ascii_whitespace()).to_owned()
}

fn doctype_tag(doctype: &Doctype<()>) -> String {
    let mut tag = format!("<!doctype {}", String::from_utf8_lossy(&doctype.name));
    for identifier in [&doctype.public_identifier, &doctype.system_identifier]
        .into_iter()
        .flatten()
    {
        tag.push_str(&format!(" \"{}\"", String::from_utf8_lossy(identifier)));
    }
    tag + ">"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WANTED: &str = "<!DOCTYPE html><html><body><table><tr><th>id</th></tr><tr><td>4</td><td>a &lt;b&gt; &quot;c&quot; 4+2 isn&apos;t</td></tr></table></body></html>";

    #[track_caller]
    fn same(got: &str) {
        assert_eq!(check(got.as_bytes(), WANTED), None);
    }

    #[track_caller]
    fn differs(got: &str, part: &str) {
        let found = check(got.as_bytes(), WANTED).unwrap_or_default();
        assert!(found.contains(part), "{found:?} lacks {part:?}");
    }

    #[test]
    fn spelling_does_not_matter() {
        same(WANTED);
        same(&WANTED.replace(
            "<!DOCTYPE html><html>",
            "<!doctype html>\n<HTML lang=\"en\">\n<meta charset=utf-8>",
        ));
        same(
            &WANTED
                .replace("&quot;", "&#34;")
                .replace("&apos;", "&#x27;")
                .replace('+', "&#43;"),
        );
        same(
            &WANTED
                .replace("&apos;", "&#39;")
                .replace("&quot;", "\"")
                .replace("&gt;", ">"),
        );
        same(
            &WANTED
                .replace("<tr>", "\n  <tr>\n")
                .replace("<table>", "<table class='x'><tbody>")
                .replace("</table>", "</tbody></table>"),
        );
    }

    #[test]
    fn content_does() {
        differs(&WANTED.replace("<td>4</td>", "<td>5</td>"), "- 4\n+ 5");
        differs(&WANTED.replace("&lt;b&gt;", "<b>"), "<b>");
        differs(&WANTED.replace("</body></html>", ""), "(end of the document)");
        differs(&WANTED.replace("a &lt;", "<script>alert(1)</script>"), "unescaped");
        differs(&WANTED.replace("&quot;", "&amp;quot;"), "&quot;");
        differs(&WANTED.replace("isn", "< isn"), "unescaped `<`");
        differs(&format!("{WANTED}<b"), "unescaped `<`");
        differs(&WANTED.replace("<td>4</td>", "<td>4</td><!-- 5 -->"), "<!-- 5 -->");
        differs(
            &WANTED.replace("<!DOCTYPE html>", "<!DOCTYPE html SYSTEM \"x\">"),
            "<!doctype html \"x\">",
        );
        differs(&WANTED.replace("<td>4</td>", "<td>4&nbsp;</td>"), "- 4");
    }

    proptest! {
        #[test]
        fn any_text_is_equal_to_itself_and_never_panics(text in "[<>&;#x0-9a-z é\n]{0,60}") {
            prop_assert_eq!(check(text.as_bytes(), &text), None);
        }
    }
}
