//! `tiermark serve`: the stored runs as pages, for a browser on this machine.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http_body_util::Full;
use hyper::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tiermark_bench::FirstInterrupt;
use tiermark_model::run::{self, Manifest, RunReader, name_of};
use tiermark_report::{Listed, render_index_html};
use tokio::net::TcpListener;

use super::block_on;
use super::report::{self, ReportChoice};
use crate::error::Failure;
use crate::exit::Exit;
use crate::options::Global;
use crate::root;
use crate::signals;
use crate::ui::Ui;

/// `tiermark serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// The port; 0: any that is free
    #[arg(long, default_value_t = 4173)]
    pub(crate) port: u16,
    /// Show the list in the browser
    #[arg(long)]
    pub(crate) open: bool,
}

/// A browser that sends no request for so long is let go.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pages' own script and style, and nothing from anywhere else.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";

/// Serves until it is interrupted.
pub(crate) fn run(global: &Global, arguments: &ServeArgs, ui: &Ui) -> Result<Exit, Failure> {
    block_on(serve(Arc::new(global.clone()), arguments, ui))
}

async fn serve(global: Arc<Global>, arguments: &ServeArgs, ui: &Ui) -> Result<Exit, Failure> {
    // Loopback alone: what is stored is for whoever sits here.
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let listener = TcpListener::bind(wanted).await.map_err(|error| {
        Failure::Machine(format!(
            "cannot listen on {wanted}: {error}\nremedy: give another --port, or 0 for any that is free"
        ))
    })?;
    let address = listener.local_addr().unwrap_or(wanted);
    let interrupt = signals::listen(FirstInterrupt::Stops, || {})?;
    let place = format!("http://{address}/");
    ui.note(&format!("{place} (Ctrl-C ends)"));
    if arguments.open {
        report::open(&place, ui);
    }
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = interrupt.times(1) => return Ok(Exit::Done),
        };
        // Of a connection that failed before it was there nobody waits for an answer.
        let Ok((stream, _)) = stream else { continue };
        let global = Arc::clone(&global);
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(Arc::clone(&global), address, request));
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

/// What a request gets.
struct Page {
    status: StatusCode,
    kind: &'static str,
    text: String,
}

impl Page {
    fn html(text: String) -> Self {
        Self {
            status: StatusCode::OK,
            kind: "text/html; charset=utf-8",
            text,
        }
    }

    fn error(status: StatusCode, text: String) -> Self {
        Self {
            status,
            kind: "text/plain; charset=utf-8",
            text,
        }
    }
}

async fn answer(
    global: Arc<Global>,
    address: SocketAddr,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let page = if !is_for(&request, address) {
        // A page of somebody else whose name was made to mean this machine (DNS rebinding) must not read what is stored here.
        Page::error(
            StatusCode::MISDIRECTED_REQUEST,
            format!("this server is http://{address}/\n"),
        )
    } else if request.method() != Method::GET && request.method() != Method::HEAD {
        Page::error(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n".to_owned())
    } else {
        let path = request.uri().path().to_owned();
        // Reading and analysing a run takes a while, in which other requests shall be answered.
        let made = tokio::task::spawn_blocking(move || page(&global, &path)).await;
        match made {
            Ok(Ok(page)) => page,
            Ok(Err(failure)) => Page::error(StatusCode::INTERNAL_SERVER_ERROR, format!("{failure}\n")),
            Err(error) => Page::error(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(page.text)));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, page.kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, hyper::header::HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Whether a request names this server as people on this machine do.
fn is_for<B>(request: &Request<B>, address: SocketAddr) -> bool {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    [address.to_string(), format!("localhost:{}", address.port())]
        .iter()
        .any(|own| host == Some(own))
}

/// The page of a path.
fn page(global: &Global, path: &str) -> Result<Page, Failure> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [] => index(global),
        ["runs", name] => match find(global, name)? {
            Some(run) => Ok(Page::html(report::page(
                &run,
                &root::catalog(global)?,
                &ReportChoice::default(),
            )?)),
            None => Ok(unknown(name)),
        },
        ["compare", base, head] => {
            let (Some(base), Some(head)) = (find(global, base)?, find(global, head)?) else {
                return Ok(unknown(&format!("{base} or {head}")));
            };
            // What stands against it is said on the page.
            let comparison =
                report::comparison(&[base, head], &root::catalog(global)?, &ReportChoice::default(), true)?;
            Ok(Page::html(report::compared_page(&comparison)?))
        }
        _ => Ok(Page::error(
            StatusCode::NOT_FOUND,
            "no such page; / lists the stored runs\n".to_owned(),
        )),
    }
}

fn unknown(name: &str) -> Page {
    Page::error(
        StatusCode::NOT_FOUND,
        format!("no run {name} is stored; / lists those that are\n"),
    )
}

/// Only what the list holds: a path must not reach other folders.
fn find(global: &Global, name: &str) -> Result<Option<RunReader>, Failure> {
    let folder = folders(global)?.into_iter().find(|folder| name_of(folder) == name);
    Ok(folder.as_deref().map(RunReader::open).transpose()?)
}

/// The stored runs, newest first, the reference runs behind them.
fn folders(global: &Global) -> Result<Vec<PathBuf>, Failure> {
    let mut own = run::list(&root::results(global))?;
    own.reverse();
    own.extend(root::references(global)?.into_iter().rev());
    Ok(own)
}

fn index(global: &Global) -> Result<Page, Failure> {
    let listed: Vec<Listed> = folders(global)?.iter().map(|folder| listed(folder)).collect();
    Ok(Page::html(render_index_html(
        &listed,
        &root::results(global).display().to_string(),
    )))
}

/// One unreadable run must not hide the others.
fn listed(folder: &std::path::Path) -> Listed {
    let name = name_of(folder);
    match Manifest::read(folder) {
        Err(error) => Listed {
            name,
            made: error.to_string(),
            suite: String::new(),
            holds: String::new(),
            host: String::new(),
        },
        Ok(manifest) => {
            let plan = &manifest.plan;
            let host = manifest.hosts.get(&manifest.roles.server);
            let host = host.map(|host| format!("{}, {} cores", host.cpu, host.cores));
            Listed {
                name,
                made: manifest.created.strftime("%Y-%m-%d %H:%M UTC").to_string(),
                suite: manifest.imported.as_ref().map_or_else(
                    || plan.suite.name.clone(),
                    |imported| format!("imported from {}", imported.origin()),
                ),
                holds: format!(
                    "{} entries, {} scenarios, {} blocks",
                    plan.entries.len(),
                    plan.scenarios.len(),
                    plan.suite.blocks
                ),
                host: host.unwrap_or_default(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4173));
        let for_host = |host: &str| {
            let request = Request::builder().header(HOST, host).body(());
            request.is_ok_and(|request| is_for(&request, address))
        };
        assert!(for_host("127.0.0.1:4173") && for_host("localhost:4173"));
        assert!(!for_host("example.org:4173") && !for_host("127.0.0.1") && !for_host(""));
    }
}
