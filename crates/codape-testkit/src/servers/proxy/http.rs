//! As much of HTTP/1.1 as a proxy must know, on sockets that look often whether
//! they have to stop.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a read or a write may keep a thread from looking around.
const LOOK: Duration = Duration::from_millis(50);

/// How long the other side may do nothing.
const IDLE: Duration = Duration::from_secs(120);

/// The most bytes of a head, and of a line between chunks.
const MOST_HEAD: usize = 64 << 10;

/// The most bytes of a piece of a body.
const PIECE: usize = 64 << 10;

/// A connection.
pub(super) struct Link<'a> {
    stream: TcpStream,
    /// Bytes that were read and not yet taken.
    buffer: Vec<u8>,
    has_to_stop: &'a AtomicBool,
}

impl<'a> Link<'a> {
    pub(super) fn new(stream: TcpStream, has_to_stop: &'a AtomicBool) -> io::Result<Self> {
        stream.set_read_timeout(Some(LOOK))?;
        stream.set_write_timeout(Some(LOOK))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            has_to_stop,
        })
    }

    /// Reads more into the buffer; 0 bytes where the other side has ended.
    fn fill(&mut self) -> io::Result<usize> {
        let mut bytes = vec![0; PIECE];
        let mut stream = &self.stream;
        let read = patiently(self.has_to_stop, || stream.read(&mut bytes))?;
        self.buffer.extend_from_slice(&bytes[..read]);
        Ok(read)
    }

    pub(super) fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let mut stream = &self.stream;
        while !bytes.is_empty() {
            let written = patiently(self.has_to_stop, || stream.write(bytes))?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// The next head; `None` where the other side ends before it.
    pub(super) fn head(&mut self) -> io::Result<Option<Head>> {
        let end = loop {
            let found = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(at) = found {
                break at + 4;
            }
            if self.buffer.len() > MOST_HEAD {
                return Err(invalid("a head that is too long"));
            }
            if self.fill()? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(ErrorKind::UnexpectedEof.into())
                };
            }
        };
        let bytes: Vec<u8> = self.buffer.drain(..end).collect();
        Head::parse(&bytes).map(Some)
    }

    /// The next line, without its end.
    fn line(&mut self) -> io::Result<String> {
        let end = loop {
            if let Some(at) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                break at;
            }
            if self.buffer.len() > MOST_HEAD {
                return Err(invalid("a line that is too long"));
            }
            self.more()?;
        };
        let line = latin1(&self.buffer[..end]);
        self.buffer.drain(..end + 2);
        Ok(line)
    }

    /// At least one and at most `most` bytes.
    fn piece(&mut self, most: u64) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.more()?;
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let len = self.buffer.len().min(most);
        Ok(self.buffer.drain(..len).collect())
    }

    /// Fills the buffer; an error where the other side has ended.
    fn more(&mut self) -> io::Result<()> {
        match self.fill()? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Waits until the other side ends; what it says is not heard.
    pub(super) fn wait_for_end(&mut self) {
        while self.fill().is_ok_and(|read| read > 0) {
            self.buffer.clear();
        }
    }

    /// Ends the connection with a reset.
    pub(super) fn reset(self) {
        // A socket that does not linger forgets what it has not sent, and says so.
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }
}

/// Tries until it works, fails, takes too long or has to stop.
fn patiently(
    has_to_stop: &AtomicBool,
    mut attempt: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    let began = Instant::now();
    loop {
        if has_to_stop.load(Ordering::Relaxed) {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        match attempt() {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                if began.elapsed() > IDLE {
                    return Err(ErrorKind::TimedOut.into());
                }
            }
            done => return done,
        }
    }
}

/// The head of a request or of an answer. A character stands for a byte, so that
/// any bytes come out as they went in.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// `GET / HTTP/1.1`, `HTTP/1.1 200 OK`.
    pub(super) first: String,
    /// Names and values, in their order.
    fields: Vec<(String, String)>,
}

