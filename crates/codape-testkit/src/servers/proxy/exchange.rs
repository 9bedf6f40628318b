//! One request, passed on, and its answer, passed back with what happens to it.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use super::faults::{Asked, Fault, Seen};
use super::http::{Body, Framing, Head, Link};
use super::{Shared, sign};
use crate::rng::SplitMix64;

/// How long the server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Serves a client's connection until one side ends it.
pub(super) fn serve(client: TcpStream, shared: &Shared) {
    let Ok(mut client) = Link::new(client, &shared.has_to_stop) else {
        return;
    };
    loop {
        let Ok(Some(request)) = client.head() else {
            return;
        };
        match Exchange::new(shared, &request).run(&mut client, request) {
            Ok(Then::KeepOpen) => {}
            Ok(Then::Stall) => return client.wait_for_end(),
            Ok(Then::Reset) => return client.reset(),
            Ok(Then::Close) | Err(_) => return,
        }
    }
}

/// What becomes of the client's connection.
enum Then {
    KeepOpen,
    Close,
    Stall,
    Reset,
}

/// One request and its answer.
struct Exchange<'a> {
    shared: &'a Shared,
    asked: Asked,
    /// The place of the request among those that were seen.
    number: usize,
    fault: Option<Fault>,
    /// What the details of the fault follow from.
    rng: SplitMix64,
}

/// The place where something happens to a body, in bytes from its begin.
#[derive(Default)]
struct Change {
    cut: Option<u64>,
    flip: Option<u64>,
    /// Bytes that are put after the end.
    padding: usize,
}

impl<'a> Exchange<'a> {
    fn new(shared: &'a Shared, request: &Head) -> Self {
        let asked = Asked {
            method: request.word(0).to_owned(),
            target: request.word(1).to_owned(),
            range: request.get("range").map(str::to_owned),
        };
        let (number, fault) = shared.arrived(&asked);
        let (fault, rng) = match fault {
            Some((fault, rng)) => (Some(fault), rng),
            None => (None, SplitMix64::new(0)),
        };
        Self {
            shared,
            asked,
            number,
            fault,
            rng,
        }
    }

    fn run(mut self, client: &mut Link<'_>, mut request: Head) -> io::Result<Then> {
        let is_last = request.lists("connection", "close") || !request.first.ends_with("HTTP/1.1");
        let mut body = Body::new(request.framing_of_request());
        if request.lists("expect", "100-continue") {
            // Said for the server, so that nobody waits for anybody.
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            request.remove("expect");
        }
        if self.fault == Some(Fault::Unavailable) {
            while !body.next(client)?.is_empty() {}
            self.refuse(client)?;
            return Ok(if is_last { Then::Close } else { Then::KeepOpen });
        }
        self.change_range(&mut request);
        request.set("connection", "close");

        let upstream = TcpStream::connect_timeout(&self.shared.upstream, CONNECT)
            .and_then(|stream| Link::new(stream, &self.shared.has_to_stop));
        let Ok(mut upstream) = upstream else {
            client.write_all(
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )?;
            self.note(|seen| seen.status = Some(502));
            return Ok(Then::Close);
        };
        let is_all_sent = pass_on(request, &mut body, client, &mut upstream)?;
        let mut answer = loop {
            let Some(head) = upstream.head()? else {
                return Ok(Then::Close);
            };
            if head.status() >= 200 {
                break head;
            }
        };
        let framing = answer.framing_of_answer(&self.asked.method);
        let has_to_close = is_last || !is_all_sent || framing == Framing::UntilEnd;
        answer.remove("connection");
        answer.remove("keep-alive");
        if has_to_close {
            answer.set("Connection", "close");
        }
        let then = self.pass_back(answer, framing, client, &mut upstream)?;
        Ok(match then {
            Then::KeepOpen if has_to_close => Then::Close,
            then => then,
        })
    }

