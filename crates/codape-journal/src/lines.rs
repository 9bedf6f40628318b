//! The log lines of the service of 2024, written and read.
//!
//! A line is a dictionary as Python writes it, with the query and what was
//! answered, behind whatever Python's logging put before it:
//!
//! ```text
//! 2024-03-01 10:11:12,345 - INFO - main:{'Query': {'text_description': 'coiffure',
//! 'type_liasse': 'A', …}, 'Response': {'1': {'code': '9602A', 'probabilite': 0.98,
//! 'libelle': 'Coiffure'}, 'IC': 0.95}}
//! ```
//!
//! Versions of the service called the parts of a query differently, and wrapped
//! them in lists of one; a query with several texts has as many answers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::civil;
use jiff::tz::TimeZone;

use crate::python::{Literal, LiteralError, parse, write_float, write_text};
use crate::record::{Decision, ModelName, Record, Suggested, Time};

/// What the parts of queries were called, and what they are called here. The first
/// of a kind is what is written.
const NAMES: [(&str, &[&str]); 5] = [
    (
        "text_description",
        &["libelle", "description_activity", "text", "description"],
    ),
    (
        "type_liasse",
        &["type_", "type", "typ", "type_form", "liasse_type"],
    ),
    ("nature", &["nat", "nat_sicore"]),
    ("surface", &["surf"]),
    (
        "event",
        &["evt", "evt_sicore", "activity_permanence_status"],
    ),
];
/// Parts of queries that say how to answer, not what.
const SETTINGS: [&str; 6] = [
    "nb_echos_max",
    "prob_min",
    "k",
    "top_k",
    "num_workers",
    "batch_size",
];
/// The codes of an answer at most.
const MOST_SUGGESTIONS: usize = 100;
/// The texts of a query at most.
const MOST_TEXTS: usize = 100_000;

