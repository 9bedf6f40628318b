//! From a store to files on the disk: in parts, several at once, each taken up
//! again where it broke off, all of them checked.

mod hash;
mod parts;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::cache::Room;
use crate::digest::Digest;
use crate::error::RegistryError;
use crate::store::{RemoteFile, Store};

use parts::{PartFile, PartWriter, remove};

/// How long a whole answer to a short question may take, in times of
/// [`FetchSettings::stall`].
pub(crate) const STALLS_OF_AN_ANSWER: u32 = 3;

/// How files are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchSettings {
    /// The bytes that are asked for at a time. Default: 8 MiB.
    pub part_bytes: u64,
    /// Parts on their way at the same time. Default: 8.
    pub parallel: usize,
    /// How often in a row a part may fail without a byte gained. Default: 6.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each, up to 5 s.
    /// Default: 200 ms.
    pub pause: Duration,
    /// How long a server may send nothing. Default: 20 s.
    pub stall: Duration,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            part_bytes: 8 << 20,
            parallel: 8,
            attempts: 6,
            pause: Duration::from_millis(200),
            stall: Duration::from_secs(20),
        }
    }
}

/// How far a fetch is; read by who draws it.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    done: AtomicU64,
}

impl Progress {
    /// Begins with so many bytes to come.
    pub(crate) fn plan(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
    }

    /// So many bytes are there more.
    pub(crate) fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The bytes of all files; 0 as long as they are not known.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// The bytes that are there.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

/// Fetches files into a room, where some of their parts may be from an earlier
/// time: of the very same files, as the caller sees to. Returns the digest of
/// each.
pub(crate) async fn fetch(
    store: &Store,
    files: &[RemoteFile],
    room: &Room,
    settings: FetchSettings,
    progress: &Arc<Progress>,
) -> Result<Vec<(String, Digest)>, RegistryError> {
    let total = files.iter().map(|file| file.bytes).sum();
    progress.plan(total);
    let mut queue = VecDeque::new();
    let mut hashing = Vec::new();
    for file in files {
        let job = Job {
            store: store.clone(),
            file: file.clone(),
            settings,
            progress: Arc::clone(progress),
        };
        let (parts, hash) = plan(&Arc::new(job), room).await?;
        queue.extend(parts);
        hashing.push((file.path.clone(), hash));
    }
    let mut running = JoinSet::new();
    loop {
        while running.len() < settings.parallel.max(1)
            && let Some(part) = queue.pop_front()
        {
            running.spawn(part.fetch());
        }
        match running.join_next().await {
            None => break,
            // The first error ends the others: they are dropped with the set.
            Some(done) => done.expect("no task of a fetch panics")?,
        }
    }
    let mut digests = Vec::new();
    let mut first_error = None;
    // All of them, so that each damaged file is gone before the next try.
    for (name, (file, hash)) in hashing {
        match hash.await.expect("hashing does not panic") {
            Ok(digest) => digests.push((name, digest)),
            Err(error) => {
                if matches!(error, RegistryError::Damaged { .. }) {
                    file.discard()?;
                }
                first_error = first_error.or(Some(error));
            }
        }
    }
    first_error.map_or(Ok(digests), Err)
}

/// What is the same for all parts of a file.
struct Job {
    store: Store,
    file: RemoteFile,
    settings: FetchSettings,
    progress: Arc<Progress>,
}

/// A part that is missing.
struct Part {
    job: Arc<Job>,
    file: Arc<PartFile>,
    part: usize,
    /// Where it is said that the part is there.
    done: UnboundedSender<usize>,
}

/// A file, and the task that hashes it as its parts come.
type Hashing = (Arc<PartFile>, JoinHandle<Result<Digest, RegistryError>>);

/// The parts of a file that are missing.
async fn plan(job: &Arc<Job>, room: &Room) -> Result<(Vec<Part>, Hashing), RegistryError> {
    let path = room.files().join(&job.file.path);
    let list = room.parts().join(&job.file.path);
    let bytes = job.file.bytes;
    let part_bytes = match job.store.has_ranges() {
        true => job.settings.part_bytes.max(1),
        false => bytes.max(1),
    };
    // Without a mark nothing tells whether these parts are still the file's.
    if job.file.mark.is_empty() {
        remove(&list)?;
    }
    let opened =
        tokio::task::spawn_blocking(move || PartFile::open(&path, &list, bytes, part_bytes));
    let (file, present) = opened.await.expect("reading parts does not panic")?;
    let file = Arc::new(file);
    let (done, arrived) = unbounded_channel();
    let mut parts = Vec::new();
    for (part, is_present) in present.iter().enumerate() {
        if *is_present {
            let range = file.range(part);
            let bytes = range.end - range.start;
            job.progress.add(bytes);
            // The receiver is below.
            let _ = done.send(part);
        } else {
            parts.push(Part {
                job: Arc::clone(job),
                file: Arc::clone(&file),
                part,
                done: done.clone(),
            });
        }
    }
    let hash = hash::follow(Arc::clone(job), Arc::clone(&file), present.len(), arrived);
    Ok((parts, (file, tokio::spawn(hash))))
}

impl Part {
    /// Fetches the part, from where it broke off as often as it does.
    async fn fetch(self) -> Result<(), RegistryError> {
        let mut writer = self.file.writer(self.part)?;
        let mut failures = 0;
        let mut furthest = writer.rest().start;
        let mut tag = None;
        loop {
            let error = match self.read_on(&mut writer, &mut tag).await {
                Ok(()) => break,
                Err(error) => error,
            };
            // Against the best try: one that begins anew may gain and lose for ever.
            let has_gained = writer.rest().start > furthest;
            furthest = furthest.max(writer.rest().start);
            failures = if has_gained { 1 } else { failures + 1 };
            if !error.may_pass() || failures >= self.job.settings.attempts {
                return Err(error);
            }
            tracing::debug!(file = self.job.file.path, part = self.part, %error, "asked again");
            sleep(pause(self.job.settings.pause, failures)).await;
        }
        self.file.note(&writer)?;
        // Where nobody listens, the hashing has failed, and says why.
        let _ = self.done.send(self.part);
        Ok(())
    }

