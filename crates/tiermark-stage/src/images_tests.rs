//! Tests of what an image is built from.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use proptest::prelude::*;

use super::*;

fn names(dockerfile: &str) -> Vec<String> {
    base_arguments(dockerfile)
        .into_iter()
        .map(|base| format!("{}={}", base.name, base.reference))
        .collect()
}

#[test]
fn bases_are_the_arguments_that_a_from_uses() {
    let text = "# syntax\nARG GO_IMAGE=golang:1.26-trixie\nARG RUNTIME_IMAGE=\"debian:trixie-slim\"\nARG VERSION=1\n\
                FROM ${GO_IMAGE} AS build\nARG LATER=x:1\nfrom --platform=linux/amd64 $RUNTIME_IMAGE\nFROM build\nFROM $LATER\n";
    assert_eq!(
        names(text),
        ["GO_IMAGE=golang:1.26-trixie", "RUNTIME_IMAGE=debian:trixie-slim"]
    );
}

#[test]
fn continuation_lines_and_several_arguments_on_a_line() {
    assert_eq!(
        names("ARG A=a:1 \\\n# why\n  B=b:2\nFROM $A\nFROM ${B:-c:3}"),
        ["A=a:1", "B=b:2"]
    );
}

#[test]
fn a_part_of_a_reference_or_an_argument_without_default_is_no_base() {
    assert!(names("ARG V=1.26\nARG X\nFROM golang:${V}\nFROM $X\nFROM scratch").is_empty());
}

fn check(rules: &str, taken_in: &[&str], excluded: &[&str]) {
    let ignore = Ignore::parse(rules);
    for path in taken_in {
        assert!(!ignore.excludes(path), "{path} should be taken in by:\n{rules}");
    }
    for path in excluded {
        assert!(ignore.excludes(path), "{path} should be excluded by:\n{rules}");
    }
}

#[test]
fn everything_out_but_some() {
    check(
        "*\n!go.mod\n!*.go\n!templates\n**/__pycache__\n",
        &[
            "go.mod",
            "main.go",
            "templates",
            "templates/a.html",
            "templates/deep/b.html",
        ],
        &[
            "framework.yaml",
            "src/main.go",
            "templates/__pycache__/x.pyc",
            "go.mod.bak",
        ],
    );
}

#[test]
fn patterns_are_anchored_and_the_last_match_decides() {
    check(
        "# note\n/target\nnode_modules/\n./dist\n",
        &["src/target", "a/node_modules"],
        &["target", "target/x", "node_modules/a", "dist/a"],
    );
    check(
        "*.md\n!README.md\nREADME.md\n",
        &["a.txt", "docs/a.md"],
        &["README.md", "b.md"],
    );
    check(
        "**/*.log\na/**/b\nx?y[0-9]\n",
        &["a/c", "xay", "x/y1"],
        &["a.log", "d/e/a.log", "a/b", "a/1/2/b", "xzy7"],
    );
    check("[^a]b\n\\!c\n", &["ab", "c"], &["bb", "!c"]);
}

