//! The body of a batch: parallel lists of strings.
//!
//! The lists are read in two passes. The first finds the fields and checks that
//! the whole is JSON, without building anything; the second reads the strings,
//! borrowed from the body where they have no escapes. So the memory that a body
//! takes stays a small multiple of the lines that are allowed, whatever it
//! holds, and an error quotes the body as it was sent.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::contract2024::field_error::{FieldError, Input, Loc};
use crate::contract2024::json_position;
use crate::error::ApiError;

/// The fields of `/predict-batch`; `/evaluation` has all of them.
pub(crate) const FIELDS: [&str; 6] = [
    "text_description",
    "type_",
    "nature",
    "surface",
    "event",
    "code",
];

/// A longer value is not sent back in an error: FastAPI would repeat a body of
/// 20 MB for each field that it lacks.
const MAX_QUOTED_BYTES: usize = 1 << 20;

/// The most errors that are listed.
const MAX_ERRORS: usize = 1000;

/// A list of a batch.
pub(crate) type List<'b> = Vec<Cow<'b, str>>;

/// What stands in the way of reading a body.
#[derive(Debug)]
pub(crate) enum BodyProblem {
    /// Nothing but this is said, whatever is wrong with the query.
    Alone(ApiError),
    /// Said after what is wrong with the query.
    Fields(Vec<FieldError>),
}

/// Reads the lists of the first `fields` of [`FIELDS`], each of at most
/// `max_lines` strings.
pub(crate) fn parse<'b>(
    body: &'b [u8],
    is_json: bool,
    (fields, max_lines): (usize, usize),
) -> Result<Vec<List<'b>>, BodyProblem> {
    if body.is_empty() {
        let missing = FieldError::missing(vec![Loc::Name("body")], Input::Null);
        return Err(BodyProblem::Fields(vec![missing]));
    }
    // Python detects a byte order mark, and skips it.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(BodyProblem::Alone(unreadable()));
    };
    if !is_json {
        let error = FieldError::not_an_object(quoted_text(text));
        return Err(BodyProblem::Fields(vec![error]));
    }
    let whole: &RawValue = serde_json::from_str(text).map_err(|_| not_json(text))?;
    if !whole.get().starts_with('{') {
        let error = FieldError::not_an_object(quoted(whole));
        return Err(BodyProblem::Fields(vec![error]));
    }
    let Found(found) =
        serde_json::from_str(whole.get()).map_err(|_| BodyProblem::Alone(unreadable()))?;
    let mut lists = Vec::with_capacity(fields);
    let mut errors = Vec::new();
    for (name, value) in FIELDS.into_iter().zip(found).take(fields) {
        let loc = vec![Loc::Name("body"), Loc::Name(name)];
        match value {
            None => errors.push(FieldError::missing(loc, quoted(whole))),
            Some(value) if !value.get().starts_with('[') => {
                errors.push(FieldError::not_a_list(loc, quoted(value)));
            }
            Some(value) => lists.push(strings(value, &loc, (max_lines, &mut errors))?),
        }
    }
    if errors.is_empty() {
        Ok(lists)
    } else {
        errors.truncate(MAX_ERRORS);
        Err(BodyProblem::Fields(errors))
    }
}

/// The strings of a list; items of another type go to the errors.
fn strings<'b>(
    value: &'b RawValue,
    loc: &[Loc],
    (max_lines, errors): (usize, &mut Vec<FieldError>),
) -> Result<List<'b>, BodyProblem> {
    let json = value.get();
    if let Ok(list) = first_items::<Text<'b>>(json, max_lines + 1) {
        if list.len() > max_lines {
            return Err(BodyProblem::Alone(too_many(max_lines)));
        }
        return Ok(list.into_iter().map(|Text(text)| text).collect());
    }
    let items = first_items::<&'b RawValue>(json, max_lines)
        .map_err(|_| BodyProblem::Alone(unreadable()))?;
    for (index, item) in items.iter().enumerate() {
        if errors.len() >= MAX_ERRORS {
            break;
        }
        let here = || [loc, &[Loc::Index(index)]].concat();
        if !item.get().starts_with('"') {
            errors.push(FieldError::not_a_string(here(), quoted(item)));
        } else if serde_json::from_str::<Text<'b>>(item.get()).is_err() {
            // Half of a surrogate pair: JSON, but no text.
            errors.push(FieldError::not_unicode(here(), Input::Null));
        }
    }
    if errors.is_empty() {
        // What is no string comes after the lines that are allowed.
        return Err(BodyProblem::Alone(too_many(max_lines)));
    }
    Ok(Vec::new())
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'b>(#[serde(borrow)] Cow<'b, str>);

/// The fields of a body that are known, as they stand there; of a field that
/// comes twice, the last.
struct Found<'b>([Option<&'b RawValue>; FIELDS.len()]);

impl<'de> Deserialize<'de> for Found<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Last;
        impl<'de> Visitor<'de> for Last {
            type Value = Found<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = [None; FIELDS.len()];
                while let Some(Text(name)) = map.next_key()? {
                    match FIELDS.iter().position(|field| *field == name) {
                        Some(field) => found[field] = Some(map.next_value()?),
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Found(found))
            }
        }
        deserializer.deserialize_map(Last)
    }
}

