//! Reloads under load: good versions and bad ones by turns, while clients ask.
//!
//! `CODAPE_RELOADS` is the number of good and of bad reloads, each.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use codape_testkit::tiny_model;

use crate::running::Service;
use crate::serving::Registry;

/// Reloads of each kind in a short run.
const FEW: usize = 8;
/// Clients that ask at the same time, each as fast as it is answered.
const CLIENTS: usize = 4;
/// The requests a second that a long run must have had.
const LEAST_RATE: f64 = 2000.0;
/// What memory may have grown by, in MiB: what the allocator keeps.
const GROWTH_MIB: u64 = 24;

/// Puts a folder into S3 and registers it as a version; prints its number.
const REGISTER: &str = r"
import sys, mlflow
for folder in sys.argv[1:]:
    with mlflow.start_run() as run:
        mlflow.log_artifacts(folder, 'model')
        uri = run.info.artifact_uri + '/model'
    print('VERSION', mlflow.MlflowClient().create_model_version('ape', uri, run.info.run_id).version)
";

/// What clients saw.
#[derive(Default)]
struct Seen {
    right: AtomicU64,
    wrong: AtomicU64,
    stop: AtomicBool,
}

#[test]
fn reloads_cost_no_request() {
    let test = "reloading::reloads_cost_no_request";
    let reloads = std::env::var("CODAPE_RELOADS");
    let reloads = reloads.map_or(FEW, |count| count.parse().unwrap());
    let Some(registry) = Registry::start(test) else {
        return;
    };
    let Some(python) = registry.python(test) else {
        return;
    };
    let codes = ["9602A", "1071C"];
    let one = registry.package("one", codes);
    let two = registry.package("two", [codes[1], codes[0]]);
    let good = [
        registry.push(&one, &["--alias", "champion"]),
        registry.push(&two, &[]),
    ];
    let bad = bad_packages(&registry, &one);
    let registered = python.run(REGISTER, &bad);
    let bad: Vec<&str> = (registered.lines())
        .filter_map(|line| line.strip_prefix("VERSION "))
        .collect();
    assert_eq!(bad.len(), 5, "{registered}");

    let mut command = registry.codape();
    command
        .env("CODAPE_MODEL", "models:/ape@champion")
        .env("CODAPE_POLL_SECONDS", "0")
        // Nothing stays that is not used: each reload fetches.
        .env("CODAPE_CACHE_GIB", "0")
        .env("RUST_LOG", "warn,codape::commands::serve=info");
    let service = Service::start(&mut command);
    let expected = Arc::new(answers(&service, &registry, &good));
    let reload = |version: &str, outcome: &str| {
        registry.promote(version);
        let told = service.json("POST", "/admin/reload");
        assert_eq!(told["outcome"], outcome, "{version}: {told}");
    };
    // What is made once is made: threads, tables, arenas.
    for turn in 0..10 {
        reload(&good[turn % 2], "reloaded");
    }
    let before = resident_mib(service.child.id());
    let seen = Arc::new(Seen::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| client(&service.address, &expected, &seen))
        .collect();
    let began = Instant::now();
    for turn in 0..reloads {
        reload(bad[turn % bad.len()], "refused");
        reload(&good[turn % 2], "reloaded");
    }
    let seconds = began.elapsed().as_secs_f64();
    seen.stop.store(true, Ordering::Relaxed);
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
    let (right, wrong) = (
        seen.right.load(Ordering::Relaxed),
        seen.wrong.load(Ordering::Relaxed),
    );
    let rate = right as f64 / seconds;
    // Models go a moment after their last request.
    thread::sleep(Duration::from_secs(1));
    let after = resident_mib(service.child.id());
    println!(
        "{reloads} good and {reloads} bad reloads in {seconds:.1} s, {right} requests \
         ({rate:.0} a second), {wrong} failed; memory {before} MiB before, {after} MiB after"
    );
    assert_eq!(wrong, 0);
    assert!(right > 0 && after <= before + GROWTH_MIB);
    assert!(
        reloads <= FEW || rate >= LEAST_RATE,
        "{rate} requests a second"
    );
}

/// Packages that must not serve: cut off, with another digest, no model, of
/// other codes, with other answers than they were seen to give.
fn bad_packages(registry: &Registry, good: &str) -> Vec<String> {
    let codes = ["9602A", "1071C"];
    let bad = |name: &str, change: &dyn Fn(&Path)| {
        let package = registry.package(name, codes);
        change(Path::new(&package));
        package
    };
    let model = fs::read(Path::new(good).join("model.bin")).unwrap();
    let write = |package: &Path, bytes: &[u8]| fs::write(package.join("model.bin"), bytes).unwrap();
    vec![
        bad("truncated", &|package| {
            write(package, &model[..model.len() * 4 / 5]);
        }),
        bad("wrong-digest", &|package| {
            let line = format!("{}  model.bin\n", "0".repeat(64));
            fs::write(package.join("SHA256SUMS"), line).unwrap();
        }),
        bad("no-model", &|package| write(package, &[42; 5000])),
        bad("other-codes", &|package| {
            write(
                package,
                &tiny_model(&["__label__62.10Y", "__label__95.21Y"]),
            );
        }),
        bad("other-answers", &|package| {
            let golden = r#"[{"text": "coiffure", "categorical": [], "code": "9602B",
                "confidence": 0.5}]"#;
            fs::write(package.join("golden.json"), golden).unwrap();
        }),
    ]
}

const TARGET: &str = "/predict?text_description=coiffure&nb_echos_max=2&prob_min=0";

/// The answer of each version, by the version that the answer names.
fn answers(service: &Service, registry: &Registry, good: &[String]) -> HashMap<String, String> {
    let mut answers = HashMap::new();
    for version in good {
        registry.promote(version);
        service.json("POST", "/admin/reload");
        let (head, body) = service.ask("GET", TARGET);
        assert_eq!(version_in(&head), Some(version.as_str()), "{head}");
        answers.insert(version.clone(), body);
    }
    assert_ne!(answers[&good[0]], answers[&good[1]]);
    answers
}

fn version_in(head: &str) -> Option<&str> {
    let line = |line: &'_ str| line.starts_with("codape-model-version: ");
    let line = head.lines().find(|text| line(text))?;
    line.split_once(": ").map(|(_, version)| version)
}

/// Asks again and again on one connection, and looks whether the answer is the
/// one of the version that it names.
fn client(
    address: &str,
    expected: &Arc<HashMap<String, String>>,
    seen: &Arc<Seen>,
) -> JoinHandle<()> {
    let (expected, seen) = (Arc::clone(expected), Arc::clone(seen));
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    thread::spawn(move || {
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        let request = format!("GET {TARGET} HTTP/1.1\r\nhost: codape\r\n\r\n");
        while !seen.stop.load(Ordering::Relaxed) {
            let answered = writer
                .write_all(request.as_bytes())
                .and_then(|()| answer(&mut reader));
            let is_right = answered.as_ref().is_ok_and(|(head, body)| {
                let version = version_in(head);
                head.starts_with("HTTP/1.1 200 ")
                    && version.and_then(|version| expected.get(version)) == Some(body)
            });
            if is_right {
                seen.right.fetch_add(1, Ordering::Relaxed);
            } else {
                seen.wrong.fetch_add(1, Ordering::Relaxed);
                println!("wrong: {answered:?}");
            }
            if answered.is_err() {
                return;
            }
        }
    })
}

/// Head and body of the next answer.
fn answer(reader: &mut BufReader<TcpStream>) -> std::io::Result<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}

/// The memory of a process that is its own, in MiB.
fn resident_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        >> 10
}
