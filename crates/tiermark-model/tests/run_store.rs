//! Stored runs: nothing is lost, nothing is overwritten, and what was written once stays readable.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use common::{keys, manifest, records, trial};
use jiff::civil::{Date, date};
use tiermark_model::redact::Redactor;
use tiermark_model::run::{MANIFEST, PACKED, RUN_FORMAT, RunError, RunReader, RunWriter, TRIALS, list, name_of};
use tiermark_model::trial::State;

const TODAY: Date = date(2026, 3, 1);

fn create(results: &Path) -> RunWriter {
    RunWriter::create(results, TODAY, &manifest(), &Redactor::new(None)).unwrap()
}

#[test]
fn what_was_appended_is_read_again() {
    let results = tempfile::tempdir().unwrap();
    let mut writer = create(results.path());
    let all = records();
    all[..4].iter().for_each(|record| writer.append(record).unwrap());
    let folder = writer.folder().to_owned();
    drop(writer);
    let mut writer = RunWriter::resume(&RunReader::open(&folder).unwrap()).unwrap();
    all[4..].iter().for_each(|record| writer.append(record).unwrap());
    let run = RunReader::open(&folder).unwrap();
    assert_eq!((run.manifest, run.records, run.torn_lines), (manifest(), all, vec![]));
}

#[test]
fn what_was_appended_at_once_is_read_as_if_one_by_one() {
    let results = tempfile::tempdir().unwrap();
    let (mut one, mut all) = (create(results.path()), create(results.path()));
    records().iter().for_each(|record| one.append(record).unwrap());
    all.append_all(&records()).unwrap();
    let text = |writer: &RunWriter| fs::read(writer.folder().join(TRIALS)).unwrap();
    assert_eq!(text(&one), text(&all));
}

#[test]
fn a_packed_run_is_read_as_it_was_written_and_is_not_gone_on_with() {
    let results = tempfile::tempdir().unwrap();
    let mut writer = create(results.path());
    writer.append_all(&records()).unwrap();
    let (plain, packed) = (writer.folder().join(TRIALS), writer.folder().join(PACKED));
    let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::best());
    encoder.write_all(&fs::read(&plain).unwrap()).unwrap();
    encoder.finish().unwrap();
    fs::remove_file(&plain).unwrap();

    let run = RunReader::open(writer.folder()).unwrap();
    assert_eq!(run.records, records());
    let error = RunWriter::resume(&run).unwrap_err();
    assert!(
        matches!(&error, RunError::Packed { path } if *path == packed),
        "{error}"
    );
    assert!(!plain.exists(), "nothing is written beside it");

    let whole = fs::read(&packed).unwrap();
    fs::write(&packed, &whole[..whole.len() / 2]).unwrap();
    let error = RunReader::open(writer.folder()).unwrap_err();
    assert!(
        matches!(&error, RunError::Io { path, .. } if *path == packed),
        "{error}"
    );
}

#[test]
fn a_torn_last_line_is_reported_and_left_and_the_next_record_begins_on_a_line_of_its_own() {
    let results = tempfile::tempdir().unwrap();
    let mut writer = create(results.path());
    writer.append(&records()[0]).unwrap();
    let path = writer.folder().join(TRIALS);
    let torn = r#"{"record":"trial","key":{"plan":"ab"#;
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(torn.as_bytes())
        .unwrap();
    let before = fs::read_to_string(&path).unwrap();

    let run = RunReader::open(writer.folder()).unwrap();
    assert_eq!((run.records.len(), &run.torn_lines), (1, &vec![2]));
    assert_eq!(fs::read_to_string(&path).unwrap(), before, "reading changed the file");

    RunWriter::resume(&run).unwrap().append(&records()[1]).unwrap();
    let after = fs::read_to_string(&path).unwrap();
    assert!(after.starts_with(&before), "what was written has changed");
    let run = RunReader::open(writer.folder()).unwrap();
    assert_eq!((run.records, run.torn_lines), (records()[..2].to_vec(), vec![2]));
}

#[test]
fn a_line_torn_within_a_character_is_torn_too() {
    let results = tempfile::tempdir().unwrap();
    let writer = create(results.path());
    fs::write(writer.folder().join(TRIALS), b"{\"record\":\"session\",\"at\":\"\xc3").unwrap();
    assert_eq!(RunReader::open(writer.folder()).unwrap().torn_lines, [1]);
}

#[test]
fn a_whole_line_that_is_no_record_is_damage() {
    let results = tempfile::tempdir().unwrap();
    let writer = create(results.path());
    fs::write(
        writer.folder().join(TRIALS),
        "{\"record\":\"session\",\"event\":\"began\"}\n",
    )
    .unwrap();
    let error = RunReader::open(writer.folder()).unwrap_err();
    assert!(matches!(&error, RunError::Content { line: Some(1), .. }), "{error}");
    assert!(error.to_string().contains("missing field `at`"), "{error}");
}

#[test]
fn nothing_is_overwritten() {
    let results = tempfile::tempdir().unwrap();
    let mut first = create(results.path());
    first.append(&records()[0]).unwrap();
    let second = create(results.path());
    assert_eq!(
        [name_of(first.folder()), name_of(second.folder())],
        ["2026-03-01.1", "2026-03-01.2"]
    );
    assert_eq!(RunReader::open(first.folder()).unwrap().records.len(), 1);
    // A folder without a manifest is somebody's too.
    fs::create_dir(results.path().join("2026-03-01.3")).unwrap();
    assert_eq!(name_of(create(results.path()).folder()), "2026-03-01.4");
}

