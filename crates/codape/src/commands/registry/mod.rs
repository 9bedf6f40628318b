//! `codape registry`.

mod fetch;
mod history;
mod promote;
mod push;
mod show;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use codape_registry::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Runtime;

use crate::cli::Registry;

pub fn run(command: &Registry) -> anyhow::Result<()> {
    match command {
        Registry::Show(arguments) => show::show(arguments),
        Registry::List(arguments) => show::list(arguments),
        Registry::Fetch(arguments) => fetch::run(arguments),
        Registry::Push(arguments) => push::run(arguments),
        Registry::Promote(arguments) => promote::promote(arguments),
        Registry::Rollback(arguments) => promote::rollback(arguments),
        Registry::History(arguments) => history::run(arguments),
    }
}

/// What waits for servers: one thread is enough.
fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// What reads and writes files while it waits for servers.
fn transfer_runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Draws a bar on standard error while work goes on.
async fn with_bar<T>(progress: &Arc<Progress>, work: impl Future<Output = T>) -> T {
    const EVERY: Duration = Duration::from_millis(100);
    let style = "{bar:30} {bytes:>11} of {total_bytes}  {bytes_per_sec}  {eta} left";
    let style = ProgressStyle::with_template(style).expect("the template is right");
    let bar = ProgressBar::new(0).with_style(style);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                bar.finish_and_clear();
                return done;
            }
            () = tokio::time::sleep(EVERY) => {
                bar.set_length(progress.total());
                bar.set_position(progress.done());
            }
        }
    }
}

/// A server's words may hold what a terminal takes for commands.
fn plain(text: impl AsRef<str>) -> String {
    text.as_ref().replace(char::is_control, "")
}

/// A time of the registry for people, in UTC.
fn time(at_ms: u64) -> String {
    let at = std::time::UNIX_EPOCH.checked_add(Duration::from_millis(at_ms));
    at.map_or(String::new(), |at| {
        humantime::format_rfc3339_seconds(at).to_string()
    })
}