/// Why a line gives no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineProblem {
    /// It tells of something else.
    #[error("no query in it")]
    NoQuery,
    /// Its dictionary cannot be read.
    #[error("not a dictionary: {problem} at byte {at}")]
    Literal {
        /// The place in the line.
        at: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// It does not say when.
    #[error("no time before the query")]
    NoTime,
    /// The query has no text.
    #[error("the query has no text")]
    NoText,
    /// What was answered is missing or no answer.
    #[error("the response is none: {problem}")]
    Response {
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// What a line of 2024 does not say.
#[derive(Clone, Debug)]
pub struct LineSettings {
    /// The time zone of the service's clock.
    pub zone: TimeZone,
    /// The confidence index from which a code was assigned without a person.
    pub threshold: f64,
    /// The model that answered.
    pub model: ModelName<'static>,
}

/// The time zone of a name, such as `Europe/Paris`.
///
/// # Errors
///
/// Where there is none.
pub fn time_zone(name: &str) -> Result<TimeZone, jiff::Error> {
    TimeZone::get(name)
}

/// Writes a record as a line of 2024, without what logging puts before it and
/// without its end. It has no place for the caller, the model, titles of levels and
/// what else that service did not know.
#[must_use]
pub fn legacy_line(record: &Record<'_>) -> String {
    let mut line = "{'Query': {".to_owned();
    let given = |name: &str| match name {
        "text_description" => record.text.as_deref(),
        name => record.variables.get(name).map(|value| &**value),
    };
    for (place, (name, _)) in NAMES.iter().enumerate() {
        line.push_str(if place == 0 { "'" } else { ", '" });
        line.push_str(name);
        line.push_str("': ");
        match given(name) {
            Some(value) => write_text(value, &mut line),
            None => line.push_str("None"),
        }
    }
    for (name, value) in &record.variables {
        if NAMES.iter().all(|(known, _)| name != known) {
            line.push_str(", ");
            write_text(name, &mut line);
            line.push_str(": ");
            write_text(value, &mut line);
        }
    }
    line.push_str("}, 'Response': {");
    for (number, suggested) in (1..).zip(&record.suggestions) {
        line.push_str(&format!("'{number}': {{'code': "));
        write_text(&suggested.code, &mut line);
        line.push_str(", 'probabilite': ");
        write_float(suggested.probability.into(), &mut line);
        line.push_str(", 'libelle': ");
        match &suggested.title {
            Some(title) => write_text(title, &mut line),
            None => line.push_str("None"),
        }
        line.push_str("}, ");
    }
    line.push_str("'IC': ");
    write_float(record.confidence_index, &mut line);
    line.push_str("}}");
    line
}

/// Reads a line of 2024: a record for each of the query's texts.
///
/// # Errors
///
/// Where it is no such line. Nothing in it is evaluated, and memory is bounded by
/// its length.
pub fn parse_legacy_line(
    line: &str,
    settings: &LineSettings,
) -> Result<Vec<Record<'static>>, LineProblem> {
    let mut starts = ["{'Query'", "{\"Query\""].into_iter();
    let start = starts.find_map(|start| line.find(start));
    let start = start.ok_or(LineProblem::NoQuery)?;
    let entry = parse(&line[start..]).map_err(|LiteralError { at, problem }| {
        let at = start + at;
        LineProblem::Literal { at, problem }
    })?;
    let time = time(&line[..start], &settings.zone).ok_or(LineProblem::NoTime)?;
    let query = entry.get("Query").ok_or(LineProblem::NoQuery)?;
    let response = entry.get("Response").ok_or(LineProblem::Response {
        problem: "it is missing",
    })?;
    // One version logged the arguments of the model's call.
    let query = query.get("query").unwrap_or(query);
    let forms = forms(query)?;
    let answers = match response {
        Literal::List(answers) => answers.as_slice(),
        answer => std::slice::from_ref(answer),
    };
    if answers.len() != forms.len() {
        return Err(LineProblem::Response {
            problem: "there are not as many answers as texts",
        });
    }
    (0..)
        .zip(forms.into_iter().zip(answers))
        .map(|(line, (form, answer))| {
            let (suggestions, confidence_index) = answered(answer)?;
            let is_automatic = confidence_index >= settings.threshold;
            Ok(Record {
                time,
                caller: None,
                request_id: None,
                line,
                reference: None,
                text: Some(form.text.into()),
                cleaned: None,
                variables: form.variables,
                suggestions,
                levels: Vec::new(),
                confidence_index,
                threshold: settings.threshold,
                decision: match is_automatic {
                    true => Decision::Automatic,
                    false => Decision::Review,
                },
                rule: None,
                model: settings.model.clone(),
                latency_us: 0,
            })
        })
        .collect()
}

/// A text with its variables.
struct Form {
    text: String,
    variables: BTreeMap<Cow<'static, str>, Cow<'static, str>>,
}

/// What a part of a query is called here; `None` for settings.
fn name(given: &str) -> Option<Cow<'static, str>> {
    let lower = given.to_ascii_lowercase();
    if SETTINGS.contains(&lower.as_str()) {
        return None;
    }
    let known = NAMES
        .iter()
        .find(|(name, others)| *name == lower || others.contains(&lower.as_str()));
    Some(known.map_or_else(|| given.to_owned().into(), |(name, _)| (*name).into()))
}

fn forms(query: &Literal) -> Result<Vec<Form>, LineProblem> {
    match query {
        Literal::List(queries) => {
            let mut found = Vec::new();
            for query in queries {
                found.push(form(&pairs(query)?, 0)?);
            }
            Ok(found)
        }
        query => {
            let pairs = pairs(query)?;
            let text = pairs.get("text_description").ok_or(LineProblem::NoText)?;
            let texts = match text {
                Literal::List(texts) => texts.len(),
                _ => 1,
            };
            if texts > MOST_TEXTS {
                return Err(LineProblem::NoText);
            }
            (0..texts).map(|place| form(&pairs, place)).collect()
        }
    }
}

