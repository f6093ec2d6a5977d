//! Something over a stretch of time, one course against another: delay, arrivals, power. No words beside the curves: the legend
//! stands above, once for all charts of a case.

use plotters::style::text_anchor::{HPos, VPos};

use super::{Ink, Width, draw, tick_label, ticks, time_axis, words_width};
use crate::Error;
use crate::say;

/// Most points of a curve.
const MOST: usize = 200;

/// How values become heights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// In proportion, from zero.
    Linear,
    /// In proportion to the logarithm; what is not above zero has no place.
    Log,
}

/// A curve: hour, value. Where there is no value the curve is broken.
pub(crate) struct Trace {
    /// As what it is drawn.
    pub ink: Ink,
    /// In order of time.
    pub points: Vec<(f64, Option<f64>)>,
}

/// A chart over a stretch of time.
pub(crate) struct Course {
    /// Unit of all values.
    pub unit: &'static str,
    /// Start of the axis, hours from the start of the horizon.
    pub from: f64,
    /// Length of the axis, hours.
    pub hours: f64,
    /// How values become heights.
    pub scale: Scale,
    /// Curves, drawn in this order.
    pub traces: Vec<Trace>,
    /// A value that is not to be exceeded.
    pub level: Option<f64>,
    /// What the chart shows, as a finding.
    pub label: String,
}

impl Course {
    /// Whether there is a point to show.
    pub(crate) fn shows(&self) -> bool {
        self.values().next().is_some()
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        let log = self.scale == Scale::Log;
        self.traces.iter().flat_map(|t| &t.points).filter_map(|p| p.1).filter(move |v| v.is_finite() && (!log || *v > 0.0))
    }

