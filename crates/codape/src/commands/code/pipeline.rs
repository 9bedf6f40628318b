//! Reading, coding and writing side by side: a thread reads, one for each processor
//! takes batches in turn and codes them, and the caller writes what they give, in the
//! order of the rows.
//!
//! A batch is coded by one thread alone, so that no part of it keeps others waiting;
//! but for the first, which may be the only one. Few batches are under way at a time,
//! each of limited rows and bytes, so that memory does not grow with the table.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;
use std::{panic, thread};

use anyhow::Context;
use arrow_array::RecordBatch;
use codape_coder::{CodeOptions, Coder, Coding, Declaration};
use codape_table::Rows;
use rayon::ThreadPoolBuilder;

use super::added::Added;
use super::columns::Columns;
use super::counts::Counts;
use super::inputs::Reading;
use super::refusals::Refusal;
use crate::interrupt::Interrupt;
use crate::warm_up;

/// Batches that were read and not taken, and batches that were coded and not
/// written.
const QUEUED: usize = 2;
/// How often it is looked whether the work must stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The batch before which the model is made ready for many: work of a second for
/// a large model, which a short table is done without.
const PREPARE_AT: u64 = 1;
/// The batch before which the rows of a large model are copied into memory of
/// the process's own, if they are not there yet: by then coding has taken about as
/// long as that takes.
const COPY_AT: u64 = 50;

/// How rows are coded.
#[derive(Debug)]
pub struct Plan<'a> {
    pub coder: &'a Coder,
    pub options: CodeOptions,
    pub columns: Columns,
    pub added: Added,
}

/// A batch as it was read.
struct Read {
    source: String,
    rows: Rows,
    bytes_read: u64,
}

/// A batch as it is written.
#[derive(Debug)]
pub struct Coded {
    pub rows: RecordBatch,
    pub refusals: Vec<Refusal>,
    pub counts: Counts,
    /// Bytes of the files that were read so far.
    pub bytes_read: u64,
}

/// How the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Done,
    Interrupted,
}

/// Codes all rows but those of the first `skip` batches, and gives each batch to
/// `write`, in order.
pub fn run(
    plan: &Plan<'_>,
    (reading, skip): (Reading, u64),
    interrupt: &Interrupt,
    mut write: impl FnMut(Coded) -> anyhow::Result<()>,
) -> anyhow::Result<Ended> {
    let (send_read, receive_read) = sync_channel(QUEUED);
    // It may wait for standard input for ever, and so nobody waits for it.
    thread::Builder::new()
        .name("codape-read".into())
        .spawn(move || read(reading, skip, &send_read))
        .context("cannot start a thread")?;
    let coders = rayon::current_num_threads();
    let (send_ticket, tickets) = sync_channel(coders + QUEUED);
    let shared = Shared {
        plan,
        read: Mutex::new(receive_read),
        stop: AtomicBool::new(false),
        batches: AtomicU64::new(0),
        model: RwLock::new(()),
    };
    thread::scope(|scope| {
        for _ in 0..coders {
            let (shared, tickets) = (&shared, send_ticket.clone());
            scope.spawn(move || {
                // What the coder does on all threads of a pool, it does on this one.
                let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread();
                let _alone = pool.build();
                shared.code(&tickets);
            });
        }
        drop(send_ticket);
        let ended = write_all(&tickets, interrupt, &mut write);
        shared.stop.store(true, Ordering::Relaxed);
        // Who waits to hand a ticket in learns that nobody takes it.
        drop(tickets);
        ended
    })
}

/// Where a batch's answer comes out.
type Ticket = Receiver<anyhow::Result<Coded>>;

fn write_all(
    tickets: &Receiver<Ticket>,
    interrupt: &Interrupt,
    write: &mut impl FnMut(Coded) -> anyhow::Result<()>,
) -> anyhow::Result<Ended> {
    loop {
        if interrupt.is_set() {
            return Ok(Ended::Interrupted);
        }
        match tickets.recv_timeout(LOOK_EVERY) {
            Ok(ticket) => {
                let coded = ticket.recv().context("a batch was lost")?;
                write(coded?)?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(Ended::Done),
        }
    }
}

/// Reads all rows. The caller's end of the channel is closed where no more are
/// wanted.
fn read(mut reading: Reading, mut skip: u64, send: &SyncSender<anyhow::Result<Read>>) {
    let mut bytes_before = 0;
    for source in 0..reading.sources.len() {
        let (mut reader, places) = match reading.open(source) {
            Ok(opened) => opened,
            Err(error) => return drop(send.send(Err(error))),
        };
        let (name, bytes) = {
            let source = &reading.sources[source];
            (source.name.clone(), source.bytes)
        };
        loop {
            let rows = match reader.next_rows() {
                Ok(Some(rows)) => rows,
                Ok(None) => break,
                Err(error) => return drop(send.send(Err(error.into()))),
            };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let read = in_order(rows, &places).map(|rows| Read {
                source: name.clone(),
                rows,
                bytes_read: bytes_before + (reader.done() * bytes as f64) as u64,
            });
            if send.send(read).is_err() {
                return;
            }
        }
        bytes_before += bytes;
    }
}

/// The rows with the columns in the order of the table's.
fn in_order(rows: Rows, places: &[usize]) -> anyhow::Result<Rows> {
    if places.iter().copied().eq(0..rows.columns.num_columns()) {
        return Ok(rows);
    }
    Ok(Rows {
        columns: rows.columns.project(places)?,
        ..rows
    })
}

/// Does what has parts for many threads outside of the caller's pool of one.
fn on_all_threads<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panicked| panic::resume_unwind(panicked))
}

