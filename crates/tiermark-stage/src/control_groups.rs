//! Reads `/proc/PID/cgroup`: in which control groups a process is (cgroups(7)).

use std::path::{Path, PathBuf};

/// The path in the hierarchy of a controller of version 1, with the names of all controllers of that hierarchy.
pub(crate) fn path_of<'t>(text: &'t str, controller: &str) -> Option<(&'t str, &'t str)> {
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let has = controllers.split(',').any(|found| found == controller);
        has.then_some((controllers, path))
    })
}

/// The path in the hierarchy of version 2.
pub(crate) fn path_of_version_2(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

/// The folder of that path below a mounted hierarchy. None: it lies outside of what is mounted here.
pub(crate) fn inside(mount: &Path, path: &str) -> Option<PathBuf> {
    (!path.split('/').any(|part| part == "..")).then(|| mount.join(path.trim_start_matches('/')))
}
