//! Serves as the environment says until Ctrl-C: `PORT=8080 WORKERS=2 cargo run --release --example serve`.
#![allow(clippy::print_stderr)]

use tiermark_baseline::{Config, Server};

fn main() -> Result<(), tiermark_baseline::Error> {
    let server = Server::bind(Config::from_environment()?)?;
    eprintln!("listening on {}", server.address());
    server.report_to(|fault| eprintln!("{fault}")).run(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
