//! Charts, drawn by plotters and made fit to stand inside a page.
//!
//! plotters' SVG has whole pixels only, so that a curve drawn at the size it is read at looks stepped: everything here is
//! drawn [`SCALE`] times as large and scaled down by the `viewBox`. Colours are drawn as sentinels ([`Ink`]) and become
//! CSS classes afterwards, so that the page's style decides them, light or dark; [`Canvas::finish`] refuses a chart in
//! which a colour is left. Texts are told apart from lines by `f-` (filled) and `s-` (stroked) classes.

pub(crate) mod course;
pub(crate) mod dots;
pub(crate) mod heat;
pub(crate) mod lines;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Error;
use crate::say;

/// How much larger than it is read a chart is drawn.
const SCALE: i32 = 4;

/// plotters divides the size of a font by this before it writes it.
const FONT_FACTOR: f64 = 1.24;

/// What something is drawn as; the page's style gives the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Words and numbers.
    Text,
    /// Lines behind the data.
    Grid,
    /// The line at zero.
    Axis,
    /// What may not be exceeded.
    Limit,
    /// Today's curve.
    Today,
    /// Today's nameplate.
    TodayPlate,
    /// The range of today's nameplate.
    TodayBand,
    /// The plan's curve.
    Plan,
    /// The plan's nameplate.
    PlanPlate,
    /// The range of the plan's nameplate.
    PlanBand,
    /// What a case is held against.
    Before,
    /// A case.
    Case,
    /// Jobs that are lost in a case.
    Lost,
    /// What did not move.
    Still,
    /// The sheet itself, inside of a ring.
    Paper,
    /// CPU load, by class from 0.
    Heat(u8),
}

impl Ink {
    const PLAIN: [(Self, &'static str); 15] = [
        (Self::Text, "text"),
        (Self::Grid, "grid"),
        (Self::Axis, "axis"),
        (Self::Limit, "limit"),
        (Self::Today, "today"),
        (Self::TodayPlate, "today-plate"),
        (Self::TodayBand, "today-band"),
        (Self::Plan, "plan"),
        (Self::PlanPlate, "plan-plate"),
        (Self::PlanBand, "plan-band"),
        (Self::Before, "before"),
        (Self::Case, "case"),
        (Self::Lost, "lost"),
        (Self::Still, "still"),
        (Self::Paper, "paper"),
    ];

    /// Every ink with its word.
    fn all() -> impl Iterator<Item = (Self, String)> {
        let plain = Self::PLAIN.iter().map(|(ink, word)| (*ink, (*word).to_owned()));
        plain.chain((0..heat::CLASSES as u8).map(|i| (Self::Heat(i), format!("heat{i}"))))
    }

    fn sentinel(self) -> RGBColor {
        let n = match self {
            Self::Heat(i) => 0x80 + i,
            other => Self::PLAIN.iter().position(|(ink, _)| *ink == other).map_or(0x7f, |i| i as u8),
        };
        RGBColor(0xfe, 0x01, n)
    }
}

/// For which width a chart is drawn: both stand in the page, and the style shows one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// A screen or a sheet of paper.
    Wide,
    /// A phone.
    Narrow,
}

impl Width {
    const fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }

    /// Width in pixels as read.
    pub(crate) const fn pixels(self) -> i32 {
        match self {
            Self::Wide => 940,
            Self::Narrow => 340,
        }
    }

    /// Size of words as read, in pixels.
    pub(crate) const fn font(self) -> f64 {
        match self {
            Self::Wide => 13.0,
            Self::Narrow => 12.0,
        }
    }
}

/// A point, in pixels as read.
type At = (f64, f64);

/// A sheet to draw on; all coordinates are pixels as read, from the top left.
pub(crate) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    width: Width,
}

fn up(x: f64) -> i32 {
    (x * f64::from(SCALE)).round() as i32
}

fn fault(e: impl std::fmt::Display) -> Error {
    Error::Chart(e.to_string())
}

impl<'a> Canvas<'a> {
    fn new(buffer: &'a mut String, width: Width, height: i32) -> Self {
        let size = ((width.pixels() * SCALE) as u32, (height * SCALE) as u32);
        Self { area: SVGBackend::with_string(buffer, size).into_drawing_area(), width }
    }

    /// A line through points.
    fn path(&self, ink: Ink, thick: f64, points: &[At]) -> Result<(), Error> {
        let mut all: Vec<(i32, i32)> = points.iter().map(|p| (up(p.0), up(p.1))).collect();
        all.dedup();
        let style = ink.sentinel().stroke_width((thick * f64::from(SCALE)).round() as u32);
        self.area.draw(&PathElement::new(all, style)).map_err(fault)
    }

