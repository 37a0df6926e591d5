//! Rates over time as a small picture that a person can read, on a telephone too: PNG with a palette, a few kilobytes.
//!
//! Drawn with bitmap fonts at their own size, so that text stays crisp where the picture is shown as it is.
//! `canvas` holds pixels, colours and text. Invariant: same report, same bytes.

mod canvas;

use canvas::*;
use embedded_graphics::mono_font::iso_8859_1::{FONT_9X15, FONT_9X18_BOLD};
use embedded_graphics::pixelcolor::Gray8;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Line, PrimitiveStyle, Rectangle, Triangle};
use embedded_graphics::text::Alignment;
use std::convert::Infallible;

/// Lines that are drawn.
pub(super) const LINES: usize = 4;

/// Pixels of a character and of a row of text.
const CHARACTER: i32 = 9;
const ROW: i32 = 17;
/// Where the plot begins and ends.
const LEFT: i32 = 62;
const RIGHT: i32 = WIDTH as i32 - 14;
const BOTTOM: i32 = HEIGHT as i32 - 42;

/// What is drawn. Times are seconds since the beginning, rates are messages per second.
pub(super) struct Chart {
    pub(super) title: String,
    /// `seconds since …`
    pub(super) time_axis: String,
    /// What one unit of the time axis is in seconds.
    pub(super) unit_s: f64,
    pub(super) span_s: f64,
    pub(super) lines: Vec<Series>,
    pub(super) gaps: Vec<(f64, f64)>,
    pub(super) spikes: Vec<(f64, f64)>,
    /// Rate at the beginning and at the end.
    pub(super) trend: Option<(f64, f64)>,
}

/// One line.
pub(super) struct Series {
    pub(super) label: String,
    /// Time and rate.
    pub(super) points: Vec<(f64, f64)>,
}

impl Chart {
    /// The picture as PNG.
    pub(super) fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut canvas = Canvas::new();
        let Ok(()) = self.draw(&mut canvas);
        canvas.png()
    }

    fn draw(&self, canvas: &mut Canvas) -> Result<(), Infallible> {
        write(
            canvas,
            &self.title,
            &FONT_9X18_BOLD,
            6,
            4,
            INK,
            Alignment::Left,
        )?;
        let top = self.legend(canvas, 25)? + 6;
        let highest = self
            .lines
            .iter()
            .flat_map(|line| &line.points)
            .map(|point| point.1);
        let highest = highest.chain(self.trend.map(|(from, to)| from.max(to)));
        let highest = highest.chain(self.spikes.iter().map(|spike| spike.1));
        let plot = Plot::new(top, self.span_s, highest.fold(0.0, f64::max));
        for &(from, until) in &self.gaps {
            let (left, right) = (plot.x(from), plot.x(until));
            let size = Size::new(
                (right - left).max(2).unsigned_abs(),
                (BOTTOM - top).unsigned_abs(),
            );
            fill(canvas, Rectangle::new(Point::new(left, top), size), GAP)?;
        }
        self.axes(canvas, &plot)?;
        if let [only] = self.lines.as_slice() {
            plot.area(canvas, &only.points)?;
        }
        for (line, colour) in self.lines.iter().zip(LINE..) {
            let points: Vec<Point> = line
                .points
                .iter()
                .map(|&(t, rate)| plot.at(t, rate))
                .collect();
            // Line by line: a thick polyline computes its corners in 32 bits, which sharp ones exceed.
            for pair in points.windows(2) {
                Line::new(pair[0], pair[1])
                    .into_styled(stroke(colour, 2))
                    .draw(canvas)?;
            }
        }
        if let Some((from, to)) = self.trend {
            plot.dashes(canvas, from, to)?;
        }
        for &(t, rate) in &self.spikes {
            let tip = plot.at(t, rate) - Point::new(0, 3);
            let (left, right) = (tip + Point::new(-5, -8), tip + Point::new(5, -8));
            let style = PrimitiveStyle::with_fill(Gray8::new(SPIKE));
            Triangle::new(tip, left, right)
                .into_styled(style)
                .draw(canvas)?;
        }
        if self
            .lines
            .iter()
            .all(|line| line.points.iter().all(|point| point.1 == 0.0))
        {
            let middle = (LEFT + RIGHT) / 2;
            write(
                canvas,
                "no messages",
                &FONT_9X18_BOLD,
                middle,
                (top + BOTTOM) / 2,
                INK,
                Alignment::Center,
            )?;
        }
        Ok(())
    }

    /// What the colours mean; returns where it ends.
    fn legend(&self, canvas: &mut Canvas, mut y: i32) -> Result<i32, Infallible> {
        let lines = self
            .lines
            .iter()
            .zip(LINE..)
            .map(|(line, colour)| (line.label.as_str(), colour));
        let marks = [
            ("gap", GAP, !self.gaps.is_empty()),
            ("spike", SPIKE, !self.spikes.is_empty()),
            ("trend", TREND, self.trend.is_some()),
        ];
        let marks = marks
            .into_iter()
            .filter(|mark| mark.2)
            .map(|(label, colour, _)| (label, colour));
        let mut x = 6;
        for (label, colour) in lines.chain(marks) {
            let label: String = label.chars().take(46).collect();
            let width = 16 + (label.chars().count() as i32 + 2) * CHARACTER;
            if x > 6 && x + width - CHARACTER > WIDTH as i32 {
                (x, y) = (6, y + ROW);
            }
            let height = if colour == GAP || colour == SPIKE {
                11
            } else {
                4
            };
            let corner = Point::new(x, y + 8 - height / 2);
            fill(
                canvas,
                Rectangle::new(corner, Size::new(12, height.unsigned_abs())),
                colour,
            )?;
            write(canvas, &label, &FONT_9X15, x + 16, y, INK, Alignment::Left)?;
            x += width;
        }
        Ok(y + ROW)
    }

    fn axes(&self, canvas: &mut Canvas, plot: &Plot) -> Result<(), Infallible> {
        for rate in ticks(plot.highest) {
            let y = plot.at(0.0, rate).y;
            let grid = Line::new(Point::new(LEFT, y), Point::new(RIGHT, y));
            grid.into_styled(stroke(GRID, 1)).draw(canvas)?;
            write(
                canvas,
                &short(rate),
                &FONT_9X15,
                LEFT - 5,
                y - 7,
                INK,
                Alignment::Right,
            )?;
        }
        for units in ticks(self.span_s / self.unit_s) {
            let x = plot.x(units * self.unit_s);
            let mark = Line::new(Point::new(x, BOTTOM), Point::new(x, BOTTOM + 4));
            mark.into_styled(stroke(INK, 1)).draw(canvas)?;
            let label = short(units);
            // The last label stays inside of the picture.
            let half = label.len() as i32 * CHARACTER / 2;
            write(
                canvas,
                &label,
                &FONT_9X15,
                x.min(WIDTH as i32 - half),
                BOTTOM + 6,
                INK,
                Alignment::Center,
            )?;
        }
        for end in [Point::new(RIGHT, BOTTOM), Point::new(LEFT, plot.top)] {
            Line::new(Point::new(LEFT, BOTTOM), end)
                .into_styled(stroke(INK, 1))
                .draw(canvas)?;
        }
        write(
            canvas,
            &self.time_axis,
            &FONT_9X15,
            (LEFT + RIGHT) / 2,
            BOTTOM + 23,
            INK,
            Alignment::Center,
        )
    }
}

