//! The invariants of `ARCHITECTURE.md` that no compiler holds. Each test's
//! name stands there beside what it holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use codape_testkit::locate::workspace;

/// The crates of the workspace, each with those of the workspace that it may
/// use. Crates for tests and measurements are not among them.
const MAP: [(&str, &[&str]); 11] = [
    ("codape-kernels", &[]),
    ("codape-fasttext", &["codape-kernels"]),
    ("codape-text", &[]),
    ("codape-nomenclature", &[]),
    ("codape-table", &[]),
    (
        "codape-coder",
        &[
            "codape-fasttext",
            "codape-kernels",
            "codape-nomenclature",
            "codape-text",
        ],
    ),
    (
        "codape-trainer",
        &[
            "codape-coder",
            "codape-fasttext",
            "codape-kernels",
            "codape-nomenclature",
            "codape-table",
            "codape-text",
        ],
    ),
    ("codape-registry", &[]),
    ("codape-journal", &[]),
    (
        "codape-server",
        &[
            "codape-coder",
            "codape-fasttext",
            "codape-journal",
            "codape-kernels",
            "codape-nomenclature",
            "codape-text",
        ],
    ),
    (
        "codape",
        &[
            "codape-coder",
            "codape-fasttext",
            "codape-journal",
            "codape-kernels",
            "codape-nomenclature",
            "codape-registry",
            "codape-server",
            "codape-table",
            "codape-text",
            "codape-trainer",
        ],
    ),
];

/// Members of the workspace that the map does not place: they serve tests and
/// measurements, and nothing may depend on them but tests.
const BESIDE_THE_MAP: [&str; 2] = ["codape-testkit", "codape-benches"];

/// Crates that know the network or bring a runtime, by how their names start.
const NETWORK: [&str; 14] = [
    "aws",
    "axum",
    "curl",
    "h2",
    "http",
    "hyper",
    "mio",
    "object_store",
    "reqwest",
    "rustls",
    "socket2",
    "tokio",
    "tower",
    "ureq",
];

/// Crates below the server.
const KNOW_NO_NETWORK: [&str; 7] = [
    "codape-kernels",
    "codape-fasttext",
    "codape-text",
    "codape-nomenclature",
    "codape-table",
    "codape-coder",
    "codape-trainer",
];

/// The most lines of a source file that holds one thing.
const MOST_LINES: usize = 800;

/// The names of everything that a crate is built with, tests aside.
fn dependencies(package: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace())
        .args([
            "tree",
            "--locked",
            "--prefix",
            "none",
            "--edges",
            "normal",
            "--package",
        ])
        .arg(package)
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listed = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let names = listed.lines().filter_map(|line| line.split(' ').next());
    names
        .filter(|name| !name.is_empty() && *name != package)
        .map(str::to_owned)
        .collect()
}

/// Files below `folder` with one of these extensions; what is built, fetched
/// or generated is passed over.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry of a folder").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or("");
            if path.is_dir() {
                if !["target", ".git", "corpus", "artifacts", "__pycache__"].contains(&name) {
                    pending.push(path);
                }
                continue;
            }
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
            if extensions.contains(&extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("a file of the workspace")).into_owned()
}

/// The Rust files of the workspace with their text.
fn sources() -> Vec<(PathBuf, String)> {
    let sources: Vec<_> = files(&workspace(), &["rs"])
        .into_iter()
        .map(|path| {
            let text = read(&path);
            (path, text)
        })
        .collect();
    assert!(!sources.is_empty());
    sources
}

fn none(offenders: &[String]) {
    assert!(offenders.is_empty(), "{offenders:#?}");
}

#[test]
fn dependencies_point_downwards() {
    let mut offenders = Vec::new();
    for (package, allowed) in MAP {
        for name in dependencies(package) {
            let is_ours = name == "codape" || name.starts_with("codape-");
            if is_ours && !allowed.contains(&&*name) {
                offenders.push(format!("{package} uses {name}"));
            }
        }
    }
    none(&offenders);
}

#[test]
fn every_crate_has_its_place_on_the_map() {
    let folders = fs::read_dir(workspace().join("crates")).expect("the folder of crates");
    for folder in folders {
        let name = folder
            .expect("a crate")
            .file_name()
            .into_string()
            .expect("UTF-8");
        let is_placed = MAP.iter().any(|(package, _)| *package == name);
        assert!(
            is_placed || BESIDE_THE_MAP.contains(&&*name),
            "{name} is not in MAP: say what it may use"
        );
    }
}

