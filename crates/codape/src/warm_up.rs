//! Making a model ready for load: the rows of its words found, the threads
//! started that batches are coded on, its rows in memory of the process's own.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use codape_coder::{CodeOptions, Coder, Declaration};

use crate::cli::Memory;

/// Rows of fewer bytes stay where they are: the processor's caches and tables
/// of addresses have room for them.
const WORTH_COPYING: usize = 64 << 20;
/// Memory that is left to others.
const SPARE: u64 = 256 << 20;

/// Makes the coder ready on a thread of its own, while it answers already.
pub fn warm_up(coder: Arc<Coder>, memory: Memory) {
    if let Err(error) = thread::Builder::new()
        .name("codape-warm-up".into())
        .spawn(move || prepare(&coder, memory))
    {
        tracing::warn!(%error, "the model is not warmed up");
    }
}

/// Makes the coder ready, which may take seconds.
pub fn prepare(coder: &Coder, memory: Memory) {
    coder.model().prepare();
    code_batch(coder);
    if memory == Memory::Own {
        copy_rows(coder);
    }
}

/// Codes a batch, so that the first one that is asked for need not wait for
/// threads to start.
fn code_batch(coder: &Coder) {
    let declaration = Declaration::from_text("a", coder.categorical_features().len());
    if let Ok(options) = CodeOptions::new(1) {
        let _ = coder.code_batch(&vec![declaration; 1000], options);
    }
}

/// Copies the rows of the coder's model, if they are worth it and there is
/// room; says in the log what came of it.
pub fn copy_rows(coder: &Coder) {
    let bytes = coder.model().row_bytes();
    if bytes < WORTH_COPYING || !coder.model().is_mapped() {
        return;
    }
    let megabytes = bytes >> 20;
    if let Some(available) = available_bytes()
        && available < bytes as u64 + SPARE
    {
        let available = available >> 20;
        tracing::info!(
            megabytes,
            available,
            "no room to copy the model: it stays mapped"
        );
        return;
    }
    let start = Instant::now();
    match coder.model().copy_rows() {
        Ok(_) => {
            let seconds = start.elapsed().as_secs_f64();
            tracing::info!(megabytes, seconds, "the model is in memory");
        }
        Err(error) => tracing::warn!(%error, "cannot copy the model: it stays mapped"),
    }
}

/// The memory that the process may still take, in bytes: what the machine has,
/// and what its control group is allowed (cgroup v2); `None` where the system
/// does not say.
fn available_bytes() -> Option<u64> {
    let machine = field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")? << 10;
    Some(machine.min(group_bytes().unwrap_or(u64::MAX)))
}

/// What the control group is allowed beyond what it has, not counting pages of
/// files that it can give back.
fn group_bytes() -> Option<u64> {
    let read = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    let most: u64 = read("memory.max")?.trim().parse().ok()?;
    let current: u64 = read("memory.current")?.trim().parse().ok()?;
    let files = field(&read("memory.stat")?, "inactive_file")?;
    Some(most.saturating_sub(current.saturating_sub(files)))
}

/// The number behind a name in a list of them, a line each.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_names() {
        let text = "MemTotal:  100 kB\nMemAvailable:   42 kB\n";
        assert_eq!(field(text, "MemAvailable:"), Some(42));
        assert_eq!(field("anon 1\ninactive_file 2\n", "inactive_file"), Some(2));
        assert_eq!(field(text, "MemFree:"), None);
    }
}
