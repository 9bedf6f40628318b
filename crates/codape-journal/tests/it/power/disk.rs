//! A disk in memory that loses power.
//!
//! What was not synced when the power goes is, piece by piece and by chance, there
//! or not: appended bytes (also later ones without earlier ones, and torn), cuts,
//! names that were given, taken away or changed. A file whose name is lost is lost.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex};

use codape_journal::disk::{Disk, DiskFile, Listed, SyncPoint};

/// The disk; a clone is the same one.
#[derive(Clone, Debug)]
pub struct UncertainDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    inodes: Vec<Inode>,
    random: fastrand::Rng,
    /// Calls until the power goes; none while it stays.
    calls_left: Option<u64>,
    /// One call in this many fails, if any does.
    failing: Option<u32>,
    /// Calls of this kind do nothing.
    ignored: Option<SyncPoint>,
    /// The bytes that the last group's sync brought to the disk.
    group_bytes: usize,
    /// Changed when the power goes: files that are open then are of no use.
    life: u64,
}

#[derive(Clone, Debug)]
enum Inode {
    File {
        durable: Vec<u8>,
        current: Vec<u8>,
        pending: Vec<Change>,
    },
    Directory {
        durable: BTreeMap<String, usize>,
        current: BTreeMap<String, usize>,
        pending: Vec<Naming>,
    },
}

/// A change of a file that is not on the disk for sure.
#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

/// A change of a directory that is not on the disk for sure.
#[derive(Clone, Debug)]
enum Naming {
    Give {
        name: String,
        inode: usize,
    },
    Take {
        name: String,
    },
    Change {
        from: String,
        to: String,
        inode: usize,
    },
}

impl Naming {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Give { name, inode } => {
                names.insert(name, inode);
            }
            Self::Take { name } => {
                names.remove(&name);
            }
            Self::Change { from, to, inode } => {
                names.remove(&from);
                names.insert(to, inode);
            }
        }
    }
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write {
                offset,
                bytes: written,
            } => {
                let end = offset + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[offset..end].copy_from_slice(&written);
            }
            Self::Cut { length } => bytes.resize(length, 0),
        }
    }
}

const ROOT: usize = 0;

impl UncertainDisk {
    /// An empty disk, whose chances follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            inodes: vec![Inode::Directory {
                durable: BTreeMap::new(),
                current: BTreeMap::new(),
                pending: Vec::new(),
            }],
            random: fastrand::Rng::with_seed(seed),
            calls_left: None,
            failing: None,
            ignored: None,
            group_bytes: 0,
            life: 0,
        })))
    }

    /// From now on, calls of this kind say that all is well and do nothing.
    pub fn ignore(&self, point: SyncPoint) {
        self.state(|state| state.ignored = Some(point));
    }

    /// The power goes within so many calls.
    pub fn lose_power_after(&self, calls: u64) {
        self.state(|state| state.calls_left = Some(calls));
    }

    /// Whether it has not gone yet.
    pub fn has_power(&self) -> bool {
        self.state(|state| state.calls_left != Some(0))
    }

    /// From now on one call in `n` fails, or none.
    pub fn fail_one_in(&self, n: Option<u32>) {
        self.state(|state| state.failing = n);
    }

    /// The bytes that the last sync of a group brought to the disk.
    pub fn group_bytes(&self) -> usize {
        self.state(|state| state.group_bytes)
    }

    /// The power goes, if it has not, and comes back.
    pub fn restart(&self) {
        self.state(State::restart);
    }

    fn state<T>(&self, call: impl FnOnce(&mut State) -> T) -> T {
        call(&mut self.0.lock().unwrap())
    }

    /// A call of the disk, that may fail.
    fn call<T>(&self, call: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.state(|state| {
            state.step()?;
            call(state)
        })
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        if let Some(left) = &mut self.calls_left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Err(io::Error::other("the power is gone"));
            }
        }
        match self.failing {
            Some(n) if self.random.u32(..n) == 0 => Err(io::Error::other("input/output error")),
            _ => Ok(()),
        }
    }

    fn restart(&mut self) {
        let random = &mut self.random;
        for inode in &mut self.inodes {
            match inode {
                Inode::File {
                    durable,
                    current,
                    pending,
                } => {
                    let all = random.u8(..4) == 0;
                    for change in pending.drain(..) {
                        if all || random.bool() {
                            torn(change, random).apply(durable);
                        }
                    }
                    current.clone_from(durable);
                }
                Inode::Directory {
                    durable,
                    current,
                    pending,
                } => {
                    for naming in pending.drain(..) {
                        if random.bool() {
                            naming.apply(durable);
                        }
                    }
                    current.clone_from(durable);
                }
            }
        }
        self.calls_left = None;
        self.failing = None;
        self.life += 1;
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut at = ROOT;
        for part in path.components() {
            let name = match part {
                Component::RootDir | Component::CurDir => continue,
                Component::Normal(name) => name.to_str().unwrap(),
                other => panic!("{other:?}"),
            };
            let Inode::Directory { current, .. } = &self.inodes[at] else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            at = *current.get(name).ok_or_else(not_found)?;
        }
        Ok(at)
    }

    fn parent(&mut self, path: &Path) -> io::Result<(usize, String)> {
        let parent = self.find(path.parent().unwrap())?;
        let name = path.file_name().unwrap().to_str().unwrap();
        Ok((parent, name.to_owned()))
    }

    fn change_names(&mut self, directory: usize, naming: Naming) {
        let Inode::Directory {
            current, pending, ..
        } = &mut self.inodes[directory]
        else {
            panic!("not a directory");
        };
        naming.clone().apply(current);
        pending.push(naming);
    }
}

