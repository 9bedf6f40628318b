//! Challengers that are slow, panic or fail, beside a queue that is full.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use codape_coder::{CodeError, Coding};

use super::case::Best;
use super::*;
use crate::settings::Share;
use crate::state::lock;

/// More than any of this takes, on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

/// A contender whose answers the test sends.
#[derive(Debug)]
struct Fake {
    serial: u64,
    answers: Mutex<Receiver<Answer>>,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Code(&'static str, f64),
    Fail,
    Panic,
}

impl Fake {
    fn new(serial: u64) -> (Arc<Self>, Sender<Answer>) {
        let (sender, answers) = channel();
        let answers = Mutex::new(answers);
        (Arc::new(Self { serial, answers }), sender)
    }
}

impl Contender for Fake {
    fn version(&self) -> &str {
        "fake"
    }

    fn serial(&self) -> u64 {
        self.serial
    }

    fn code(&self, _: &Case, _: &mut Scratch) -> Result<Best, CodeError> {
        match lock(&self.answers).recv_timeout(LONG) {
            Ok(Answer::Code(code, confidence)) => Ok(Best {
                codes: vec![code.to_owned()],
                confidence,
            }),
            Ok(Answer::Fail) => Err(CodeError::NoSuggestions),
            Ok(Answer::Panic) | Err(_) => panic!("a challenger panics"),
        }
    }
}

fn shadow(queue: usize) -> Shadow<Fake> {
    Shadow::new(ShadowSettings {
        share: Share::new(1.0).unwrap(),
        queue,
        ..ShadowSettings::default()
    })
}

/// A case that was answered without any code, in confidence 0.9.
fn case(text: &str) -> Option<Case> {
    let coding = Coding {
        line: String::new(),
        suggestions: Vec::new(),
        confidence: 0.9,
    };
    let mut case = Case::new(text, |_| None, &coding, Some(Duration::from_millis(1)))?;
    case.served.codes = vec!["9602A".to_owned()];
    Some(case)
}

fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "it never came so");
        thread::yield_now();
    }
}

#[test]
fn what_a_challenger_does_is_counted_and_it_goes_on() {
    let shadow = shadow(16);
    let ((serving, _), (challenger, answers)) = (Fake::new(1), Fake::new(2));
    assert!(shadow.draw(&serving).is_none(), "there is no challenger");
    shadow.set_challenger(Some(challenger), &serving);
    for answer in [
        Answer::Panic,
        Answer::Code("9602A", 0.8),
        Answer::Fail,
        Answer::Code("1071C", 0.79),
        Answer::Code("9602A", f64::NAN),
    ] {
        shadow.offer(shadow.draw(&serving).unwrap(), case("coiffure"));
        answers.send(answer).unwrap();
    }
    let contest = shadow.draw(&serving).unwrap();
    until(|| contest.compared.get() + contest.failed.get() == 5);
    assert_eq!(contest.failed.get(), 2);
    assert_eq!(contest.agreed.get(), 2);
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&shadow.gather())
        .unwrap();
    let value = |metric: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(metric));
        let line = line.unwrap_or_else(|| panic!("{metric} is not in {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!((value("codape_shadow_agreement_ratio{") - 2.0 / 3.0).abs() < 1e-9);
    assert!((value("codape_shadow_automatic_ratio_difference{") + 2.0 / 3.0).abs() < 1e-9);
}

#[test]
fn a_full_queue_drops_and_nobody_waits() {
    let shadow = shadow(2);
    let ((serving, _), (challenger, answers)) = (Fake::new(1), Fake::new(2));
    shadow.set_challenger(Some(challenger), &serving);
    let contest = shadow.draw(&serving).unwrap();
    // Nothing answers: one may be with the challenger, two wait, the others go.
    for _ in 0..100 {
        shadow.offer(Arc::clone(&contest), case("coiffure"));
    }
    let dropped = contest.dropped.get();
    assert!((97..=98).contains(&dropped), "{dropped} were dropped");
    shadow.offer(Arc::clone(&contest), case(&"é".repeat(4096)));
    assert_eq!(contest.dropped.get(), dropped + 1);
    for _ in dropped..100 {
        answers.send(Answer::Code("9602A", 1.0)).unwrap();
    }
    until(|| contest.compared.get() == 100 - dropped);
}

#[test]
fn what_waits_for_a_challenger_that_is_gone_is_dropped() {
    let shadow = shadow(8);
    let ((serving, _), (first, answers)) = (Fake::new(1), Fake::new(2));
    let gone = Arc::downgrade(&first);
    shadow.set_challenger(Some(first), &serving);
    let old = shadow.draw(&serving).unwrap();
    for _ in 0..4 {
        shadow.offer(Arc::clone(&old), case("coiffure"));
    }
    let (next, _) = Fake::new(3);
    shadow.set_challenger(Some(next), &serving);
    // Whichever the first was asked already are answered, the others never.
    answers.send(Answer::Code("9602A", 1.0)).unwrap();
    until(|| old.compared.get() + old.dropped.get() == 4);
    assert!(old.compared.get() <= 1);
    drop(old);
    until(|| gone.upgrade().is_none());
    shadow.set_challenger(None, &serving);
    assert!(shadow.draw(&serving).is_none());
}

#[test]
fn a_model_that_was_replaced_takes_part_no_more() {
    let shadow = shadow(8);
    let ((old, _), (new, _), (challenger, _)) = (Fake::new(1), Fake::new(2), Fake::new(3));
    shadow.compare_with(&old);
    assert!(shadow.challenger().is_none());
    shadow.set_challenger(Some(challenger), &old);
    shadow.compare_with(&new);
    assert!(shadow.draw(&old).is_none());
    assert!(shadow.draw(&new).is_some());
}

#[test]
fn a_share_of_nothing_draws_nothing() {
    let settings = ShadowSettings {
        share: Share::new(0.0).unwrap(),
        ..ShadowSettings::default()
    };
    let shadow = Shadow::new(settings);
    let ((serving, _), (challenger, _)) = (Fake::new(1), Fake::new(2));
    shadow.set_challenger(Some(challenger), &serving);
    assert!((0..1000).all(|_| shadow.draw(&serving).is_none()));
    assert!(Share::new(1.1).is_err() && Share::new(f64::NAN).is_err());
    let half = Share::new(0.5).unwrap();
    let drawn = (0..10_000).filter(|_| half.draw()).count();
    assert!((4_500..5_500).contains(&drawn), "{drawn}");
}