    /// Marks of the axis of values, from the least to the most that it reaches, with their words.
    fn marks(&self, about: usize) -> Vec<(f64, String)> {
        let (low, high) = self.values().chain(self.level).fold((f64::INFINITY, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
        match self.scale {
            Scale::Linear => {
                let marks = ticks(high, about);
                let step = marks.get(1).copied().unwrap_or(1.0);
                marks.into_iter().map(|m| (m, tick_label(m, step))).collect()
            }
            Scale::Log => log_marks(low, high, about + 2),
        }
    }

    /// The chart for a width.
    pub(crate) fn svg(&self, width: Width) -> Result<String, Error> {
        let (height, least_left, about) = match width {
            Width::Wide => (230, 62.0, 5),
            Width::Narrow => (168, 48.0, 3),
        };
        let (right, top, bottom) = (f64::from(width.pixels()) - 16.0, 26.0, f64::from(height) - 28.0);
        let marks = self.marks(about);
        let longest = marks.iter().map(|m| words_width(&m.1, width.font())).fold(0.0, f64::max);
        // Words are a little wider than they are taken to be.
        let left = (1.15 * longest + 12.0).max(least_left);
        let (least, most) = (marks.first().map_or(0.0, |m| m.0), marks.last().map_or(1.0, |m| m.0));
        let hours = if self.hours > 0.0 { self.hours } else { 1.0 };
        let x = |h: f64| left + (right - left) * ((h - self.from) / hours).clamp(0.0, 1.0);
        let y = |v: f64| {
            let share = match self.scale {
                Scale::Linear => (v - least) / (most - least),
                Scale::Log => libm::log10(v / least) / libm::log10(most / least),
            };
            bottom - (bottom - top) * share.clamp(0.0, 1.0)
        };
        draw(width, height, &self.label, |c| {
            for (i, (mark, words)) in marks.iter().enumerate() {
                let ink = if i == 0 { Ink::Axis } else { Ink::Grid };
                c.path(ink, 1.0, &[(left, y(*mark)), (right, y(*mark))])?;
                c.words(Ink::Text, words, (left - 7.0, y(*mark)), HPos::Right, VPos::Center)?;
            }
            c.words(Ink::Text, self.unit, (1.0, 4.0), HPos::Left, VPos::Top)?;
            time_axis(c, (self.from, hours), left, right, bottom)?;
            if let Some(level) = self.level {
                c.path(Ink::Limit, 1.25, &[(left, y(level)), (right, y(level))])?;
            }
            for trace in &self.traces {
                let points = thinned(&trace.points);
                let drawn = |v: &Option<f64>| v.is_some_and(|v| v.is_finite() && (self.scale == Scale::Linear || v > 0.0));
                for piece in points.split(|p| !drawn(&p.1)) {
                    let line: Vec<(f64, f64)> = piece.iter().map(|p| (x(p.0), y(p.1.unwrap_or(least)))).collect();
                    match line.as_slice() {
                        [] => {}
                        [one] => c.dot(trace.ink, *one, 2.0)?,
                        _ => c.path(trace.ink, 1.75, &line)?,
                    }
                }
            }
            Ok(())
        })
    }
}

/// Neighbours taken together, the highest of each, until there are few enough to be told apart.
fn thinned(points: &[(f64, Option<f64>)]) -> Vec<(f64, Option<f64>)> {
    let each = points.len().div_ceil(MOST).max(1);
    let highest = |all: &[(f64, Option<f64>)]| all.iter().filter_map(|p| p.1).reduce(f64::max);
    points.chunks(each).map(|all| ((all[0].0 + all[all.len() - 1].0) / 2.0, highest(all))).collect()
}

/// Round numbers (1, 2, 5 times a power of ten) from the last at or below `low` to the first at or above `high`; powers of ten
/// alone where there would be more than `most`, and only some of those where they are still too many.
fn log_marks(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let of = |k: i32| [1.0, 2.0, 5.0][k.rem_euclid(3) as usize] * libm::pow(10.0, f64::from(k.div_euclid(3)));
    let (low, high) = if low > 0.0 && low.is_finite() { (low, high.max(low)) } else { (1.0, 10.0) };
    let mut first = 3 * libm::floor(libm::log10(low)) as i32 - 3;
    while of(first + 1) <= low * 1.000_001 {
        first += 1;
    }
    let mut last = first + 1;
    while of(last) < high * 0.999_999 {
        last += 1;
    }
    let mut step = 1;
    if (last - first) as usize >= most {
        first = first.div_euclid(3) * 3;
        let decades = (last - first + 2) / 3;
        step = 3 * (decades as usize).div_ceil(most.max(2) - 1) as i32;
        last = first + step * ((3 * decades + step - 1) / step);
    }
    (first..=last).step_by(step as usize).map(|k| (of(k), round_number(of(k)))).collect()
}

/// A round number with as many decimals as it has.
pub(super) fn round_number(x: f64) -> String {
    let decimals = (0..9).find(|d| {
        let y = x * libm::pow(10.0, f64::from(*d));
        (y - libm::round(y)).abs() < 1e-6 * y.abs().max(1e-300)
    });
    say::fixed(x, decimals.unwrap_or(9) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(low: f64, high: f64, most: usize) -> String {
        log_marks(low, high, most).into_iter().map(|m| m.1).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn logarithmic_marks_enclose_what_is_shown() {
        assert_eq!(words(0.13, 0.9, 5), "0.1 0.2 0.5 1");
        assert_eq!(words(0.3, 0.3, 5), "0.2 0.5");
        // Twelve marks from 0.01 to 50 are too many: powers of ten alone. Seven of those are too many again: every second.
        assert_eq!(words(0.01, 20.0, 5), "0.01 0.1 1 10 100");
        assert_eq!(words(0.001, 1000.0, 5), "0.001 0.1 10 1,000");
    }

    #[test]
    fn a_gap_breaks_the_curve_and_a_lone_point_is_a_dot() {
        let points = vec![(10.0, Some(1.0)), (10.1, Some(2.0)), (10.2, None), (10.3, Some(3.0)), (10.4, Some(0.0))];
        let trace = Trace { ink: Ink::Case, points };
        let course = Course { unit: "s", from: 10.0, hours: 0.5, scale: Scale::Log, traces: vec![trace], level: None, label: "x".into() };
        let svg = course.svg(Width::Narrow).unwrap();
        assert_eq!(svg.matches("s-case").count(), 1, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 1, "{svg}");
    }

    #[test]
    fn a_curve_of_many_points_keeps_its_highest() {
        let points: Vec<(f64, Option<f64>)> = (0..2000).map(|i| (f64::from(i), Some(if i == 777 { 9.0 } else { 1.0 }))).collect();
        let few = thinned(&points);
        assert!(few.len() <= MOST);
        assert_eq!(few.iter().filter(|p| p.1 == Some(9.0)).count(), 1);
    }
}
