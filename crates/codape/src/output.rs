//! Files that a command writes after long work: looked at before it, and under
//! their names once they are whole.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use tempfile::NamedTempFile;

/// Refuses a path that nothing could be written to: better now than when the
/// work is done.
pub fn check(path: &Path) -> anyhow::Result<()> {
    let found = target(path)?;
    let folder = folder(&found);
    ensure!(
        folder.is_dir(),
        "cannot write {}: there is no folder {}, make it first",
        path.display(),
        folder.display()
    );
    tempfile::tempfile_in(folder)
        .with_context(|| format!("cannot write in the folder {}", folder.display()))?;
    Ok(())
}

/// The file that is meant by a path, behind links.
fn target(path: &Path) -> anyhow::Result<PathBuf> {
    match path.metadata() {
        Ok(found) if !found.is_file() => {
            bail!("cannot write {}: it is not a file", path.display())
        }
        Ok(_) => path
            .canonicalize()
            .with_context(|| format!("cannot write {}", path.display())),
        Err(_) => Ok(path.to_owned()),
    }
}

/// The folder of a file.
fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A file that is written beside its place and put there whole. Dropped before
/// that, it leaves what was there.
#[derive(Debug)]
pub struct Aside {
    file: NamedTempFile,
    target: PathBuf,
}

impl Aside {
    /// Starts the file that is to be at `path`.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let target = target(path)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".codape-").suffix(".tmp");
        #[cfg(unix)]
        {
            // As a new file has them: the system takes the umask away.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder(&target))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, target })
    }

    /// Gives the file its name.
    pub fn finish(self) -> anyhow::Result<()> {
        let Self { file, target } = self;
        file.persist(&target)
            .map_err(|error| error.error)
            .with_context(|| format!("cannot write {}", target.display()))?;
        Ok(())
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file whole, or leaves what was there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = Aside::create(path)?;
    file.write_all(bytes)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.finish()
}

/// Refuses to write over what is read.
pub fn check_is_not(output: &Path, input: &Path) -> anyhow::Result<()> {
    let is_same = match (output.canonicalize(), input.canonicalize()) {
        (Ok(output), Ok(input)) => output == input,
        _ => false,
    };
    ensure!(
        !is_same,
        "{} is read: give the output another name",
        input.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_told_before() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        check(&file).unwrap();
        std::fs::write(&file, b"").unwrap();
        check(&file).unwrap();
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
        let said = |path: &Path| check(path).unwrap_err().to_string();
        assert!(said(dir.path()).contains("not a file"));
        assert!(said(&dir.path().join("no/model.bin")).contains("make it first"));
        assert!(said(&file.join("model.bin")).contains("make it first"));
        check(Path::new("model.bin")).unwrap();
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, b"before").unwrap();
        let mut dropped = Aside::create(&path).unwrap();
        dropped.write_all(b"half").unwrap();
        drop(dropped);
        assert_eq!(std::fs::read(&path).unwrap(), b"before");
        let mut aside = Aside::create(&path).unwrap();
        aside.write_all(b"whole").unwrap();
        aside.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn what_is_read_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| dir.path().join(name));
        std::fs::write(&one, b"").unwrap();
        check_is_not(&other, &one).unwrap();
        std::fs::write(&other, b"").unwrap();
        check_is_not(&other, &one).unwrap();
        check_is_not(&dir.path().join(".").join("one"), &one).unwrap_err();
    }
}