#[test]
fn lower_crates_know_no_network() {
    let mut offenders = Vec::new();
    for package in KNOW_NO_NETWORK {
        for name in dependencies(package) {
            let is = |start: &&str| {
                name == *start
                    || name.starts_with(&format!("{start}-"))
                    || name.starts_with(&format!("{start}_"))
            };
            if NETWORK.iter().any(is) {
                offenders.push(format!("{package} is built with {name}"));
            }
        }
    }
    none(&offenders);
}

/// Whether a line of code, not of comment, has the keyword.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or("");
    [
        "unsafe {",
        "unsafe fn",
        "unsafe impl",
        "unsafe extern",
        "unsafe trait",
        "unsafe(",
    ]
    .iter()
    .any(|form| code.contains(form))
}

#[test]
fn unsafe_stays_in_the_kernels() {
    let kernels = workspace().join("crates/codape-kernels");
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        // This file names the forms that it looks for.
        if path.starts_with(&kernels) || path.ends_with("it/invariants.rs") {
            continue;
        }
        for (i, line) in text.lines().enumerate() {
            if has_unsafe(line) || line.contains("allow(unsafe_code)") {
                offenders.push(format!("{}:{}: {}", path.display(), i + 1, line.trim()));
            }
        }
    }
    none(&offenders);
    assert!(read(&workspace().join("Cargo.toml")).contains("unsafe_code = \"forbid\""));
    for manifest in files(&workspace().join("crates"), &["toml"]) {
        let is_manifest = manifest
            .file_name()
            .is_some_and(|name| name == "Cargo.toml");
        if is_manifest
            && !manifest.starts_with(&kernels)
            && !manifest.iter().any(|part| part == "fuzz")
        {
            let text = read(&manifest);
            assert!(
                text.contains("[lints]\nworkspace = true"),
                "{} does not take the lints of the workspace",
                manifest.display()
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let offenders: Vec<_> = sources()
        .iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    none(&offenders);
}

#[test]
fn no_file_is_too_long() {
    let offenders: Vec<_> = sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > MOST_LINES)
        .map(|(path, text)| format!("{}: {} lines", path.display(), text.lines().count()))
        .collect();
    none(&offenders);
}

/// Files below the server that may name `Serialize`: those whose types are the
/// form of a file that the crate owns, and the one that writes such files.
const OWN_FILES: [&str; 6] = [
    "draft", "golden", "profile", "manifest", "package", "recipe",
];

#[test]
fn every_sync_of_the_journal_can_be_taken_away() {
    let mut offenders = Vec::new();
    let source = workspace().join("crates/codape-journal/src");
    for (path, text) in sources() {
        let is_the_disk = path.ends_with("disk/system.rs");
        let calls = ["sync_all(", "sync_data(", "std::fs::rename", "fs::rename("];
        if path.starts_with(&source) && !is_the_disk && calls.iter().any(|call| text.contains(call))
        {
            offenders.push(path.display().to_string());
        }
    }
    none(&offenders);
}

#[test]
fn domain_types_are_not_wire_types() {
    let mut offenders = Vec::new();
    for package in KNOW_NO_NETWORK {
        for (path, text) in sources() {
            let is_source = path.starts_with(workspace().join("crates").join(package).join("src"));
            let is_own_file = OWN_FILES.iter().any(|name| {
                path.iter()
                    .any(|part| part.to_string_lossy().starts_with(name))
            });
            if is_source && !is_own_file && text.contains("Serialize") {
                // The name of a writer of Parquet has the word in it.
                let text = text
                    .replace("Deserialize", "")
                    .replace("SerializedFileWriter", "");
                if text.contains("Serialize") {
                    offenders.push(path.display().to_string());
                }
            }
        }
    }
    none(&offenders);
}

#[test]
fn no_machine_paths() {
    // Split, so that this file does not name them.
    let roots = ["work", "tmp", "root", "home", "Users", "mnt"].map(|root| format!("/{root}/"));
    let mut offenders = Vec::new();
    let kinds = [
        "rs", "toml", "md", "py", "json", "yaml", "yml", "sh", "txt", "",
    ];
    for path in files(&workspace(), &kinds) {
        for (i, line) in read(&path).lines().enumerate() {
            for root in &roots {
                let named = line.match_indices(root.as_str()).any(|(at, _)| {
                    // Not where it is the middle of another path or of a link.
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || "-_.}/".contains(c))
                });
                if named {
                    offenders.push(format!("{}:{}: {}", path.display(), i + 1, line.trim()));
                }
            }
        }
    }
    none(&offenders);
}
