//! `codape serve`: the HTTP service.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use anyhow::Context;
use codape_server::{AppState, ModelIdentity, Settings, bind, serve, stop_signal};
use tracing_subscriber::EnvFilter;

use crate::cli::{LogFormat, Serve};
use crate::package::Package;
use crate::warm_up::warm_up;

pub fn run(arguments: &Serve) -> anyhow::Result<()> {
    start_log(arguments.log_format);
    let Package { coder, name } = Package::open(&arguments.package)?;
    let identity = ModelIdentity {
        name,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        metrics: coder.metrics().cloned().unwrap_or_default(),
    };
    let settings = Settings {
        listen: arguments.listen,
        ..Settings::default()
    };
    let coder = Arc::new(coder);
    warm_up(Arc::clone(&coder), arguments.memory);
    let state = AppState::with_limits(coder, identity, settings.limits.clone());
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(async {
            let stop = stop_signal()?;
            let listener = bind(&settings).await?;
            let address = listener
                .local_addr()
                .context("the listener has no address")?;
            tracing::info!(%address, "listening");
            serve(listener, state, &settings, stop).await?;
            tracing::info!("stopped");
            Ok(())
        })
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
