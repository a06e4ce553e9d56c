//! How images and containers of ours are told from those of others.

use std::collections::HashMap;

use crate::owner::Owner;

/// Label of everything that is ours: `image` or `container`.
pub(super) const LABEL: &str = "dev.tiermark";
/// Label of a container with the [`Launch::name`](crate::types::Launch::name) it was started for.
pub(super) const LABEL_RUN: &str = "dev.tiermark.run";
/// Label of a container with the process that started it.
pub(super) const LABEL_OWNER: &str = "dev.tiermark.owner";
/// Label of an image that says what it is: an entry, `base golang`, `service postgres`.
pub(super) const LABEL_ENTRY: &str = "dev.tiermark.entry";

pub(super) fn image_labels(what: &str) -> HashMap<String, String> {
    labels("image", LABEL_ENTRY, what)
}

/// Labels of a container that this process starts.
pub(super) fn container_labels(run: &str) -> HashMap<String, String> {
    let mut all = labels("container", LABEL_RUN, run);
    all.extend(Owner::here().map(|owner| (LABEL_OWNER.to_owned(), owner.to_string())));
    all
}

fn labels(kind: &str, name: &str, value: &str) -> HashMap<String, String> {
    HashMap::from([(LABEL.to_owned(), kind.to_owned()), (name.to_owned(), value.to_owned())])
}
