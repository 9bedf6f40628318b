//! Plots in SVG: a histogram of two parts and a pair of curves.
//!
//! Parts differ by pattern and curves by their dashes, not by colour alone.

use std::fmt::Write;

use super::html::escape;

const WIDTH: f64 = 700.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;

const FIRST: &str = "#1d5a96";
const SECOND: &str = "#a8430b";

/// What a plot is called, for those who see it and those who do not.
pub(crate) struct Titles<'a> {
    /// The id of the plot in the page: one word.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    /// What runs along the bottom.
    pub(crate) x: &'a str,
    /// The names of the two series.
    pub(crate) series: [&'a str; 2],
}

/// Stacked bars over 0 to 1: the first series below, the second on it.
pub(crate) fn histogram(titles: &Titles<'_>, series: [&[u64]; 2]) -> String {
    let [first, second] = series;
    let most = first.iter().zip(second).map(|(a, b)| a + b).max();
    let top = round_up(most.unwrap_or(0).max(1));
    let mut svg = start(titles);
    axes(&mut svg, titles, &|tick| {
        let value = tick * top as f64;
        if value.fract() == 0.0 {
            format!("{value}")
        } else {
            String::new()
        }
    });
    let width = 1.0 / first.len() as f64;
    for (bin, (a, b)) in first.iter().zip(second).enumerate() {
        let x = bin as f64 * width;
        let (a, b) = (*a as f64 / top as f64, *b as f64 / top as f64);
        let hatch = format!("url(#{}-hatch)", titles.id);
        for (from, to, fill) in [(0.0, a, FIRST), (a, a + b, &*hatch)] {
            if to > from {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" fill=\"{fill}\"/>",
                    at_x(x) + 0.5,
                    at_y(to),
                    at_x(width) - at_x(0.0) - 1.0,
                    at_y(from) - at_y(to),
                );
            }
        }
    }
    legend(&mut svg, titles, |svg, x, series| {
        let fill = match series {
            0 => FIRST.to_owned(),
            _ => format!("url(#{}-hatch)", titles.id),
        };
        let _ = write!(
            svg,
            "<rect x=\"{x}\" y=\"10\" width=\"22\" height=\"12\" fill=\"{fill}\"/>"
        );
    });
    svg + "</svg>\n"
}

/// Two curves of shares over 0 to 1, the second dashed. A curve ends where it
/// has no value.
pub(crate) fn curves(titles: &Titles<'_>, series: [&[(f64, f64)]; 2]) -> String {
    let mut svg = start(titles);
    axes(&mut svg, titles, &|tick| format!("{:.0} %", 100.0 * tick));
    for (number, points) in series.iter().enumerate() {
        let points: Vec<_> = points
            .iter()
            .map(|&(x, y)| format!("{:.2},{:.2}", at_x(x), at_y(y.clamp(0.0, 1.0))))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" {} points=\"{}\"/>",
            stroke(number),
            points.join(" ")
        );
    }
    legend(&mut svg, titles, |svg, x, series| {
        let _ = write!(
            svg,
            "<line x1=\"{x}\" y1=\"16\" x2=\"{}\" y2=\"16\" {}/>",
            x + 22.0,
            stroke(series)
        );
    });
    svg + "</svg>\n"
}

fn stroke(series: usize) -> &'static str {
    // The colours of FIRST and SECOND.
    match series {
        0 => "stroke=\"#1d5a96\" stroke-width=\"2.5\"",
        _ => "stroke=\"#a8430b\" stroke-width=\"2.5\" stroke-dasharray=\"7 4\"",
    }
}

fn at_x(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn at_y(share: f64) -> f64 {
    HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
}

/// The first number of 1, 2, 5 times a power of ten that is not below `most`,
/// so that the axis has round numbers.
fn round_up(most: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let round = power.saturating_mul(factor);
            if round >= most {
                return round;
            }
        }
        power = power.saturating_mul(10);
    }
}

fn start(titles: &Titles<'_>) -> String {
    let Titles {
        id,
        title,
        description,
        ..
    } = titles;
    let (title, description) = (escape(title), escape(description));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" font-family=\"sans-serif\" font-size=\"13\" \
         fill=\"#1a1a1a\">\n\
         <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{description}</desc>\n\
         <defs><pattern id=\"{id}-hatch\" width=\"5\" height=\"5\" \
         patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <rect width=\"5\" height=\"5\" fill=\"#fbe3d4\"/>\
         <rect width=\"2.5\" height=\"5\" fill=\"{SECOND}\"/></pattern></defs>\n"
    )
}

/// Lines and numbers at fifths of the height and tenths of the width.
fn axes(svg: &mut String, titles: &Titles<'_>, label: &dyn Fn(f64) -> String) {
    for fifth in 0..=5 {
        let share = f64::from(fifth) / 5.0;
        let y = at_y(share);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y:.2}\" x2=\"{}\" y2=\"{y:.2}\" stroke=\"#d0d0d0\"/>\
             <text x=\"{}\" y=\"{:.2}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
            label(share)
        );
    }
    for tenth in 0..=10 {
        let share = f64::from(tenth) / 10.0;
        let _ = writeln!(
            svg,
            "<text x=\"{:.2}\" y=\"{}\" text-anchor=\"middle\">{share:.1}</text>",
            at_x(share),
            HEIGHT - BOTTOM + 17.0
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.2}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        at_x(0.5),
        HEIGHT - 6.0,
        escape(titles.x)
    );
}

fn legend(svg: &mut String, titles: &Titles<'_>, mark: impl Fn(&mut String, f64, usize)) {
    for (number, name) in titles.series.iter().enumerate() {
        let x = LEFT + 300.0 * number as f64;
        mark(svg, x, number);
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"20\">{}</text>",
            x + 30.0,
            escape(name)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!(
            [1, 2, 3, 7, 11, 5000].map(round_up),
            [1, 2, 5, 10, 20, 5000]
        );
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_bar_is_drawn_for_each_count() {
        let titles = Titles {
            id: "ic",
            title: "a < b",
            description: "",
            x: "x",
            series: ["right", "wrong"],
        };
        let svg = histogram(&titles, [&[3, 0], &[0, 2]]);
        // Two bars, two of the legend, two of the pattern.
        assert_eq!(svg.matches("<rect").count(), 6);
        assert!(svg.contains("a &lt; b"));
        let svg = curves(&titles, [&[(0.0, 1.0), (1.0, 0.0)], &[]]);
        assert!(
            svg.contains("points=\"60.00,34.00 688.00,276.00\""),
            "{svg}"
        );
    }
}
