//! The tree: rows put under their parents, in one array, in the order of a walk from the top.
//!
//! That order makes everything under an entry one run of the array, so that neither lists of children
//! nor shared pointers are needed.

use std::collections::HashMap;
use std::collections::hash_map;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use crate::error::Error;
use crate::fold::{code_key, compact_code};
use crate::search::{Hit, Index};
use crate::table::{self, MAX_CODE_BYTES, Row, shown};

/// The most levels that a tree may have.
pub const MAX_LEVELS: usize = 16;

/// A tree of codes. Read once, then never changed; shared between threads as it is.
pub struct Nomenclature {
    name: Box<str>,
    levels: Vec<LevelRow>,
    /// In the order of a walk from the top: an entry, then all that is under it.
    nodes: Vec<Node>,
    /// Every way of writing a code that leads to one entry only.
    by_key: HashMap<Box<str>, u32>,
    /// Made at the first search: coding needs titles, not words.
    index: OnceLock<Index>,
}

struct LevelRow {
    name: Box<str>,
    len: usize,
}

pub(crate) struct Node {
    pub(crate) code: Box<str>,
    pub(crate) display: Box<str>,
    pub(crate) title: Box<str>,
    parent: Option<u32>,
    depth: u8,
    /// One past the last entry under this one.
    end: u32,
}

/// An entry's place in its [`Nomenclature`], counted from 0: small, copyable, and an index into whatever
/// is kept for each entry. It means nothing in another nomenclature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(u32);

