//! `codape journal tail`: the last records of a journal, which may be written to.

use std::collections::VecDeque;
use std::path::Path;
use std::thread;
use std::time::Duration;

use codape_journal::RecordId;
use codape_journal::disk::{Disk, DiskFile, SystemDisk};
use codape_journal::list_segments;
use codape_journal::segment::{Found, Place, Scanner, SegmentName};

use crate::cli::JournalTail;
use crate::print;

/// The time between two looks for records that came.
const EVERY: Duration = Duration::from_millis(200);

pub fn run(arguments: &JournalTail) -> anyhow::Result<()> {
    let segments = list_segments(&SystemDisk, &arguments.journal)?;
    // From the newest back, as far as there are too few.
    let (mut open, mut chosen) = (None, Vec::new());
    for &(name, _) in segments.iter().rev() {
        let Some(mut segment) = Segment::open(&arguments.journal, name)? else {
            continue;
        };
        let mut lines = VecDeque::new();
        segment.read(|line| {
            lines.push_back(line);
            if lines.len() > arguments.last {
                lines.pop_front();
            }
        })?;
        open.get_or_insert(segment);
        chosen.push(lines);
        if chosen.iter().map(VecDeque::len).sum::<usize>() >= arguments.last {
            break;
        }
    }
    let mut last: VecDeque<String> = chosen.into_iter().rev().flatten().collect();
    let too_many = last.len().saturating_sub(arguments.last);
    last.drain(..too_many);
    last.iter().try_for_each(print::line)?;
    if arguments.follow {
        follow(&arguments.journal, open)?;
    }
    Ok(())
}

/// Prints records as they come, for ever.
fn follow(directory: &Path, mut open: Option<Segment>) -> anyhow::Result<()> {
    loop {
        let mut lines = Vec::new();
        // What was written last before the next segment was begun is there once the
        // next is.
        let next = list_segments(&SystemDisk, directory)?
            .into_iter()
            .map(|(name, _)| name)
            .find(|name| {
                open.as_ref()
                    .is_none_or(|open| open.name.first < name.first)
            });
        if let Some(segment) = &mut open {
            segment.read(|line| lines.push(line))?;
        }
        lines.iter().try_for_each(print::line)?;
        match next {
            Some(name) => {
                if let Some(segment) = Segment::open(directory, name)? {
                    open = Some(segment);
                }
            }
            None => thread::sleep(EVERY),
        }
    }
}

/// A segment that is read on. It stays readable when it is compacted meanwhile.
pub struct Segment {
    pub name: SegmentName,
    file: Box<dyn DiskFile>,
    place: Option<Place>,
}

impl Segment {
    /// Opens a segment; `None` where it was compacted meanwhile.
    pub fn open(directory: &Path, name: SegmentName) -> anyhow::Result<Option<Self>> {
        let file = match SystemDisk.open(&directory.join(name.to_string())) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let place = None;
        Ok(Some(Self { name, file, place }))
    }

    /// Goes back to its beginning.
    pub fn rewind(&mut self) {
        self.place = None;
    }

    /// Reads the lines of the records that came since the last time.
    fn read(&mut self, mut visit: impl FnMut(String)) -> anyhow::Result<()> {
        self.records(|id, payload| visit(id.json_line(payload)))
    }

    /// Reads the records that came since the last time: their names and JSON forms.
    pub fn records(&mut self, mut visit: impl FnMut(RecordId, &str)) -> anyhow::Result<()> {
        let mut scanner = match self.place {
            None => Scanner::new(self.name, &*self.file),
            Some(place) => Scanner::resume(self.name, &*self.file, place),
        };
        while let Some(found) = scanner.read_next()? {
            if let Found::Record { sequence, payload } = found {
                let journal = self.name.journal;
                let text = std::str::from_utf8(payload);
                visit(
                    RecordId { journal, sequence },
                    text.expect("the scanner gives text"),
                );
            }
        }
        self.place = Some(scanner.place());
        Ok(())
    }
}
