//! Other people's results: what is read of them, what is made of them, and what is said of files that are none.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use tiermark_exchange::{ExchangeError, KnownFrameworks, Maker, RateTable, read_csv, read_tfb};
use tiermark_model::catalog::Catalog;
use tiermark_model::run::{Manifest, Tool};
use tiermark_model::trial::Record;
use tiermark_report::analysis::{Family, Standing, ValueRule};
use tiermark_report::{Analysis, Options, RunView, Style, analyse, render_markdown, render_text};

const CUT: &[u8] = include_bytes!("fixtures/tfb-2019-12-11-cut.json");

/// The repository's own, read once: it is many files.
fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap());
    &CATALOG
}

fn made(table: RateTable, catalog: &Catalog) -> (Manifest, Vec<Record>) {
    let maker = Maker {
        tool: Tool {
            version: "0.1.0".to_owned(),
            revision: None,
        },
        at: jiff::Timestamp::from_second(1_772_366_400).unwrap(),
        command_line: vec!["tiermark".to_owned()],
    };
    table
        .into_run(&catalog.scenarios, KnownFrameworks(&catalog.frameworks), maker)
        .unwrap()
}

fn analysed(table: RateTable, catalog: &Catalog, weights: &str) -> Analysis {
    let (manifest, records) = made(table, catalog);
    let view = RunView {
        name: "2026-03-01.1".to_owned(),
        manifest: &manifest,
        records: &records,
        torn_lines: &[],
    };
    let options = Options {
        core_expected: catalog.core.clone(),
        ..Options::default()
    };
    analyse(&view, catalog.weights(weights).unwrap(), &options)
}

fn cut() -> Analysis {
    let catalog = catalog();
    let table = read_tfb("results.json", CUT, KnownFrameworks(&catalog.frameworks)).unwrap();
    analysed(table, catalog, "techempower")
}

fn family<'a>(analysis: &'a Analysis, entry: &str, scenario: &str) -> &'a Family {
    let is = |family: &&Family| family.entry.to_string() == entry && family.scenario == scenario;
    analysis.families.iter().find(is).unwrap()
}

// TechEmpower's file. --------------------------------------------------------------------------------------------------

/// The rule in its own words, read from the file without any of the code under test.
fn by_hand(file: &Value, framework: &str, test: &str) -> Option<f64> {
    let names = file["testMetadata"].as_array().unwrap().iter();
    let names = names
        .filter(|test| test["framework"] == framework)
        .map(|test| test["name"].as_str().unwrap());
    let rate = |name: &str| {
        let levels = file["rawData"][test][name].as_array()?.iter();
        let count = |level: &Value, what: &str| level.get(what).and_then(Value::as_f64).unwrap_or(0.0);
        let rates: Vec<f64> = levels
            .map(|level| (count(level, "totalRequests") - count(level, "5xx")) / file["duration"].as_f64().unwrap())
            .collect();
        match test {
            "query" | "update" | "cached_query" => rates.last().copied(),
            _ => rates.into_iter().reduce(f64::max),
        }
    };
    names.filter_map(rate).reduce(f64::max).filter(|rate| *rate > 0.0)
}

