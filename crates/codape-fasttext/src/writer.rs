//! Writing model files, field by field, and putting them in place whole.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::{Dictionary, Header, SaveError, header};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;
/// A run of zeros of at least this many bytes is left as a hole: file systems
/// keep holes in blocks of 4 KiB, so that a shorter one saves nothing.
const SMALLEST_HOLE_BYTES: u64 = 1 << 20;

/// What a row of a matrix came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// Nothing but zeros; the buffer holds whatever it held.
    Zeros,
    /// The buffer holds its numbers.
    Filled,
}

/// A dense matrix that can be read row by row.
pub(crate) trait Rows {
    /// Rows, and numbers in each.
    fn shape(&self) -> [usize; 2];

    /// Copies a row into `numbers`, which has its length; where all of the row
    /// is zero it may say so instead.
    fn fill(&self, row: usize, numbers: &mut [f32]) -> Row;
}

/// Writes a model whose matrices are dense, as a `.bin` file has it
/// (`FastText::saveModel`).
///
/// Long runs of zero rows of the input matrix are passed over with seeks: `out`
/// must hold nothing yet, and becomes a sparse file where it is one.
pub(crate) fn write_dense_model(
    out: &mut (impl Write + Seek),
    (header, dictionary): (&Header, &Dictionary),
    input: &impl Rows,
    output: &impl Rows,
) -> io::Result<()> {
    header.write(out, header::MAGIC)?;
    dictionary.write(out)?;
    out.write_all(&[0])?; // quant_input
    write_matrix(out, input, Zeros::AsHoles)?;
    out.write_all(&[0])?; // qout
    // The end of the file must be written for it to have its length.
    write_matrix(out, output, Zeros::Written)
}

/// What becomes of rows of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zeros {
    /// They are passed over where there are many.
    AsHoles,
    /// They are written.
    Written,
}

/// `DenseMatrix::save`.
pub(crate) fn write_matrix(
    out: &mut (impl Write + Seek),
    matrix: &impl Rows,
    zeros: Zeros,
) -> io::Result<()> {
    let [_, dim] = matrix.shape();
    let row_bytes = size_of::<f32>() * dim;
    write_rows(out, matrix, (row_bytes, zeros), |_, numbers, bytes| {
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        Ok(())
    })
}

/// Writes the shape of a matrix, then each row as `encode` appends it, by its
/// number, to empty bytes: `row_bytes` of them, all 0 for a row of zeros.
pub(crate) fn write_rows(
    out: &mut (impl Write + Seek),
    matrix: &impl Rows,
    (row_bytes, zeros): (usize, Zeros),
    mut encode: impl FnMut(usize, &[f32], &mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    let [rows, dim] = matrix.shape();
    write_i64(out, rows as u64)?;
    write_i64(out, dim as u64)?;
    let mut numbers = vec![0.0; dim];
    let mut bytes = Vec::with_capacity(row_bytes);
    let mut pending_zeros = 0_u64;
    for row in 0..rows {
        if matrix.fill(row, &mut numbers) == Row::Zeros {
            pending_zeros += row_bytes as u64;
            continue;
        }
        write_zeros(out, pending_zeros, zeros)?;
        pending_zeros = 0;
        bytes.clear();
        encode(row, &numbers, &mut bytes)?;
        out.write_all(&bytes)?;
    }
    write_zeros(out, pending_zeros, zeros)
}

fn write_zeros(out: &mut (impl Write + Seek), count: u64, zeros: Zeros) -> io::Result<()> {
    const BLOCK: [u8; 4096] = [0; 4096];
    if zeros == Zeros::AsHoles && count >= SMALLEST_HOLE_BYTES {
        let count = i64::try_from(count)
            .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "the matrix is too large"))?;
        out.seek(SeekFrom::Current(count))?;
        return Ok(());
    }
    let mut left = count;
    while left > 0 {
        let now = left.min(BLOCK.len() as u64);
        out.write_all(&BLOCK[..now as usize])?;
        left -= now;
    }
    Ok(())
}

/// Writes numbers, little-endian, through a buffer that is reused.
pub(crate) fn write_f32s(
    out: &mut impl Write,
    numbers: &[f32],
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    bytes.clear();
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    out.write_all(bytes)
}

