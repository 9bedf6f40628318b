//! One entry of a 422, in the shape of FastAPI with pydantic 2.

use serde::Serialize;
use serde_json::value::RawValue;

/// A step of the way to what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Loc {
    /// A part of the request, or a field.
    Name(&'static str),
    /// An item of a list, or a position in the text of the body.
    Index(usize),
}

/// What was found there.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Input {
    /// Nothing; also where the value is too large to be sent back.
    Null,
    /// A string.
    Text(String),
    /// `{}`, which is what FastAPI says of a body that is not JSON.
    Object {},
    /// JSON, as it was received.
    Json(Box<RawValue>),
}

/// What else there is to say.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Context {
    /// The message of the JSON parser.
    Error { error: &'static str },
    /// The least value.
    Least { ge: i64 },
    /// The greatest value.
    Greatest { le: i64 },
}

/// One thing that is wrong with the shape of a request.
#[derive(Debug, Clone, Serialize)]
pub struct FieldError {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Vec<Loc>,
    msg: &'static str,
    input: Input,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Context>,
}

impl FieldError {
    pub(crate) fn missing(loc: Vec<Loc>, input: Input) -> Self {
        Self::new("missing", "Field required", loc, input)
    }

    pub(crate) fn int_parsing(loc: Vec<Loc>, input: Input) -> Self {
        let msg = "Input should be a valid integer, unable to parse string as an integer";
        Self::new("int_parsing", msg, loc, input)
    }

    pub(crate) fn int_parsing_size(loc: Vec<Loc>, input: Input) -> Self {
        let msg = "Unable to parse input string as an integer, exceeded maximum size";
        Self::new("int_parsing_size", msg, loc, input)
    }

    pub(crate) fn float_parsing(loc: Vec<Loc>, input: Input) -> Self {
        let msg = "Input should be a valid number, unable to parse string as a number";
        Self::new("float_parsing", msg, loc, input)
    }

    pub(crate) fn finite_number(loc: Vec<Loc>, input: Input) -> Self {
        Self::new(
            "finite_number",
            "Input should be a finite number",
            loc,
            input,
        )
    }

    pub(crate) fn below_one(loc: Vec<Loc>, input: Input) -> Self {
        let msg = "Input should be greater than or equal to 1";
        let error = Self::new("greater_than_equal", msg, loc, input);
        error.with(Context::Least { ge: 1 })
    }

    pub(crate) fn above_i32(loc: Vec<Loc>, input: Input) -> Self {
        let msg = "Input should be less than or equal to 2147483647";
        let error = Self::new("less_than_equal", msg, loc, input);
        error.with(Context::Greatest { le: 2_147_483_647 })
    }

    pub(crate) fn json_invalid(position: usize, error: &'static str) -> Self {
        let loc = vec![Loc::Name("body"), Loc::Index(position)];
        let invalid = Self::new("json_invalid", "JSON decode error", loc, Input::Object {});
        invalid.with(Context::Error { error })
    }

    pub(crate) fn not_an_object(input: Input) -> Self {
        let msg = "Input should be a valid dictionary or object to extract fields from";
        let loc = vec![Loc::Name("body")];
        Self::new("model_attributes_type", msg, loc, input)
    }

    pub(crate) fn not_a_list(loc: Vec<Loc>, input: Input) -> Self {
        Self::new("list_type", "Input should be a valid list", loc, input)
    }

    pub(crate) fn not_a_string(loc: Vec<Loc>, input: Input) -> Self {
        Self::new("string_type", "Input should be a valid string", loc, input)
    }

    pub(crate) fn not_unicode(loc: Vec<Loc>, input: Input) -> Self {
        let msg = "Input should be a valid string, unable to parse raw data as a unicode string";
        Self::new("string_unicode", msg, loc, input)
    }

    fn new(kind: &'static str, msg: &'static str, loc: Vec<Loc>, input: Input) -> Self {
        Self {
            kind,
            loc,
            msg,
            input,
            ctx: None,
        }
    }

    fn with(mut self, context: Context) -> Self {
        self.ctx = Some(context);
        self
    }
}
