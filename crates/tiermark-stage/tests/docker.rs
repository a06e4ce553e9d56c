//! The engine, really: without one these tests fail, and say what would help (`make test` starts one).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tiermark_model::catalog::Catalog;
use tiermark_model::format::base::Base;
use tiermark_model::run::NotBuilt;
use tiermark_stage::engine::{
    BaseMode, BuildOptions, Container, ContainerState, Containers, Docker, Images, ca_bundle_of_host,
};
use tiermark_stage::types::{Artifact, Events, Launch, PrepareError, Prepared, StageEvent, Watch};

/// The machine's engine, with what is asked of it.
struct Engine {
    docker: Docker,
    containers: Containers,
    images: Images,
}

impl Engine {
    fn of(docker: Docker) -> Self {
        Self {
            containers: Containers::new(docker.clone()),
            images: Images::new(docker.clone()),
            docker,
        }
    }
}

async fn engine() -> Engine {
    match Docker::connect().await {
        Ok(docker) => Engine::of(docker),
        Err(error) => panic!("{error}"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn options() -> BuildOptions {
    BuildOptions {
        bases: BaseMode::Auto,
        bases_folder: root().join("containers/bases"),
        stand_ins: Catalog::read(&root()).unwrap().bases,
        ca_bundle: None,
        vendor: None,
    }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<StageEvent>>>);

impl Heard {
    fn events(&self) -> Events {
        let heard = self.clone();
        Arc::new(move |event| heard.0.lock().unwrap().push(event))
    }

    fn all(&self) -> Vec<StageEvent> {
        self.0.lock().unwrap().clone()
    }

    fn steps(&self, what: &str) -> Vec<String> {
        let step = |event| match event {
            StageEvent::BuildStep { what: of, step } if of == what => Some(step),
            _ => None,
        };
        self.all().into_iter().filter_map(step).collect()
    }
}

/// Builds an image whose command is a shell line on Debian's root. A service, since that needs no framework.yaml.
async fn shell_image(engine: &Engine, name: &str, script: &str) -> Prepared {
    let dockerfile =
        format!("ARG ROOT_IMAGE=debian:trixie-slim\nFROM $ROOT_IMAGE\nEXPOSE 8080\nCMD [\"sh\", \"-c\", {script:?}]\n");
    let context = folder(&[("Dockerfile", &dockerfile)]);
    engine
        .images
        .build_service(name, context.path(), &options(), &Heard::default().events())
        .await
        .unwrap()
}

fn reference(prepared: &Prepared) -> String {
    match &prepared.artifact {
        Artifact::Image { reference, .. } => reference.clone(),
        other => panic!("{other:?}"),
    }
}

fn launch(name: &str) -> Launch {
    Launch {
        name: format!("tiermark-test-{name}-{}", std::process::id()),
        cores: vec![0],
        memory_bytes: Some(64 << 20),
        files: 1_000_000_000,
        port: 18_080,
        environment: BTreeMap::from([("GREETING".to_owned(), "good day".to_owned())]),
    }
}

async fn ended(container: &Container) -> ContainerState {
    for _ in 0..600 {
        match container.state().await.unwrap() {
            ContainerState::Running => tokio::time::sleep(Duration::from_millis(50)).await,
            ended => return ended,
        }
    }
    panic!("{} did not end", container.name);
}

#[tokio::test]
async fn ports_are_published_where_the_network_cannot_be_shared() {
    let engine = Engine::of(engine().await.docker.publishing());
    let script = "echo \"$HOST:$PORT\"; exec perl -MIO::Socket -e '$s = IO::Socket::INET->new(LocalAddr => $ENV{HOST}, LocalPort => $ENV{PORT}, Listen => 5) or die $@; while ($c = $s->accept) { print $c \"hello\"; close $c }'";
    let prepared = shell_image(&engine, "test-publish", script).await;
    let launch = Launch {
        port: 18_099,
        ..launch("publish")
    };
    let container = engine.containers.start(&prepared.artifact, &launch).await.unwrap();
    assert_eq!(container.address, "127.0.0.1:18099".parse().unwrap());
    let mut answer = String::new();
    for _ in 0..400 {
        answer.clear();
        let read =
            std::net::TcpStream::connect(container.address).and_then(|mut stream| stream.read_to_string(&mut answer));
        if read.is_ok() && !answer.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let log = container.logs(20).await.unwrap();
    container.remove().await.unwrap();
    engine.docker.remove_image(&reference(&prepared)).await.unwrap();
    assert_eq!((answer.as_str(), log.as_str()), ("hello", "0.0.0.0:8080\n"));
}

#[tokio::test]
async fn facts_are_those_of_the_engine() {
    let engine = engine().await;
    engine.docker.ping().await.unwrap();
    let facts = engine.docker.facts();
    assert!(!facts.version.is_empty() && facts.api.starts_with("1."), "{facts:?}");
    assert!(!facts.remote, "{facts:?}");
    assert!(matches!(facts.cgroup_version, Some(1 | 2)), "{facts:?}");
}

#[tokio::test]
async fn built_started_watched_and_removed() {
    let engine = engine().await;
    let script =
        "echo \"$GREETING\"; echo to-stderr >&2; ulimit -n; grep Cpus_allowed_list /proc/self/status; sleep 600";
    let prepared = shell_image(&engine, "test-life", script).await;
    let image = reference(&prepared);
    assert!(image.starts_with("tiermark/service-test-life:"), "{image}");
    assert!(prepared.facts.digest.as_deref().unwrap().starts_with("sha256:"));
    assert!(prepared.facts.image_bytes.unwrap() > 1 << 20);

    let launch = launch("life");
    let container = engine.containers.start(&prepared.artifact, &launch).await.unwrap();
    assert_eq!(container.state().await.unwrap(), ContainerState::Running);
    assert!(container.parts.created_ms.unwrap() < container.parts.running_ms.unwrap());
    let facts = engine.docker.facts();
    assert!(
        container.files < launch.files,
        "no engine gives a thousand million files"
    );
    assert!(facts.files_hard.is_none_or(|hard| container.files <= hard));

    let mut log = String::new();
    for _ in 0..200 {
        log = container.logs(10).await.unwrap();
        if log.contains("Cpus_allowed_list") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    for expected in [
        "good day",
        "to-stderr",
        &format!("\n{}\n", container.files),
        "Cpus_allowed_list:\t0\n",
    ] {
        assert!(log.contains(expected), "{expected:?} in {log:?}");
    }
    assert_eq!(container.logs(1).await.unwrap().lines().count(), 1);

    match container.watch().await {
        Watch::ControlGroup { version, cpu, memory } => {
            let (usage, bytes) = if version == 1 {
                ("cpuacct.usage", "memory.usage_in_bytes")
            } else {
                ("cpu.stat", "memory.current")
            };
            assert!(
                cpu.join(usage).is_file() && memory.join(bytes).is_file(),
                "{cpu:?} {memory:?}"
            );
            let limit = memory.join(if version == 1 {
                "memory.limit_in_bytes"
            } else {
                "memory.max"
            });
            assert_eq!(fs::read_to_string(limit).unwrap().trim(), (64 << 20).to_string());
        }
        Watch::Processes { root } => assert!(root > 0),
        Watch::Unseen => assert!(!facts.host_network),
    }

    let left = engine.containers.leftovers().await.unwrap();
    let ours = left.iter().find(|left| left.id == container.id()).unwrap();
    assert_eq!(ours.run.as_deref(), Some(launch.name.as_str()));
    engine.docker.remove_container(&ours.id).await.unwrap();
    assert!(
        engine
            .containers
            .leftovers()
            .await
            .unwrap()
            .iter()
            .all(|left| left.id != container.id())
    );
    container.remove().await.unwrap();
    assert!(container.state().await.is_err());
    assert_eq!(container.watch().await, Watch::Unseen);
    assert!(engine.docker.remove_image(&image).await.unwrap());
}

#[tokio::test]
async fn what_ends_at_once_keeps_its_code_and_log() {
    let engine = engine().await;
    let prepared = shell_image(&engine, "test-exit", "echo cannot bind; exit 7").await;
    let container = engine
        .containers
        .start(&prepared.artifact, &launch("exit"))
        .await
        .unwrap();
    assert_eq!(
        ended(&container).await,
        ContainerState::Exited {
            code: 7,
            out_of_memory: false
        }
    );
    assert_eq!(container.logs(20).await.unwrap(), "cannot bind\n");
    container.remove().await.unwrap();
    engine.docker.remove_image(&reference(&prepared)).await.unwrap();
}

#[tokio::test]
async fn too_much_memory_is_told_from_other_ends() {
    let engine = engine().await;
    let prepared = shell_image(&engine, "test-memory", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done").await;
    let container = engine
        .containers
        .start(&prepared.artifact, &launch("memory"))
        .await
        .unwrap();
    let state = ended(&container).await;
    container.remove().await.unwrap();
    engine.docker.remove_image(&reference(&prepared)).await.unwrap();
    assert!(
        matches!(
            state,
            ContainerState::Exited {
                code: 2 | 137,
                out_of_memory: _
            }
        ),
        "{state:?}"
    );
}

#[tokio::test]
async fn a_second_build_of_the_same_content_is_cached_and_many_at_once_build_once() {
    let engine = engine().await;
    let dockerfile = format!(
        "ARG ROOT_IMAGE=debian:trixie-slim\nFROM $ROOT_IMAGE\nEXPOSE 81\nRUN echo {}\n",
        std::process::id()
    );
    let context = folder(&[("Dockerfile", &dockerfile)]);
    let heard = Heard::default();
    let options = options();
    let events = heard.events();
    let prepare = || {
        engine
            .images
            .build_service("test-twice", context.path(), &options, &events)
    };
    let (one, other) = tokio::join!(prepare(), prepare());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.artifact, other.artifact);
    let finished = |event: &StageEvent| match event {
        StageEvent::BuildFinished { what, cached, .. } if what == "service test-twice" => Some(*cached),
        _ => None,
    };
    assert_eq!(
        heard.all().iter().filter_map(finished).collect::<Vec<_>>(),
        [false, true]
    );
    assert!(
        heard
            .steps("service test-twice")
            .iter()
            .any(|step| step.starts_with("Step 4/") && step.contains("RUN echo"))
    );

    let tags = engine
        .images
        .tags_of_service("test-twice", context.path(), &options)
        .await
        .unwrap();
    assert!(tags.contains(&reference(&one)), "{tags:?}");
    let images = engine.images.list(&tags).await.unwrap();
    let image = images.iter().find(|image| image.tag == reference(&one)).unwrap();
    assert!(image.current && image.bytes > 0);
    assert_eq!(image.entry.as_deref(), Some("service test-twice"));
    assert_eq!(Some(&image.digest), one.facts.digest.as_ref());

    let removed = engine.images.prune(|image| image.tag != reference(&one)).await.unwrap();
    assert!(removed.iter().any(|image| image.tag == reference(&one)));
    let other = folder(&[("Dockerfile", &dockerfile), ("more", "")]);
    assert!(
        !engine
            .images
            .tags_of_service("test-twice", other.path(), &options)
            .await
            .unwrap()
            .contains(&reference(&one))
    );
}

#[tokio::test]
async fn a_failing_build_names_its_step_and_shows_its_last_lines() {
    let engine = engine().await;
    let dockerfile = "ARG ROOT_IMAGE=debian:trixie-slim\nFROM ${ROOT_IMAGE}\nRUN for i in $(seq 40); do echo line $i; done; echo no such thing >&2; exit 3\n";
    let context = folder(&[("Dockerfile", dockerfile)]);
    let heard = Heard::default();
    let error = engine
        .images
        .build_service("test-broken", context.path(), &options(), &heard.events())
        .await
        .unwrap_err();
    let PrepareError::NotBuilt(NotBuilt::Failed { reason }) = error else {
        panic!("{error:?}")
    };
    assert!(
        reason.starts_with("Step 3/") && reason.contains(" : RUN for i in"),
        "{reason}"
    );
    assert!(
        reason.contains("line 40") && reason.contains("no such thing") && reason.contains("code: 3"),
        "{reason}"
    );
    assert!(!reason.contains("line 5\n") && !reason.contains('\u{1b}'), "{reason}");
    assert!(
        heard
            .all()
            .iter()
            .any(|event| matches!(event, StageEvent::BuildFailed { reason: told, .. } if *told == reason))
    );
}

#[tokio::test]
async fn a_base_that_cannot_be_had_is_told_with_a_remedy() {
    let engine = engine().await;
    let context = folder(&[(
        "Dockerfile",
        "ARG X_IMAGE=tiermark-nobody.invalid/nothing:1\nFROM $X_IMAGE\n",
    )]);
    for bases in [BaseMode::Auto, BaseMode::Official, BaseMode::StandIn] {
        let options = BuildOptions { bases, ..options() };
        let error = engine
            .images
            .build_service("test-base", context.path(), &options, &Heard::default().events())
            .await
            .unwrap_err();
        let PrepareError::NotBuilt(NotBuilt::NotBuildableHere { reason, remedy }) = error else {
            panic!("{error:?}")
        };
        assert!(reason.contains("tiermark-nobody.invalid/nothing:1"), "{reason}");
        assert!(remedy.contains("docker pull"), "{remedy}");
    }
}

#[tokio::test]
async fn a_stand_in_that_cannot_be_made_is_no_fault_of_the_entry() {
    let engine = engine().await;
    let own = folder(&[
        (
            "bare/base.yaml",
            "version: 1\nname: bare\nstands_for: tiermark-nobody.invalid/bare:1\nwhy: a test\n",
        ),
        (
            "bare/rootfs.sh",
            "echo began >&2; echo debootstrap is missing >&2; exit 1\n",
        ),
        (
            "loop/base.yaml",
            "version: 1\nname: loop\nstands_for: tiermark-nobody.invalid/loop:1\nwhy: a test\n",
        ),
        (
            "loop/Dockerfile",
            "ARG ROOT_IMAGE=tiermark-nobody.invalid/loop:1\nFROM $ROOT_IMAGE\n",
        ),
    ]);
    let options = BuildOptions {
        bases: BaseMode::StandIn,
        bases_folder: own.path().to_owned(),
        stand_ins: ["bare", "loop"]
            .map(|name| {
                let text = fs::read_to_string(own.path().join(name).join("base.yaml")).unwrap();
                Base::from_yaml(name, &text, name).unwrap()
            })
            .to_vec(),
        ca_bundle: None,
        vendor: None,
    };
    let heard = Heard::default();
    let context = folder(&[(
        "Dockerfile",
        "ARG X_IMAGE=tiermark-nobody.invalid/bare:1\nFROM $X_IMAGE\n",
    )]);
    let error = engine
        .images
        .build_service("test-bare", context.path(), &options, &heard.events())
        .await
        .unwrap_err();
    let PrepareError::NotBuilt(NotBuilt::NotBuildableHere { reason, remedy }) = error else {
        panic!("{error:?}")
    };
    assert!(
        reason.contains("debootstrap is missing") && remedy.contains("apt-get install debootstrap"),
        "{reason}\n{remedy}"
    );
    assert_eq!(heard.steps("base bare"), ["began", "debootstrap is missing"]);

    let context = folder(&[(
        "Dockerfile",
        "ARG X_IMAGE=tiermark-nobody.invalid/loop:1\nFROM $X_IMAGE\n",
    )]);
    let error = engine
        .images
        .build_service("test-loop", context.path(), &options, &heard.events())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("needs itself"), "{error}");
}

#[tokio::test]
async fn extra_authorities_reach_the_base_and_not_the_name() {
    let engine = engine().await;
    // Any certificate does: it only has to arrive. Machines without one of their own take a made-up text.
    let bundle = ca_bundle_of_host()
        .unwrap_or_else(|| b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n".to_vec());
    let options = BuildOptions {
        ca_bundle: Some(bundle),
        ..options()
    };
    let dockerfile = "ARG ROOT_IMAGE=debian:trixie-slim\nFROM $ROOT_IMAGE\nEXPOSE 81\nCMD [\"true\"]\n";
    let context = folder(&[("Dockerfile", dockerfile)]);
    let prepared = engine
        .images
        .build_service("test-trust", context.path(), &options, &Heard::default().events())
        .await
        .unwrap();
    let listing = [
        "ls".to_owned(),
        "/usr/local/share/ca-certificates".to_owned(),
        "/tmp".to_owned(),
    ];
    let output = engine
        .containers
        .run_probe(&reference(&prepared), &listing)
        .await
        .unwrap();
    assert!(
        output.contains("tiermark-1.crt") && !output.contains("tiermark-trust"),
        "{output}"
    );
    let tags = engine
        .images
        .tags_of_service("test-trust", context.path(), &options)
        .await
        .unwrap();
    assert!(
        tags.iter().any(|tag| tag.starts_with("tiermark/trust-debian:")),
        "{tags:?}"
    );
    engine.docker.remove_image(&reference(&prepared)).await.unwrap();
}

#[tokio::test]
async fn a_probe_gives_what_a_command_prints_and_leaves_nothing() {
    let engine = engine().await;
    let prepared = shell_image(&engine, "test-probe", "sleep 600").await;
    let image = reference(&prepared);
    let command = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        engine
            .containers
            .run_probe(&image, &command(&["echo", "v1.2.3"]))
            .await
            .unwrap(),
        "v1.2.3\n"
    );
    for words in [&["sh", "-c", "echo broken; exit 4"][..], &["no-such-program"]] {
        let error = engine.containers.run_probe(&image, &command(words)).await.unwrap_err();
        assert!(
            matches!(error, PrepareError::NotBuilt(NotBuilt::Failed { .. })),
            "{error:?}"
        );
    }
    let left = engine.containers.leftovers().await.unwrap();
    assert!(
        !left.iter().any(|left| left.name.starts_with("tiermark-probe-")),
        "{left:?}"
    );

    let Artifact::Image { reference, port, .. } = prepared.artifact else {
        panic!("an image")
    };
    let missing = Artifact::Image {
        reference,
        port,
        command: Some(vec!["no-such-program".to_owned()]),
    };
    match engine.containers.start(&missing, &launch("missing")).await {
        // The engine's own init starts, and ends with the shell's code for what cannot be found.
        Ok(container) => {
            assert!(matches!(
                ended(&container).await,
                ContainerState::Exited { code: 126 | 127, .. }
            ));
            container.remove().await.unwrap();
        }
        Err(error) => assert!(matches!(error, PrepareError::NotBuilt(_)), "{error:?}"),
    }
    engine.docker.remove_image(&image).await.unwrap();
}