impl Head {
    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let text = latin1(bytes);
        let mut lines = text.trim_end_matches("\r\n").split("\r\n");
        let first = lines.next().unwrap_or("").to_owned();
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(':').ok_or_else(|| invalid("a field"))?;
            Ok((name.to_owned(), value.trim().to_owned()))
        });
        let fields = fields.collect::<io::Result<_>>()?;
        Ok(Self { first, fields })
    }

    /// The `n`-th word of the first line.
    pub(super) fn word(&self, n: usize) -> &str {
        self.first.split(' ').nth(n).unwrap_or("")
    }

    /// The status of an answer.
    pub(super) fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or(0)
    }

    /// The values of all fields of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let is = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().filter(is).map(|(_, value)| &**value)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let is = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().find(is).map(|(_, value)| &**value)
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.fields
            .retain(|field| !field.0.eq_ignore_ascii_case(name));
    }

    /// One field of this name, at the place of the first that it had.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let at = |field: &(String, String)| field.0.eq_ignore_ascii_case(name);
        match self.fields.iter().position(at) {
            Some(at) => {
                let (name, _) = self.fields[at].clone();
                self.remove(&name);
                self.fields.insert(at, (name, value.to_owned()));
            }
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.first);
        for (name, value) in &self.fields {
            text.extend([name, ": ", value, "\r\n"]);
        }
        text.push_str("\r\n");
        text.chars().map(|byte| byte as u8).collect()
    }

    /// Whether a list has a word: `Connection`, `Transfer-Encoding`.
    pub(super) fn lists(&self, name: &str, word: &str) -> bool {
        let mut words = self.all(name).flat_map(|value| value.split(','));
        words.any(|one| one.trim().eq_ignore_ascii_case(word))
    }

    /// `Content-Length`.
    pub(super) fn length(&self) -> Option<u64> {
        self.get("content-length")?.parse().ok()
    }

    /// How the end of a request's body is known.
    pub(super) fn framing_of_request(&self) -> Framing {
        if self.lists("transfer-encoding", "chunked") {
            Framing::Chunked
        } else {
            Framing::Length(self.length().unwrap_or(0))
        }
    }

    /// How the end of an answer's body is known.
    pub(super) fn framing_of_answer(&self, method: &str) -> Framing {
        if method == "HEAD" || matches!(self.status(), 204 | 304) {
            Framing::Length(0)
        } else if self.lists("transfer-encoding", "chunked") {
            Framing::Chunked
        } else {
            self.length().map_or(Framing::UntilEnd, Framing::Length)
        }
    }
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// It has this number of bytes.
    Length(u64),
    /// Its last chunk is empty.
    Chunked,
    /// The connection ends.
    UntilEnd,
}

impl Framing {
    /// A piece as it is sent.
    pub(super) fn dress(self, piece: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Chunked if !piece.is_empty() => {
                let size = format!("{:x}\r\n", piece.len());
                [size.as_bytes(), &piece, b"\r\n"].concat()
            }
            _ => piece,
        }
    }

    /// What is sent after all pieces.
    pub(super) fn end(self) -> &'static [u8] {
        match self {
            Self::Chunked => b"0\r\n\r\n",
            _ => b"",
        }
    }
}

/// A body that is being read.
pub(super) struct Body {
    framing: Framing,
    /// Bytes that are left of the body, or of the chunk.
    left: u64,
    has_ended: bool,
}

impl Body {
    pub(super) fn new(framing: Framing) -> Self {
        let left = match framing {
            Framing::Length(left) => left,
            _ => 0,
        };
        Self {
            framing,
            left,
            has_ended: false,
        }
    }

    /// The next piece; an empty one at the end.
    pub(super) fn next(&mut self, link: &mut Link<'_>) -> io::Result<Vec<u8>> {
        if self.has_ended {
            return Ok(Vec::new());
        }
        match self.framing {
            Framing::UntilEnd => {
                if link.buffer.is_empty() {
                    self.has_ended = link.fill()? == 0;
                }
                return Ok(std::mem::take(&mut link.buffer));
            }
            Framing::Chunked if self.left == 0 => {
                let size = link.line()?;
                let size = size.split(';').next().unwrap_or("").trim();
                self.left = u64::from_str_radix(size, 16).map_err(|_| invalid("a chunk"))?;
                if self.left == 0 {
                    // Trailers are not passed on.
                    while !link.line()?.is_empty() {}
                }
            }
            _ => {}
        }
        if self.left == 0 {
            self.has_ended = true;
            return Ok(Vec::new());
        }
        let piece = link.piece(self.left)?;
        self.left -= piece.len() as u64;
        if self.framing == Framing::Chunked && self.left == 0 {
            link.line()?;
        }
        Ok(piece)
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
