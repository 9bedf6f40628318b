//! `codape serve` from its start to its stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::codape;

/// A service of the test's own, killed with it.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start() -> Self {
        let mut child = codape()
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut lines = log.lines().map(|line| line.unwrap());
        let address = lines
            .by_ref()
            .find_map(|line| {
                let event: Value = serde_json::from_str(&line).unwrap();
                event["fields"]["address"].as_str().map(str::to_owned)
            })
            .expect("the service says where it listens");
        // Nobody reads the rest, and a full pipe would stop the service.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Status line and body of `GET target`.
    fn get(&self, target: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nhost: codape\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_bundled_package_is_served_until_sigterm() {
    let mut service = Service::start();
    let (status, body) = service.get("/predict?text_description=coiffure%20%C3%A0%20domicile");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["1"]["code"], "9602A");
    assert_eq!(answer["1"]["libelle"], "Coiffure");
    assert_eq!(service.get("/ready").0, "HTTP/1.1 200 OK");
    let (status, metrics) = service.get("/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let counted = r#"codape_requests_total{route="/predict",status="200"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.contains("codape_model_info{"), "{metrics}");

    let pid = service.child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(killed.unwrap().success());
    assert!(service.child.wait().unwrap().success(), "an orderly stop");
}

#[test]
fn an_address_that_is_taken_is_told() {
    let service = Service::start();
    let output = codape()
        .args(["serve", "--listen", &service.address])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains(&service.address), "{stderr}");
}
