//! Where definitions and results are: `--root`, else upwards from here, else the copies embedded in this program.

use std::fs;
use std::path::{Path, PathBuf};

use tiermark_model::catalog::{Catalog, CatalogError};
use tiermark_model::format::suite::Weights;
use tiermark_model::host::short_hash;
use tiermark_model::input::{self, InputKind};
use tiermark_model::run::{self, RunReader};

use crate::error::Failure;
use crate::options::Global;
use crate::ui::Ui;

/// `containers/`, `scenarios/` and `results/reference/`, as they were when this program was built.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/embedded.tar"));

/// The name that means the committed reference run, and its folder among the results.
const REFERENCE: &str = "reference";

/// The definitions that commands work on.
pub(crate) fn catalog(global: &Global) -> Result<Catalog, Failure> {
    Ok(Catalog::read(&root(global)?)?)
}

fn root(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(root) = &global.root {
        return if is_root(root) {
            Ok(root.clone())
        } else {
            Err(Failure::Usage(format!(
                "{}: no folders containers/ and scenarios/ lie here\nremedy: give --root the folder that holds them",
                root.display()
            )))
        };
    }
    match checkout() {
        Some(root) => Ok(root),
        None => unpacked(),
    }
}

fn is_root(folder: &Path) -> bool {
    folder.join("containers/frameworks").is_dir() && folder.join("scenarios/suites").is_dir()
}

/// The nearest folder upwards from the working directory that holds definitions.
fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().find(|folder| is_root(folder)).map(Path::to_owned)
}

