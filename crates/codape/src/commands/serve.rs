//! `codape serve`: the HTTP service.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use codape_coder::{Coder, Threshold};
use codape_registry::{Ledger, ModelUri};
use codape_server::{
    AppState, ModelIdentity, RECORD_TARGET, Reload, ReloadObserver, ReloadSettings, Role, Secret,
    Settings, ShadowSettings, Share, bind, serve, stop_signal,
};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::cli::{LogFormat, Memory, Serve, variable};
use crate::model::{Missing, RegistrySource, ServiceLedger, Start};
use crate::package::{self, Package};
use crate::records::{self, RecordLayer};
use crate::warm_up::{prepare, warm_up};

/// The time that work in the background has, such as a line of a ledger, once
/// all requests are answered.
const LAST_WORK: Duration = Duration::from_secs(2);

pub fn run(arguments: &Serve) -> anyhow::Result<()> {
    let _records = start_log(arguments);
    let settings = settings(arguments)?;
    let Service {
        coder,
        identity,
        reloads,
        ledger,
    } = match arguments.source.uri()? {
        Some(uri) => of_registry(arguments, uri)?,
        None => of_package(arguments)?,
    };
    warm_up(Arc::clone(&coder), arguments.memory);
    let log = records::open(&arguments.journal)?;
    let journal = log.journal.clone();
    let compaction = records::compact(&arguments.journal, &arguments.registry.s3, &log)?;
    let state = AppState::with_log(coder, identity, &settings, log);
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
        for reload in reloads {
            state.start_reloads(reload);
        }
        tracing::info!(%address, "listening");
        serve(listener, state, &settings, stop).await?;
        tracing::info!("stopped");
        Ok(())
    });
    // A model that is being loaded, or let go, is not waited for to its end.
    runtime.shutdown_timeout(LAST_WORK);
    if let Some(compaction) = compaction {
        compaction.stop();
    }
    if let Some(journal) = journal {
        journal.close();
    }
    if let Some(ledger) = ledger {
        ledger.end()?;
    }
    served
}

/// What the service starts with, and how it goes on.
struct Service {
    coder: Arc<Coder>,
    identity: ModelIdentity,
    reloads: Vec<Reload>,
    ledger: Option<Arc<ServiceLedger>>,
}

fn settings(arguments: &Serve) -> anyhow::Result<Settings> {
    let source = &arguments.source;
    Ok(Settings {
        listen: arguments.listen,
        admin_token: variable("CODAPE_ADMIN_TOKEN").map(Secret::new),
        shadow: ShadowSettings {
            share: Share::new(source.shadow_share).context("--shadow-share")?,
            threshold: Threshold::new(source.shadow_threshold).context("--shadow-threshold")?,
            ..ShadowSettings::default()
        },
        ..Settings::default()
    })
}

/// The package of a directory, or the one that the program carries.
fn of_package(arguments: &Serve) -> anyhow::Result<Service> {
    let Package {
        coder,
        name,
        directory,
    } = Package::open(&arguments.package)?;
    let identity = ModelIdentity {
        name,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        metrics: coder.metrics().cloned().unwrap_or_default(),
        ..ModelIdentity::default()
    };
    // A gigabyte takes a second, which nobody waits for.
    let digest = identity.digest.clone();
    let sums = move || match package::sums(directory.as_deref()) {
        Ok(sums) => digest.set(sums.digest().to_string()),
        Err(error) => tracing::warn!(%error, "the package has no digest"),
    };
    if let Err(error) = thread::Builder::new()
        .name("codape-digest".into())
        .spawn(sums)
    {
        tracing::warn!(%error, "the package has no digest");
    }
    let reloads = match &arguments.source.challenger {
        Some(uri) => vec![challenger(arguments, uri)?],
        None => Vec::new(),
    };
    Ok(Service {
        coder: Arc::new(coder),
        identity,
        reloads,
        ledger: None,
    })
}

/// The model that a registry names.
fn of_registry(arguments: &Serve, uri: ModelUri) -> anyhow::Result<Service> {
    let path = arguments.source.ledger.clone();
    let path = path.unwrap_or_else(|| arguments.registry.cache_directory().join("ledger.jsonl"));
    let ledger = Arc::new(ServiceLedger::new(Ledger::open(&path)?));
    let source = source(arguments, uri)?;
    let Start { loaded, mark } = source.start()?;
    let identity = loaded.identity;
    tracing::info!(
        model = identity.name,
        version = identity.version,
        digest = identity.digest.get(),
        "the model is here"
    );
    ledger.begin(&identity)?;
    let mut reloads = vec![Reload {
        serving: Some(mark),
        observer: Arc::clone(&ledger) as Arc<dyn ReloadObserver>,
        ..reload(arguments, source)
    }];
    if let Some(uri) = &arguments.source.challenger {
        reloads.push(Reload {
            observer: Arc::clone(&ledger) as Arc<dyn ReloadObserver>,
            ..challenger(arguments, uri)?
        });
    }
    Ok(Service {
        coder: loaded.coder,
        identity,
        reloads,
        ledger: Some(ledger),
    })
}

fn source(arguments: &Serve, uri: ModelUri) -> anyhow::Result<RegistrySource> {
    let missing = Missing {
        cleaning: arguments.source.cleaning.clone(),
        nomenclature: arguments.source.nomenclature.clone(),
    };
    let access = arguments.package.access.access();
    RegistrySource::new(arguments.registry.registry()?, uri, access, missing)
}

fn challenger(arguments: &Serve, uri: &ModelUri) -> anyhow::Result<Reload> {
    Ok(Reload {
        role: Role::Challenger,
        ..reload(arguments, source(arguments, uri.clone())?)
    })
}

fn reload(arguments: &Serve, source: RegistrySource) -> Reload {
    let memory: Memory = arguments.memory;
    Reload {
        prepare: Arc::new(move |coder: &Coder| prepare(coder, memory)),
        settings: ReloadSettings {
            interval: arguments.source.interval(),
            ..ReloadSettings::default()
        },
        ..Reload::new(Arc::new(source))
    }
}

/// Logs go to standard error; `RUST_LOG` chooses what, `info` by default. Records go
/// to standard output, if they are asked for, as long as what is returned lives.
fn start_log(arguments: &Serve) -> Option<WorkerGuard> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let is_log = filter_fn(|about| about.target() != RECORD_TARGET);
    let log = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let log = match arguments.log_format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let (records, guard) = arguments
        .journal
        .records
        .map(|_| RecordLayer::new())
        .unzip();
    let records =
        records.map(|layer| layer.with_filter(filter_fn(|about| about.target() == RECORD_TARGET)));
    tracing_subscriber::registry()
        .with(log.with_filter(is_log).with_filter(filter))
        .with(records)
        .init();
    guard
}
