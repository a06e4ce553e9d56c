//! The command that measures a cell again.

use tiermark_model::run::Manifest;
use tiermark_model::trial::EntryId;

/// The `tiermark run` command that measures only that cell, with the run's own options.
pub(crate) fn command(manifest: &Manifest, entry: &EntryId, scenario: &str, load: &str) -> String {
    let kept = &manifest.kept_options;
    let has = |option: &str| kept.iter().any(|kept| kept.name == option);
    let mut words = vec![
        "tiermark".to_owned(),
        "run".to_owned(),
        manifest.plan.suite.name.clone(),
    ];
    // A server that is already running has no name.
    if !has("--url") {
        // The number of processes that `--workers` gave is part of the variant's name.
        let variant = entry.variant.rsplit_once("-w").filter(|_| has("--workers"));
        words.push(match variant {
            Some((variant, _)) => format!("--entries {}/{variant}", entry.framework),
            None => format!("--entries {entry}"),
        });
    }
    words.push(format!("--scenarios {scenario} --loads {load}"));
    words.extend(kept.iter().map(ToString::to_string));
    words.join(" ")
}