impl EntryId {
    /// The place, below [`Nomenclature::len`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Nomenclature {
    /// NAF Rev. 2, the French nomenclature of activities of 2008: 21 sections, 88 divisions, 272 groups,
    /// 615 classes and 732 subclasses, with Insee's titles. Parsed at the first call.
    ///
    /// `nomenclature/README.md` says where the table comes from.
    pub fn naf_rev2() -> &'static Self {
        static TABLE: LazyLock<Nomenclature> = LazyLock::new(|| {
            let csv = include_str!("../../../nomenclature/naf-rev2.csv");
            Nomenclature::from_csv("naf-rev2", csv.as_bytes())
                .expect("the table in the program is the one that its tests have read")
        });
        &TABLE
    }

    /// Reads a table from CSV text, and calls it `name`.
    ///
    /// Columns: `code` (no blanks in it; what a model's labels and an API carry), `level` (the level's
    /// name), `parent` (the code above, empty at the top), `title`, and if wanted `display` (the code as
    /// people write it). Rows may come in any order; entries of the same parent keep theirs. All rows at
    /// the same depth have the same level. Letters' case does not tell codes apart.
    ///
    /// # Errors
    /// One [`Error`] for each way in which a table can be wrong, with the line.
    pub fn from_csv(name: &str, reader: impl Read) -> Result<Self, Error> {
        let rows = table::read(reader)?;
        let by_key = keys(&rows)?;
        let (nodes, levels, by_key) = walk(rows, by_key)?;
        Ok(Self {
            name: name.into(),
            levels,
            index: OnceLock::new(),
            nodes,
            by_key,
        })
    }

    /// Reads a table from a file, and calls it what the file is called: `isco-08.csv` gives `isco-08`.
    ///
    /// # Errors
    /// [`Error::File`] with the path; its source says what is wrong.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        File::open(path)
            .map_err(Error::Read)
            .and_then(|file| Self::from_csv(&name, file))
            .map_err(|source| Error::File {
                path: path.to_owned(),
                source: Box::new(source),
            })
    }

    /// The nomenclature's name, such as `naf-rev2`: what a model package calls it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of entries, all levels together.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a table without rows is refused. For the habit's sake beside [`Self::len`].
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The levels, from the top down.
    pub fn levels(&self) -> impl ExactSizeIterator<Item = Level<'_>> + Clone {
        (0..self.levels.len()).map(|depth| Level {
            nomenclature: self,
            depth,
        })
    }

    /// The level of that name.
    pub fn level(&self, name: &str) -> Option<Level<'_>> {
        self.levels().find(|level| level.name() == name)
    }

    /// The entry of that code. It may be written as the table has it or as it is displayed (`5610C`,
    /// `56.10C`), in either case, with blanks around it or other punctuation in it (`56-10 c`), as long
    /// as that leads to one entry only.
    pub fn get(&self, code: &str) -> Option<Entry<'_>> {
        let code = code.trim();
        // Punctuation aside, nothing longer can be a code; hostile input costs nothing.
        if code.len() > 2 * MAX_CODE_BYTES {
            return None;
        }
        let found = self.by_key.get(code_key(code).as_str());
        let id = *found.or_else(|| self.by_key.get(compact_code(code).as_str()))?;
        Some(self.at(id))
    }

    /// The entry at that place; none if the place is another nomenclature's and past the end of this one.
    pub fn entry(&self, id: EntryId) -> Option<Entry<'_>> {
        (id.index() < self.len()).then_some(Entry {
            nomenclature: self,
            id,
        })
    }

    /// Every entry: each one before those under it, those of one parent in the table's order.
    pub fn entries(
        &self,
    ) -> impl ExactSizeIterator<Item = Entry<'_>> + DoubleEndedIterator + Clone {
        self.run(0, self.nodes.len() as u32)
    }

    /// The entries without a parent, in the table's order.
    pub fn roots(&self) -> impl Iterator<Item = Entry<'_>> + Clone {
        self.siblings(0, self.nodes.len() as u32)
    }

    /// The entries of the level of that name, in [`Self::entries`]' order; none if there is no such level.
    pub fn at_level(&self, name: &str) -> impl Iterator<Item = Entry<'_>> + Clone {
        self.level(name).into_iter().flat_map(Level::entries)
    }

    /// The entries that a text speaks of, best first, at most `limit`.
    ///
    /// Words are compared without accents, case or ligatures, apostrophes part them, and a word of the
    /// text also finds those that begin with it, or failing that with all but its last letter or two.
    /// The beginning of a code, if there is a digit in it, finds the codes under it (`56.1`, `561`).
    ///
    /// Order: the entries that all words of the text lead to come first; then by how much the words that
    /// do are worth (a word is worth more, the fewer entries it leads to), leaving out those with less
    /// than half the best; then whole words before beginnings of words, leaves before entries with
    /// others under them, short titles before long ones, and [`Self::entries`]' order. A text that is a
    /// code has that code first.
    ///
    /// Of a longer text, only the first [`MAX_QUERY_BYTES`](crate::MAX_QUERY_BYTES) and
    /// [`MAX_QUERY_WORDS`](crate::MAX_QUERY_WORDS) are looked at. The first search makes the index, once.
    pub fn search(&self, text: &str, limit: usize) -> Vec<Hit<'_>> {
        self.index
            .get_or_init(|| Index::new(&self.nodes))
            .search(self, text, limit)
    }

    pub(crate) fn at(&self, id: u32) -> Entry<'_> {
        Entry {
            nomenclature: self,
            id: EntryId(id),
        }
    }

    fn run(
        &self,
        start: u32,
        end: u32,
    ) -> impl ExactSizeIterator<Item = Entry<'_>> + DoubleEndedIterator + Clone {
        (start as usize..end as usize).map(|id| self.at(id as u32))
    }

    /// The entries of a run that are under no other of it.
    fn siblings(&self, start: u32, end: u32) -> impl Iterator<Item = Entry<'_>> + Clone {
        let exists = move |id: u32| (id < end).then_some(id);
        let next = move |id: &u32| exists(self.nodes[*id as usize].end);
        std::iter::successors(exists(start), next).map(|id| self.at(id))
    }
}

impl fmt::Debug for Nomenclature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nomenclature")
            .field("name", &self.name)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// One level of a [`Nomenclature`].
#[derive(Clone, Copy)]
pub struct Level<'a> {
    nomenclature: &'a Nomenclature,
    depth: usize,
}

impl<'a> Level<'a> {
    /// The level's name in the table, such as `subclass`.
    pub fn name(self) -> &'a str {
        &self.nomenclature.levels[self.depth].name
    }

    /// How many levels are above this one: 0 at the top.
    pub fn depth(self) -> usize {
        self.depth
    }

    /// How many entries are at this level.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a level without entries does not exist"
    )]
    pub fn len(self) -> usize {
        self.nomenclature.levels[self.depth].len
    }

    /// The entries at this level, in [`Nomenclature::entries`]' order.
    pub fn entries(self) -> impl Iterator<Item = Entry<'a>> + Clone {
        self.nomenclature
            .entries()
            .filter(move |entry| entry.node().depth as usize == self.depth)
    }
}

impl PartialEq for Level<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.nomenclature, other.nomenclature) && self.depth == other.depth
    }
}

