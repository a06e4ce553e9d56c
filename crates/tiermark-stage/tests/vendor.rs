//! Stand-ins that are built with other projects' archives.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tiermark_model::format::base::Base;
use tiermark_model::run::NotBuilt;
use tiermark_stage::engine::{BaseMode, BuildOptions, Docker, Images};
use tiermark_stage::types::{Events, PrepareError};

/// A folder of stand-ins with one that takes `words/word.txt`, and the folder of a service that is built on it.
fn definitions() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let base = root.path().join("bases/worded");
    fs::create_dir_all(&base).unwrap();
    let about =
        "version: 1\nname: worded\nstands_for: tiermark-nobody.invalid/worded:1\nwhy: test\nvendor: [words/word.txt]\n";
    fs::write(base.join("base.yaml"), about).unwrap();
    fs::write(
        base.join("Dockerfile"),
        "FROM scratch\nCOPY vendor/words/word.txt /word.txt\n",
    )
    .unwrap();
    let service = root.path().join("service");
    fs::create_dir(&service).unwrap();
    let dockerfile = "ARG X_IMAGE=tiermark-nobody.invalid/worded:1\nFROM $X_IMAGE\nEXPOSE 81\nCMD [\"/none\"]\n";
    fs::write(service.join("Dockerfile"), dockerfile).unwrap();
    root
}

fn stand_in(root: &Path) -> Base {
    let text = fs::read_to_string(root.join("bases/worded/base.yaml")).unwrap();
    Base::from_yaml("base.yaml", &text, "worded").unwrap()
}

async fn prepare(root: &Path, vendor: Option<&Path>) -> Result<String, PrepareError> {
    let docker = Docker::connect().await.unwrap_or_else(|error| {
        panic!("this test needs a Docker engine: {error}; remedy: start one, as `make test` does")
    });
    let options = BuildOptions {
        bases: BaseMode::StandIn,
        bases_folder: root.join("bases"),
        stand_ins: vec![stand_in(root)],
        ca_bundle: None,
        vendor: vendor.map(Path::to_owned),
    };
    let silent: Events = Arc::new(|_| ());
    let prepared = Images::new(docker)
        .build_service("test-vendor", &root.join("service"), &options, &silent)
        .await?;
    Ok(prepared.facts.digest.unwrap())
}

#[tokio::test]
async fn an_archive_that_is_not_here_is_named_with_the_remedy() {
    let root = definitions();
    let empty = tempfile::tempdir().unwrap();
    for (vendor, said) in [
        (None, "TIERMARK_VENDOR is not set"),
        (Some(empty.path()), "words/word.txt"),
    ] {
        let Err(PrepareError::NotBuilt(NotBuilt::NotBuildableHere { reason, remedy })) =
            prepare(root.path(), vendor).await
        else {
            panic!("built, or failed in another way");
        };
        assert!(reason.contains(said), "{reason}");
        assert!(
            remedy.contains("TIERMARK_VENDOR") && remedy.contains("words/word.txt"),
            "{remedy}"
        );
    }
}

#[tokio::test]
async fn archives_lie_in_the_build_context_of_the_stand_in() {
    let root = definitions();
    let vendor = tempfile::tempdir().unwrap();
    fs::create_dir(vendor.path().join("words")).unwrap();
    let word = vendor.path().join("words/word.txt");
    fs::write(&word, "one").unwrap();
    let one = prepare(root.path(), Some(vendor.path())).await.unwrap();
    assert_eq!(prepare(root.path(), Some(vendor.path())).await.unwrap(), one);
    // Another archive is another image.
    fs::write(&word, "another").unwrap();
    assert_ne!(prepare(root.path(), Some(vendor.path())).await.unwrap(), one);
}
