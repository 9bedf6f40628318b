//! The business log of `codape serve`: opened, and told on standard output.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use codape_coder::Threshold;
use codape_journal::disk::{Disk, SystemDisk};
use codape_journal::{
    Archive, Background, BackgroundError, BackgroundSettings, Compacted, Compactor,
    DashboardSettings, Days, Journal, Time, legacy_line,
};
use codape_server::{Amend, BusinessLog, Compactions, EventForm, RECORD_TARGET};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as LayerContext;

use crate::archive;
use crate::cli::{JournalArgs, RecordForm, S3Args};

/// The records that may wait for who reads standard output; more are dropped there,
/// so that a slow reader does not stop the service. The journal has them.
const WAITING_RECORDS: usize = 100_000;

/// Opens the business log that the arguments describe.
pub fn open(arguments: &JournalArgs) -> anyhow::Result<BusinessLog> {
    let journal = match &arguments.journal {
        None => None,
        Some(directory) => {
            let began = Instant::now();
            let (journal, recovery) =
                Journal::open(directory, arguments.settings()).context("--journal")?;
            let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let id = journal.id();
            if recovery.cut.is_some() || !recovery.damage.is_empty() {
                tracing::warn!(journal = %id, %recovery, took_ms, "the journal was brought into order");
            } else {
                tracing::info!(journal = %id, %recovery, took_ms, "the journal is open");
            }
            Some(Arc::new(journal))
        }
    };
    let privacy = arguments.personal.privacy()?;
    Ok(BusinessLog {
        journal,
        compactions: arguments
            .journal_archive
            .is_some()
            .then(Compactions::default),
        unkept: arguments.unkept(),
        patience: Duration::from_millis(arguments.journal_patience_ms),
        threshold: Threshold::new(arguments.threshold).context("--threshold")?,
        events: arguments.records.map(|form| match form {
            RecordForm::Json => EventForm::Json,
            RecordForm::Legacy => EventForm::Other(legacy_line),
        }),
        amend: (!privacy.keeps_all()).then(|| {
            let amend: Amend = Arc::new(move |record| privacy.apply(record));
            amend
        }),
    })
}

/// Starts to compact the journal, where the arguments say whereto.
pub fn compact(
    arguments: &JournalArgs,
    s3: &S3Args,
    log: &BusinessLog,
) -> anyhow::Result<Option<Background>> {
    let (Some(journal), Some(directory), Some(archive)) =
        (&log.journal, &arguments.journal, &arguments.journal_archive)
    else {
        return Ok(None);
    };
    let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
    let archive = archive::open(archive, s3).context("--journal-archive")?;
    let mut view = match &arguments.journal_dashboard {
        None => None,
        Some(name) => Some(View {
            archive: Arc::clone(&archive),
            view: archive::open(name, s3).context("--journal-dashboard")?,
            is_behind: true,
        }),
    };
    let compactor = Compactor {
        archive,
        disk,
        directory: directory.clone(),
        settings: arguments.files.settings(),
    };
    let settings = BackgroundSettings {
        interval: Duration::from_secs(arguments.journal_compact_seconds),
        ..BackgroundSettings::default()
    };
    let counters = log.compactions.clone().unwrap_or_default();
    let observe = move |result: Result<Compacted, BackgroundError>| match result {
        Ok(compacted) => {
            counters.done(compacted.records);
            if !compacted.damaged.is_empty() {
                tracing::error!(%compacted, "segments of the journal are damaged");
            } else if compacted.records > 0 {
                tracing::info!(%compacted, "the journal was compacted");
            }
            if let Some(view) = &mut view {
                view.follow(compacted.records);
            }
        }
        Err(error) => {
            counters.failed();
            let error = anyhow::Error::from(error);
            tracing::warn!("the journal is not compacted, and will be: {error:#}");
        }
    };
    let background = Background::start(Arc::clone(journal), compactor, settings, Box::new(observe));
    Ok(Some(background.context("cannot compact the journal")?))
}

/// The dashboard's view of an archive, that follows it.
struct View {
    archive: Arc<dyn Archive>,
    view: Arc<dyn Archive>,
    /// Whether days before the last ones may have to be looked at.
    is_behind: bool,
}

impl View {
    /// Brings the view up to date, once so many records came to the archive.
    fn follow(&mut self, records: u64) {
        /// Records come late where the archive was out of reach.
        const LATE: Duration = Duration::from_secs(7 * 24 * 3600);
        if records == 0 && !self.is_behind {
            return;
        }
        let late = SystemTime::now().checked_sub(LATE).map(Time::from);
        let from = late.filter(|_| !self.is_behind).map(Time::date);
        let days = Days::new(from.as_deref(), None).expect("the date of a time is a day");
        let settings = DashboardSettings::default();
        let updated = settings.update(&*self.archive, &*self.view, &days);
        self.is_behind = updated.is_err();
        if let Err(error) = updated {
            let error = anyhow::Error::from(error);
            tracing::warn!("the dashboard's view is not up to date, and will be: {error:#}");
        }
    }
}

/// Writes the events that hold records to standard output, as they are.
pub struct RecordLayer(NonBlocking);

impl RecordLayer {
    /// The layer, and what must live as long as records are to be written.
    pub fn new() -> (Self, WorkerGuard) {
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(WAITING_RECORDS)
            .thread_name("codape-records")
            .finish(io::stdout());
        (Self(writer), guard)
    }
}

impl<S: Subscriber> Layer<S> for RecordLayer {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        if event.metadata().target() != RECORD_TARGET {
            return;
        }
        let mut line = Line(None);
        event.record(&mut line);
        if let Some(line) = line.0 {
            // What there is no room for is dropped.
            let _ = self.0.clone().write_all(line.as_bytes());
        }
    }
}

/// The field `line` of an event.
struct Line(Option<String>);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "line" {
            self.0 = Some(format!("{value}\n"));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