    /// A filled rectangle.
    fn rect(&self, ink: Ink, from: At, to: At) -> Result<(), Error> {
        let corners = [(up(from.0), up(from.1)), (up(to.0), up(to.1))];
        self.area.draw(&Rectangle::new(corners, ink.sentinel().filled())).map_err(fault)
    }

    /// A filled circle.
    fn dot(&self, ink: Ink, at: At, radius: f64) -> Result<(), Error> {
        self.area.draw(&Circle::new((up(at.0), up(at.1)), up(radius), ink.sentinel().filled())).map_err(fault)
    }

    /// Words.
    fn words(&self, ink: Ink, text: &str, at: At, h: HPos, v: VPos) -> Result<(), Error> {
        let size = self.width.font() * f64::from(SCALE) * FONT_FACTOR;
        let style = ("sans-serif", size).into_font().color(&ink.sentinel()).pos(Pos::new(h, v));
        self.area.draw(&Text::new(text.to_owned(), (up(at.0), up(at.1)), style)).map_err(fault)
    }
}

/// Draws, and gives the SVG as it stands in the page.
fn draw(width: Width, height: i32, label: &str, on: impl FnOnce(&Canvas<'_>) -> Result<(), Error>) -> Result<String, Error> {
    let mut raw = String::new();
    {
        let canvas = Canvas::new(&mut raw, width, height);
        on(&canvas)?;
        canvas.area.present().map_err(fault)?;
    }
    finish(&raw, width, height, label)
}

/// Turns plotters' SVG into the page's: its own root, classes for sentinels, nothing superfluous.
fn finish(raw: &str, width: Width, height: i32, label: &str) -> Result<String, Error> {
    let body = raw.split_once('>').map(|x| x.1).and_then(|x| x.rsplit_once("</svg>")).map(|x| x.0).ok_or_else(|| fault("no svg"))?;
    let mut body = body
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" \"/>", "\"/>");
    for (ink, word) in Ink::all() {
        let RGBColor(r, g, b) = ink.sentinel();
        let colour = format!("#{r:02X}{g:02X}{b:02X}");
        body = body.replace(&format!("fill=\"none\" stroke=\"{colour}\""), &format!("class=\"s-{word}\""));
        body = body.replace(&format!("fill=\"{colour}\""), &format!("class=\"f-{word}\""));
        body = body.replace(&format!("stroke=\"{colour}\""), &format!("class=\"s-{word}\""));
    }
    if body.contains("=\"#") {
        return Err(fault("a colour is left that the page's style does not decide"));
    }
    let body = merge_cells(&body);
    let (w, h) = (width.pixels() * SCALE, height * SCALE);
    let label = escape(label);
    Ok(format!("<svg class=\"{}\" viewBox=\"0 0 {w} {h}\" role=\"img\" aria-label=\"{label}\">{body}</svg>", width.class()))
}

/// Puts the rectangles of a heat map's class into one path: a tenth of the bytes.
fn merge_cells(body: &str) -> String {
    let mut paths = vec![String::new(); heat::CLASSES];
    let mut rest = String::with_capacity(body.len());
    for line in body.lines() {
        let attribute = |name: &str| -> Option<i32> { line.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.parse().ok() };
        let class = line.starts_with("<rect").then(|| line.split_once("class=\"f-heat")).flatten();
        let class = class.and_then(|(_, c)| c.split_once('"')).and_then(|(c, _)| c.parse::<usize>().ok());
        match (class, attribute("x"), attribute("y"), attribute("width"), attribute("height")) {
            (Some(class), Some(x), Some(y), Some(w), Some(h)) => paths[class] += &format!("M{x} {y}h{w}v{h}h-{w}z"),
            _ => {
                rest.push_str(line);
                rest.push('\n');
            }
        }
    }
    for (i, path) in paths.iter().enumerate().filter(|(_, p)| !p.is_empty()) {
        rest += &format!("<path class=\"f-heat{i}\" d=\"{path}\"/>\n");
    }
    rest
}

/// Text as it stands in an attribute.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// About how wide words are, in pixels as read.
fn words_width(text: &str, font: f64) -> f64 {
    say::width(text) as f64 * font * 0.56
}

/// The words, cut so that they fit into so many pixels.
fn fit(text: &str, font: f64, pixels: f64) -> String {
    say::cut(text, (pixels / (font * 0.56)).floor().max(1.0) as usize)
}

/// Round numbers from zero to at least `top`, `about` of them.
fn ticks(top: f64, about: usize) -> Vec<f64> {
    if top.is_nan() || top <= 0.0 {
        return vec![0.0, 1.0];
    }
    let rough = top / about as f64;
    let decade = 10f64.powi(rough.log10().floor() as i32);
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * decade).find(|s| *s >= rough * 0.999_999).unwrap_or(10.0 * decade);
    let n = (top / step - 1e-9).ceil().max(1.0) as usize;
    (0..=n).map(|i| i as f64 * step).collect()
}

