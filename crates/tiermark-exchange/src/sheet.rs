//! A table of rates as CSV: a header `entry,json,db,...`, then one entry a line. An empty cell was not measured.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord};
use tiermark_model::foreign::is_harmful;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::format::yaml::{At, Faults, Place};
use tiermark_model::host::full_hash;
use tiermark_model::imported::{ImportFormat, Imported, ImportedEntry, ImportedRate};
use tiermark_model::trial::EntryId;

use super::table::{ImportedRow, RateTable, RowRate};
use super::{ExchangeError, KnownFrameworks, clean_name};

/// Name of the first column.
const ENTRY: &str = "entry";
/// Variant of an entry that is written as its framework alone.
const VARIANT: &str = "imported";
/// Load level of rates whose load is not known.
const LOAD: &str = "table";
/// Faults that are shown of one file: of a file of another kind every cell is one.
const SHOWN: usize = 20;

/// Reads a table of rates in right answers a second; `bytes` are the file's, `file` is its name without folders.
///
/// # Errors
/// Every fault with its line and column: an unknown scenario, a number that is none, a line of the wrong length.
pub fn read_csv(
    file: &str,
    bytes: &[u8],
    scenarios: &[Scenario],
    known: KnownFrameworks<'_>,
) -> Result<RateTable, ExchangeError> {
    let text = text_of(file, bytes)?;
    let mut sheet = Sheet {
        text,
        faults: Faults::default(),
        found: 0,
        pointed: vec![],
    };
    let read = sheet.read(scenarios, known);
    sheet.check_points();
    sheet.faults.finish(file, text)?;
    let (columns, rows) = read.unwrap_or_default();
    Ok(RateTable {
        source: Imported {
            format: ImportFormat::Csv,
            file: file.to_owned(),
            sha256: full_hash(bytes),
            title: None,
            own: false,
            measured: None,
            environment: None,
            notes: vec![],
            entries: BTreeMap::new(),
        },
        seconds: 0.0,
        scenarios: columns,
        rows,
    })
}

fn text_of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, ExchangeError> {
    match std::str::from_utf8(bytes) {
        // A byte order mark, which spreadsheets put first, is no part of the first name.
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(_) => Err(ExchangeError::Content {
            file: file.to_owned(),
            message: "it is not text in UTF-8".to_owned(),
            remedy: "save it as CSV in UTF-8",
        }),
    }
}

/// A file under reading.
struct Sheet<'t> {
    text: &'t str,
    faults: Faults,
    found: usize,
    /// Cells with a point, and whether it may divide thousands.
    pointed: Vec<(Place, String, bool)>,
}

