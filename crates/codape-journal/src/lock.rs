//! One process for one directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::JournalError;

/// The file in a journal's directory that is locked.
const NAME: &str = "lock";
/// More bytes than a process number has.
const LONGEST_HOLDER: u64 = 20;

/// The directory is ours as long as this lives; the system takes the lock away from
/// a process that ends, however it does.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

impl Lock {
    /// Takes a directory that is there.
    pub(crate) fn take(directory: &Path) -> Result<Self, JournalError> {
        let path = directory.join(NAME);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(JournalError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is helps, and is not always to be had.
                let _ = file.take(LONGEST_HOLDER).read_to_string(&mut holder);
                let holder = holder.trim().to_owned();
                return Err(JournalError::InUse {
                    directory: directory.to_owned(),
                    holder: (!holder.is_empty()).then_some(holder),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(JournalError::io("lock", path)(source));
            }
        }
        let mut note = || {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            writeln!(file, "{}", std::process::id())
        };
        // On a full disk the number is missing, and the lock is there.
        let _ = note();
        Ok(Self(file))
    }
}
