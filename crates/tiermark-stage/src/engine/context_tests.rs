//! Tests of the build context.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use proptest::prelude::*;

use super::*;

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
    BuildContext::read(folder).unwrap().hash_into(&mut hash);
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
    let context = BuildContext::read(root.path()).unwrap();
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
    let archive = BuildContext::read(one.path()).unwrap().tar().unwrap();
    assert_eq!(archive, BuildContext::read(other.path()).unwrap().tar().unwrap());
    let mut archive = tar::Archive::new(archive.as_slice());
    let paths: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(paths, ["Dockerfile", "src/", "src/a", "src/link"]);
}

proptest! {
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
}