/// The parts of a query by their names here.
fn pairs(query: &Literal) -> Result<BTreeMap<Cow<'static, str>, &Literal>, LineProblem> {
    let Literal::Dictionary(pairs) = query else {
        return Err(LineProblem::NoText);
    };
    let named = pairs.iter().filter_map(|(key, value)| match key {
        Literal::Text(key) => Some((name(key)?, value)),
        _ => None,
    });
    Ok(named.collect())
}

/// The form at a place of a query whose parts may be lists.
fn form(pairs: &BTreeMap<Cow<'static, str>, &Literal>, place: usize) -> Result<Form, LineProblem> {
    let at = |value: &Literal| match value {
        Literal::List(values) => values.get(place).and_then(Literal::plain),
        value => value.plain(),
    };
    let mut values = pairs
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), at(value)?)));
    let mut form = Form {
        text: String::new(),
        variables: BTreeMap::new(),
    };
    let mut has_text = false;
    for (name, value) in &mut values {
        if name == "text_description" {
            form.text = value;
            has_text = true;
        } else {
            form.variables.insert(name, value.into());
        }
    }
    has_text.then_some(form).ok_or(LineProblem::NoText)
}

/// The codes of an answer, best first, and its confidence index.
fn answered(answer: &Literal) -> Result<(Vec<Suggested<'static>>, f64), LineProblem> {
    let refuse = |problem| LineProblem::Response { problem };
    if !matches!(answer, Literal::Dictionary(_)) {
        return Err(refuse("not a dictionary"));
    }
    let mut suggestions = Vec::new();
    let places: RangeInclusive<usize> = 1..=MOST_SUGGESTIONS;
    for place in places {
        let Some(suggested) = answer.get(&place.to_string()) else {
            break;
        };
        let code = suggested.get("code").and_then(Literal::plain);
        let probability = suggested.get("probabilite").and_then(Literal::number);
        suggestions.push(Suggested {
            code: code
                .ok_or_else(|| refuse("a suggestion without code"))?
                .into(),
            title: suggested
                .get("libelle")
                .and_then(Literal::plain)
                .map(Cow::from),
            probability: probability.ok_or_else(|| refuse("a code without probability"))? as f32,
        });
    }
    let probability = |place: usize| {
        let found: Option<&Suggested<'_>> = suggestions.get(place);
        found.map_or(0.0, |suggested| f64::from(suggested.probability))
    };
    let told = answer.get("IC").and_then(Literal::number);
    let confidence_index = told.unwrap_or_else(|| probability(0) - probability(1));
    if suggestions.is_empty() && told.is_none() {
        return Err(refuse("neither codes nor IC"));
    }
    if !confidence_index.is_finite() {
        return Err(refuse("its IC is no number"));
    }
    Ok((suggestions, confidence_index))
}

/// The time that stands in what logging wrote: `2024-03-01 10:11:12,345`, with `T`
/// for the space, a point for the comma or no fraction, and with a zone where one
/// follows.
fn time(before: &str, zone: &TimeZone) -> Option<Time> {
    /// `2024-03-01 10:11:12`.
    const SECONDS: usize = 19;
    let bytes = before.as_bytes();
    let shape = b"dddd-dd-ddsdd:dd:dd";
    let start = (0..bytes.len().saturating_sub(SECONDS - 1)).find(|&start| {
        let fits = |(&byte, &kind): (&u8, &u8)| match kind {
            b'd' => byte.is_ascii_digit(),
            b's' => matches!(byte, b' ' | b'T'),
            kind => byte == kind,
        };
        bytes[start..].iter().zip(shape).all(fits)
    })?;
    let number = |from: usize, digits: usize| -> Option<i16> {
        before[start + from..start + from + digits].parse().ok()
    };
    let small = |from: usize| number(from, 2).and_then(|number| i8::try_from(number).ok());
    let mut rest = &before[start + SECONDS..];
    let mut nanoseconds = 0;
    if let Some(fraction) = rest.strip_prefix([',', '.']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        // To microseconds: what is behind is cut off.
        let kept = format!("{:0<6.6}", &fraction[..digits]);
        nanoseconds = kept.parse::<i32>().ok()? * 1000;
        rest = &fraction[digits..];
    }
    let local = civil::DateTime::new(
        number(0, 4)?,
        small(5)?,
        small(8)?,
        small(11)?,
        small(14)?,
        small(17)?,
        nanoseconds,
    )
    .ok()?;
    let zone = match offset(rest) {
        Some(seconds) => jiff::tz::Offset::from_seconds(seconds).ok()?.to_time_zone(),
        None => zone.clone(),
    };
    // An hour that comes twice is taken for the first, one that is left out for the
    // next.
    let moment = local.to_zoned(zone).ok()?.timestamp();
    Some(Time::from_micros(moment.as_microsecond()))
}