/// What may be left of a write that was not synced: all, a beginning, or all but
/// some of its middle.
fn torn(change: Change, random: &mut fastrand::Rng) -> Change {
    let Change::Write { offset, mut bytes } = change else {
        return change;
    };
    match random.u8(..4) {
        0 => bytes.truncate(random.usize(..=bytes.len())),
        1 => {
            let from = random.usize(..=bytes.len());
            let to = random.usize(from..=bytes.len());
            bytes[from..to].fill(0);
        }
        _ => {}
    }
    Change::Write { offset, bytes }
}

impl Disk for UncertainDisk {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.call(|state| Ok(state.find(path).is_ok()))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|state| {
            let (parent, name) = state.parent(path)?;
            if state.find(path).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let inode = state.inodes.len();
            state.inodes.push(Inode::Directory {
                durable: BTreeMap::new(),
                current: BTreeMap::new(),
                pending: Vec::new(),
            });
            state.change_names(parent, Naming::Give { name, inode });
            Ok(())
        })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Listed>> {
        self.call(|state| {
            let at = state.find(directory)?;
            let Inode::Directory { current, .. } = &state.inodes[at] else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            let listed = current
                .iter()
                .map(|(name, &inode)| match &state.inodes[inode] {
                    Inode::File { current, .. } => Listed {
                        name: name.clone(),
                        is_directory: false,
                        bytes: current.len() as u64,
                    },
                    Inode::Directory { .. } => Listed {
                        name: name.clone(),
                        is_directory: true,
                        bytes: 0,
                    },
                });
            Ok(listed.collect())
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let (inode, life) = self.call(|state| {
            let (parent, name) = state.parent(path)?;
            let inode = match state.find(path) {
                Ok(inode) => {
                    let Inode::File {
                        current, pending, ..
                    } = &mut state.inodes[inode]
                    else {
                        return Err(io::ErrorKind::IsADirectory.into());
                    };
                    current.clear();
                    pending.push(Change::Cut { length: 0 });
                    inode
                }
                Err(_) => {
                    let inode = state.inodes.len();
                    state.inodes.push(Inode::File {
                        durable: Vec::new(),
                        current: Vec::new(),
                        pending: Vec::new(),
                    });
                    state.change_names(parent, Naming::Give { name, inode });
                    inode
                }
            };
            Ok((inode, state.life))
        })?;
        Ok(Box::new(File {
            disk: self.clone(),
            inode,
            life,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let (inode, life) = self.call(|state| Ok((state.find(path)?, state.life)))?;
        Ok(Box::new(File {
            disk: self.clone(),
            inode,
            life,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|state| {
            let inode = state.find(from)?;
            let (from_directory, from) = state.parent(from)?;
            let (to_directory, to) = state.parent(to)?;
            if from_directory == to_directory {
                state.change_names(to_directory, Naming::Change { from, to, inode });
            } else {
                // No file system takes the old name away before the new one is there:
                // here the new one is there for sure, and the old one may come back.
                let give = Naming::Give { name: to, inode };
                let Inode::Directory { durable, .. } = &mut state.inodes[to_directory] else {
                    panic!("not a directory");
                };
                give.clone().apply(durable);
                state.change_names(to_directory, give);
                state.change_names(from_directory, Naming::Take { name: from });
            }
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|state| {
            state.find(path)?;
            let (parent, name) = state.parent(path)?;
            state.change_names(parent, Naming::Take { name });
            Ok(())
        })
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|state| {
            let at = state.find(path)?;
            match &state.inodes[at] {
                Inode::Directory { current, .. } if current.is_empty() => {}
                _ => return Err(io::ErrorKind::DirectoryNotEmpty.into()),
            }
            let (parent, name) = state.parent(path)?;
            state.change_names(parent, Naming::Take { name });
            Ok(())
        })
    }

    fn sync_directory(&self, directory: &Path, point: SyncPoint) -> io::Result<()> {
        self.call(|state| {
            let at = state.find(directory)?;
            if state.ignored == Some(point) {
                return Ok(());
            }
            let Inode::Directory {
                durable,
                current,
                pending,
            } = &mut state.inodes[at]
            else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            pending.clear();
            durable.clone_from(current);
            Ok(())
        })
    }

    fn room(&self, _: &Path) -> io::Result<Option<u64>> {
        self.call(|_| Ok(Some(u64::MAX)))
    }
}

#[derive(Debug)]
struct File {
    disk: UncertainDisk,
    inode: usize,
    life: u64,
}

impl File {
    fn call<T>(&self, call: impl FnOnce(&mut State, usize) -> io::Result<T>) -> io::Result<T> {
        self.disk.call(|state| {
            assert_eq!(state.life, self.life, "a file of before the power went");
            call(state, self.inode)
        })
    }
}

impl DiskFile for File {
    fn length(&self) -> io::Result<u64> {
        self.call(|state, inode| match &state.inodes[inode] {
            Inode::File { current, .. } => Ok(current.len() as u64),
            Inode::Directory { .. } => Err(io::ErrorKind::IsADirectory.into()),
        })
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.call(|state, inode| match &state.inodes[inode] {
            Inode::File { current, .. } => {
                let from = usize::try_from(offset).unwrap().min(current.len());
                let read = buffer.len().min(current.len() - from);
                buffer[..read].copy_from_slice(&current[from..from + read]);
                Ok(read)
            }
            Inode::Directory { .. } => Err(io::ErrorKind::IsADirectory.into()),
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.call(|state, inode| {
            // A full disk takes what there is room for.
            let is_full = state.failing.is_some_and(|n| state.random.u32(..n) == 0);
            let taken = if is_full {
                state.random.usize(..=bytes.len())
            } else {
                bytes.len()
            };
            let Inode::File {
                current, pending, ..
            } = &mut state.inodes[inode]
            else {
                panic!("not a file");
            };
            let offset = usize::try_from(offset).unwrap();
            assert!(offset <= current.len(), "a hole");
            let change = Change::Write {
                offset,
                bytes: bytes[..taken].to_vec(),
            };
            change.clone().apply(current);
            pending.push(change);
            if is_full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        })
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.call(|state, inode| {
            let Inode::File {
                current, pending, ..
            } = &mut state.inodes[inode]
            else {
                panic!("not a file");
            };
            let change = Change::Cut {
                length: usize::try_from(length).unwrap(),
            };
            change.clone().apply(current);
            pending.push(change);
            Ok(())
        })
    }

    fn sync(&self, point: SyncPoint) -> io::Result<()> {
        let synced = self.call(|state, inode| {
            let is_ignored = state.ignored == Some(point);
            let Inode::File {
                durable,
                current,
                pending,
            } = &mut state.inodes[inode]
            else {
                panic!("not a file");
            };
            if point == SyncPoint::Group && !is_ignored {
                let written = pending.iter().map(|change| match change {
                    Change::Write { bytes, .. } => bytes.len(),
                    Change::Cut { .. } => 0,
                });
                state.group_bytes = written.sum();
            }
            if !is_ignored {
                pending.clear();
                durable.clone_from(current);
            }
            Ok(())
        });
        if synced.is_err() {
            // The system throws away what it could not write, says so once, and goes
            // on to show it.
            self.disk.state(|state| {
                if state.life == self.life && state.calls_left != Some(0) {
                    let random = &mut state.random;
                    let Inode::File { pending, .. } = &mut state.inodes[self.inode] else {
                        return;
                    };
                    pending.retain(|_| random.bool());
                }
            });
        }
        synced
    }
}
