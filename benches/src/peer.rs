//! A peer as the comparison sees it: a process that is asked for rounds.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::answers::{self, Answer, K};
use crate::machine::Memory;

/// A process that holds the model.
pub struct Peer {
    pub name: String,
    /// From before the model was opened to the first answer.
    pub ready_seconds: f64,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    protocol: Protocol,
}

/// How a peer is asked.
enum Protocol {
    /// By the commands of `worker.rs` and `peer.py`.
    Commands,
    /// The official program: it answers its standard input line by line.
    Lines { texts: Vec<String> },
}

impl Peer {
    /// Starts a peer that knows the commands, with one thread.
    pub fn start(name: &str, command: &mut Command) -> anyhow::Result<Self> {
        Self::start_with_threads(name, command, 1)
    }

    /// Starts a peer that knows the commands.
    pub fn start_with_threads(
        name: &str,
        command: &mut Command,
        threads: usize,
    ) -> anyhow::Result<Self> {
        command.env("RAYON_NUM_THREADS", threads.to_string());
        let mut peer = Self::spawn(name, command, Protocol::Commands)?;
        let line = peer.line()?;
        let seconds = line
            .strip_prefix("ready ")
            .context("the peer is not ready")?;
        peer.ready_seconds = seconds.parse()?;
        Ok(peer)
    }

    /// Starts the official program.
    pub fn program(
        name: &str,
        program: &Path,
        model: &Path,
        texts: &[String],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command
            .arg("predict-prob")
            .arg(model)
            .args(["-", &K.to_string(), "0"]);
        let texts = texts.to_vec();
        let first = texts[0].clone();
        let began = Instant::now();
        let mut peer = Self::spawn(name, &mut command, Protocol::Lines { texts })?;
        writeln!(peer.input, "{first}")?;
        peer.input.flush()?;
        peer.line()?;
        peer.ready_seconds = began.elapsed().as_secs_f64();
        Ok(peer)
    }

    fn spawn(name: &str, command: &mut Command, protocol: Protocol) -> anyhow::Result<Self> {
        let mut child = command
            .env("OMP_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name}: {command:?}"))?;
        let input = child.stdin.take().context("no standard input")?;
        let output = child.stdout.take().context("no standard output")?;
        Ok(Self {
            name: name.to_owned(),
            ready_seconds: 0.0,
            child,
            input,
            output: BufReader::new(output),
            protocol,
        })
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("{} ended", self.name);
        }
        Ok(line.trim_end().to_owned())
    }

    /// The seconds that it took to answer all texts.
    pub fn round(&mut self) -> anyhow::Result<f64> {
        if let Protocol::Lines { .. } = self.protocol {
            let began = Instant::now();
            self.lines_answered()?;
            return Ok(began.elapsed().as_secs_f64());
        }
        writeln!(self.input, "round")?;
        Ok(self.line()?.parse()?)
    }

    /// The answers for all texts; `scratch` is a file that may be written.
    pub fn answers(&mut self, scratch: &Path) -> anyhow::Result<Vec<Answer>> {
        if let Protocol::Lines { .. } = self.protocol {
            let lines = self.lines_answered()?;
            return lines.iter().map(|line| pairs(line)).collect();
        }
        writeln!(self.input, "answers {}", scratch.display())?;
        self.line()?;
        answers::read(scratch)
    }

    /// Writes every text to the program and reads what it says to each. The
    /// texts go in from a thread of their own: a pipe holds few of them.
    fn lines_answered(&mut self) -> anyhow::Result<Vec<String>> {
        let Protocol::Lines { texts } = &self.protocol else {
            bail!("{} knows commands", self.name);
        };
        let (input, output) = (&mut self.input, &mut self.output);
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                let all: String = texts.iter().flat_map(|text| [text, "\n"]).collect();
                input.write_all(all.as_bytes()).and_then(|()| input.flush())
            });
            let lines: Result<Vec<_>, _> = output.lines().take(texts.len()).collect();
            writer
                .join()
                .map_err(|_| anyhow::anyhow!("writing failed"))??;
            Ok(lines?)
        })
    }

    /// The memory of the process.
    pub fn memory(&self) -> Memory {
        Memory::of(self.child.id())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer in a line of the official program: labels and probabilities
/// between spaces.
fn pairs(line: &str) -> anyhow::Result<Answer> {
    let parts: Vec<_> = line.split(' ').collect();
    parts
        .chunks_exact(2)
        .map(|pair| Ok((pair[0].to_owned(), pair[1].parse()?)))
        .collect()
}
