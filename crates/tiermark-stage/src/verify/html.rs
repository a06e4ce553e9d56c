//! HTML: compared by tags and texts, as TechEmpower's `toolset/test_types/fortune/fortune_html_parser.py` does.
//!
//! What may differ: white space between tags, the case of tags and `doctype`, attributes, the elements `thead`, `tbody`,
//! `meta` and `link`, and how a character is escaped. `<` must be escaped: unescaped it is a tag, and then tags differ.

/// Tags that frameworks may add.
const OPTIONAL: [&str; 8] = [
    "<thead>", "</thead>", "<tbody>", "</tbody>", "<meta>", "</meta>", "<link>", "</link>",
];
/// Tokens of context before a difference.
const CONTEXT: usize = 3;
/// What a cross-site script in the database would look like if it were let through.
const UNESCAPED: &str = "<script>alert";

/// What is wrong with an HTML body, where something is.
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
    let mut rest = text;
    while !rest.is_empty() {
        let token = if rest.starts_with('<') {
            let end = rest.find('>').map_or(rest.len(), |end| end + 1);
            let (tag, after) = rest.split_at(end);
            rest = after;
            tag_name(tag)
        } else {
            let (text, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            rest = after;
            resolve(text.trim())
        };
        if !token.is_empty() && !OPTIONAL.contains(&token.as_str()) {
            tokens.push(token);
        }
    }
    tokens
}

fn tag_name(tag: &str) -> String {
    let inner = tag
        .trim_start_matches('<')
        .trim_end_matches('>')
        .trim_end_matches('/')
        .trim();
    if inner
        .get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("!doctype"))
    {
        return format!(
            "<{}>",
            inner
                .to_ascii_lowercase()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        );
    }
    format!(
        "<{}>",
        inner.split_whitespace().next().unwrap_or("").to_ascii_lowercase()
    )
}

/// Resolves numeric references and the named ones that template engines write.
fn resolve(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.find('&') {
        out.push_str(&rest[..position]);
        rest = &rest[position..];
        let found = rest
            .find(';')
            .and_then(|end| reference(&rest[1..end]).map(|character| (character, end + 1)));
        match found {
            Some((character, length)) => {
                out.push(character);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "mdash" => '—',
        "plus" => '+',
        "sol" => '/',
        "lpar" => '(',
        "rpar" => ')',
        "equals" => '=',
        "grave" => '`',
        _ => return None,
    })
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
    }

    proptest! {
        #[test]
        fn any_text_is_equal_to_itself_and_never_panics(text in "[<>&;#x0-9a-z é\n]{0,60}") {
            prop_assert_eq!(check(text.as_bytes(), &text), None);
        }
    }
}