/// The first `limit` items of a JSON list; the others are read and forgotten.
fn first_items<'b, T: Deserialize<'b>>(
    json: &'b str,
    limit: usize,
) -> Result<Vec<T>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let items = FirstItems {
        limit,
        item: PhantomData,
    };
    (&mut deserializer).deserialize_seq(items)
}

struct FirstItems<T> {
    limit: usize,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for FirstItems<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.limit {
            match seq.next_element()? {
                Some(item) => items.push(item),
                None => return Ok(items),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items)
    }
}

/// The 413 for a batch with more lines than allowed.
pub(crate) fn too_many(max_lines: usize) -> ApiError {
    ApiError::TooLarge(format!(
        "The batch has more than {max_lines} lines. Send it in parts."
    ))
}

/// The 400 for what is not text, and for JSON that only Python takes.
fn unreadable() -> ApiError {
    ApiError::BadRequest("There was an error parsing the body".to_owned())
}

fn not_json(text: &str) -> BodyProblem {
    BodyProblem::Alone(match json_position::find(text) {
        Some((position, message)) => {
            ApiError::Unprocessable(vec![FieldError::json_invalid(position, message)])
        }
        None => unreadable(),
    })
}

fn quoted(value: &RawValue) -> Input {
    if value.get().len() <= MAX_QUOTED_BYTES {
        Input::Json(value.to_owned())
    } else {
        Input::Null
    }
}

fn quoted_text(text: &str) -> Input {
    if text.len() <= MAX_QUOTED_BYTES {
        Input::Text(text.to_owned())
    } else {
        Input::Null
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: usize = 3;

    fn errors(body: &str) -> serde_json::Value {
        match parse(body.as_bytes(), true, (5, LINES)) {
            Err(BodyProblem::Fields(errors)) => serde_json::to_value(errors).unwrap(),
            other => panic!("{body}: {other:?}"),
        }
    }

    fn alone(body: &[u8]) -> ApiError {
        match parse(body, true, (5, LINES)) {
            Err(BodyProblem::Alone(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    fn body(texts: &str) -> String {
        format!(
            r#"{{"text_description": {texts}, "type_": [], "nature": [], "surface": [], "event": []}}"#
        )
    }

    #[test]
    fn of_a_field_that_comes_twice_the_last_counts() {
        let body = body("[1]").replace("}", r#", "x": 1e999, "text_description": ["b\n", "c"]}"#);
        let lists = parse(body.as_bytes(), true, (5, LINES)).unwrap();
        assert_eq!(lists[0], ["b\n", "c"]);
        assert!(matches!(lists[0][1], Cow::Borrowed(_)));
    }

    #[test]
    fn items_of_another_type_are_named_and_quoted() {
        let errors = errors(&body(
            r#"["a", null, {"z": 1.0, "a": [12345678901234567890123]}]"#,
        ));
        assert_eq!(errors.as_array().unwrap().len(), 2);
        assert_eq!(errors[0]["type"], "string_type");
        assert_eq!(
            errors[0]["loc"],
            serde_json::json!(["body", "text_description", 1])
        );
        assert_eq!(errors[0]["input"], serde_json::Value::Null);
        assert_eq!(errors[1]["input"]["z"], 1.0);
    }

    #[test]
    fn half_a_surrogate_pair_is_no_text() {
        assert_eq!(errors(&body(r#"["\ud800"]"#))[0]["type"], "string_unicode");
    }

    #[test]
    fn a_list_that_is_too_long_is_not_kept() {
        for items in ["\"\",", "1,", "[[],{}],"] {
            let list = format!("[\"a\",\"b\",\"c\",{}null]", items.repeat(10_000));
            assert!(matches!(
                alone(body(&list).as_bytes()),
                ApiError::TooLarge(_)
            ));
        }
        assert!(parse(body(r#"["a", "b", "c"]"#).as_bytes(), true, (5, LINES)).is_ok());
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let deep = "[".repeat(1 << 20) + &"]".repeat(1 << 20);
        assert_eq!(errors(&deep)[0]["type"], "model_attributes_type");
        assert_eq!(errors(&deep)[0]["input"], serde_json::Value::Null);
        let in_a_list = body(&format!("[{deep}]"));
        assert_eq!(errors(&in_a_list)[0]["type"], "string_type");
        let unclosed = alone("[".repeat(1 << 20).as_bytes());
        assert!(matches!(unclosed, ApiError::Unprocessable(_)));
    }

    #[test]
    fn errors_are_not_listed_without_end() {
        let list = format!("[{}1]", "1,".repeat(5_000));
        let Err(BodyProblem::Fields(errors)) = parse(body(&list).as_bytes(), true, (5, 100_000))
        else {
            panic!("a list of numbers is refused");
        };
        assert_eq!(errors.len(), MAX_ERRORS);
    }

    #[test]
    fn what_only_python_takes_is_a_400() {
        for bytes in [&b"{\"a\": NaN}"[..], b"\"\xc3\"", b"\xff\xfe{\0}\0"] {
            assert!(matches!(alone(bytes), ApiError::BadRequest(_)));
        }
        assert_eq!(errors("\u{feff}{}")[0]["type"], "missing");
    }
}