#[test]
fn runs_are_listed_oldest_first_by_number() {
    let results = tempfile::tempdir().unwrap();
    assert!(list(&results.path().join("none")).unwrap().is_empty());
    (0..11).for_each(|_| drop(create(results.path())));
    RunWriter::create(results.path(), date(2026, 2, 28), &manifest(), &Redactor::new(None)).unwrap();
    let names: Vec<String> = list(results.path()).unwrap().iter().map(|path| name_of(path)).collect();
    assert_eq!(
        (
            names[0].as_str(),
            names[1].as_str(),
            names[10].as_str(),
            names[11].as_str()
        ),
        ("2026-02-28.1", "2026-03-01.1", "2026-03-01.10", "2026-03-01.11")
    );
}

#[test]
fn a_newer_format_is_refused_before_its_fields_are_looked_at() {
    let results = tempfile::tempdir().unwrap();
    let writer = create(results.path());
    let newer = RUN_FORMAT + 1;
    fs::write(
        writer.folder().join(MANIFEST),
        format!("{{\"format\": {newer}, \"charm\": true}}"),
    )
    .unwrap();
    let error = RunReader::open(writer.folder()).unwrap_err();
    assert!(
        matches!(error, RunError::Newer { found, .. } if found == u64::from(newer)),
        "{error}"
    );
}

#[test]
fn a_damaged_manifest_is_said_with_its_file_and_a_remedy() {
    let results = tempfile::tempdir().unwrap();
    let writer = create(results.path());
    let path = writer.folder().join(MANIFEST);
    let whole = fs::read_to_string(&path).unwrap();
    let check = |content: Option<&str>, part: &str| {
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        // Whatever is wrong, the run is listed: who reads the list says why it leaves it out.
        assert_eq!(list(results.path()).unwrap(), [writer.folder()]);
        let said = RunReader::open(writer.folder()).unwrap_err().to_string();
        assert!(said.starts_with(&path.display().to_string()), "{said}");
        assert!(said.contains(part) && said.contains("\nremedy: "), "{said}");
        assert!(said.len() < 1000, "{said}");
    };
    check(Some(""), "the file is empty");
    check(Some(" \n"), "the file is empty");
    check(Some(&whole[..whole.len() / 2]), "the file ends in the middle");
    check(
        Some("{\"name\": \"a package\", \"version\": \"1\"}"),
        "no manifest of a run",
    );
    check(Some("[1, 2]"), "no manifest of a run");
    check(Some("not JSON"), "expected ident at line 1");
    check(
        Some(&format!("{{\"format\": 5, \"{}\": 1}}", "x".repeat(100_000))),
        "unknown field",
    );
    check(None, "there is no manifest");
}

#[test]
fn a_manifest_is_there_as_a_whole_or_not_at_all() {
    let results = tempfile::tempdir().unwrap();
    let writer = create(results.path());
    let names: Vec<_> = fs::read_dir(writer.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
    // A folder of somebody else's, whose name is no run's, is none.
    fs::create_dir(results.path().join("notes")).unwrap();
    assert_eq!(list(results.path()).unwrap(), [writer.folder()]);
}

#[test]
fn an_error_about_a_record_repeats_no_harmful_character() {
    let results = tempfile::tempdir().unwrap();
    let writer = create(results.path());
    let line = "{\"record\":\"session\",\"at\":\"2026-03-01T00:00:00Z\",\"event\":\"resumed\"}";
    let with = line.replace("resumed", "res\\u202eumed");
    fs::write(writer.folder().join(TRIALS), with).unwrap();
    let error = RunReader::open(writer.folder()).unwrap_err().to_string();
    assert!(!error.contains('\u{202e}'), "{error}");
}

#[test]
fn a_copied_folder_reads_the_same() {
    let (results, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut writer = create(results.path());
    records().iter().for_each(|record| writer.append(record).unwrap());
    let copy = elsewhere.path().join("a name of its own");
    fs::create_dir(&copy).unwrap();
    for file in [MANIFEST, TRIALS] {
        fs::copy(writer.folder().join(file), copy.join(file)).unwrap();
    }
    let (one, two) = (
        RunReader::open(writer.folder()).unwrap(),
        RunReader::open(&copy).unwrap(),
    );
    assert_eq!((one.manifest, one.records), (two.manifest, two.records));
}

#[test]
fn an_interrupted_cell_is_missing_and_a_failed_one_is_done() {
    let results = tempfile::tempdir().unwrap();
    let mut writer = create(results.path());
    let keys = keys(&manifest());
    let open = |writer: &RunWriter| RunReader::open(writer.folder()).unwrap();
    assert_eq!((open(&writer).missing(), open(&writer).attempts(&keys[0])), (2, 0));

    writer
        .append(&trial(
            &keys[0],
            1,
            State::Attempt {
                reason: "engine lost".to_owned(),
            },
        ))
        .unwrap();
    let run = open(&writer);
    assert_eq!(
        (run.missing(), run.is_done(&keys[0]), run.attempts(&keys[0])),
        (2, false, 1)
    );

    writer
        .append(&trial(
            &keys[0],
            2,
            State::Failed {
                reason: "wrong body".to_owned(),
            },
        ))
        .unwrap();
    writer.append(&trial(&keys[1], 1, State::Ok)).unwrap();
    let run = open(&writer);
    assert_eq!(
        (
            run.missing(),
            run.is_done(&keys[0]),
            run.attempts(&keys[0]),
            run.trials().count()
        ),
        (0, true, 2, 3)
    );
}