impl Sheet<'_> {
    fn fault(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        if self.found < SHOWN {
            self.faults.add(place, message, help);
        }
        self.found += 1;
    }

    /// Scenarios and rows; none where the header cannot be read, which is a fault.
    fn read(&mut self, scenarios: &[Scenario], known: KnownFrameworks<'_>) -> Option<(Vec<String>, Vec<ImportedRow>)> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(self.text.as_bytes());
        let mut records = vec![];
        for record in reader.records() {
            match record {
                Ok(record) => records.push(record),
                Err(error) => {
                    self.fault(
                        START,
                        format!("this is no CSV: {error}"),
                        "one entry a line, cells divided by commas",
                    );
                    return None;
                }
            }
        }
        // Spreadsheets end a table with lines of nothing but commas.
        records.retain(|record| record.iter().any(|cell| !cell.trim().is_empty()));
        let Some((header, rows)) = records.split_first() else {
            self.fault(
                START,
                "the file is empty",
                "a header `entry,json,db`, then one entry a line: `gin,120000,45000`",
            );
            return None;
        };
        let columns = self.header(header, scenarios)?;
        if rows.is_empty() {
            self.fault(
                self.place(header, 0),
                "no entry follows the header",
                "one entry a line: `gin,120000,45000`",
            );
        }
        let mut all: Vec<ImportedRow> = vec![];
        for record in rows {
            if let Some(row) = self.row(record, &columns, known) {
                if all.iter().any(|other| other.id == row.id) {
                    self.fault(
                        self.place(record, 0),
                        format!("the entry `{}` stands here a second time", row.about.name),
                        "one line an entry; variants are written framework/variant",
                    );
                }
                all.push(row);
            }
        }
        Some((columns, all))
    }

    fn header(&mut self, header: &StringRecord, scenarios: &[Scenario]) -> Option<Vec<String>> {
        let mut cells = header.iter().map(str::trim);
        let first = cells.next().unwrap_or_default();
        if header.len() == 1 && [';', '\t'].iter().any(|divider| first.contains(*divider)) {
            self.fault(
                self.place(header, 0),
                "the cells are not divided by commas",
                "write `entry,json,db`; a spreadsheet can save so",
            );
            return None;
        }
        if first != ENTRY {
            self.fault(
                self.place(header, 0),
                format!("the first column is called `{first}`"),
                format!("call it `{ENTRY}`; the other columns are scenarios: `entry,json,db`"),
            );
            return None;
        }
        if header.len() == 1 {
            self.fault(
                self.place(header, 0),
                "no scenario stands in the header",
                "name the scenarios whose rates follow: `entry,json,db`",
            );
            return None;
        }
        let columns: Vec<String> = cells.map(str::to_owned).collect();
        for (index, name) in columns.iter().enumerate() {
            let at = At {
                value: name.clone(),
                place: self.place(header, index + 1),
            };
            if !scenarios.iter().any(|scenario| &scenario.name == name) {
                let valid = scenarios.iter().map(|scenario| scenario.name.as_str());
                self.found += 1;
                self.faults.unknown_name("scenario", &at, valid);
            } else if columns.iter().take(index).any(|other| other == name) {
                self.fault(
                    at.place,
                    format!("the scenario `{name}` stands here a second time"),
                    "one column a scenario",
                );
            }
        }
        Some(columns)
    }

    fn row(&mut self, record: &StringRecord, columns: &[String], known: KnownFrameworks<'_>) -> Option<ImportedRow> {
        let expected = columns.len() + 1;
        if record.len() != expected {
            let help = if record.len() > expected {
                "thousands are written without a separator: 120000, not 120,000"
            } else {
                "leave a cell empty where nothing was measured, but write its comma"
            };
            let (place, message) = (self.place(record, 0), lengths(record.len(), expected));
            self.fault(place, message, help);
            return None;
        }
        let mut cells = record.iter().map(str::trim);
        let named = cells.next().unwrap_or_default();
        if let Some(harmful) = named.chars().find(|c| is_harmful(*c)) {
            self.fault(
                self.place(record, 0),
                format!(
                    "the name holds the character U+{:04X}, which is not shown",
                    u32::from(harmful)
                ),
                "write it without; it would steer the terminal or the direction of writing",
            );
            return None;
        }
        let Some(name) = clean_entry(named) else {
            self.fault(
                self.place(record, 0),
                "the line names no entry",
                "a framework, or framework/variant",
            );
            return None;
        };
        let mut rates = vec![];
        for (index, (cell, scenario)) in cells.zip(columns).enumerate() {
            match rate_of(cell) {
                Ok(None) => {}
                Ok(Some(per_s)) => {
                    if cell.contains('.') {
                        let place = self.place(record, index + 1);
                        self.pointed.push((place, cell.to_owned(), may_divide_thousands(cell)));
                    }
                    rates.push(rate(scenario, per_s));
                }
                Err((message, help)) => {
                    let place = self.place(record, index + 1);
                    self.fault(place, message, help);
                }
            }
        }
        Some(row(&name, rates, known))
    }

    /// `12.345` is a fraction to some and twelve thousand to others. Where no cell of the file shows which, it is asked.
    fn check_points(&mut self) {
        let first = self.pointed.first().cloned();
        let Some((place, cell, _)) = first.filter(|_| self.pointed.iter().all(|(.., unclear)| *unclear)) else {
            return;
        };
        let digits = cell.replace('.', "");
        self.fault(
            place,
            format!("`{cell}` may be {digits} with a separator, or a fraction; no cell of the file shows which"),
            format!("write {digits} without a separator, or the fraction with another number of digits: {cell}0"),
        );
    }

    /// Where a cell begins.
    fn place(&self, record: &StringRecord, cell: usize) -> Place {
        let Some(position) = record.position() else {
            return START;
        };
        let start = usize::try_from(position.byte()).unwrap_or(0);
        let rest = self.text.get(start..).unwrap_or_default();
        // The reader counts blank lines before a record as part of it.
        let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let line = self.text.get(..start + blank).unwrap_or_default().matches('\n').count() + 1;
        let (mut column, mut cells, mut quoted) = (1, 0, false);
        for c in rest.get(blank..).unwrap_or_default().chars() {
            if cells == cell || (c == '\n' && !quoted) {
                break;
            }
            column += 1;
            quoted ^= c == '"';
            cells += usize::from(c == ',' && !quoted);
        }
        Place { line, column }
    }
}