/// The folder that a file lies in, or will.
pub(crate) fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The user's cache folder for this program.
pub(crate) fn cache() -> PathBuf {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    from("TIERMARK_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("tiermark")))
        .or_else(|| from("HOME").map(|home| home.join(".cache/tiermark")))
        .unwrap_or_else(|| std::env::temp_dir().join("tiermark-cache"))
}

/// The embedded definitions, unpacked once for every version of them.
fn unpacked() -> Result<PathBuf, Failure> {
    let parent = cache().join("definitions");
    let folder = parent.join(short_hash(EMBEDDED));
    if is_root(&folder) {
        return Ok(folder);
    }
    let fail = |error: std::io::Error| {
        Failure::Machine(format!(
            "{}: {error}\nremedy: set TIERMARK_CACHE to a folder that can be written",
            folder.display()
        ))
    };
    fs::create_dir_all(&parent).map_err(fail)?;
    // Unpacked beside and renamed, so that an interrupted unpacking is never taken for a whole one.
    let partial = parent.join(format!(".partial-{}", std::process::id()));
    tar::Archive::new(EMBEDDED).unpack(&partial).map_err(fail)?;
    match fs::rename(&partial, &folder) {
        Ok(()) => Ok(folder),
        Err(_) if is_root(&folder) => {
            // Another tiermark was faster.
            let _ = fs::remove_dir_all(&partial);
            Ok(folder)
        }
        Err(error) => Err(fail(error)),
    }
}

/// The folder of the definitions where it is a checkout, not the copies in this program.
pub(crate) fn checkout_of(global: &Global) -> Option<PathBuf> {
    global.root.clone().or_else(checkout)
}

/// Where runs are stored.
pub(crate) fn results(global: &Global) -> PathBuf {
    if let Some(results) = &global.results {
        return results.clone();
    }
    // Never in the cache, where embedded definitions lie: results belong to the user.
    checkout_of(global)
        .unwrap_or_else(|| PathBuf::from("."))
        .join("results")
}

/// The text of a file that somebody wrote for this program; `if_missing` says what would help if there is none.
pub(crate) fn written(file: &Path, if_missing: &str) -> Result<String, Failure> {
    input::text(file, InputKind::Written).map_err(|error| match error.is_missing() {
        true => Failure::Usage(format!(
            "{}: there is no such file\nremedy: {if_missing}",
            file.display()
        )),
        false => error.into(),
    })
}

/// The weight set of that name, or in that file.
pub(crate) fn weights(catalog: &Catalog, name: &str) -> Result<Weights, Failure> {
    let path = Path::new(name);
    if path.extension().is_none_or(|ending| ending != "yaml") {
        return Ok(catalog.weights(name)?.clone());
    }
    let text = written(path, "name a weight set (`tiermark list weights`), or a file of one")?;
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    Weights::from_yaml(name, &text, stem).map_err(|error| CatalogError::Format(vec![error]).into())
}

/// The stored run that a name, a folder or `latest` means.
pub(crate) fn find_run(global: &Global, name: &str, ui: &Ui) -> Result<RunReader, Failure> {
    let results = results(global);
    if name == "latest" {
        return newest(&results, ui)?.ok_or_else(|| {
            Failure::Usage(format!(
                "{}: no run is stored here yet\nremedy: `tiermark run quick` makes one",
                results.display()
            ))
        });
    }
    if name == REFERENCE
        && let Some(folder) = reference(global)?
    {
        return Ok(RunReader::open(&folder)?);
    }
    let candidates = [
        PathBuf::from(name),
        results.join(name),
        results.join(REFERENCE).join(name),
    ];
    // A folder without a manifest is named for what it is by its reader.
    let is_there = |folder: &&PathBuf| folder.join(run::MANIFEST).exists();
    if let Some(folder) = candidates
        .iter()
        .find(is_there)
        .or_else(|| candidates.iter().find(|folder| folder.is_dir()))
    {
        return Ok(RunReader::open(folder)?);
    }
    let names: Vec<String> = run::list(&results)?.iter().map(|folder| run::name_of(folder)).collect();
    let help = if names.is_empty() {
        "none is stored yet".to_owned()
    } else {
        format!("stored: {}", names.join(", "))
    };
    Err(Failure::Usage(format!(
        "no run `{name}` in {} ({help})",
        results.display()
    )))
}

/// The newest run that can be read; says which newer ones cannot, and why. If none can, that is the error.
fn newest(results: &Path, ui: &Ui) -> Result<Option<RunReader>, Failure> {
    let mut first = None;
    for folder in run::list(results)?.iter().rev() {
        match RunReader::open(folder) {
            Ok(run) => return Ok(Some(run)),
            Err(error) => {
                ui.warn(&format!("left out: {error}"));
                first.get_or_insert(error);
            }
        }
    }
    first.map_or(Ok(None), |error| Err(error.into()))
}

/// The newest reference run.
fn reference(global: &Global) -> Result<Option<PathBuf>, Failure> {
    Ok(references(global)?.pop())
}

/// The reference runs, oldest first: among the user's results, else beside the definitions.
pub(crate) fn references(global: &Global) -> Result<Vec<PathBuf>, Failure> {
    let own = run::list(&results(global).join(REFERENCE))?;
    if !own.is_empty() {
        return Ok(own);
    }
    Ok(run::list(&root(global)?.join("results").join(REFERENCE))?)
}

/// The run that was named, else the committed reference run, else the newest; says which where none was named.
pub(crate) fn run_or_reference(global: &Global, name: Option<&str>, ui: &Ui) -> Result<RunReader, Failure> {
    if let Some(name) = name {
        return find_run(global, name, ui);
    }
    if let Some(folder) = reference(global)? {
        let run = RunReader::open(&folder)?;
        let hosts: Vec<String> = (run.manifest.hosts.values())
            .map(|host| format!("{}, {} cores", host.cpu, host.cores))
            .collect();
        ui.note(&format!(
            "on the reference run {}, measured on {} (one of your own: `tiermark run core`, then name `latest`)",
            run::name_of(&folder),
            hosts.join(" and ")
        ));
        return Ok(run);
    }
    let results = results(global);
    let Some(run) = newest(&results, ui)? else {
        return Err(Failure::Usage(format!(
            "{}: no run is stored here yet, and no reference run\nremedy: `tiermark run core` makes one in about an hour, `tiermark run quick` a first look in minutes; or name a run",
            results.display()
        )));
    };
    ui.note(&format!(
        "on the newest run, for no reference run is here: {}",
        run.folder.display()
    ));
    Ok(run)
}
