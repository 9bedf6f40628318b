//! A program that runs beside a test, and ends with it.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a server may find its port taken: another program can get it
/// between the moment it is chosen and the moment the server asks for it.
const TRIES: usize = 3;

/// From one look at something to the next.
const POLL: Duration = Duration::from_millis(25);

/// How long a server may take for one answer to whether it is well.
const HEALTH: Duration = Duration::from_secs(2);

/// Variables that would have another program ask an account, a certificate or
/// a proxy of the machine's instead of the servers of the test.
const NOT_PASSED_ON: [&str; 9] = [
    "AWS_CONFIG_FILE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "MLFLOW_S3_ENDPOINT_URL",
    "MLFLOW_TRACKING_URI",
];

/// A program with all that it started. It is killed when this is dropped.
pub(super) struct Running(Child);

impl Running {
    /// Starts it; what it prints goes to the files.
    pub(super) fn start(mut command: Command, output: &Path, errors: &Path) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(create(output))
            .stderr(if errors == output {
                appending(output)
            } else {
                create(errors)
            });
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Whether it ended well; `None` while it runs.
    pub(super) fn ended(&mut self) -> Option<bool> {
        let status = self.0.try_wait().expect("a child can be asked");
        status.map(|status| status.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What it started does not always end with it. There is nothing to save.
        #[cfg(unix)]
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.0.id())])
            .stderr(Stdio::null())
            .status();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that is being started.
pub(super) struct Launch<'a, C, H> {
    /// The file that its output goes to.
    pub(super) log: PathBuf,
    /// How long it may take.
    pub(super) limit: Duration,
    /// The command for these ports.
    pub(super) command: C,
    /// Whether the server at these ports is well.
    pub(super) is_healthy: H,
    /// What it is called in messages.
    pub(super) name: &'a str,
}

impl<C, H> Launch<'_, C, H> {
    /// Starts the server on `N` ports of its own, and waits until it is well.
    ///
    /// # Panics
    ///
    /// Where it does not get there; the message has its log.
    pub(super) fn start<const N: usize>(mut self) -> (Running, [u16; N])
    where
        C: FnMut(&[u16; N]) -> Command,
        H: FnMut(&[u16; N]) -> bool,
    {
        let began = Instant::now();
        for _ in 0..TRIES {
            let ports = free_ports();
            let mut running = Running::start((self.command)(&ports), &self.log, &self.log);
            let has_ended = loop {
                if running.ended().is_some() {
                    break true;
                }
                if (self.is_healthy)(&ports) {
                    break false;
                }
                if began.elapsed() > self.limit {
                    break true;
                }
                thread::sleep(POLL);
            };
            if !has_ended {
                return (running, ports);
            }
            let log = text(&self.log);
            let is_taken = log.contains("ddress already in use");
            assert!(is_taken, "{} does not start: {log}", self.name);
        }
        panic!("{} found {TRIES} ports taken", self.name);
    }
}

/// `N` ports that nothing listens on.
fn free_ports<const N: usize>() -> [u16; N] {
    // All are held before one is let go, so that they differ.
    let listeners = [(); N].map(|()| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of this machine is free")
    });
    listeners.map(|listener| listener.local_addr().expect("it is bound").port())
}

/// Waits until the program ends; whether it ended well, `None` where it did not
/// end in time.
pub(super) fn wait(running: &mut Running, limit: Duration) -> Option<bool> {
    let began = Instant::now();
    loop {
        let ended = running.ended();
        if ended.is_some() || began.elapsed() > limit {
            return ended;
        }
        thread::sleep(POLL);
    }
}

/// The status of a server's answer to `GET path`; `None` where it gives none.
pub(super) fn status(port: u16, path: &str) -> Option<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, HEALTH).ok()?;
    stream.set_read_timeout(Some(HEALTH)).ok()?;
    stream.set_write_timeout(Some(HEALTH)).ok()?;
    let question = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).ok()?;
    // "HTTP/1.1 200"
    let mut line = [0; 12];
    stream.read_exact(&mut line).ok()?;
    let line = str::from_utf8(&line).ok()?;
    line.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}

/// The environment of a program that shall know the servers of the test alone.
pub(super) fn isolate(command: &mut Command, folder: &Path) {
    for name in NOT_PASSED_ON {
        command.env_remove(name);
    }
    command
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("no_proxy", "127.0.0.1,localhost");
}

/// `digits` hexadecimal digits that no other run has.
pub(super) fn random_hex(digits: usize) -> String {
    let words = digits.div_ceil(16);
    let mut hex: String = (0..words)
        // The standard library seeds each of these from the system.
        .map(|i| format!("{:016x}", RandomState::new().hash_one(i)))
        .collect();
    hex.truncate(digits);
    hex
}

/// The text of a file.
pub(super) fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn create(path: &Path) -> File {
    File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn appending(path: &Path) -> File {
    let file = File::options().append(true).open(path);
    file.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