#[test]
fn no_rules_exclude_nothing() {
    check("", &["a", ".git/config"], &[]);
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn hash_of(folder: &std::path::Path) -> String {
    let mut hash = ContentHash::default();
    Context::read(folder).unwrap().hash_into(&mut hash);
    hash.short()
}

#[test]
fn a_context_holds_what_is_not_ignored_and_always_the_dockerfile() {
    let root = folder(&[
        ("Dockerfile", "FROM x"),
        (".dockerignore", "*\n!src\n!deep/down"),
        ("src/a", "1"),
        ("notes", ""),
        ("deep/down/b", ""),
        ("deep/up", ""),
    ]);
    let context = Context::read(root.path()).unwrap();
    assert_eq!(
        context.paths().collect::<Vec<_>>(),
        [
            ".dockerignore",
            "Dockerfile",
            "deep/down",
            "deep/down/b",
            "src",
            "src/a"
        ]
    );
    assert_eq!(context.dockerfile().as_deref(), Some("FROM x"));
}

#[test]
fn the_hash_follows_content_names_and_the_executable_bit_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let one = folder(&[("Dockerfile", "FROM x"), ("a", "1"), (".dockerignore", "ignored")]);
    let same = folder(&[
        ("a", "1"),
        (".dockerignore", "ignored"),
        ("Dockerfile", "FROM x"),
        ("ignored", "?"),
    ]);
    assert_eq!(hash_of(one.path()), hash_of(same.path()));
    let before = hash_of(one.path());
    fs::set_permissions(one.path().join("a"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(hash_of(one.path()), before, "the umask must not count");
    fs::set_permissions(one.path().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_ne!(hash_of(one.path()), before);
    fs::rename(same.path().join("a"), same.path().join("b")).unwrap();
    assert_ne!(hash_of(same.path()), before);
}

#[test]
fn the_archive_is_the_same_for_the_same_content() {
    let one = folder(&[("Dockerfile", "FROM x"), ("src/a", "1")]);
    std::os::unix::fs::symlink("a", one.path().join("src/link")).unwrap();
    let other = folder(&[("src/a", "1"), ("Dockerfile", "FROM x")]);
    std::os::unix::fs::symlink("a", other.path().join("src/link")).unwrap();
    let archive = Context::read(one.path()).unwrap().tar().unwrap();
    assert_eq!(archive, Context::read(other.path()).unwrap().tar().unwrap());
    let mut archive = tar::Archive::new(archive.as_slice());
    let paths: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(paths, ["Dockerfile", "src/", "src/a", "src/link"]);
}

#[test]
fn a_stand_in_is_found_by_what_it_stands_for() {
    let yaml = "version: 1\nname: debian\nstands_for: debian:trixie-slim\nwhy: a root\n";
    let root = folder(&[("debian/base.yaml", yaml), ("trust.sh", "")]);
    assert_eq!(
        find_stand_in(root.path(), "debian:trixie-slim")
            .unwrap()
            .unwrap()
            .base
            .name,
        "debian"
    );
    assert!(find_stand_in(root.path(), "debian:sid").unwrap().is_none());
    assert!(
        find_stand_in(&root.path().join("none"), "debian:sid")
            .unwrap()
            .is_none()
    );
}

#[test]
fn certificates_are_joined_with_line_ends() {
    let root = folder(&[
        ("b.crt", "-----BEGIN B"),
        ("a.crt", "-----BEGIN A\n"),
        ("sub/c.crt", "-----BEGIN C"),
        ("d.pem", "-----BEGIN D"),
        ("e.crt", "der"),
    ]);
    let bundle = String::from_utf8(certificates_in(root.path(), ".crt")).unwrap();
    assert_eq!(bundle, "-----BEGIN A\n-----BEGIN B\n-----BEGIN C\n");
}

proptest! {
    #[test]
    fn no_pattern_and_no_path_makes_the_matcher_fail(rules in "[a-c*?!/\\[\\]^\\\\\n.-]{0,24}", path in "[a-c]{1,3}(/[a-c]{1,3}){0,3}") {
        let ignore = Ignore::parse(&rules);
        // What is taken in by a last rule of its own name is never excluded.
        let _ = ignore.excludes(&path);
        let taken_in = Ignore::parse(&format!("{rules}\n!{path}"));
        prop_assert!(!taken_in.excludes(&path));
        let excluded = Ignore::parse(&format!("{rules}\n{path}"));
        prop_assert!(excluded.excludes(&path));
    }

    #[test]
    fn fields_do_not_run_together(left in "[ab]{0,4}", right in "[ab]{0,4}", cut in 0usize..5) {
        let joined = format!("{left}{right}");
        let cut = cut.min(joined.len());
        let mut one = ContentHash::default();
        one.add(&left).add(&right);
        let mut other = ContentHash::default();
        other.add(&joined[..cut]).add(&joined[cut..]);
        prop_assert_eq!(one.short() == other.short(), cut == left.len());
    }

    #[test]
    fn any_text_is_read_as_a_dockerfile(text in "(?s).{0,200}") {
        let _ = base_arguments(&text);
    }
}