/// Where times and rates lie in the picture.
struct Plot {
    top: i32,
    span_s: f64,
    highest: f64,
}

impl Plot {
    fn new(top: i32, span_s: f64, highest: f64) -> Self {
        Self {
            top,
            span_s: span_s.max(1e-3),
            // Room above for the marks of spikes.
            highest: if highest > 0.0 { highest * 1.1 } else { 1.0 },
        }
    }

    fn x(&self, t: f64) -> i32 {
        let share = (t / self.span_s).clamp(0.0, 1.0);
        LEFT + (share * f64::from(RIGHT - LEFT)).round() as i32
    }

    fn at(&self, t: f64, rate: f64) -> Point {
        let share = (rate / self.highest).clamp(0.0, 1.0);
        let up = (share * f64::from(BOTTOM - self.top)).round() as i32;
        Point::new(self.x(t), BOTTOM - up)
    }

    /// Shades what lies below the line.
    fn area(&self, canvas: &mut Canvas, points: &[(f64, f64)]) -> Result<(), Infallible> {
        for pair in points.windows(2) {
            let (from, to) = (self.at(pair[0].0, pair[0].1), self.at(pair[1].0, pair[1].1));
            for x in from.x..=to.x {
                let y = from.y + (to.y - from.y) * (x - from.x) / (to.x - from.x).max(1);
                let column = Line::new(Point::new(x, y), Point::new(x, BOTTOM - 1));
                column.into_styled(stroke(FILL, 1)).draw(canvas)?;
            }
        }
        Ok(())
    }

    fn dashes(&self, canvas: &mut Canvas, from: f64, to: f64) -> Result<(), Infallible> {
        const DASHES: u32 = 30;
        let at = |step: f64| self.at(self.span_s * step, from + (to - from) * step);
        for dash in 0..DASHES {
            let begin = f64::from(dash) / f64::from(DASHES);
            let dash = Line::new(at(begin), at(begin + 0.6 / f64::from(DASHES)));
            dash.into_styled(stroke(TREND, 2)).draw(canvas)?;
        }
        Ok(())
    }
}

