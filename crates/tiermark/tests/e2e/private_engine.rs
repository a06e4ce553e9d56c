//! A Docker engine of the test's own, that may be killed.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use tiermark_stage::engine::Images;

use crate::harness::{wait_for, with_engine};

const PATIENCE: Duration = Duration::from_secs(60);

/// Killed and removed with the test.
pub(crate) struct PrivateEngine {
    folder: TempDir,
    daemon: Child,
}

impl PrivateEngine {
    /// Starts one that leaves the machine's network as it is: containers share the host's, and the bridge that is there is
    /// used as it is found. (`--bridge=none` would remove it from under the machine's own engine.)
    pub(crate) fn start() -> Self {
        assert!(
            rustix::process::getuid().is_root(),
            "this test starts a Docker engine of its own, which needs root\nremedy: run it with sudo"
        );
        let folder = tempfile::Builder::new().prefix("tm-engine-").tempdir().unwrap();
        let daemon = launch(folder.path());
        let mut engine = Self { folder, daemon };
        engine.wait();
        engine
    }

    /// Starts it again on what it had.
    pub(crate) fn restart(&mut self) {
        // A containerd that outlived its daemon keeps a new one from starting (seen with 20.10): what is left of it goes first.
        wait_for("what is left of the engine ends", PATIENCE, || {
            let left = naming(self.folder.path());
            left.iter().for_each(|id| signal(*id, Signal::KILL));
            left.is_empty().then_some(())
        });
        for stale in ["containerd.pid", "containerd.sock", "containerd.sock.ttrpc"] {
            let _ = fs::remove_file(self.folder.path().join("exec/containerd").join(stale));
        }
        self.daemon = launch(self.folder.path());
        self.wait();
    }

    pub(crate) fn kill(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }

    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("d.sock")
    }

    fn wait(&mut self) {
        let socket = self.socket();
        wait_for("the test's own engine answers", PATIENCE, || {
            let ended = self.daemon.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {ended:?}");
            let answer = request(&socket, "GET /_ping HTTP/1.0\r\n\r\n", None).ok()?;
            answer.starts_with(b"HTTP/1.0 200").then_some(())
        });
    }

    /// Copies images from the machine's engine, so that nothing is built twice.
    pub(crate) fn take_images(&self, wanted: &[&str]) {
        let images = with_engine(async |docker| Images::new(docker).list(&Default::default()).await.unwrap());
        let is_wanted = |tag: &str| wanted.iter().any(|name| tag.starts_with(&format!("tiermark/{name}:")));
        let names: Vec<String> = images
            .iter()
            .filter(|image| is_wanted(&image.tag))
            .map(|image| format!("names={}", image.tag))
            .collect();
        assert!(!names.is_empty(), "the machine's engine has none of {wanted:?}");
        let from = std::env::var("DOCKER_HOST").unwrap_or_default();
        let from = Path::new(from.strip_prefix("unix://").unwrap_or("/var/run/docker.sock"));
        let head = format!("GET /images/get?{} HTTP/1.0\r\n\r\n", names.join("&"));
        let answer = request(from, &head, None).unwrap();
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        assert!(
            answer.starts_with(b"HTTP/1.0 200"),
            "{}",
            String::from_utf8_lossy(&answer[..body])
        );
        let archive = &answer[body..];
        let head = format!(
            "POST /images/load?quiet=1 HTTP/1.0\r\nContent-Type: application/x-tar\r\nContent-Length: {}\r\n\r\n",
            archive.len()
        );
        let answer = request(&self.socket(), &head, Some(archive)).unwrap();
        assert!(
            answer.starts_with(b"HTTP/1.0 200"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
}

/// One request in HTTP/1.0: the answer ends with the connection.
fn request(socket: &Path, head: &str, body: Option<&[u8]>) -> std::io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.unwrap_or_default())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn launch(folder: &Path) -> Child {
    let at = |name: &str| folder.join(name).display().to_string();
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    Command::new("dockerd")
        .args(["--host", &format!("unix://{}", at("d.sock"))])
        .args([
            "--data-root",
            &at("data"),
            "--exec-root",
            &at("exec"),
            "--pidfile",
            &at("d.pid"),
        ])
        .args(["--iptables=false", "--ip-forward=false", "--ip-masq=false"])
        // Where it takes the machine's containerd, it must not meet the containers of the machine's engine.
        .args([
            "--containerd-namespace=tiermark-e2e",
            "--containerd-plugins-namespace=tiermark-e2e-plugins",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("dockerd can be started")
}

/// Asked to end it takes its containerd and its mounts with it; killed, they are taken down by hand.
impl Drop for PrivateEngine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(15).collect();
            let _ = writeln!(
                std::io::stderr(),
                "the engine's last lines, newest first:\n{}",
                last.join("\n")
            );
        }
        signal(self.daemon.id(), Signal::TERM);
        let begun = std::time::Instant::now();
        while matches!(self.daemon.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        // Whatever still names the folder among its arguments is its own: containerd, shims.
        for id in naming(self.folder.path()) {
            signal(id, Signal::KILL);
        }
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let below = self.folder.path().display().to_string();
        for mount in mounts
            .lines()
            .rev()
            .filter_map(|line| line.split(' ').nth(1))
            .filter(|path| path.starts_with(&below))
        {
            let _ = Command::new("umount").args(["-l", mount]).status();
        }
    }
}

fn signal(id: u32, signal: Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(id, signal);
    }
}

fn naming(folder: &Path) -> Vec<u32> {
    let folder = folder.display().to_string();
    let Ok(entries) = fs::read_dir("/proc") else {
        return vec![];
    };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|text| text.contains(&folder)))
        .collect()
}
