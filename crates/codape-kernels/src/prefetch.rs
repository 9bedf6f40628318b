//! Memory that is asked for before it is read.

/// Asks for the memory of `numbers[start..start + count]` ahead of its use.
/// There need be no such numbers.
#[inline(always)]
pub(crate) fn prefetch<T>(numbers: &[T], start: usize, count: usize) {
    const LINE_BYTES: usize = 64;
    #[cfg(target_arch = "x86_64")]
    for place in (start..start + count).step_by(LINE_BYTES / size_of::<T>()) {
        let address = numbers.as_ptr().wrapping_add(place);
        // SAFETY: a prefetch reads nothing: any address may be named.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (numbers, start, count, LINE_BYTES);
}
