//! Ctrl-C during long work: the work is told to stop, and tidies up.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context;
use codape_server::stop_signal;

/// The exit status of a program that Ctrl-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// Whether Ctrl-C was pressed, or the program was asked to end.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. The first signal is for the work to see; a second
    /// one ends the program at once.
    pub fn listen() -> anyhow::Result<Self> {
        let interrupt = Self(Arc::default());
        let seen = Arc::clone(&interrupt.0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot listen for Ctrl-C")?;
        let first = {
            let _inside = runtime.enter();
            stop_signal()?
        };
        thread::spawn(move || {
            runtime.block_on(async {
                first.await;
                seen.store(true, Ordering::Relaxed);
                if let Ok(second) = stop_signal() {
                    second.await;
                    process::exit(INTERRUPTED);
                }
            });
        });
        Ok(interrupt)
    }

    /// Whether the work must stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