struct Shared<'p> {
    plan: &'p Plan<'p>,
    read: Mutex<Receiver<anyhow::Result<Read>>>,
    stop: AtomicBool,
    batches: AtomicU64,
    /// Held alone while the model's rows are copied: pages of the file that are let
    /// go on the way would come back with each question, and take the memory twice.
    model: RwLock<()>,
}

impl Shared<'_> {
    /// Codes one batch after another.
    fn code(&self, tickets: &SyncSender<Ticket>) {
        while let Some((read, answer)) = self.take(tickets) {
            let batch = self.batches.fetch_add(1, Ordering::Relaxed);
            if batch == PREPARE_AT {
                on_all_threads(|| self.plan.coder.model().prepare());
            }
            if batch == COPY_AT {
                let _alone = self.model.write().unwrap_or_else(PoisonError::into_inner);
                on_all_threads(|| warm_up::copy_rows(self.plan.coder));
            }
            let together = self.model.read().unwrap_or_else(PoisonError::into_inner);
            let code = || read.and_then(|read| self.plan.code(read));
            let coded = if batch == 0 {
                on_all_threads(code)
            } else {
                code()
            };
            drop(together);
            // The caller may have stopped listening.
            let _ = answer.send(coded);
        }
    }

    /// Takes the next batch, and hands in where its answer comes out: both at
    /// once, so that the answers are in the order of the batches.
    fn take(
        &self,
        tickets: &SyncSender<Ticket>,
    ) -> Option<(anyhow::Result<Read>, SyncSender<anyhow::Result<Coded>>)> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match read.recv_timeout(LOOK_EVERY) {
                Ok(read) => {
                    let (answer, ticket) = sync_channel(1);
                    tickets.send(ticket).ok()?;
                    return Some((read, answer));
                }
                Err(RecvTimeoutError::Timeout) if self.stop.load(Ordering::Relaxed) => return None,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

impl Plan<'_> {
    fn code(&self, read: Read) -> anyhow::Result<Coded> {
        let Read {
            source,
            mut rows,
            bytes_read,
        } = read;
        let unreadable = std::mem::take(&mut rows.refused);
        let values = self.columns.values(&rows);
        let refuse = |row: usize, reason: String| Refusal {
            file: source.clone(),
            row: rows.numbers[row],
            reason,
            excerpt: Refusal::excerpt_of(values.text(row).unwrap_or_default()),
        };
        let mut refusals = Vec::new();
        let mut places = Vec::with_capacity(rows.numbers.len());
        let mut declarations: Vec<Declaration<'_>> = Vec::with_capacity(rows.numbers.len());
        for row in 0..rows.numbers.len() {
            match values.declaration(row) {
                Some(declaration) => {
                    places.push(row);
                    declarations.push(declaration);
                }
                None => refusals.push(refuse(row, "the text is missing".to_owned())),
            }
        }
        let mut answers: Vec<Option<Coding<'_>>> = vec![None; rows.numbers.len()];
        let coded = self.coder.code_batch(&declarations, self.options);
        for (row, coded) in places.into_iter().zip(coded) {
            match coded {
                Ok(coding) => answers[row] = Some(coding),
                Err(error) => refusals.push(refuse(row, error.to_string())),
            }
        }
        let (columns, mut counts) = self.added.add(&rows.columns, &answers)?;
        counts.unreadable = unreadable.len() as u64;
        refusals.extend(unreadable.into_iter().map(|row| Refusal {
            file: source.clone(),
            row: row.number,
            reason: row.problem.to_string(),
            excerpt: Refusal::excerpt_of(&row.excerpt),
        }));
        refusals.sort_by_key(|refusal| refusal.row);
        Ok(Coded {
            rows: columns,
            refusals,
            counts,
            bytes_read,
        })
    }
}