impl Eq for Level<'_> {}

impl fmt::Debug for Level<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Level({} {:?})", self.depth, self.name())
    }
}

/// One entry of a [`Nomenclature`]: two words to copy. Two are equal if they are the same entry of the
/// same nomenclature.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    nomenclature: &'a Nomenclature,
    id: EntryId,
}

impl<'a> Entry<'a> {
    /// The entry's place in its nomenclature.
    pub fn id(self) -> EntryId {
        self.id
    }

    /// The code, such as `5610C`.
    pub fn code(self) -> &'a str {
        &self.node().code
    }

    /// The code as people write it, such as `56.10C`.
    pub fn display_code(self) -> &'a str {
        &self.node().display
    }

    /// The title, as the table has it.
    pub fn title(self) -> &'a str {
        &self.node().title
    }

    /// The level.
    pub fn level(self) -> Level<'a> {
        Level {
            nomenclature: self.nomenclature,
            depth: self.node().depth as usize,
        }
    }

    /// The entry right above; none at the top.
    pub fn parent(self) -> Option<Self> {
        Some(self.nomenclature.at(self.node().parent?))
    }

    /// The entries above, nearest first: class, group, division, section. The entry itself is not one.
    pub fn ancestors(self) -> impl Iterator<Item = Self> + Clone {
        std::iter::successors(self.parent(), |entry| entry.parent())
    }

    /// The entry at or above this one that is `depth` levels below the top; none if that is further down.
    /// In NAF, depth 1 is the division.
    pub fn at_depth(self, depth: usize) -> Option<Self> {
        std::iter::once(self)
            .chain(self.ancestors())
            .find(|entry| entry.level().depth() == depth)
    }

    /// The entries right below, in the table's order.
    pub fn children(self) -> impl Iterator<Item = Self> + Clone {
        self.nomenclature.siblings(self.id.0 + 1, self.node().end)
    }

    /// All entries below, in [`Nomenclature::entries`]' order. The entry itself is not one.
    pub fn descendants(self) -> impl ExactSizeIterator<Item = Self> + DoubleEndedIterator + Clone {
        self.nomenclature.run(self.id.0 + 1, self.node().end)
    }

    /// The entries at or below this one that have none below them: the entry itself if it is a leaf.
    pub fn leaves(self) -> impl Iterator<Item = Self> + Clone {
        self.nomenclature
            .run(self.id.0, self.node().end)
            .filter(|entry| entry.is_leaf())
    }

    /// Whether no entry is below this one.
    pub fn is_leaf(self) -> bool {
        self.node().end == self.id.0 + 1
    }

    fn node(self) -> &'a Node {
        &self.nomenclature.nodes[self.id.index()]
    }
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.nomenclature, other.nomenclature) && self.id == other.id
    }
}

impl Eq for Entry<'_> {}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({} {:?})", self.code(), self.title())
    }
}

/// Codes and display codes to rows.
///
/// # Errors
/// [`Error::DuplicateCode`] where one would lead to two rows.
fn keys(rows: &[Row]) -> Result<HashMap<Box<str>, u32>, Error> {
    let mut by_key = HashMap::with_capacity(3 * rows.len());
    for (row, written) in (0..)
        .zip(rows)
        .flat_map(|(i, row)| [(i, &row.code), (i, &row.display)])
    {
        match by_key.entry(code_key(written).into()) {
            hash_map::Entry::Occupied(first) if *first.get() != row => {
                return Err(Error::DuplicateCode {
                    line: rows[row as usize].line,
                    code: shown(written),
                    first_line: rows[*first.get() as usize].line,
                });
            }
            slot => slot.or_insert(row),
        };
    }
    Ok(by_key)
}

type Tree = (Vec<Node>, Vec<LevelRow>, HashMap<Box<str>, u32>);

