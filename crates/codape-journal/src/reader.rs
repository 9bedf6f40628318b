//! Reading an archive: which files of records it has, and what is in them.

use std::io;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};

use crate::archive::{Archive, Archived};
use crate::compact::MISSING;
use crate::parquet::{About, ParquetProblem, Source, entries};
use crate::record::{Entry, JournalId, Time};

/// A file of records, by what its path tells:
/// `date=2026-01-31/caller=sirene/<journal>-<first sequence number>.parquet`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordFile {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// The day of its records in UTC, as `2026-01-31`.
    pub date: String,
    /// The second column that partitions are named by, and its value here; an
    /// empty one where the records have none.
    pub key: Option<(String, String)>,
    /// The journal of its records.
    pub journal: JournalId,
    /// The first sequence number that was taken into it.
    pub first: u64,
}

impl RecordFile {
    /// What a path tells. `None` where it is none of a file of records.
    #[must_use]
    pub fn parse(archived: &Archived) -> Option<Self> {
        let (directories, name) = archived.path.rsplit_once('/')?;
        let (day, key) = match directories.split_once('/') {
            None => (directories, None),
            Some((day, key)) => (day, Some(key)),
        };
        let date = day.strip_prefix("date=")?;
        let key = match key {
            None => None,
            Some(key) => {
                let (column, value) = key.split_once('=')?;
                let value = if value == MISSING { "" } else { value };
                (!value.contains('/')).then_some(())?;
                Some((column.to_owned(), unescaped(value)?))
            }
        };
        let (journal, first) = name.strip_suffix(".parquet")?.split_once('-')?;
        let is_ours = journal.len() == 16 && first.len() == 20 && is_date(date);
        is_ours.then_some(())?;
        Some(Self {
            path: archived.path.clone(),
            bytes: archived.bytes,
            date: date.to_owned(),
            key,
            journal: JournalId(u64::from_str_radix(journal, 16).ok()?),
            first: first.parse().ok()?,
        })
    }

    /// The directory that it is in, with a slash behind it.
    #[must_use]
    pub fn partition(&self) -> &str {
        let end = self.path.rfind('/').map_or(0, |slash| slash + 1);
        &self.path[..end]
    }

    /// Opens it.
    ///
    /// # Errors
    ///
    /// What the disk or the server says.
    pub(crate) fn open(&self, archive: &dyn Archive) -> io::Result<Source> {
        archive.open(&self.path).map(Source)
    }

    /// What its footer says.
    ///
    /// # Errors
    ///
    /// [`ParquetProblem`].
    pub(crate) fn about(&self, archive: &dyn Archive) -> Result<About, ParquetProblem> {
        self.open(archive).map_err(ParquetProblem::Io)?.about()
    }

    /// Its rows, from its footer.
    ///
    /// # Errors
    ///
    /// [`ParquetProblem`].
    pub fn rows(&self, archive: &dyn Archive) -> Result<u64, ParquetProblem> {
        self.about(archive).map(|about| about.rows)
    }

    /// Reads its records, in order of their sequence numbers.
    ///
    /// # Errors
    ///
    /// [`ParquetProblem`], also of what `visit` says.
    pub fn read(
        &self,
        archive: &dyn Archive,
        mut visit: impl FnMut(&Entry<'_>) -> Result<(), ParquetProblem>,
    ) -> Result<(), ParquetProblem> {
        let source = self.open(archive).map_err(ParquetProblem::Io)?;
        source.batches(|batch| {
            let batch = self.with_key(batch)?;
            let entries = entries(&batch).ok_or(ParquetProblem::Other {
                problem: "its columns are others",
            })?;
            entries.iter().try_for_each(&mut visit)
        })
    }

    /// A batch with the column that the path holds.
    fn with_key(&self, batch: &RecordBatch) -> Result<RecordBatch, ParquetProblem> {
        let Some((column, value)) = &self.key else {
            return Ok(batch.clone());
        };
        if batch.column_by_name(column).is_some() {
            return Ok(batch.clone());
        }
        let schema = batch.schema();
        let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(column, DataType::Utf8, true)));
        let is_missing = value.is_empty() && column == "caller";
        let value = (!is_missing).then_some(value.as_str());
        let values: StringArray = std::iter::repeat_n(value, batch.num_rows()).collect();
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns.push(Arc::new(values));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|_| ParquetProblem::Damaged)
    }
}