const START: Place = Place { line: 1, column: 1 };

fn lengths(found: usize, expected: usize) -> String {
    let cells = if found == 1 { "cell" } else { "cells" };
    format!("{found} {cells} stand here, and {expected} in the header")
}

/// `framework` or `framework/variant`, each one line.
fn clean_entry(text: &str) -> Option<(String, Option<String>)> {
    match text.split_once('/') {
        None => Some((clean_name(text)?, None)),
        Some((framework, variant)) => Some((clean_name(framework)?, Some(clean_name(variant)?))),
    }
}

/// A rate above 0; none of an empty cell; else what is wrong and what would be right.
fn rate_of(cell: &str) -> Result<Option<f64>, (String, String)> {
    if cell.is_empty() {
        return Ok(None);
    }
    match cell.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => return Ok(Some(rate)),
        Ok(_) => {
            return Err((
                format!("`{cell}` is no rate"),
                "a number above 0; leave the cell empty where nothing was measured".to_owned(),
            ));
        }
        Err(_) => {}
    }
    let is_separator = |c: char| matches!(c, ',' | '.' | '\'' | '’' | '_' | ' ' | '\u{a0}' | '\u{202f}');
    let digits: String = cell.chars().filter(|c| !is_separator(*c)).collect();
    let help = if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("thousands are written without a separator, decimals with a point: {digits}")
    } else {
        "answers a second in digits, such as 120000 or 87.5, without a unit".to_owned()
    };
    Err((format!("`{cell}` is not a number"), help))
}

/// One to three digits, a point, three digits.
fn may_divide_thousands(cell: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    cell.split_once('.').is_some_and(|(whole, rest)| {
        (1..=3).contains(&whole.len()) && rest.len() == 3 && is_digits(whole) && is_digits(rest) && whole != "0"
    })
}

fn rate(scenario: &str, per_s: f64) -> RowRate {
    RowRate {
        scenario: scenario.to_owned(),
        load: LOAD.to_owned(),
        rate: Ok(ImportedRate {
            per_s,
            ok: None,
            errors: None,
            connections: None,
            test: None,
        }),
    }
}

fn row(name: &(String, Option<String>), rates: Vec<RowRate>, known: KnownFrameworks<'_>) -> ImportedRow {
    let (framework, variant) = name;
    let own = known.find(framework);
    let written = [Some(framework), variant.as_ref()];
    ImportedRow {
        id: EntryId {
            framework: own.map_or_else(|| framework.clone(), |own| own.name.clone()),
            variant: variant.clone().unwrap_or_else(|| VARIANT.to_owned()),
        },
        about: ImportedEntry {
            name: written
                .map(|part| part.map_or("", String::as_str))
                .join("/")
                .trim_end_matches('/')
                .to_owned(),
            ..ImportedEntry::default()
        },
        title: None,
        language: None,
        data_layer: None,
        // A line without a variant speaks for its framework, as does the variant that does so here.
        is_default: (variant.as_ref()).is_none_or(|variant| own.is_some_and(|own| &own.default == variant)),
        rates,
    }
}
