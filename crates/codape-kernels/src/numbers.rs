//! Memory for many numbers that are touched in no order.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Bytes in memory of their own, all 0 at first, in large pages where the
/// system has them: what is read at random costs fewer lookups of addresses
/// then. Memory is taken from the system when it is first written.
pub struct LargePages {
    /// `None` for no bytes: the system refuses an empty map.
    map: Option<MmapMut>,
}

impl LargePages {
    /// `count` zeros.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::OutOfMemory`], where there is no room for them.
    pub fn zeroed(count: usize) -> io::Result<Self> {
        if count == 0 {
            return Ok(Self { map: None });
        }
        let map = MmapMut::map_anon(count)?;
        // Advice: a system without large pages does without.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self { map: Some(map) })
    }
}

impl Deref for LargePages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

impl DerefMut for LargePages {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.map.as_deref_mut().unwrap_or_default()
    }
}

impl fmt::Debug for LargePages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LargePages({})", self.len())
    }
}

/// A slice of `f32` in [`LargePages`], all 0 at first.
#[derive(Debug)]
pub struct Numbers(LargePages);

impl Numbers {
    /// `count` zeros.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::OutOfMemory`], where there is no room for them.
    pub fn zeroed(count: usize) -> io::Result<Self> {
        let bytes = count
            .checked_mul(size_of::<f32>())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        LargePages::zeroed(bytes).map(Self)
    }
}

impl Deref for Numbers {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: every pattern of bits is an `f32`.
        let (before, numbers, after) = unsafe { self.0.align_to::<f32>() };
        debug_assert!(before.is_empty() && after.is_empty(), "a map starts a page");
        numbers
    }
}

impl DerefMut for Numbers {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: every pattern of bits is an `f32`, and the bytes of one.
        let (before, numbers, after) = unsafe { self.0.align_to_mut::<f32>() };
        debug_assert!(before.is_empty() && after.is_empty(), "a map starts a page");
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_zero_and_keep_what_is_written() {
        let mut numbers = Numbers::zeroed(100_003).unwrap();
        assert_eq!(numbers.len(), 100_003);
        assert!(numbers.iter().all(|number| *number == 0.0));
        numbers[100_002] = 1.5;
        assert_eq!(numbers[100_002], 1.5);
        assert!(Numbers::zeroed(0).unwrap().is_empty());
    }

    #[test]
    fn too_many_numbers_are_refused() {
        assert!(Numbers::zeroed(usize::MAX).is_err());
        assert!(Numbers::zeroed(usize::MAX / 8).is_err());
    }
}
