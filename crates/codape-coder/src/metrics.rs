//! `metrics.json`: the numbers that were measured when a package was made.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// Named numbers, in the order of the file that they come from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics(Vec<(String, f64)>);

impl Metrics {
    /// Reads the text of a `metrics.json`: an object of numbers.
    ///
    /// # Errors
    ///
    /// Where the text is not JSON, or a value is not a number.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The text of a `metrics.json`, one line a metric. A value that is not
    /// finite, which JSON cannot say, is left out.
    #[must_use]
    pub fn to_json(&self) -> String {
        let lines: Vec<String> = self
            .iter()
            .filter(|(_, value)| value.is_finite())
            .map(|(name, value)| format!("  {}: {value}", serde_json::Value::from(name)))
            .collect();
        format!("{{\n{}\n}}\n", lines.join(",\n"))
    }

    /// The names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl FromIterator<(String, f64)> for Metrics {
    fn from_iter<I: IntoIterator<Item = (String, f64)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Metrics;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metrics, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Metrics(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_file_is_kept() {
        let metrics = Metrics::from_json(r#"{"b": 0.5, "a": 1}"#).unwrap();
        assert_eq!(metrics.iter().collect::<Vec<_>>(), [("b", 0.5), ("a", 1.0)]);
    }

    #[test]
    fn what_was_read_is_what_was_written() {
        let pairs = [("Test 1 - \"IC\"", 0.25), ("a", 1.0), ("b", 1e-7)];
        let metrics: Metrics = pairs
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect();
        assert_eq!(Metrics::from_json(&metrics.to_json()).unwrap(), metrics);
    }

    #[test]
    fn a_value_that_is_no_number_is_refused() {
        assert!(Metrics::from_json(r#"{"a": "Passed"}"#).is_err());
        assert!(Metrics::from_json("[]").is_err());
    }
}