/// A round number of [`ticks`], with as many decimals as its neighbours need.
fn tick_label(x: f64, step: f64) -> String {
    let decimals = (0..=6).find(|d| ((step * 10f64.powi(*d)).round() - step * 10f64.powi(*d)).abs() < 1e-6).unwrap_or(6);
    say::fixed(x, decimals as usize)
}

/// Instants to mark on an axis that starts at an hour and is so many hours long: days from 1, or the clock.
fn time_ticks(from: f64, hours: f64, most: usize) -> Vec<(f64, String)> {
    if hours.is_nan() || hours <= 0.0 {
        return Vec::new();
    }
    let steps =
        [1.0 / 60.0, 1.0 / 12.0, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 120.0, 168.0, 336.0, 672.0, 1344.0, 2688.0, 8766.0];
    let step = steps.into_iter().find(|s| hours / s <= most as f64).unwrap_or_else(|| (hours / most as f64 / 8766.0).ceil() * 8766.0);
    let first = (from / step - 1e-9).ceil() as usize;
    let last = ((from + hours) / step + 1e-9).floor() as usize;
    (first..=last)
        .map(|i| i as f64 * step)
        .map(|h| {
            let minutes = (h * 60.0).round() as u64;
            let label = if step >= 24.0 || (hours > 24.0 && minutes.is_multiple_of(1440)) {
                format!("day {}", minutes / 1440 + 1)
            } else {
                format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
            };
            (h, label)
        })
        .collect()
}

/// Draws the axis of time under a chart: a small stroke and its words for each mark that has room.
fn time_axis(c: &Canvas<'_>, (from, hours): (f64, f64), left: f64, right: f64, y: f64) -> Result<(), Error> {
    let font = c.width.font();
    let most = ((right - left) / (words_width("day 10", font) + 24.0)).floor().max(2.0) as usize;
    for (hour, label) in time_ticks(from, hours, most) {
        let x = left + (right - left) * (hour - from) / hours;
        c.path(Ink::Axis, 1.0, &[(x, y), (x, y + 5.0)])?;
        let wide = words_width(&label, font);
        if x + wide / 2.0 <= right + 8.0 || x + 3.0 + wide <= right + 8.0 {
            c.words(Ink::Text, &label, (x, y + 8.0), HPos::Left, VPos::Top)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sentinel_colour_is_left_in_a_chart() {
        let svg = draw(Width::Wide, 100, "a <b> & \"c\"", |c| {
            for (i, (ink, _)) in Ink::all().enumerate() {
                let y = 5.0 * i as f64;
                c.path(ink, 1.0, &[(0.0, y), (10.0, y)])?;
                c.rect(ink, (20.0, y), (30.0, y + 3.0))?;
                c.words(ink, "#FE0100 \" <x>", (40.0, y), HPos::Left, VPos::Top)?;
            }
            Ok(())
        })
        .unwrap();
        assert!(!svg.contains("=\"#"), "{svg}");
        for (_, word) in Ink::all() {
            assert!(svg.contains(&format!("class=\"s-{word}\"")) && svg.contains(&format!("class=\"f-{word}\"")), "{word}");
        }
        assert!(svg.contains("aria-label=\"a &lt;b&gt; &amp; &quot;c&quot;\"") && svg.contains("#FE0100 &quot; &lt;x&gt;"));
        assert!(!svg.contains("http"), "{svg}");
    }

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        assert_eq!(ticks(34.0, 5), [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(ticks(1.0, 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks(0.0, 4), [0.0, 1.0]);
        assert_eq!(tick_label(0.25, 0.25), "0.25");
        assert_eq!(tick_label(2000.0, 1000.0), "2,000");
    }

    #[test]
    fn days_count_from_one_and_short_spans_show_the_clock() {
        let labels = |h, n| time_ticks(0.0, h, n).into_iter().map(|t| t.1).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(168.0, 8), "day 1 day 2 day 3 day 4 day 5 day 6 day 7 day 8");
        assert_eq!(labels(24.0, 5), "00:00 06:00 12:00 18:00 00:00");
        assert_eq!(labels(48.0, 5), "day 1 12:00 day 2 12:00 day 3");
    }

    #[test]
    fn an_axis_that_starts_late_is_marked_at_round_times() {
        let marks = time_ticks(10.25, 0.5, 3);
        assert_eq!(marks.iter().map(|m| m.1.as_str()).collect::<Vec<_>>(), ["10:15", "10:30", "10:45"]);
        assert_eq!(marks[1].0, 10.5);
    }
}