/// The seconds east of Greenwich that a time ends with: `Z`, `+02:00` or `+0200`.
fn offset(text: &str) -> Option<i32> {
    if text.starts_with('Z') {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..]
        .chars()
        .filter(|&character| character != ':')
        .take(4)
        .collect();
    let is_time = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i32 = is_time.then(|| digits.parse::<i32>().ok())??;
    Some(sign * (seconds / 100 * 3600 + seconds % 100 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::complete;

    fn settings() -> LineSettings {
        LineSettings {
            zone: time_zone("Europe/Paris").unwrap(),
            threshold: 0.8,
            model: ModelName::default(),
        }
    }

    fn read(line: &str) -> Result<Vec<Record<'static>>, LineProblem> {
        parse_legacy_line(line, &settings())
    }

    #[test]
    fn a_line_says_what_its_record_does() {
        let record = complete();
        let line = legacy_line(&record);
        assert_eq!(
            line,
            "{'Query': {'text_description': 'Coiffure à \"domicile\"\\n', 'type_liasse': None, \
             'nature': '01', 'surface': None, 'event': None}, 'Response': {'1': {'code': '9602A', \
             'probabilite': 0.10000000149011612, 'libelle': 'Coiffure'}, 'IC': 0.987654321}}"
        );
        let line = format!("2026-02-01 00:59:59.000001 - INFO - {line}");
        let expected = Record {
            caller: None,
            request_id: None,
            line: 0,
            reference: None,
            cleaned: None,
            levels: Vec::new(),
            model: ModelName::default(),
            latency_us: 0,
            ..record
        };
        assert_eq!(read(&line), Ok(vec![expected]));
    }

    #[test]
    fn versions_of_the_service_are_understood() {
        let answer = "{'1': {'code': '9602A', 'probabilite': 0.9, 'libelle': 'Coiffure'}, \
                      '2': {'code': '9602B', 'probabilite': 0.05, 'libelle': 'Soins'}, 'IC': 0.85}";
        for query in [
            "{'text_description': 'coiffure', 'type_liasse': 'A', 'nature': None, 'event': nan}",
            "{'query': {'libelle': ['coiffure'], 'TYP': ['A'], 'NAT_SICORE': [nan]}, 'k': 5}",
            "{'description_activity': 'coiffure', 'type_form': 'A', 'nb_echos_max': 5}",
        ] {
            let line = format!(
                "INFO:2024-07-01 10:11:12,345:main:{{'Query': {query}, 'Response': {answer}}}"
            );
            let records = read(&line).unwrap();
            let [record] = records.as_slice() else {
                panic!("{query}");
            };
            assert_eq!(record.time.to_string(), "2024-07-01T08:11:12.345000Z");
            assert_eq!(record.text.as_deref(), Some("coiffure"));
            let variables = [("type_liasse".into(), "A".into())].into();
            assert_eq!(record.variables, variables, "{query}");
            assert_eq!(record.suggestions.len(), 2);
            assert_eq!(record.decision, Decision::Automatic);
        }
    }

    #[test]
    fn a_batch_is_a_record_for_each_text() {
        let line = "2024-01-01T10:11:12+0000 {'Query': {'text_description': ['a', 'b'], 'nature': \
                    ['01', nan]}, 'Response': [{'1': {'code': 'A', 'probabilite': 1}}, {'IC': 0.5}]}";
        let records = read(line).unwrap();
        let told: Vec<_> = records
            .iter()
            .map(|record| {
                let text = record.text.as_deref().unwrap();
                (
                    record.line,
                    text,
                    record.variables.len(),
                    record.confidence_index,
                )
            })
            .collect();
        assert_eq!(told, [(0, "a", 1, 1.0), (1, "b", 0, 0.5)]);
        assert_eq!(records[0].time.to_string(), "2024-01-01T10:11:12.000000Z");
        let forms = line.replace(
            "{'text_description': ['a', 'b'], 'nature': ['01', nan]}",
            "[{'text_description': 'a'}, {'text_description': 'b'}]",
        );
        assert_eq!(read(&forms).unwrap().len(), 2);
    }

    #[test]
    fn other_lines_say_why_they_are_none() {
        let stamp = "2024-01-01 10:11:12 ";
        for (line, problem) in [
            (String::new(), LineProblem::NoQuery),
            ("INFO: 200 OK".to_owned(), LineProblem::NoQuery),
            (
                "{'Query': {'libelle': 'a'}, 'Response': {'IC': 1}}".to_owned(),
                LineProblem::NoTime,
            ),
            (
                format!("{stamp}{{'Query': {{}}, 'Response': {{'IC': 1}}}}"),
                LineProblem::NoText,
            ),
            (
                format!("{stamp}{{'Query': {{'libelle': 'a'}}}}"),
                LineProblem::Response {
                    problem: "it is missing",
                },
            ),
            (
                format!("{stamp}{{'Query': {{'libelle': 'a'}}, 'Response': [1, 2]}}"),
                LineProblem::Response {
                    problem: "there are not as many answers as texts",
                },
            ),
            (
                format!("{stamp}{{'Query': {{'libelle': 'a'}}, 'Response': {{'IC': nan}}}}"),
                LineProblem::Response {
                    problem: "its IC is no number",
                },
            ),
            (
                format!("{stamp}{{'Query': {{'libelle': open('x')}}}}"),
                LineProblem::Literal {
                    at: 42,
                    problem: "not a literal",
                },
            ),
            (
                "9999-99-99 99:99:99 {'Query': {'libelle': 'a'}, 'Response': {'IC': 1}}".to_owned(),
                LineProblem::NoTime,
            ),
        ] {
            assert_eq!(read(&line), Err(problem), "{line}");
        }
    }

    #[test]
    fn hours_that_are_not_or_are_twice_are_times() {
        for (local, utc) in [
            ("2024-03-31 02:30:00", "2024-03-31T01:30:00.000000Z"),
            ("2024-10-27 02:30:00", "2024-10-27T00:30:00.000000Z"),
            ("2024-10-27 02:30:00,1", "2024-10-27T00:30:00.100000Z"),
            (
                "2024-10-27 02:30:00.123456789",
                "2024-10-27T00:30:00.123456Z",
            ),
            ("2024-10-27T02:30:00-01:30", "2024-10-27T04:00:00.000000Z"),
        ] {
            let found = time(local, &settings().zone).map(|time| time.to_string());
            assert_eq!(found.as_deref(), Some(utc), "{local}");
        }
        for text in [
            "",
            "2024-03-31",
            "2024-03-31 02:30:0é",
            "é2024-13-01 00:00:00",
        ] {
            assert_eq!(time(text, &settings().zone), None, "{text}");
        }
    }

    #[test]
    fn changed_lines_end_in_records_or_an_error() {
        let line = format!("2024-01-01 10:11:12,5+01:00 {}", legacy_line(&complete()));
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let mut characters: Vec<char> = line.chars().collect();
            for _ in 0..random.u8(1..4) {
                let place = random.usize(..characters.len());
                characters[place] = *random.choice(&characters).unwrap();
                if random.u8(..8) == 0 {
                    characters.insert(place, random.char(..));
                }
            }
            let _ = read(&characters.iter().collect::<String>());
        }
    }
}
