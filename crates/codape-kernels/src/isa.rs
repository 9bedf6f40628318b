//! Instruction sets and the choice between them.

use std::sync::LazyLock;

/// An instruction set that the kernels are compiled for and that this
/// processor has: a value exists only where [`Isa::available`] or [`Isa::best`]
/// found it, which is what makes the kernels safe to call with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(Kind);

/// The instruction sets by name, whether or not this processor has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The environment variable that forces an instruction set by its name.
const FORCE: &str = "CODAPE_ISA";

impl Isa {
    /// The code that every processor of the target runs: what the compiler
    /// makes of it there (SSE2 on x86-64, NEON on 64-bit ARM).
    pub const SCALAR: Self = Self(Kind::Scalar);

    /// Every instruction set that this processor has, slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let kinds = [
            Kind::Scalar,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512,
        ];
        kinds.into_iter().filter_map(Self::new).collect()
    }

    /// `kind`, where this processor has it.
    fn new(kind: Kind) -> Option<Self> {
        let available = match kind {
            Kind::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => {
                std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("fma")
            }
        };
        available.then_some(Self(kind))
    }

    /// The fastest instruction set of this processor, found once. The
    /// environment variable `CODAPE_ISA` (`scalar`, `avx2`, `avx512`) forces
    /// one that the processor has; any other value is passed over.
    #[must_use]
    pub fn best() -> Self {
        static BEST: LazyLock<Isa> = LazyLock::new(|| {
            let available = Isa::available();
            let forced = std::env::var(FORCE).ok();
            available
                .iter()
                .find(|isa| Some(isa.name()) == forced.as_deref())
                .or(available.last())
                .copied()
                .unwrap_or(Isa::SCALAR)
        });
        *BEST
    }

    /// The name, as `CODAPE_ISA` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        self.0
    }
}

/// Defines a kernel: one body, compiled once for each instruction set, and a
/// function that calls the copy for a given [`Isa`].
///
/// The body is plain Rust whose inner loops run over independent sums, which
/// the compiler turns into vectors as wide as the instruction set has them.
///
/// The body of a `fused` kernel has a constant parameter that says whether the
/// instruction set multiplies and adds in one step: such kernels do not give
/// the same bits everywhere.
macro_rules! kernel {
    (
        $(#[$attribute:meta])*
        $visibility:vis fused fn $name:ident($($arguments:tt)*) = $body:ident;
    ) => {
        $crate::isa::kernel! {
            @dispatch $(#[$attribute])* $visibility fn $name($($arguments)*) = $body::<false>, $body::<true>;
        }
    };
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($($arguments:tt)*) = $body:expr;
    ) => {
        $crate::isa::kernel! {
            @dispatch $(#[$attribute])* $visibility fn $name($($arguments)*) = $body, $body;
        }
    };
    (
        @dispatch
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($isa:ident $(, $argument:ident: $type:ty)* $(,)?) = $scalar:expr, $body:expr;
    ) => {
        $(#[$attribute])*
        $visibility fn $name($isa: $crate::Isa $(, $argument: $type)*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) {
                $body($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,fma")]
            fn avx512($($argument: $type),*) {
                $body($($argument),*)
            }
            match $isa.kind() {
                $crate::isa::Kind::Scalar => $scalar($($argument),*),
                // SAFETY: an `Isa` of this kind exists only where the
                // processor was found to have the feature.
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Kind::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Kind::Avx512 => unsafe { avx512($($argument),*) },
            }
        }
    };
}
pub(crate) use kernel;

/// `a * b + c`, rounded once where it is fused.
#[inline(always)]
pub(crate) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalar_is_always_available_and_best_is_one_of_them() {
        let available = Isa::available();
        assert_eq!(available.first(), Some(&Isa::SCALAR));
        assert!(available.contains(&Isa::best()));
    }
}
