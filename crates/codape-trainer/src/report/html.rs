//! HTML, a piece at a time, with every text escaped.

use std::fmt::Write;

/// A page that is being written.
#[derive(Debug, Default)]
pub(crate) struct Html(String);

/// A cell of a table.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// A text, at the left.
    Text(String),
    /// A number, at the right.
    Number(String),
}

impl Html {
    /// Markup that is ours.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// A text in an element.
    pub(crate) fn element(&mut self, name: &str, text: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "<{name}>{}</{name}>", escape(text));
    }

    /// Figures that catch the eye: what each is, and its value.
    pub(crate) fn figures(&mut self, figures: &[(&str, String)]) {
        self.raw("<dl class=\"figures\">\n");
        for (name, value) in figures {
            let (name, value) = (escape(name), escape(value));
            let _ = writeln!(self.0, "<div><dt>{name}</dt><dd>{value}</dd></div>");
        }
        self.raw("</dl>\n");
    }

    /// A table. The first cell of a row is its heading.
    pub(crate) fn table(
        &mut self,
        caption: &str,
        heads: &[&str],
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) {
        let caption = escape(caption);
        let _ = writeln!(self.0, "<table>\n<caption>{caption}</caption>\n<thead><tr>");
        for head in heads {
            let _ = write!(self.0, "<th scope=\"col\">{}</th>", escape(head));
        }
        self.raw("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.raw("<tr>");
            for (column, cell) in row.iter().enumerate() {
                let element = if column == 0 {
                    "th scope=\"row\""
                } else {
                    "td"
                };
                let (class, text) = match cell {
                    Cell::Text(text) => ("", text),
                    Cell::Number(text) => (" class=\"n\"", text),
                };
                let end = &element[..2];
                let _ = write!(self.0, "<{element}{class}>{}</{end}>", escape(text));
            }
            self.raw("</tr>\n");
        }
        self.raw("</tbody>\n</table>\n");
    }

    /// The page.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// A text as a cell.
pub(crate) fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

/// A count as a cell, its thousands apart.
pub(crate) fn count(count: u64) -> Cell {
    Cell::Number(grouped(count))
}

/// A share of 0 to 1 as a cell, in percent.
pub(crate) fn share(share: Option<f64>) -> Cell {
    Cell::Number(percent(share))
}

/// A share of 0 to 1 in percent; a dash where there is none.
pub(crate) fn percent(share: Option<f64>) -> String {
    share
        .filter(|share| share.is_finite())
        .map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

/// A count, its thousands apart.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A text that is a text in HTML and XML, in an attribute too. Characters that
/// neither may hold are replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_be_markup() {
        assert_eq!(
            escape("<b a='\"'>&\0"),
            "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}"
        );
        let mut html = Html::default();
        html.table(
            "c",
            &["<h>"],
            [vec![text("<script>"), count(1_234_567), share(None)]],
        );
        let page = html.into_string();
        assert!(!page.contains("<script>") && !page.contains("<h>"));
        assert!(page.contains("<td class=\"n\">1,234,567</td><td class=\"n\">–</td>"));
    }
}
