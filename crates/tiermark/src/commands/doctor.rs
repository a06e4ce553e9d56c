//! `tiermark doctor`: is this machine fit to measure on? Each finding with its remedy.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;
use tiermark_bench::FILES_WANTED;
use tiermark_model::format::framework::Need;
use tiermark_model::host::{Placement, Role};
use tiermark_stage::database::postgres::Binaries;
use tiermark_stage::engine::Docker;
use tiermark_stage::host;

use super::block_on;
use crate::error::Failure;
use crate::exit::Exit;
use crate::options::Global;
use crate::root;
use crate::ui::Ui;

/// Bytes of disk that images of a few frameworks and their bases need.
const DISK_WANTED: u64 = 10 * 1_000_000_000;
/// Ports a closed loop of the largest load level and its reconnects can use up.
const PORTS_WANTED: u16 = 20_000;

/// One finding.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    /// Whether it is as it should be.
    fit: bool,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

fn fit(what: &'static str, found: impl Into<String>) -> Finding {
    Finding {
        what,
        fit: true,
        found: found.into(),
        remedy: None,
    }
}

fn unfit(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding {
        what,
        fit: false,
        found: found.into(),
        remedy: Some(remedy.into()),
    }
}

/// Prints the findings. It is no failure that a machine is not perfect.
pub(crate) fn run(global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let mut findings = block_on(engine())?;
    findings.extend([
        cores(),
        governor(),
        clock_source(),
        files(),
        ports(),
        memory(),
        disk(&root::results(global)),
        postgres(),
    ]);
    let mut needs: Vec<&Need> = Vec::new();
    for process in catalog
        .frameworks
        .iter()
        .filter_map(|framework| framework.process.as_ref())
    {
        for need in &process.needs {
            if !needs.iter().any(|known| known.program == need.program) {
                needs.push(need);
            }
        }
    }
    findings.extend(needs.into_iter().map(toolchain));
    if ui.is_json() {
        ui.json(&findings)?;
    } else {
        ui.result(&findings.iter().map(line).collect::<String>());
    }
    Ok(Exit::Done)
}

fn line(finding: &Finding) -> String {
    let mark = if finding.fit { "ok  " } else { "note" };
    let remedy = finding
        .remedy
        .as_deref()
        .map(|remedy| format!("{:23}remedy: {remedy}\n", ""))
        .unwrap_or_default();
    format!("{mark}  {:<15}  {}\n{remedy}", finding.what, finding.found)
}

async fn engine() -> Result<Vec<Finding>, Failure> {
    let docker = match Docker::connect().await {
        Ok(docker) => docker,
        Err(error) => {
            let text = error.to_string();
            let (found, remedy) = text
                .split_once("\nremedy: ")
                .unwrap_or((&text, "start one, or use --runner process"));
            return Ok(vec![unfit("docker engine", found, remedy)]);
        }
    };
    let facts = docker.facts();
    let cgroup = facts
        .cgroup_version
        .map_or_else(|| "unknown".to_owned(), |version| version.to_string());
    let mut findings = vec![fit(
        "docker engine",
        format!(
            "{}, API {}, {}, control groups version {cgroup}",
            facts.version, facts.api, facts.storage_driver
        ),
    )];
    if !facts.host_network {
        findings.push(unfit(
            "docker network",
            "containers cannot share this machine's network, so that ports are published through a proxy, which costs time",
            "measure on Linux with the engine on the same machine",
        ));
    }
    if let Some(files) = facts.files_hard.filter(|files| *files < FILES_WANTED) {
        findings.push(unfit(
            "engine files",
            format!("containers may open {files} files, {FILES_WANTED} are wanted"),
            "raise LimitNOFILE of the engine's service; with up to 10,000 connections this is enough",
        ));
    }
    Ok(findings)
}

fn cores() -> Finding {
    let cores = host::cores();
    let placement = Placement::on(&cores);
    let list = |role| {
        placement
            .of(role)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    };
    let found = format!(
        "{}: server on {}, database on {}, generator on {}",
        cores.len(),
        list(Role::Server),
        list(Role::Database),
        list(Role::Generator)
    );
    if placement.shared {
        unfit(
            "cores",
            format!("{found}; roles share cores"),
            "measure on 3 cores or more; here rates of database scenarios are lower bounds",
        )
    } else {
        fit("cores", found)
    }
}

fn governor() -> Finding {
    match host::governor() {
        None => fit("governor", "none: the frequency is not this machine's to set"),
        Some(governor) if governor == "performance" => fit("governor", governor),
        Some(governor) => unfit(
            "governor",
            format!("{governor}: the frequency changes under load"),
            "sudo cpupower frequency-set --governor performance",
        ),
    }
}

fn clock_source() -> Finding {
    match host::facts().clock_source {
        None => fit("clock source", "not told by this system"),
        // Both are read without entering the kernel (vDSO); others cost a system call a time stamp.
        Some(source) if ["tsc", "kvm-clock", "arch_sys_counter"].contains(&source.as_str()) => {
            fit("clock source", source)
        }
        Some(source) => unfit(
            "clock source",
            format!("{source}: each time stamp is a system call"),
            "boot with clocksource=tsc where the processor's counter is stable",
        ),
    }
}

fn files() -> Finding {
    let limit = host::hard_file_limit();
    if limit >= FILES_WANTED {
        fit("open files", format!("up to {limit}"))
    } else {
        unfit(
            "open files",
            format!("up to {limit}, {FILES_WANTED} are wanted"),
            "raise `nofile` in /etc/security/limits.conf; with up to 10,000 connections this is enough",
        )
    }
}

fn ports() -> Finding {
    match host::ephemeral_ports() {
        None => fit("ports", "range not told by this system"),
        Some((low, high)) if high.saturating_sub(low) >= PORTS_WANTED => fit("ports", format!("{low} to {high}")),
        Some((low, high)) => unfit(
            "ports",
            format!("{low} to {high}: fewer than {PORTS_WANTED}"),
            "sudo sysctl net.ipv4.ip_local_port_range='15000 60999'",
        ),
    }
}

fn memory() -> Finding {
    let bytes = host::facts().memory_bytes;
    let found = format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64);
    if bytes >= 4 << 30 {
        fit("memory", found)
    } else {
        unfit("memory", found, "4 GiB or more; or a lower --memory")
    }
}

fn disk(results: &Path) -> Finding {
    let folder = results
        .ancestors()
        .find(|folder| folder.is_dir() && !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    match host::free_disk(folder) {
        Err(error) => unfit("free disk", error.to_string(), "check the folder"),
        Ok(bytes) if bytes >= DISK_WANTED => fit("free disk", format!("{} GB", bytes / 1_000_000_000)),
        Ok(bytes) => unfit(
            "free disk",
            format!(
                "{} GB, {} are wanted",
                bytes / 1_000_000_000,
                DISK_WANTED / 1_000_000_000
            ),
            "tiermark images prune; docker system prune",
        ),
    }
}

fn postgres() -> Finding {
    match Binaries::find() {
        Ok(_) => fit("postgresql", "server programs are there (for --runner process)"),
        Err(_) => unfit(
            "postgresql",
            "no server programs (only --runner process needs them)",
            "apt-get install postgresql",
        ),
    }
}

fn toolchain(need: &Need) -> Finding {
    let answers = need.check.split_first().is_some_and(|(program, arguments)| {
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    if answers {
        fit("toolchain", format!("{} (for --runner process)", need.program))
    } else {
        unfit(
            "toolchain",
            format!("no {} (only --runner process needs it)", need.program),
            need.install.clone(),
        )
    }
}