/// Writes a number that the format has as an `i32`.
pub(crate) fn write_i32(
    out: &mut impl Write,
    field: &'static str,
    number: impl TryInto<i32> + Copy + std::fmt::Display,
) -> io::Result<()> {
    let number = number.try_into().map_err(|_| {
        let problem = format!("{field} is {number}, more than a model file can say");
        io::Error::new(io::ErrorKind::InvalidInput, problem)
    })?;
    out.write_all(&number.to_le_bytes())
}

/// Writes a number that the format has as an `i64`: a count in memory always
/// fits one.
pub(crate) fn write_i64(out: &mut impl Write, number: u64) -> io::Result<()> {
    out.write_all(&number.to_le_bytes())
}

/// Writes a file: first under another name in the same directory, then, once
/// it is whole, under its own. Until then what was there stays.
///
/// The disk is not waited for, which for a model of a gigabyte takes longer
/// than to train it: a power cut in the next seconds may lose the file or cut
/// it short, and a file that was cut short is refused when it is opened.
///
/// A symbolic link is followed. What is there and is no regular file, a device
/// for instance, is refused.
pub(crate) fn save(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<(), SaveError> {
    save_to(path, write).map_err(|source| SaveError {
        path: path.to_owned(),
        source,
    })
}

fn save_to(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let target = target(path)?;
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".codape-").suffix(".tmp");
    #[cfg(unix)]
    {
        // As a new file has them: the system takes the umask away.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let temporary = builder.tempfile_in(folder)?;
    let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, temporary.as_file());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    temporary.persist(&target)?;
    Ok(())
}

/// The file that is meant by a path.
fn target(path: &Path) -> io::Result<PathBuf> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => std::fs::canonicalize(path),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Rows of zeros but for some, which hold their number.
    struct Sparse {
        rows: usize,
        filled: Vec<usize>,
    }

    const DIM: usize = 100;

    impl Rows for Sparse {
        fn shape(&self) -> [usize; 2] {
            [self.rows, DIM]
        }

        fn fill(&self, row: usize, numbers: &mut [f32]) -> Row {
            if !self.filled.contains(&row) {
                return Row::Zeros;
            }
            numbers.fill(row as f32);
            Row::Filled
        }
    }

    fn written(matrix: &Sparse, zeros: Zeros) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        write_matrix(&mut out, matrix, zeros).unwrap();
        // Something always follows the input matrix.
        out.write_all(&[7]).unwrap();
        out.into_inner()
    }

    #[test]
    fn holes_read_as_the_zeros_that_they_stand_for() {
        for filled in [vec![], vec![0], vec![3, 4, 90], vec![99], vec![0, 99]] {
            let matrix = Sparse { rows: 100, filled };
            let bytes = written(&matrix, Zeros::AsHoles);
            assert_eq!(bytes.len(), 16 + 100 * DIM * 4 + 1);
            assert_eq!(bytes, written(&matrix, Zeros::Written));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn rows_that_were_never_seen_take_no_room_on_the_disk() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        let matrix = Sparse {
            rows: 1_000_000,
            filled: vec![5, 500_000],
        };
        save(&path, |out| {
            write_matrix(out, &matrix, Zeros::AsHoles)?;
            out.write_all(&[7])
        })
        .unwrap();
        let metadata = path.metadata().unwrap();
        assert_eq!(metadata.len(), 16 + 1_000_000 * DIM as u64 * 4 + 1);
        assert!(metadata.blocks() * 512 < 1 << 20, "{}", metadata.blocks());
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.bin");
        let fail = |out: &mut BufWriter<&File>| {
            out.write_all(b"half")?;
            Err(io::Error::other("the disk is full"))
        };
        let error = save(&path, fail).unwrap_err();
        assert_eq!(error.path, path);
        assert!(!path.exists());
        save(&path, |out| out.write_all(b"whole")).unwrap();
        save(&path, fail).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_saved_file_is_as_others_are() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [plain, saved] = ["plain", "saved"].map(|name| folder.path().join(name));
        std::fs::write(&plain, b"").unwrap();
        save(&saved, |out| out.write_all(b"")).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&plain), mode(&saved));
        // A link stays one.
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&saved, &link).unwrap();
        save(&link, |out| out.write_all(b"through the link")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&saved).unwrap(), b"through the link");
        let error = save(folder.path(), |_| Ok(())).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_number_that_does_not_fit_is_an_error() {
        let error = write_i32(&mut Vec::new(), "args.dim", usize::MAX).unwrap_err();
        assert!(error.to_string().starts_with("args.dim is "));
    }
}