    /// Changes the range on the way to the server.
    fn change_range(&mut self, request: &mut Head) {
        match self.fault {
            Some(Fault::IgnoreRange) => {
                request.remove("range");
                request.remove("if-range");
            }
            Some(Fault::WrongRange | Fault::ShiftedRange) => {
                let Some((first, last)) = self.asked.bounds() else {
                    return;
                };
                // Before what was asked for, where the object has bytes for sure.
                let most = last.map_or(first, |last| first.min(last - first + 1));
                let shift = |at: u64, back: u64| match first {
                    0 => at.saturating_add(1),
                    _ => at - back,
                };
                let back = 1 + self.below(most);
                let (from, last) = (shift(first, back), last.map(|last| shift(last, back)));
                let to = last.map(|last| last.to_string()).unwrap_or_default();
                request.set("range", &format!("bytes={from}-{to}"));
            }
            _ => return,
        }
        if let Some(key) = &self.shared.secret_key {
            sign::sign_again(request, key);
        }
        self.has_happened();
    }

    /// Answers 503 as S3 does under load.
    fn refuse(&mut self, client: &mut Link<'_>) -> io::Result<()> {
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code>\
            <Message>Please reduce your request rate.</Message></Error>";
        let retry = ["", "Retry-After: 1\r\n"][self.rng.below(2)];
        let head = format!(
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\n{retry}\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.has_happened();
        self.note(|seen| seen.status = Some(503));
        client.write_all(head.as_bytes())?;
        match &*self.asked.method {
            "HEAD" => Ok(()),
            _ => self.send(client, Framing::UntilEnd, body.into()),
        }
    }

    fn pass_back(
        &mut self,
        mut answer: Head,
        mut framing: Framing,
        client: &mut Link<'_>,
        upstream: &mut Link<'_>,
    ) -> io::Result<Then> {
        let status = answer.status();
        self.note(|seen| seen.status = Some(status));
        let mut body = Body::new(framing);
        // Read before the head is sent, to know what there is to change.
        let mut piece = body.next(upstream)?;
        let len = match framing {
            Framing::Length(len) => len,
            _ => piece.len() as u64,
        };
        if len == 0 && matches!(self.fault, Some(Fault::Stall | Fault::Reset)) {
            let bytes = answer.bytes();
            client.write_all(&bytes[..bytes.len() / 2])?;
            self.has_happened();
            return Ok(self.end());
        }
        let change = self.change(&mut answer, &mut framing, len);
        client.write_all(&answer.bytes())?;
        let mut sent = 0;
        while !piece.is_empty() {
            let end = sent + piece.len() as u64;
            if let Some(at) = change.flip.filter(|at| (sent..end).contains(at)) {
                piece[(at - sent) as usize] ^= 1 << self.rng.below(8);
            }
            if let Some(cut) = change.cut.filter(|cut| *cut <= end) {
                piece.truncate((cut - sent) as usize);
                self.send(client, framing, piece)?;
                let then = self.end();
                if matches!(then, Then::KeepOpen) {
                    client.write_all(framing.end())?;
                }
                return Ok(then);
            }
            self.send(client, framing, piece)?;
            sent = end;
            piece = body.next(upstream)?;
        }
        self.send(client, framing, vec![0; change.padding])?;
        client.write_all(framing.end())?;
        Ok(Then::KeepOpen)
    }

    /// What becomes of the connection after a cut.
    fn end(&self) -> Then {
        match self.fault {
            Some(Fault::Stall) => Then::Stall,
            Some(Fault::Reset) => Then::Reset,
            // The body is whole, as far as was said.
            Some(Fault::ShortLength | Fault::WrongRange | Fault::ShiftedRange) => Then::KeepOpen,
            _ => Then::Close,
        }
    }

    /// Changes the head, and says what is to be changed of a body of which `len`
    /// bytes are known.
    fn change(&mut self, answer: &mut Head, framing: &mut Framing, len: u64) -> Change {
        let mut change = Change::default();
        match self.fault {
            Some(Fault::Stall | Fault::Reset) => {
                // Something of the body comes, where it has more than a byte.
                change.cut = Some(len.min(2) - 1 + self.below(len - 1));
                self.has_happened();
            }
            Some(Fault::Truncate) if len > 0 => {
                change.cut = Some(self.below(len));
                self.has_happened();
            }
            Some(Fault::Flip) if len > 0 => {
                change.flip = Some(self.below(len));
                self.has_happened();
            }
            Some(Fault::ShortLength) => {
                let said = match self.asked.method == "HEAD" {
                    true => answer.length().unwrap_or(0),
                    false => len,
                };
                if said > 0 {
                    let cut = self.below(said);
                    answer.remove("transfer-encoding");
                    answer.set("Content-Length", &cut.to_string());
                    *framing = Framing::Length(cut);
                    change.cut = (len > 0).then_some(cut);
                    self.has_happened();
                }
            }
            Some(Fault::ChangedEtag) => {
                if let Some(etag) = answer.get("etag") {
                    let other = other_etag(etag);
                    answer.set("etag", &other);
                    self.has_happened();
                }
            }
            Some(Fault::WrongRange | Fault::ShiftedRange) if answer.status() == 206 => {
                change = self.fit_range(answer, framing).unwrap_or(change);
            }
            _ => {}
        }
        change
    }

    /// Makes the answer to a shifted range as long as the one that was asked
    /// for. It is too short where it begins after the begin of the object, whose
    /// range cannot be shifted any other way; too long where the range ends with
    /// the object.
    fn fit_range(&self, answer: &mut Head, framing: &mut Framing) -> Option<Change> {
        let told = answer.get("content-range")?.strip_prefix("bytes ")?;
        let (bounds, total) = told.split_once('/')?;
        let (from, to) = bounds.split_once('-')?;
        let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
        let total: u64 = total.parse().ok()?;
        let (first, last) = self.asked.bounds()?;
        let last = last.unwrap_or(u64::MAX).min(total.checked_sub(1)?);
        let asked = (last + 1).checked_sub(first)?;
        let got = (to + 1).checked_sub(from)?;
        if *framing == Framing::Length(got) {
            *framing = Framing::Length(asked);
            answer.set("Content-Length", &asked.to_string());
        }
        let (from, to) = match self.fault {
            Some(Fault::WrongRange) => (first, last),
            _ => (from, from + asked - 1),
        };
        answer.set("Content-Range", &format!("bytes {from}-{to}/{total}"));
        Some(Change {
            cut: (asked < got).then_some(asked),
            padding: usize::try_from(asked.saturating_sub(got)).ok()?,
            flip: None,
        })
    }

    /// Sends a piece of the body.
    fn send(&self, client: &mut Link<'_>, framing: Framing, piece: Vec<u8>) -> io::Result<()> {
        let len = piece.len() as u64;
        client.write_all(&framing.dress(piece))?;
        self.note(|seen| seen.body_bytes_sent += len);
        Ok(())
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.below(usize::try_from(bound).unwrap_or(usize::MAX)) as u64
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        self.shared.note(self.number, change);
    }

    fn has_happened(&self) {
        self.note(|seen| seen.fault = self.fault);
    }
}

/// Gives the server the request; whether all of it.
fn pass_on(
    request: Head,
    body: &mut Body,
    client: &mut Link<'_>,
    upstream: &mut Link<'_>,
) -> io::Result<bool> {
    let framing = request.framing_of_request();
    upstream.write_all(&request.bytes())?;
    loop {
        let piece = body.next(client)?;
        let is_end = piece.is_empty();
        let bytes = match is_end {
            true => framing.end().to_vec(),
            false => framing.dress(piece),
        };
        // A server that has heard enough may answer before the end.
        if upstream.write_all(&bytes).is_err() {
            return Ok(false);
        }
        if is_end {
            return Ok(true);
        }
    }
}

/// Another tag of the same form.
fn other_etag(etag: &str) -> String {
    let at = etag.find(|c: char| c.is_ascii_alphanumeric());
    let is_zero = at.is_some_and(|at| etag[at..].starts_with('0'));
    let digit = if is_zero { '1' } else { '0' };
    match at {
        Some(at) => format!("{}{digit}{}", &etag[..at], &etag[at + 1..]),
        None => format!("\"{digit}\""),
    }
}
