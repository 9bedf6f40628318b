//! Memory for many numbers that are touched in no order.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// A slice of `f32` in memory of its own, all 0 at first, in large pages where
/// the system has them: a row that is read at random costs fewer lookups of
/// addresses then. Memory is taken from the system when it is first written.
pub struct Numbers {
    /// `None` for no numbers: the system refuses an empty map.
    map: Option<MmapMut>,
}

impl Numbers {
    /// `count` zeros.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::OutOfMemory`], where there is no room for them.
    pub fn zeroed(count: usize) -> io::Result<Self> {
        if count == 0 {
            return Ok(Self { map: None });
        }
        let bytes = count
            .checked_mul(size_of::<f32>())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let map = MmapMut::map_anon(bytes)?;
        // Advice: a system without large pages does without.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self { map: Some(map) })
    }
}

impl Deref for Numbers {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        let Some(map) = &self.map else { return &[] };
        // SAFETY: every pattern of bits is an `f32`.
        let (before, numbers, after) = unsafe { map.align_to::<f32>() };
        debug_assert!(before.is_empty() && after.is_empty(), "a map starts a page");
        numbers
    }
}

impl DerefMut for Numbers {
    fn deref_mut(&mut self) -> &mut [f32] {
        let Some(map) = &mut self.map else {
            return &mut [];
        };
        // SAFETY: every pattern of bits is an `f32`, and the bytes of one.
        let (before, numbers, after) = unsafe { map.align_to_mut::<f32>() };
        debug_assert!(before.is_empty() && after.is_empty(), "a map starts a page");
        numbers
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Numbers({})", self.len())
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
