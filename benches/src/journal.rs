//! What the business log costs: the time of answers at a steady rate of requests,
//! with each of its policies.
//!
//! Requests leave at times that are fixed beforehand, and an answer's time counts
//! from then: a service that falls behind is not spared the requests that it holds
//! up.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;

/// Time answers with and without a journal.
#[derive(Debug, Args)]
pub struct JournalCost {
    /// The program.
    #[arg(long)]
    codape: PathBuf,
    /// Where journals are written: a directory of the disk that is measured.
    #[arg(long)]
    scratch: PathBuf,
    /// Texts to ask about, one a line.
    #[arg(long)]
    texts: PathBuf,
    /// Requests a second.
    #[arg(long, default_value_t = 10_000)]
    rate: u32,
    /// Connections that they are dealt to.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Measurements of each policy.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// What is measured in turn: no journal, then its policies.
const WAYS: [&str; 4] = ["none", "off", "interval", "sync"];
/// What a median of rounds is taken of.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

pub fn run(arguments: &JournalCost) -> anyhow::Result<()> {
    let texts = std::fs::read_to_string(&arguments.texts).context("cannot read the texts")?;
    let requests: Vec<Vec<u8>> = texts.lines().map(request).collect();
    let mut of_ways: [Vec<Vec<f64>>; WAYS.len()] = Default::default();
    let mut achieved = [0.0; WAYS.len()];
    for round in 0..arguments.rounds {
        for (place, way) in WAYS.into_iter().enumerate() {
            let folder = arguments.scratch.join(format!("{way}-{round}"));
            let mut service = Service::start(&arguments.codape, way, &folder)?;
            let (mut times, seconds) = load(&service.address, &requests, arguments)?;
            service.child.kill()?;
            service.child.wait()?;
            std::fs::remove_dir_all(&folder).ok();
            times.sort_unstable();
            achieved[place] = times.len() as f64 / seconds;
            of_ways[place].push(QUANTILES.map(|q| quantile_ms(&times, q)).to_vec());
        }
    }
    println!(
        "{} requests/s over {} connections, {} rounds of {} s, ms from the time that a request is \
         due; medians of the rounds",
        arguments.rate, arguments.connections, arguments.rounds, arguments.seconds
    );
    println!("| journal | p50 | p90 | p99 | p99.9 | answers/s |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for ((way, rounds), achieved) in WAYS.iter().zip(&of_ways).zip(achieved) {
        let median = |place: usize| {
            let mut values: Vec<f64> = rounds.iter().map(|round| round[place]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let cells: Vec<String> = (0..QUANTILES.len())
            .map(|place| format!("{:.2}", median(place)))
            .collect();
        println!("| {way} | {} | {achieved:.0} |", cells.join(" | "));
    }
    Ok(())
}

/// The request for a text, as clients send it: in one piece.
fn request(text: &str) -> Vec<u8> {
    let escaped: String = text
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let target = format!("/predict?text_description={escaped}");
    format!("GET {target} HTTP/1.1\r\nhost: codape\r\n\r\n").into_bytes()
}

fn quantile_ms(sorted_us: &[u64], q: f64) -> f64 {
    let place = (q * (sorted_us.len() - 1) as f64).round() as usize;
    sorted_us[place] as f64 / 1000.0
}

struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(codape: &Path, way: &str, folder: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(codape);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        if way != "none" {
            command
                .arg("--journal")
                .arg(folder)
                .args(["--journal-policy", way]);
        }
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let log = BufReader::new(child.stderr.take().context("no log")?);
        let mut lines = log.lines().map_while(Result::ok);
        let address = lines.by_ref().find_map(|line| {
            let event: serde_json::Value = serde_json::from_str(&line).ok()?;
            Some(event["fields"]["address"].as_str()?.to_owned())
        });
        thread::spawn(move || lines.for_each(drop));
        let address = address.context("the service does not start")?;
        Ok(Self { child, address })
    }
}

/// Asks at the rate; returns the times of all answers, in microseconds, and the
/// seconds that it took.
fn load(
    address: &str,
    requests: &[Vec<u8>],
    arguments: &JournalCost,
) -> anyhow::Result<(Vec<u64>, f64)> {
    let connections = arguments.connections;
    let each = u64::from(arguments.rate) * u64::from(arguments.seconds) / u64::from(connections);
    let between = Duration::from_secs(1) * connections / arguments.rate;
    let begin = Instant::now() + Duration::from_millis(200);
    let asked: Vec<anyhow::Result<Vec<u64>>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|client| {
                scope.spawn(move || {
                    let mut stream = TcpStream::connect(address)?;
                    stream.set_nodelay(true)?;
                    let mut reader = BufReader::new(stream.try_clone()?);
                    let offset = between * client / connections;
                    let mut times = Vec::new();
                    for number in 0..each {
                        let due = begin + offset + between * number as u32;
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                        let place = number as usize * connections as usize + client as usize;
                        stream.write_all(&requests[place % requests.len()])?;
                        read_answer(&mut reader)?;
                        times.push(due.elapsed().as_micros() as u64);
                    }
                    Ok(times)
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("a client does not panic"))
            .collect()
    });
    let mut times = Vec::new();
    for client in asked {
        times.extend(client?);
    }
    Ok((times, begin.elapsed().as_secs_f64()))
}

fn read_answer(reader: &mut impl BufRead) -> anyhow::Result<()> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 200 "), "{line}");
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    Ok(())
}