    /// Begins the part again.
    fn forget(&self, writer: &mut PartWriter) -> Result<(), RegistryError> {
        let lost = writer.rest().start - self.file.range(self.part).start;
        (self.job.progress.done).fetch_sub(lost, Ordering::Relaxed);
        writer.rewind()
    }

    /// Reads what is missing of the part, as far as it comes.
    async fn read_on(
        &self,
        writer: &mut PartWriter,
        tag: &mut Option<String>,
    ) -> Result<(), RegistryError> {
        let Job {
            store,
            file,
            settings,
            progress,
        } = &*self.job;
        if writer.rest().is_empty() {
            return Ok(());
        }
        let stalled = |_| RegistryError::Unreachable {
            host: file.path.clone(),
            problem: format!("nothing came for {} s", settings.stall.as_secs_f32()),
        };
        let begin = timeout(
            settings.stall,
            store.read(file, writer.rest(), tag.as_deref()),
        );
        let mut chunks = begin.await.map_err(stalled)??;
        if chunks.begins_again() {
            self.forget(writer)?;
        }
        *tag = chunks.tag();
        loop {
            let chunk = timeout(settings.stall, chunks.next()).await;
            let Some(chunk) = chunk.map_err(stalled)?? else {
                break;
            };
            let chunk: Bytes = chunk;
            let rest = writer.rest();
            if chunk.len() as u64 > rest.end - rest.start {
                self.forget(writer)?;
                return Err(length_error(file, "more bytes"));
            }
            writer.write(&chunk)?;
            progress.add(chunk.len() as u64);
        }
        match writer.rest().is_empty() {
            true => Ok(()),
            false => Err(length_error(file, "fewer bytes")),
        }
    }
}

fn length_error(file: &RemoteFile, found: &str) -> RegistryError {
    RegistryError::Damaged {
        name: file.path.clone(),
        found: found.to_owned(),
        expected: format!("{} bytes", file.bytes),
    }
}

/// Asks again as often as a part is asked for, where that may help; an answer
/// may take so long each time.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, RegistryError>>>(
    settings: &FetchSettings,
    limit: Duration,
    ask: impl Fn() -> F,
) -> Result<T, RegistryError> {
    let mut failures = 0;
    loop {
        let answer = timeout(limit, ask()).await.unwrap_or_else(|_| {
            Err(RegistryError::Unreachable {
                host: "the server".to_owned(),
                problem: format!("no answer came in {} s", limit.as_secs_f32()),
            })
        });
        failures += 1;
        match answer {
            Err(error) if error.may_pass() && failures < settings.attempts => {
                tracing::debug!(%error, "asked again");
                sleep(pause(settings.pause, failures)).await;
            }
            answer => return answer,
        }
    }
}

/// The pause after some failures in a row: twice as long with each, and of a
/// random length between a half of that and the whole, so that clients that
/// failed together do not come back together.
pub(crate) fn pause(first: Duration, failures: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(5);
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled.min(LONGEST).mul_f64(0.5 + 0.5 * fastrand::f64())
}
