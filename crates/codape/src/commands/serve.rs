//! `codape serve`: the HTTP service.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use codape_server::{AppState, ModelIdentity, Settings, bind, serve, stop_signal};
use tracing_subscriber::EnvFilter;

use crate::cli::{LogFormat, Serve};
use crate::package::Package;
use crate::warm_up::warm_up;

/// The time that work in the background has, such as a line of a ledger, once
/// all requests are answered.
const LAST_WORK: Duration = Duration::from_secs(2);

pub fn run(arguments: &Serve) -> anyhow::Result<()> {
    start_log(arguments.log_format);
    let Package { coder, name } = Package::open(&arguments.package)?;
    let identity = ModelIdentity {
        name,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        metrics: coder.metrics().cloned().unwrap_or_default(),
        ..ModelIdentity::default()
    };
    let settings = Settings {
        listen: arguments.listen,
        ..Settings::default()
    };
    let coder = Arc::new(coder);
    warm_up(Arc::clone(&coder), arguments.memory);
    let state = AppState::with_settings(coder, identity, &settings);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(async {
        let stop = stop_signal()?;
        let listener = bind(&settings).await?;
        let address = listener
            .local_addr()
            .context("the listener has no address")?;
        tracing::info!(%address, "listening");
        serve(listener, state, &settings, stop).await?;
        tracing::info!("stopped");
        Ok(())
    });
    // A model that is being loaded, or let go, is not waited for to its end.
    runtime.shutdown_timeout(LAST_WORK);
    served
}

/// Logs go to standard error; `RUST_LOG` chooses what, `info` by default.
fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
