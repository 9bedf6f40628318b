//! `codape journal show`: records of a journal and of an archive.

use std::collections::{HashSet, VecDeque};

use codape_journal::disk::SystemDisk;
use codape_journal::{Record, RecordId, list_segments, record_files};

use super::tail::Segment;
use crate::cli::JournalShow;
use crate::{archive, print};

pub fn run(arguments: &JournalShow) -> anyhow::Result<()> {
    let records = &arguments.records;
    anyhow::ensure!(
        records.journal.is_some() || records.archive.is_some(),
        "name a journal (--journal), an archive (--archive) or both"
    );
    let mut out = Out {
        arguments,
        last: VecDeque::new(),
    };
    // The journal's segments first: what is compacted meanwhile is read from them.
    let mut segments = Vec::new();
    let mut in_segments = HashSet::new();
    if let Some(directory) = &records.journal {
        for (name, _) in list_segments(&SystemDisk, directory)? {
            let Some(mut segment) = Segment::open(directory, name)? else {
                continue;
            };
            segment.records(|id, _| {
                in_segments.insert(id);
            })?;
            segment.rewind();
            segments.push(segment);
        }
    }
    if let Some(name) = &records.archive {
        let archive = archive::open_existing(name, &records.s3)?;
        for file in record_files(&*archive, &records.period.days()?)? {
            let mut failure = None;
            file.read(&*archive, |entry| {
                in_segments.remove(&entry.id);
                if failure.is_none() {
                    failure = out.entry(entry.id, &entry.record).err();
                }
                Ok(())
            })
            .map_err(|error| anyhow::Error::from(error).context(file.path.clone()))?;
            failure.map_or(Ok(()), Err)?;
        }
    }
    for mut segment in segments {
        let mut result = Ok(());
        segment.records(|id, payload| {
            if result.is_ok() && in_segments.remove(&id) {
                // What is of another version is passed over here; `verify` names it.
                if let Ok(record) = Record::from_json(payload.as_bytes()) {
                    result = out.entry(id, &record);
                }
            }
        })?;
        result?;
    }
    out.last.iter().try_for_each(print::line)
}

/// Lines on their way to standard output.
struct Out<'a> {
    arguments: &'a JournalShow,
    /// The last ones, where those alone are meant.
    last: VecDeque<String>,
}

impl Out<'_> {
    fn entry(&mut self, id: RecordId, record: &Record<'_>) -> anyhow::Result<()> {
        let request = self.arguments.request_id.as_deref();
        let is_meant = self.arguments.records.period.contains(record.time)
            && request.is_none_or(|request| record.request_id.as_deref() == Some(request));
        if !is_meant {
            return Ok(());
        }
        let mut payload = Vec::new();
        record.write_json(&mut payload);
        let line = id.json_line(&String::from_utf8_lossy(&payload));
        let Some(most) = self.arguments.last else {
            return print::line(line);
        };
        self.last.push_back(line);
        if self.last.len() > most {
            self.last.pop_front();
        }
        Ok(())
    }
}
