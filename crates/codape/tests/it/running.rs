//! A service in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long something may take that a test waits for.
const LIMIT: Duration = Duration::from_secs(60);

/// A service of the test's own, killed with it.
pub struct Service {
    pub child: Child,
    pub address: String,
}

impl Service {
    /// Starts `codape serve` on a port of its own.
    pub fn start(codape: &mut Command) -> Self {
        let mut child = codape
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut lines = log.lines().map(|line| line.unwrap());
        let mut said = Vec::new();
        let address = lines.by_ref().find_map(|line| {
            let event: Option<Value> = serde_json::from_str(&line).ok();
            let address = event
                .as_ref()
                .and_then(|event| event["fields"]["address"].as_str());
            let address = address.map(str::to_owned);
            said.push(line);
            address
        });
        let address = address.unwrap_or_else(|| panic!("the service does not start: {said:#?}"));
        // Nobody reads the rest, and a full pipe would stop the service.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Status line and body of `GET target`.
    pub fn get(&self, target: &str) -> (String, String) {
        let (head, body) = self.ask("GET", target);
        (head.lines().next().unwrap().to_owned(), body)
    }

    /// Head and body of an answer.
    pub fn ask(&self, method: &str, target: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nhost: codape\r\ncontent-length: 0\r\n\
             connection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// The body of an answer that must be 200.
    pub fn json(&self, method: &str, target: &str) -> Value {
        let (head, body) = self.ask(method, target);
        assert!(head.starts_with("HTTP/1.1 200 "), "{target}: {head} {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Asks until an answer is as it should be.
    pub fn wait_for(&self, target: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.json("GET", target);
            if is_right(&answer) {
                return answer;
            }
            assert!(began.elapsed() < LIMIT, "{target}: {answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill")
            .args([&format!("-{name}"), &*pid])
            .status();
        assert!(killed.unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
