//! What a measurement was taken on: the machine, and the state of the code.

use std::path::Path;
use std::process::Command;

/// What stands above every table: a line each for the date, the machine, the
/// state of the code and the compilers.
pub fn facts() -> String {
    let said = |program: &str, arguments: &[&str]| first_line(Path::new(program), arguments);
    let facts = [
        ("date", said("date", &["-u", "+%F %H:%M UTC"])),
        ("machine", processor()),
        ("commit", said("git", &["describe", "--always", "--dirty"])),
        ("compiler", said("rustc", &["--version"])),
        ("C++ compiler", said("g++", &["--version"])),
    ];
    let lines = facts
        .iter()
        .map(|(name, fact)| format!("- {name}: {fact}\n"));
    lines.collect()
}

/// The processor's name and the number of cores that this process may use.
pub fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = field("model name").unwrap_or_else(|| "unknown processor".to_owned());
    let number = |name| field(name).unwrap_or_default();
    let (family, model) = (number("cpu family"), number("model"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name} (family {family}, model {model}), {cores} cores")
}

/// The first line that a program prints; empty where it does not run.
pub fn first_line(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or_default().to_owned()
}

/// Memory of another process, in MB: the most that was ever resident, and what
/// is resident now and no file's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    pub peak_mb: u64,
    pub own_mb: u64,
}

impl Memory {
    /// What the system tells of the process `id`; zeros where it does not.
    pub fn of(id: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let megabytes = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            number
                .and_then(|kb| kb.parse::<u64>().ok())
                .unwrap_or_default()
                / 1024
        };
        Self {
            peak_mb: megabytes("VmHWM:"),
            own_mb: megabytes("RssAnon:"),
        }
    }
}
