//! The disk of the operating system.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::{Disk, DiskFile, Listed, SyncPoint};

/// The disk of the operating system. Files are for their owner alone: they hold
/// what people declared.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let about = match entry.metadata() {
                Ok(about) => about,
                // Removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if let Ok(name) = entry.file_name().into_string() {
                listed.push(Listed {
                    name,
                    is_directory: about.is_dir(),
                    bytes: about.len(),
                });
            }
        }
        listed.sort();
        Ok(listed)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        open(
            path,
            OpenOptions::new().create(true).truncate(true).write(true),
        )
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        match open(path, OpenOptions::new().write(true)) {
            // Who may read alone reads alone.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                open(path, &mut OpenOptions::new())
            }
            opened => opened,
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_directory(&self, directory: &Path, _: SyncPoint) -> io::Result<()> {
        #[cfg(unix)]
        File::open(directory)?.sync_all()?;
        // Elsewhere directories cannot be opened, and names are written through.
        #[cfg(not(unix))]
        let _ = directory;
        Ok(())
    }

    fn room(&self, directory: &Path) -> io::Result<Option<u64>> {
        #[cfg(unix)]
        {
            let about = nix::sys::statvfs::statvfs(directory)?;
            Ok(Some(
                about
                    .blocks_available()
                    .saturating_mul(about.fragment_size()),
            ))
        }
        #[cfg(not(unix))]
        {
            let _ = directory;
            Ok(None)
        }
    }
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<Box<dyn DiskFile>> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    let file = options.read(true).open(path)?;
    Ok(Box::new(SystemFile(file)))
}

#[derive(Debug)]
struct SystemFile(File);

impl DiskFile for SystemFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            #[cfg(unix)]
            let read = std::os::unix::fs::FileExt::read_at(&self.0, buffer, offset);
            #[cfg(windows)]
            let read = std::os::windows::fs::FileExt::seek_read(&self.0, buffer, offset);
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    #[cfg(unix)]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    offset += written as u64;
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self, _: SyncPoint) -> io::Result<()> {
        self.0.sync_data()
    }
}
