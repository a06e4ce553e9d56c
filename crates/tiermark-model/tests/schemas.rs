//! The JSON Schemas that editors use are those of the formats that the program reads.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

const REGENERATE: &str = "TIERMARK_BLESS=1 cargo test -p tiermark-model --test schemas";

#[test]
fn the_committed_schemas_are_those_of_the_formats() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
    let bless = std::env::var_os("TIERMARK_BLESS").is_some();
    let mut expected: Vec<String> = Vec::new();
    for (name, text) in tiermark_model::format::schemas() {
        expected.push(name.to_owned());
        let path = folder.join(name);
        if bless {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "docs/schemas/{name} is not the schema of its format; to write it anew: {REGENERATE}"
        );
    }
    expected.sort();
    let mut found: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    found.retain(|name| name.ends_with(".schema.json"));
    found.sort();
    assert_eq!(found, expected, "a schema in docs/schemas belongs to no format");
}
