//! A file that comes in parts: which of them are there, also after a stop.
//!
//! In another folder stands a list with a line for each part that is written: its
//! number and the CRC-32C of its bytes. A part counts only if its bytes still
//! give that sum, so that neither a crash nor a power cut can leave a part that
//! is taken for whole and is not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crc_fast::CrcAlgorithm::Crc32Iscsi;

use crate::digest::in_blocks;
use crate::error::{RegistryError, io_error};

/// A file on its way.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    bytes: u64,
    part_bytes: u64,
    /// The list of parts that are there, open for more lines.
    list: Mutex<File>,
    list_path: PathBuf,
}

impl PartFile {
    /// Opens the file at `path`, or makes one of this length, with its list;
    /// `present` are the numbers of parts that are there, from 0.
    pub(super) fn open(
        path: &Path,
        list_path: &Path,
        bytes: u64,
        part_bytes: u64,
    ) -> Result<(Self, Vec<bool>), RegistryError> {
        let refused = || io_error("write", path);
        for folder in [path, list_path].into_iter().filter_map(Path::parent) {
            fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(path).map_err(refused())?;
        file.set_len(bytes).map_err(refused())?;
        let parts = usize::try_from(bytes.div_ceil(part_bytes.max(1))).unwrap_or(usize::MAX);
        let mut list = (options.open(list_path)).map_err(io_error("write", list_path))?;
        let mut text = Vec::new();
        list.read_to_end(&mut text)
            .map_err(io_error("read", list_path))?;
        let mut present = vec![false; parts];
        // The last line may be torn: it and what is no line is passed over.
        for line in String::from_utf8_lossy(&text).split_inclusive('\n') {
            let Some((part, sum)) = parse(line).filter(|(part, _)| *part < parts) else {
                continue;
            };
            let range = range(part, bytes, part_bytes);
            present[part] = crc_of(&mut file, range).map_err(io_error("read", path))? == sum;
        }
        if !text.ends_with(b"\n") && !text.is_empty() {
            list.write_all(b"\n")
                .map_err(io_error("write", list_path))?;
        }
        let file = Self {
            path: path.to_owned(),
            bytes,
            part_bytes,
            list: Mutex::new(list),
            list_path: list_path.to_owned(),
        };
        Ok((file, present))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of a part.
    pub(super) fn range(&self, part: usize) -> Range<u64> {
        range(part, self.bytes, self.part_bytes)
    }

    /// A place to write a part to.
    pub(super) fn writer(&self, part: usize) -> Result<PartWriter, RegistryError> {
        let refused = || io_error("write", &self.path);
        let file = OpenOptions::new().write(true).open(&self.path);
        let mut writer = PartWriter {
            file: file.map_err(refused())?,
            path: self.path.clone(),
            part,
            range: self.range(part),
            written: 0,
            crc: crc_fast::Digest::new(Crc32Iscsi),
        };
        writer.rewind()?;
        Ok(writer)
    }

    /// Notes that a part is there.
    pub(super) fn note(&self, written: &PartWriter) -> Result<(), RegistryError> {
        let line = format!("{} {:08x}\n", written.part, written.crc.finalize());
        let list = self.list.lock();
        let mut list = list.unwrap_or_else(std::sync::PoisonError::into_inner);
        list.write_all(line.as_bytes())
            .map_err(io_error("write", &self.list_path))
    }

    /// Removes the file with its list: its bytes are wrong.
    pub(super) fn discard(&self) -> Result<(), RegistryError> {
        fs::remove_file(&self.path).map_err(io_error("remove", &self.path))?;
        fs::remove_file(&self.list_path).map_err(io_error("remove", &self.list_path))
    }
}

/// Removes a list, if it is there.
pub(super) fn remove(list: &Path) -> Result<(), RegistryError> {
    match fs::remove_file(list) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", list)(error))
        }
        _ => Ok(()),
    }
}

/// The part of a file that is being written, from its first byte to its last.
#[derive(Debug)]
pub(super) struct PartWriter {
    file: File,
    path: PathBuf,
    part: usize,
    range: Range<u64>,
    written: u64,
    crc: crc_fast::Digest,
}

impl PartWriter {
    /// The bytes that are still to come.
    pub(super) fn rest(&self) -> Range<u64> {
        self.range.start + self.written..self.range.end
    }

    /// Takes the next bytes, which must not be more than the rest.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), RegistryError> {
        self.file
            .write_all(bytes)
            .map_err(io_error("write", &self.path))?;
        self.crc.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Goes back to the part's first byte.
    pub(super) fn rewind(&mut self) -> Result<(), RegistryError> {
        self.written = 0;
        self.crc = crc_fast::Digest::new(Crc32Iscsi);
        let start = SeekFrom::Start(self.range.start);
        let sought = self.file.seek(start).map_err(io_error("write", &self.path));
        sought.map(drop)
    }
}

fn range(part: usize, bytes: u64, part_bytes: u64) -> Range<u64> {
    let start = part as u64 * part_bytes;
    start..(start + part_bytes).min(bytes)
}

/// A line of the list: the number of a part and its sum.
fn parse(line: &str) -> Option<(usize, u64)> {
    let (part, sum) = line.strip_suffix('\n')?.split_once(' ')?;
    let sum = (sum.len() == 8).then(|| u64::from_str_radix(sum, 16).ok())??;
    Some((part.parse().ok()?, sum))
}

fn crc_of(file: &mut File, range: Range<u64>) -> io::Result<u64> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut crc = crc_fast::Digest::new(Crc32Iscsi);
    in_blocks(file.take(range.end - range.start), |bytes| {
        crc.update(bytes);
    })?;
    Ok(crc.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_whole_are_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/model.bin");
        let list = folder.path().join("parts/below/model.bin");
        let (file, present) = PartFile::open(&path, &list, 10, 4).unwrap();
        assert_eq!(present, [false; 3]);
        for part in [0, 2] {
            let mut writer = file.writer(part).unwrap();
            writer.write(b"x").unwrap();
            assert_eq!(writer.rest().start, file.range(part).start + 1);
            writer.rewind().unwrap();
            let bytes = &b"0123456789"[part * 4..(part * 4 + 4).min(10)];
            writer.write(bytes).unwrap();
            assert!(writer.rest().is_empty());
            file.note(&writer).unwrap();
        }
        drop(file);
        let (file, present) = PartFile::open(&path, &list, 10, 4).unwrap();
        assert_eq!(present, [true, false, true]);
        drop(file);

        // A byte of a part that did not reach the disk, and a torn line.
        let mut bytes = fs::read(&path).unwrap();
        bytes[9] ^= 1;
        fs::write(&path, bytes).unwrap();
        let text = fs::read_to_string(&list).unwrap();
        fs::write(&list, format!("{text}1 00")).unwrap();
        let (file, present) = PartFile::open(&path, &list, 10, 4).unwrap();
        assert_eq!(present, [true, false, false]);
        file.discard().unwrap();
        assert!(!path.exists() && !list.exists());
    }
}