#[test]
fn every_rate_is_that_of_the_rule() {
    let (analysis, file) = (cut(), serde_json::from_slice::<Value>(CUT).unwrap());
    let entries = [
        ("gin/gin", "gin"),
        ("spring-boot/joined", "spring"),
        ("fastapi/fastapi", "fastapi"),
        ("express/express", "express"),
    ];
    let tests = [
        ("json", "json"),
        ("plaintext", "plaintext"),
        ("db", "db"),
        ("queries", "query"),
        ("fortunes", "fortune"),
        ("updates", "update"),
    ];
    let mut seen = 0;
    for (entry, framework) in entries {
        for (scenario, test) in tests {
            let found = family(&analysis, entry, scenario).value.map(|value| value.per_s);
            let expected = by_hand(&file, framework, test);
            assert_eq!(found.is_some(), expected.is_some(), "{entry} {scenario}");
            if let (Some(found), Some(expected)) = (found, expected) {
                assert!(
                    (found / expected - 1.0).abs() < 1e-9,
                    "{entry} {scenario}: {found}, {expected}"
                );
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 20, "three frameworks with all six tests, one with two");
}

#[test]
fn an_imported_rate_has_neither_start_nor_interval_nor_judgement() {
    let analysis = cut();
    assert_eq!(analysis.value_rule, ValueRule::Peak);
    let cells = analysis.families.iter().flat_map(|family| &family.cells);
    assert!(cells.clone().count() > 50);
    for cell in cells {
        assert!(cell.starts.is_empty() && cell.judgement.is_none() && cell.response.is_empty());
        assert!(cell.rate.is_none_or(|rate| rate.starts == 0 && rate.interval.is_none()));
    }
    let rated = |family: &&Family| family.share.is_some_and(|share| share.value < 1.0);
    assert!(
        analysis
            .families
            .iter()
            .filter(rated)
            .all(|family| family.share.unwrap().interval.is_none())
    );
}

#[test]
fn tests_are_joined_by_framework_and_each_level_names_its_own() {
    let analysis = cut();
    let spring = analysis
        .entries
        .iter()
        .find(|entry| entry.id.framework == "spring-boot")
        .unwrap();
    assert!(spring.core && spring.default_variant);
    let row = &spring.imported.as_ref().unwrap().row;
    assert_eq!((row.name.as_str(), row.tests.len()), ("spring", 7));
    let level = |scenario: &str| {
        let family = family(&analysis, "spring-boot/joined", scenario);
        let chosen = family
            .cells
            .iter()
            .find(|cell| Some(&cell.load) == family.level.as_ref())
            .unwrap();
        (chosen.load.to_string(), chosen.test.clone().unwrap())
    };
    assert_eq!(
        level("queries"),
        ("c512".to_owned(), "spring-webflux-pgclient".to_owned())
    );
    assert_eq!(family(&analysis, "gin/gin", "plaintext").cells.len(), 4);
    assert_eq!(family(&analysis, "gin/gin", "plaintext").cells[3].load, "c16384p16");
}

#[test]
fn tests_without_a_framework_are_their_projects_and_have_no_sum() {
    let analysis = cut();
    let aah = analysis
        .entries
        .iter()
        .find(|entry| entry.id.framework == "aah")
        .unwrap();
    let imported = aah.imported.as_ref().unwrap();
    assert!(imported.row.without_framework && imported.summed.is_none());
    assert!(aah.composite.as_ref().is_some_and(|composite| !composite.is_partial()));
    let gin = analysis
        .entries
        .iter()
        .find(|entry| entry.id.framework == "gin")
        .unwrap();
    assert!(gin.imported.as_ref().unwrap().summed.is_some());
}

#[test]
fn what_the_file_lists_as_failed_has_failed() {
    let analysis = cut();
    let standing = &family(&analysis, "angel-mongo/angel", "json").standing;
    assert!(matches!(standing, Standing::Failed { .. }), "{standing:?}");
    assert_eq!(
        family(&analysis, "express/express", "db").standing,
        Standing::NotMeasured
    );
}

#[test]
fn the_sum_is_that_of_weighted_shares() {
    let (analysis, file) = (cut(), serde_json::from_slice::<Value>(CUT).unwrap());
    let weights = [
        ("json", 1.0),
        ("plaintext", 0.75),
        ("db", 0.75),
        ("query", 0.75),
        ("fortune", 1.5),
        ("update", 1.25),
    ];
    let frameworks = ["gin", "spring", "fastapi", "express", "none"];
    let best = |test: &str| {
        frameworks
            .iter()
            .filter_map(|name| by_hand(&file, name, test))
            .fold(0.0, f64::max)
    };
    let expected: f64 = weights
        .iter()
        .map(|(test, weight)| weight * by_hand(&file, "gin", test).unwrap() / best(test))
        .sum();
    let gin = analysis
        .entries
        .iter()
        .find(|entry| entry.id.framework == "gin")
        .unwrap();
    let summed = gin.imported.as_ref().unwrap().summed.unwrap();
    assert!((summed.sum - expected).abs() < 1e-9, "{summed:?}, {expected}");
    assert_eq!(summed.of, 6.0);
}

#[test]
fn report_of_techempowers_results() {
    let analysis = cut();
    let text = render_text(&analysis, &Style::default());
    assert!(text.lines().all(|line| line.chars().count() <= 100));
    insta::assert_snapshot!(text);
    assert!(render_markdown(&analysis).contains("not measured by tiermark"));
}

#[test]
fn a_name_in_the_file_cannot_break_a_table() {
    let mut file: Value = serde_json::from_slice(CUT).unwrap();
    for test in file["testMetadata"].as_array_mut().unwrap() {
        if test["name"] == "gin" {
            test["framework"] = json!("a/b\u{1b}[31m\nc\u{202e}");
        }
    }
    let catalog = catalog();
    let table = read_tfb(
        "r.json",
        file.to_string().as_bytes(),
        KnownFrameworks(&catalog.frameworks),
    )
    .unwrap();
    let names: Vec<String> = table.rows.iter().map(|row| row.id.to_string()).collect();
    assert!(names.contains(&"a-bc\\u{202e}/gin".to_owned()), "{names:?}");
    assert!(
        table
            .source
            .notes
            .iter()
            .any(|note| note.contains("stand as their numbers")),
        "{:?}",
        table.source.notes
    );
    let (manifest, _) = made(table, catalog);
    let again: Manifest = serde_json::from_str(&serde_json::to_string(&manifest).unwrap()).unwrap();
    assert_eq!(again, manifest);
}

// Files that are none. -------------------------------------------------------------------------------------------------

#[test]
fn files_that_are_no_results() {
    let without = |field: &str| {
        let mut file: Value = serde_json::from_slice(CUT).unwrap();
        file.as_object_mut().unwrap().remove(field);
        serde_json::to_vec(&file).unwrap()
    };
    let with = |field: &str, value: Value| {
        let mut file: Value = serde_json::from_slice(CUT).unwrap();
        file[field] = value;
        serde_json::to_vec(&file).unwrap()
    };
    let broken: [(&str, Vec<u8>); 10] = [
        ("empty", vec![]),
        ("web page", b"<!DOCTYPE html>\n<html>".to_vec()),
        ("truncated", CUT[..CUT.len() / 2].to_vec()),
        ("no JSON", b"uuid: 1\n".to_vec()),
        ("a list", b"[1, 2]".to_vec()),
        ("without duration", without("duration")),
        ("without metadata", without("testMetadata")),
        ("of no seconds", with("duration", json!(0))),
        ("without results", with("rawData", json!({}))),
        (
            "negative",
            with("rawData", json!({"json": {"gin": [{"totalRequests": -1}]}})),
        ),
    ];
    let catalog = catalog();
    let said = broken.map(|(what, bytes)| {
        let error = read_tfb("results.json", &bytes, KnownFrameworks(&catalog.frameworks)).unwrap_err();
        format!("{what}\n  {}\n", error.to_string().replace('\n', "\n  "))
    });
    insta::assert_snapshot!(said.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut_at in 0..CUT.len()) {
        let known = KnownFrameworks(&[]);
        prop_assert!(read_tfb("r.json", &bytes, known).is_err());
        prop_assert!(read_tfb("r.json", &CUT[..cut_at], known).is_err());
        let _ = read_csv("r.csv", &bytes, &[], known);
    }
}

// Tables. --------------------------------------------------------------------------------------------------------------

fn csv(text: &str) -> Result<RateTable, ExchangeError> {
    let catalog = catalog();
    read_csv(
        "rates.csv",
        text.as_bytes(),
        &catalog.scenarios,
        KnownFrameworks(&catalog.frameworks),
    )
}

#[test]
fn a_table_becomes_a_run() {
    let table =
        csv("\u{feff}entry,json,db\r\nGin,120000,45000.5\r\nspring,\"60000\",\r\n\r\nmine/tuned,,9000\r\n,,\r\n")
            .unwrap();
    let analysis = analysed(table, catalog(), "service");
    let rates: BTreeMap<String, Vec<Option<u64>>> = (analysis.entries.iter())
        .map(|entry| {
            let of = |scenario: &str| family(&analysis, &entry.id.to_string(), scenario).value;
            let rounded = ["json", "db"].map(|scenario| of(scenario).map(|value| value.per_s.round() as u64));
            (entry.id.to_string(), rounded.to_vec())
        })
        .collect();
    let expected = BTreeMap::from([
        ("gin/imported".to_owned(), vec![Some(120_000), Some(45_001)]),
        ("spring-boot/imported".to_owned(), vec![Some(60_000), None]),
        ("mine/tuned".to_owned(), vec![None, Some(9_000)]),
    ]);
    assert_eq!(rates, expected);
    assert_eq!(
        family(&analysis, "spring-boot/imported", "json")
            .rating
            .unwrap()
            .to_string(),
        "High"
    );
    assert_eq!(family(&analysis, "mine/tuned", "db").rating.unwrap().to_string(), "Mid");
    insta::assert_snapshot!(render_text(&analysis, &Style::default()));
}

#[test]
fn tables_with_faults() {
    let broken = [
        "",
        "entry;json;db\ngin;1;2\n",
        "framework,json\ngin,1\n",
        "entry\ngin\n",
        "entry,json\n",
        "entry,jsn,db,db\ngin,1,2,3\n",
        "entry,json,db\ngin,120,000,45\nfiber,1\n\n,5,6\n",
        "entry,json,db\n\"gin\",\"1,234\",12k\nfiber,1 234,-5\nnestjs,1.234.567,0\nrails,NaN,inf\n",
        "entry,json\ngin,1\ngin,2\n",
        "entry,json\ngin,12.345\nfiber,345.678\n",
    ];
    let said = broken.map(|text| csv(text).unwrap_err().to_string());
    insta::assert_snapshot!(said.join("\n\n"));
    let latin1 = read_csv("rates.csv", b"entry,json\nexpr\xe9ss,1\n", &[], KnownFrameworks(&[])).unwrap_err();
    assert!(latin1.to_string().contains("UTF-8"), "{latin1}");
}

#[test]
fn a_point_that_cannot_divide_thousands_anywhere_divides_fractions_everywhere() {
    assert!(csv("entry,json\ngin,12.345\nfiber,1234.567\n").is_ok());
    assert!(csv("entry,json\ngin,0.345\n").is_ok());
}

#[test]
fn a_table_of_faults_shows_the_first_of_them() {
    let lines: String = (0..500).map(|index| format!("e{index},x\n")).collect();
    let error = csv(&format!("entry,json\n{lines}")).unwrap_err();
    assert!(error.to_string().lines().count() < 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_rate_of_a_table_is_kept(rates in proptest::collection::vec((1u64..10_000_000, proptest::option::of(1u64..100_000)), 1..20)) {
        let line = |(index, (json, db)): (usize, &(u64, Option<u64>))| {
            format!("e{index},{json},{}\n", db.map(|db| db.to_string()).unwrap_or_default())
        };
        let lines: String = rates.iter().enumerate().map(line).collect();
        let table = csv(&format!("entry,json,db\n{lines}")).unwrap();
        let analysis = analysed(table, catalog(), "service");
        for (index, (json, db)) in rates.iter().enumerate() {
            let of = |scenario: &str| family(&analysis, &format!("e{index}/imported"), scenario).value.map(|value| value.per_s.round() as u64);
            prop_assert_eq!(of("json"), Some(*json));
            prop_assert_eq!(of("db"), *db);
        }
    }
}