/// Puts the rows under their parents, and gives them the order of a walk from the top.
fn walk(rows: Vec<Row>, mut by_key: HashMap<Box<str>, u32>) -> Result<Tree, Error> {
    let parents = parents(&rows, &by_key)?;
    let mut children = vec![Vec::new(); rows.len()];
    let mut to_visit = Vec::new();
    // Backwards, as the last of a stack comes off first.
    for (row, parent) in (0..rows.len() as u32).zip(&parents).rev() {
        match parent {
            Some(parent) => children[*parent as usize].push(row),
            None => to_visit.push((row, None)),
        }
    }

    let mut nodes: Vec<Node> = Vec::with_capacity(rows.len());
    let mut levels: Vec<LevelRow> = Vec::new();
    let mut id_of_row = vec![None; rows.len()];
    while let Some((row_number, parent)) = to_visit.pop() {
        let row = &rows[row_number as usize];
        let depth = parent.map_or(0, |parent: u32| nodes[parent as usize].depth + 1);
        enter_level(&mut levels, row, depth as usize)?;
        let id = nodes.len() as u32;
        id_of_row[row_number as usize] = Some(id);
        nodes.push(Node {
            code: row.code.as_str().into(),
            display: row.display.as_str().into(),
            title: row.title.as_str().into(),
            parent,
            depth,
            end: id + 1,
        });
        to_visit.extend(
            children[row_number as usize]
                .drain(..)
                .map(|child| (child, Some(id))),
        );
    }
    for id in (0..nodes.len()).rev() {
        if let Some(parent) = nodes[id].parent {
            nodes[parent as usize].end = nodes[parent as usize].end.max(nodes[id].end);
        }
    }

    for row in by_key.values_mut() {
        match id_of_row[*row as usize] {
            Some(id) => *row = id,
            None => return Err(cycle(&rows, &parents, &id_of_row)),
        }
    }
    add_compact_keys(&mut by_key, &nodes);
    Ok((nodes, levels, by_key))
}

/// Each row's parent, as a row.
fn parents(rows: &[Row], by_key: &HashMap<Box<str>, u32>) -> Result<Vec<Option<u32>>, Error> {
    let parent = |row: &Row| {
        if row.parent.is_empty() {
            return Ok(None);
        }
        match by_key.get(code_key(&row.parent).as_str()) {
            Some(parent) => Ok(Some(*parent)),
            None => Err(Error::UnknownParent {
                line: row.line,
                code: shown(&row.code),
                parent: shown(&row.parent),
            }),
        }
    };
    rows.iter().map(parent).collect()
}

/// Counts a row at its depth. The first row at a depth names the level.
fn enter_level(levels: &mut Vec<LevelRow>, row: &Row, depth: usize) -> Result<(), Error> {
    let (line, code, found) = (row.line, shown(&row.code), row.level.as_str());
    if depth == MAX_LEVELS {
        return Err(Error::TooManyLevels {
            line,
            code,
            limit: MAX_LEVELS,
        });
    }
    if depth == levels.len() {
        if found.is_empty() || levels.iter().any(|level| *level.name == *found) {
            return Err(Error::BadLevel {
                line,
                code,
                level: shown(found),
            });
        }
        levels.push(LevelRow {
            name: found.into(),
            len: 0,
        });
    }
    if *levels[depth].name != *found {
        let expected = shown(&levels[depth].name);
        return Err(Error::WrongLevel {
            line,
            code,
            expected,
            found: shown(found),
        });
    }
    levels[depth].len += 1;
    Ok(())
}

/// The error for the rows that no walk from the top reaches. Going up from the first of them as often as
/// there are rows ends on a row that is really in a circle, and not just under one.
fn cycle(rows: &[Row], parents: &[Option<u32>], id_of_row: &[Option<u32>]) -> Error {
    let unreached = id_of_row.iter().position(Option::is_none).unwrap_or(0);
    let up = |row: usize| parents[row].map_or(row, |parent| parent as usize);
    let row = &rows[(0..rows.len()).fold(unreached, |row, _| up(row))];
    Error::Cycle {
        line: row.line,
        code: shown(&row.code),
    }
}

/// Lets codes be found by their letters and digits alone, except where that is another code's way of
/// being written, or would not say which of two is meant (`1.11` and `11.1`).
fn add_compact_keys(by_key: &mut HashMap<Box<str>, u32>, nodes: &[Node]) {
    let mut owners: HashMap<String, Option<u32>> = HashMap::new();
    for (id, node) in (0..).zip(nodes) {
        for written in [&node.code, &node.display] {
            let compact = compact_code(written);
            if by_key.contains_key(compact.as_str()) {
                continue;
            }
            let owner = owners.entry(compact).or_insert(Some(id));
            if *owner != Some(id) {
                *owner = None;
            }
        }
    }
    let owned = owners
        .into_iter()
        .filter_map(|(compact, owner)| Some((compact.into(), owner?)));
    by_key.extend(owned);
}
