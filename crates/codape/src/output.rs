//! Files that a command writes after long work: looked at before it.

use std::path::Path;

use anyhow::{Context, bail, ensure};

/// Refuses a path that nothing could be written to: better now than when the
/// work is done.
pub fn check(path: &Path) -> anyhow::Result<()> {
    let found = match path.metadata() {
        Ok(found) if !found.is_file() => {
            bail!("cannot write {}: it is not a file", path.display())
        }
        Ok(_) => path
            .canonicalize()
            .with_context(|| format!("cannot write {}", path.display()))?,
        Err(_) => path.to_owned(),
    };
    let folder = match found.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
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