/// Round numbers from zero to `highest`, about five.
fn ticks(highest: f64) -> Vec<f64> {
    if !(highest.is_finite() && highest > 0.0) {
        return vec![0.0];
    }
    let rough = highest / 5.5;
    let power = 10f64.powi(rough.log10().floor() as i32);
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
    let step = steps
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    (0..=5)
        .map(|n| f64::from(n) * step)
        .take_while(|tick| *tick <= highest * 1.000_1)
        .collect()
}

/// At most six characters.
fn short(number: f64) -> String {
    let scaled = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let scaled = scaled.into_iter().find(|(unit, _)| number >= *unit * 9.999);
    let (number, unit) = scaled.map_or((number, ""), |(by, unit)| (number / by, unit));
    let text = match number {
        number if number < 0.1 => format!("{number:.3}"),
        number if number < 10.0 => format!("{number:.2}"),
        number => format!("{number:.1}"),
    };
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{}{unit}", if text.is_empty() { "0" } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        let rate = |t: u32| 18.0 + f64::from(t * 7 % 5) + if t == 160 { 60.0 } else { 0.0 };
        let points = (0..300).step_by(2).map(|t| {
            let rate = if (200..230).contains(&t) {
                0.0
            } else {
                rate(t)
            };
            (f64::from(t) + 1.0, rate)
        });
        Chart {
            title: "home/+/temperature: messages per second".to_owned(),
            time_axis: "minutes since 02:01:10 UTC".to_owned(),
            unit_s: 60.0,
            span_s: 300.0,
            lines: vec![Series {
                label: "messages".to_owned(),
                points: points.collect(),
            }],
            gaps: vec![(200.0, 230.0)],
            spikes: vec![(161.0, 78.0)],
            trend: Some((17.0, 21.0)),
        }
    }

    fn decoded(bytes: &[u8]) -> Vec<u8> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (WIDTH, HEIGHT));
        pixels
    }

    fn share(pixels: &[u8], colour: u8) -> f64 {
        let colour = PALETTE[usize::from(colour)];
        let found = pixels.chunks_exact(3).filter(|pixel| *pixel == colour);
        found.count() as f64 / f64::from(WIDTH * HEIGHT)
    }

    #[test]
    fn a_picture_of_a_few_kilobytes_has_all_that_was_asked_for() {
        let bytes = chart().png().unwrap();
        assert!(bytes.len() < 8_192, "{}", bytes.len());
        assert_eq!(bytes, chart().png().unwrap());
        let pixels = decoded(&bytes);
        for colour in [WHITE, INK, GRID, GAP, TREND, SPIKE, FILL, LINE] {
            assert!(share(&pixels, colour) > 0.000_1, "{colour}");
        }
        if let Some(path) = std::env::var_os("CHART_TO_LOOK_AT") {
            std::fs::write(path, &bytes).unwrap();
        }
    }

    #[test]
    fn anything_can_be_drawn() {
        let series = |label: &str, points: Vec<(f64, f64)>| Series {
            label: label.to_owned(),
            points,
        };
        let odd = Chart {
            title: "ä".repeat(300),
            time_axis: "s".to_owned(),
            unit_s: 1.0,
            span_s: 0.0,
            lines: vec![
                series("", Vec::new()),
                series(
                    &"x".repeat(400),
                    vec![(f64::NAN, f64::INFINITY), (9e9, -4.0)],
                ),
                series("b", vec![(0.0, 1e12)]),
            ],
            gaps: vec![(-5.0, 1e300)],
            spikes: vec![(f64::NAN, f64::NAN)],
            trend: Some((f64::NEG_INFINITY, 3.0)),
        };
        decoded(&odd.png().unwrap());
        let empty = Chart {
            lines: Vec::new(),
            gaps: Vec::new(),
            spikes: Vec::new(),
            trend: None,
            ..chart()
        };
        decoded(&empty.png().unwrap());
    }

    #[test]
    fn sharp_corners_are_drawn() {
        for n in (1..400).step_by(19) {
            let height = |i: u32| f64::from((i * 7_919 + n * 104_729) % 1_000);
            let points: Vec<(f64, f64)> =
                (0..n).map(|i| (f64::from(i) * 1e-3, height(i))).collect();
            let sharp = Chart {
                span_s: 0.01 * f64::from(n),
                lines: vec![Series {
                    label: "a".to_owned(),
                    points,
                }],
                ..chart()
            };
            sharp.png().unwrap();
        }
    }

    #[test]
    fn ticks_are_round_and_short() {
        assert_eq!(ticks(1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(0.0), [0.0]);
        assert_eq!(ticks(23.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
        for (number, text) in [
            (0.0, "0"),
            (0.05, "0.05"),
            (2.5, "2.5"),
            (15.0, "15"),
            (1_500.0, "1500"),
            (25e3, "25k"),
        ] {
            assert_eq!(short(number), text);
        }
        assert!((0..2_000).all(|n| short(1.07f64.powi(n % 300) * 1e-3).len() <= 7));
    }
}