fn is_date(text: &str) -> bool {
    let moment = format!("{text}T00:00:00Z").parse::<Time>();
    moment.is_ok_and(|moment| moment.date() == text)
}

/// The value that the name of a directory stands for.
fn unescaped(name: &str) -> Option<String> {
    let decoded = percent_encoding::percent_decode_str(name).decode_utf8();
    decoded.ok().map(std::borrow::Cow::into_owned)
}

/// Days, in UTC: from one on, and before another. All of them by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    from: Option<String>,
    before: Option<String>,
}

/// A text is not a day such as `2026-01-31`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no day: expected one such as 2026-01-31")]
pub struct NotADay {
    text: String,
}

impl Days {
    /// The days from one on and before another; without them, all.
    ///
    /// # Errors
    ///
    /// Where one is no day.
    pub fn new(from: Option<&str>, before: Option<&str>) -> Result<Self, NotADay> {
        let day = |text: Option<&str>| match text {
            Some(text) if !is_date(text) => Err(NotADay {
                text: text.to_owned(),
            }),
            text => Ok(text.map(str::to_owned)),
        };
        Ok(Self {
            from: day(from)?,
            before: day(before)?,
        })
    }

    /// Whether a day is one of them.
    #[must_use]
    pub fn contains(&self, date: &str) -> bool {
        self.from.as_deref().is_none_or(|from| from <= date)
            && self.before.as_deref().is_none_or(|before| date < before)
    }
}

/// The files of records of some days, in the order of days, partitions, journals and
/// sequence numbers. Other files are passed over.
///
/// # Errors
///
/// What the disk or the server says.
pub fn record_files(archive: &dyn Archive, days: &Days) -> io::Result<Vec<RecordFile>> {
    let listed = archive.list("date=")?;
    let files = listed.iter().filter_map(RecordFile::parse);
    Ok(files.filter(|file| days.contains(&file.date)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Option<RecordFile> {
        RecordFile::parse(&Archived {
            path: path.to_owned(),
            bytes: 1,
        })
    }

    #[test]
    fn paths_tell_what_is_in_files() {
        let name = "00000000000000ff-00000000000000000012.parquet";
        let file = parse(&format!("date=2026-01-31/{name}")).unwrap();
        assert_eq!((file.journal, file.first), (JournalId(255), 12));
        assert_eq!((&*file.date, file.key.clone()), ("2026-01-31", None));
        assert_eq!(file.partition(), "date=2026-01-31/");
        let file = parse(&format!("date=2026-01-31/caller=a%3Db%20%C3%A9/{name}")).unwrap();
        assert_eq!(file.key, Some(("caller".into(), "a=b é".into())));
        let file = parse(&format!("date=2026-01-31/caller={MISSING}/{name}")).unwrap();
        assert_eq!(file.key, Some(("caller".into(), String::new())));
        for path in [
            name,
            "date=2026-01-31/x.parquet",
            &format!("date=2026-1-31/{name}"),
            &format!("date=2026-02-30/{name}"),
            &format!("day=2026-01-31/{name}"),
            &format!("date=2026-01-31/x/{name}"),
            &format!("date=2026-01-31/a=b/c=d/{name}"),
            &format!("date=2026-01-31/caller=%FF/{name}"),
            &format!("date=2026-01-31/{name}.new"),
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn days_are_from_one_to_before_another() {
        let days = Days::new(Some("2026-01-02"), Some("2026-01-04")).unwrap();
        let found = ["01", "02", "03", "04"].map(|day| days.contains(&format!("2026-01-{day}")));
        assert_eq!(found, [false, true, true, false]);
        assert!(Days::default().contains("1970-01-01"));
        for text in ["", "2026", "2026-02-30", "2026-01-31T00:00:00Z", "../x"] {
            assert!(Days::new(Some(text), None).is_err(), "{text}");
        }
    }
}
