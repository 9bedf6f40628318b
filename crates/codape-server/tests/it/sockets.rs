//! What only a socket shows: deadlines, the limit of connections, the stop.

use std::net::SocketAddr;
use std::time::Duration;

use codape_server::{AppState, Limits, ServeError, Settings, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::{batch, state};

/// More than any of this takes, on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

/// A request with a body, cut before the body. It expects to be asked for the
/// body, which shows that the handler has begun.
const HEAD: &str = "POST /predict-batch HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\
    expect: 100-continue\r\n\r\n";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

struct Running {
    address: SocketAddr,
    state: AppState,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<Result<(), ServeError>>,
}

async fn start(settings: Settings) -> Running {
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..settings
    };
    let listener = bind(&settings).await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = state(Limits::default());
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn({
        let state = state.clone();
        async move {
            let stopped = async {
                let _ = stopped.await;
            };
            serve(listener, state, &settings, stopped).await
        }
    });
    Running {
        address,
        state,
        stop: Some(stop),
        server,
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn stopped(self) {
        timeout(LONG, self.server).await.unwrap().unwrap().unwrap();
    }
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Reads until `end` or until the connection closes.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = timeout(LONG, stream.read(&mut buffer)).await.unwrap();
        let count = count.unwrap_or(0);
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read);
        if count == 0 || text.contains(end) {
            return text.into_owned();
        }
    }
}

const GET_HEALTH: &str = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
const OK_BODY: &str = r#"{"status":"ok"}"#;

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let mut running = start(Settings::default()).await;
    let mut stream = running.connect().await;
    for _ in 0..3 {
        send(&mut stream, GET_HEALTH).await;
        let answer = read_until(&mut stream, OK_BODY).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    running.stop();
    // An idle connection is closed at once.
    assert_eq!(read_until(&mut stream, "never").await, "");
    running.stopped().await;
}

#[tokio::test]
async fn half_a_header_and_an_idle_connection_are_cut_off() {
    let mut running = start(Settings {
        header_timeout: Duration::from_millis(100),
        ..Settings::default()
    })
    .await;
    let mut silent = running.connect().await;
    let mut half = running.connect().await;
    send(&mut half, "GET /health HTTP/1.1\r\nhost:").await;
    let mut idle = running.connect().await;
    send(&mut idle, GET_HEALTH).await;
    read_until(&mut idle, OK_BODY).await;
    for stream in [&mut silent, &mut half, &mut idle] {
        let answer = read_until(stream, "never").await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    running.stop();
    running.stopped().await;
}

#[tokio::test]
async fn a_connection_above_the_limit_waits() {
    let mut running = start(Settings {
        max_connections: 1,
        ..Settings::default()
    })
    .await;
    let mut first = running.connect().await;
    send(&mut first, GET_HEALTH).await;
    read_until(&mut first, OK_BODY).await;
    let mut second = running.connect().await;
    send(&mut second, GET_HEALTH).await;
    let mut byte = [0];
    let waited = timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(waited.is_err(), "the second connection waits");
    drop(first);
    assert!(read_until(&mut second, OK_BODY).await.contains("200 OK"));
    drop(second);
    running.stop();
    running.stopped().await;
}

#[tokio::test]
async fn a_request_in_progress_finishes_and_no_other_begins() {
    let mut running = start(Settings {
        drain_timeout: LONG,
        ..Settings::default()
    })
    .await;
    let mut stream = running.connect().await;
    send(&mut stream, HEAD).await;
    read_until(&mut stream, CONTINUE).await;
    let mut idle = running.connect().await;
    send(&mut idle, GET_HEALTH).await;
    read_until(&mut idle, OK_BODY).await;
    running.stop();
    assert_eq!(read_until(&mut idle, "never").await, "");
    assert!(running.state.is_stopping());
    timeout(LONG, async {
        while TcpStream::connect(running.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    send(&mut stream, "{}").await;
    let answer = read_until(&mut stream, "\"detail\"").await;
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    running.stopped().await;
}

#[tokio::test]
async fn a_request_that_does_not_finish_is_cut_off() {
    let mut running = start(Settings {
        drain_timeout: Duration::from_millis(100),
        ..Settings::default()
    })
    .await;
    let mut stream = running.connect().await;
    send(&mut stream, HEAD).await;
    read_until(&mut stream, CONTINUE).await;
    running.stop();
    running.stopped().await;
    assert_eq!(read_until(&mut stream, "never").await, "");
}

#[tokio::test]
async fn a_service_may_be_unready_before_it_refuses_connections() {
    let mut running = start(Settings {
        unready_delay: LONG,
        ..Settings::default()
    })
    .await;
    running.stop();
    timeout(LONG, async {
        loop {
            let mut stream = running.connect().await;
            send(&mut stream, "GET /ready HTTP/1.1\r\nhost: x\r\n\r\n").await;
            if read_until(&mut stream, "}}").await.contains(" 503 ") {
                return;
            }
        }
    })
    .await
    .unwrap();
    running.server.abort();
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let mut running = start(Settings {
        write_timeout: Duration::from_millis(100),
        // Were it the drain that cut it off, the stop would come too late.
        drain_timeout: 2 * LONG,
        ..Settings::default()
    })
    .await;
    // An answer that no buffer of the system holds.
    let body = batch(&["coiffure"; 100_000]).to_string();
    let mut stream = running.connect().await;
    let length = body.len();
    let head = "POST /predict-batch?prob_min=0 HTTP/1.1\r\nhost: x\r\ncontent-length:";
    send(&mut stream, &format!("{head} {length}\r\n\r\n{body}")).await;
    timeout(LONG, stream.readable()).await.unwrap().unwrap();
    running.stop();
    running.stopped().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let mut running = start(Settings::default()).await;
    let settings = Settings {
        listen: running.address,
        ..Settings::default()
    };
    let error = bind(&settings).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {}", running.address)
    );
    running.stop();
    running.stopped().await;
}

#[tokio::test]
async fn a_request_knows_where_it_came_from() {
    let mut running = start(Settings::default()).await;
    let mut stream = running.connect().await;
    for (header, status) in [("", " 409 "), ("x-forwarded-for: ::1\r\n", " 403 ")] {
        let request = format!("POST /admin/reload HTTP/1.1\r\nhost: x\r\n{header}\r\n");
        send(&mut stream, &request).await;
        let answer = read_until(&mut stream, "\"detail\"").await;
        assert!(answer.contains(status), "{answer}");
    }
    running.stop();
    running.stopped().await;
}
