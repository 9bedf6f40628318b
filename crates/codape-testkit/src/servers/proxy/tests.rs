//! The proxy against a small server and a client that reads what comes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// The size of the object that the server has: several pieces.
const SIZE: usize = 300_000;

/// When a connection that says nothing counts as one that stalls.
const SILENCE: Duration = Duration::from_millis(300);

const ETAG: &str = "\"0123456789abcdef\"";

fn object() -> Vec<u8> {
    (0..SIZE).map(|i| (i * 7 + i / 251) as u8).collect()
}

/// A server that answers each connection's first request, for the rest of the
/// process: the object with ranges, the same in chunks at `/chunked`, without a
/// length at `/endless`, and at `/echo` the request's own head and body.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || answer(client));
        }
    });
    address
}

fn answer(mut client: TcpStream) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        match client.read(&mut byte) {
            Ok(1) => request.push(byte[0]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let field = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let target = text.split(' ').nth(1).unwrap();
    let mut bytes = object();
    let mut head = format!("HTTP/1.1 200 OK\r\nETag: {ETAG}\r\nX-Odd: caf\u{e9}\r\n");
    if target == "/echo" {
        let mut body = vec![0; field("Content-Length").map_or(0, |len| len.parse().unwrap())];
        client.read_exact(&mut body).unwrap();
        if field("Transfer-Encoding").is_some() {
            while !body.ends_with(b"0\r\n\r\n") {
                client.read_exact(&mut byte).unwrap();
                body.push(byte[0]);
            }
        }
        bytes = [request.clone(), body].concat();
    }
    if let Some(range) = field("Range") {
        let (from, to) = range
            .strip_prefix("bytes=")
            .unwrap()
            .split_once('-')
            .unwrap();
        let from: usize = from.parse().unwrap();
        let to = to.parse().unwrap_or(usize::MAX).min(SIZE - 1);
        bytes = bytes[from..=to].to_vec();
        head = head.replace("200 OK", "206 Partial Content");
        head += &format!("Content-Range: bytes {from}-{to}/{SIZE}\r\n");
    }
    match target {
        "/chunked" => {
            head += "Transfer-Encoding: chunked\r\n";
            let chunks = bytes.chunks(100_000).map(|chunk| {
                [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()
            });
            bytes = [chunks.collect::<Vec<_>>().concat(), b"0\r\n\r\n".to_vec()].concat();
        }
        "/endless" => {}
        "/empty" => {
            head += "Content-Length: 0\r\n";
            bytes.clear();
        }
        _ => head += &format!("Content-Length: {}\r\n", bytes.len()),
    }
    if text.starts_with("HEAD") {
        bytes.clear();
    }
    let head: Vec<u8> = (head + "\r\n").chars().map(|c| c as u8).collect();
    let _ = client
        .write_all(&head)
        .and_then(|()| client.write_all(&bytes));
}

#[derive(Debug, PartialEq)]
enum End {
    Whole,
    Closed,
    Reset,
    Silent,
}

#[derive(Debug)]
struct Answer {
    head: String,
    body: Vec<u8>,
    end: End,
}

impl Answer {
    fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Asks on this connection, and reads as much as the answer says it has.
fn ask_on(stream: &mut TcpStream, question: &str) -> Answer {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    stream.write_all(question.as_bytes()).unwrap();
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let at = end.map_or(bytes.len(), |end| end + 4);
        let head: String = bytes[..at].iter().map(|b| char::from(*b)).collect();
        let mut answer = Answer {
            body: bytes[at..].to_vec(),
            head,
            end: End::Whole,
        };
        let len = answer
            .field("Content-Length")
            .map(|len| len.parse().unwrap());
        let is_head = question.starts_with("HEAD");
        let is_chunked = answer.field("Transfer-Encoding").is_some();
        if end.is_some()
            && (is_head
                || len.is_some_and(|len: usize| answer.body.len() >= len)
                || is_chunked && answer.body.ends_with(b"\r\n0\r\n\r\n"))
        {
            return answer;
        }
        match stream.read(&mut buffer) {
            Ok(0) => answer.end = End::Closed,
            Ok(read) => {
                bytes.extend_from_slice(&buffer[..read]);
                continue;
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => answer.end = End::Reset,
            Err(_) => answer.end = End::Silent,
        }
        return answer;
    }
}

fn ask(proxy: &FaultyProxy, question: &str) -> Answer {
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    ask_on(
        &mut stream,
        &format!("{question}\r\nHost: of-the-client\r\n\r\n"),
    )
}

/// What comes of `GET /` under a fault, twelve times with other details.
fn under(fault: Fault, question: &str, check: impl Fn(&Answer, &Seen)) {
    let proxy = FaultyProxy::start(upstream());
    for seed in 0..12 {
        proxy.set(Faults::always(fault).seed(seed));
        let answer = ask(&proxy, question);
        let seen = proxy.requests().pop().unwrap();
        assert_eq!(seen.fault, Some(fault));
        check(&answer, &seen);
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + size + 4..];
        if size == 0 {
            return whole;
        }
    }
}

#[test]
fn everything_is_passed_on() {
    let proxy = FaultyProxy::start(upstream());
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    for _ in 0..3 {
        let answer = ask_on(&mut stream, "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.head.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
        assert_eq!(answer.field("ETag"), Some(ETAG));
        assert_eq!(answer.field("X-Odd"), Some("caf\u{e9}"));
        assert!(answer.body == object());
    }
    let answer = ask_on(
        &mut stream,
        "GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=5-8\r\n\r\n",
    );
    assert_eq!(answer.body, object()[5..=8]);
    let answer = ask_on(&mut stream, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(answer.field("Content-Length"), Some("300000"));
    let answer = ask_on(&mut stream, "GET /chunked HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(unchunked(&answer.body) == object());
    let echo = "PUT /echo HTTP/1.1\r\nHost: of-the-client:1\r\nContent-Length: 4\r\n\r\nbody";
    let answer = ask_on(&mut stream, echo);
    let echoed = String::from_utf8(answer.body).unwrap();
    assert!(echoed.contains("Host: of-the-client:1\r\n") && echoed.ends_with("\r\nbody"));
    let echo = "PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
        2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n";
    let answer = ask_on(&mut stream, echo);
    let echoed = String::from_utf8(answer.body).unwrap();
    assert!(
        echoed.ends_with("2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"),
        "{echoed}"
    );
    let answer = ask_on(&mut stream, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(answer.body == object() && answer.end == End::Closed);

    let seen = proxy.requests();
    assert_eq!(seen.len(), 9);
    let first = Seen {
        method: "GET".to_owned(),
        target: "/a?b=c".to_owned(),
        range: None,
        status: Some(200),
        body_bytes_sent: SIZE as u64,
        fault: None,
    };
    assert_eq!(seen[0], first);
    assert_eq!(seen[3].range.as_deref(), Some("bytes=5-8"));
    assert_eq!((seen[3].status, seen[3].body_bytes_sent), (Some(206), 4));
    assert_eq!(seen[4].body_bytes_sent, 0);
    assert_eq!(seen[5].body_bytes_sent, SIZE as u64);
}

#[test]
fn a_body_stops_in_its_middle() {
    for (fault, end) in [
        (Fault::Stall, End::Silent),
        (Fault::Reset, End::Reset),
        (Fault::Truncate, End::Closed),
    ] {
        for path in ["/", "/chunked"] {
            under(fault, &format!("GET {path} HTTP/1.1"), |answer, seen| {
                assert_eq!(answer.end, end, "{fault:?} {path}");
                assert!(seen.body_bytes_sent < SIZE as u64);
                // What a reset leaves in the air may be lost.
                if path == "/" && fault != Fault::Reset {
                    assert_eq!(answer.body.len() as u64, seen.body_bytes_sent);
                    assert!(object().starts_with(&answer.body));
                    assert_eq!(answer.field("Content-Length"), Some("300000"));
                }
            });
        }
    }
    under(Fault::Stall, "GET /empty HTTP/1.1", |answer, _| {
        assert_eq!(answer.end, End::Silent);
        assert!(answer.head.starts_with("HTTP/1.1 200"), "{answer:?}");
    });
}

#[test]
fn a_body_is_shorter_than_it_was() {
    for path in ["/", "/chunked"] {
        under(
            Fault::ShortLength,
            &format!("GET {path} HTTP/1.1"),
            |answer, _| {
                assert_eq!(answer.end, End::Whole);
                let len: usize = answer.field("Content-Length").unwrap().parse().unwrap();
                assert!(len < SIZE && object()[..len] == answer.body, "{len}");
            },
        );
    }
    under(Fault::ShortLength, "HEAD / HTTP/1.1", |answer, _| {
        let len: usize = answer.field("Content-Length").unwrap().parse().unwrap();
        assert!(len < SIZE);
    });
}

#[test]
fn a_body_is_another_one() {
    under(Fault::Flip, "GET / HTTP/1.1", |answer, _| {
        let bits = object()
            .into_iter()
            .zip(&answer.body)
            .map(|(a, b)| (a ^ b).count_ones());
        assert_eq!((answer.body.len(), bits.sum()), (SIZE, 1));
    });
    under(Fault::ChangedEtag, "GET / HTTP/1.1", |answer, _| {
        assert!(answer.body == object());
        let etag = answer.field("ETag").unwrap();
        assert!(etag != ETAG && etag.len() == ETAG.len(), "{etag}");
    });
    for (range, told) in [
        ("0-99", "0-99"),
        ("1-1", "1-1"),
        ("1000-1999", "1000-1999"),
        ("200000-", "200000-299999"),
        ("0-", "0-299999"),
        ("299000-400000", "299000-299999"),
    ] {
        let question = format!("GET / HTTP/1.1\r\nRange: bytes={range}");
        let told = format!("bytes {told}/{SIZE}");
        let (first, last) = told["bytes ".len()..]
            .split_once('/')
            .unwrap()
            .0
            .split_once('-')
            .unwrap();
        let right = first.parse().unwrap()..=last.parse::<usize>().unwrap();
        let right = object()[right].to_vec();
        for fault in [Fault::WrongRange, Fault::ShiftedRange] {
            under(fault, &question, |answer, seen| {
                assert_eq!(answer.end, End::Whole);
                assert_eq!(answer.body.len(), right.len(), "{range}");
                assert!(answer.body != right, "{range}");
                assert_eq!(seen.status, Some(206));
                let is_told = answer.field("Content-Range") == Some(&told);
                assert_eq!(is_told, fault == Fault::WrongRange, "{answer:?}");
            });
        }
    }
    under(
        Fault::IgnoreRange,
        "GET / HTTP/1.1\r\nRange: bytes=3-4",
        |answer, seen| {
            assert!(answer.body == object());
            assert_eq!(
                (seen.status, seen.range.as_deref()),
                (Some(200), Some("bytes=3-4"))
            );
        },
    );
}

#[test]
fn a_server_is_not_there() {
    let refused = |answer: &Answer, seen: &Seen| {
        assert!(answer.head.starts_with("HTTP/1.1 503 "), "{answer:?}");
        assert_eq!(seen.status, Some(503));
    };
    under(Fault::Unavailable, "GET / HTTP/1.1", refused);
    let put = "PUT /echo HTTP/1.1\r\nContent-Length: 0";
    under(Fault::Unavailable, put, refused);
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let answer = ask(&FaultyProxy::start(nobody), "GET / HTTP/1.1");
    assert!(answer.head.starts_with("HTTP/1.1 502 "), "{answer:?}");
}

#[test]
fn faults_happen_to_whom_they_shall() {
    let proxy = FaultyProxy::start(upstream());
    let happened = |faults: Faults, questions: usize| -> Vec<bool> {
        proxy.set(faults);
        let before = proxy.requests().len();
        for i in 0..questions {
            let method = ["GET", "HEAD"][i % 2];
            ask(&proxy, &format!("{method} / HTTP/1.1"));
        }
        let seen = proxy.requests().split_off(before);
        seen.iter().map(|seen| seen.fault.is_some()).collect()
    };
    let etag = Fault::ChangedEtag;
    assert_eq!(happened(Faults::none(), 2), [false, false]);
    let third = Faults::none().nth(2, etag);
    assert_eq!(happened(third, 4), [false, false, true, false]);
    let heads = Faults::none()
        .nth(1, etag)
        .only(|asked| asked.method == "HEAD");
    assert_eq!(happened(heads, 4), [false, false, false, true]);
    let once = Faults::always(etag).at_most(1);
    assert_eq!(happened(once, 3), [true, false, false]);
    // A request without a range is no case for these.
    assert_eq!(happened(Faults::always(Fault::IgnoreRange), 1), [false]);
    let some = |seed| happened(Faults::none().chance(0.5, etag).seed(seed), 40);
    assert_eq!(some(1), some(1));
    assert_ne!(some(1), some(2));
    let count = some(3).into_iter().filter(|is| *is).count();
    assert!((8..=32).contains(&count), "{count}");
}

#[test]
fn a_proxy_that_stalls_stops_at_once() {
    let proxy = FaultyProxy::start(upstream());
    proxy.set(Faults::always(Fault::Stall));
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    let answer = ask_on(&mut stream, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(answer.end, End::Silent);
    let began = Instant::now();
    drop(proxy);
    assert!(began.elapsed() < Duration::from_secs(5));
}
