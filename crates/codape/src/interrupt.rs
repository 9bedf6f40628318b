//! Ctrl-C during long work: the work is told to stop, and tidies up.

use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context;
use codape_server::stop_signal;

/// The exit status of a program that Ctrl-C ended, as shells have it.
pub const STATUS: u8 = 130;

/// The work was broken off.
#[derive(Debug)]
pub enum Interrupted {
    /// It left nothing behind.
    NothingWritten,
    /// It left something behind, of which this tells.
    Left(String),
}

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingWritten => formatter.write_str("stopped; nothing was written"),
            Self::Left(what) => write!(formatter, "stopped; {what}"),
        }
    }
}

impl Error for Interrupted {}

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
                    process::exit(STATUS.into());
                }
            });
        });
        Ok(interrupt)
    }

    /// Whether the work must stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// What an observer of the work answers.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.is_set() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Ends the work between two steps of it, before a file is written.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_set() {
            Err(Interrupted::NothingWritten)
        } else {
            Ok(())
        }
    }
}
