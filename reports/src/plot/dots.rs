//! Changes with their intervals, a row each, about a line at zero.
//!
//! A dot is the change, the thick line its own interval, the thin one the interval that holds for all rows together. A full dot
//! has moved, a ring has not.

use plotters::style::text_anchor::{HPos, VPos};

use super::course::round_number;
use super::{Ink, Width, draw, fit, tick_label, ticks, words_width};
use crate::Error;

/// Changes that differ by more than this are shown by their logarithm.
const LINEAR_TO: f64 = 30.0;

/// A change.
pub(crate) struct Row {
    /// What has changed.
    pub name: String,
    /// By how much.
    pub value: f64,
    /// The interval of this change alone.
    pub own: Option<(f64, f64)>,
    /// The interval at which all hold together.
    pub together: Option<(f64, f64)>,
    /// Whether it has moved.
    pub moved: bool,
    /// The change in words, beside it where there is room.
    pub words: String,
}

/// A chart of changes.
pub(crate) struct Dots {
    /// Rows from the top.
    pub rows: Vec<Row>,
    /// What is on the axis, with its unit.
    pub axis: String,
    /// What the chart shows, as a finding.
    pub label: String,
}

/// How changes become places.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    /// Logarithmic on both sides of zero, linear within this.
    Log(f64),
}

impl Scale {
    fn of(rows: &[Row]) -> Self {
        let sizes = || rows.iter().map(|r| r.value.abs()).filter(|v| v.is_finite() && *v > 0.0);
        let most = sizes().fold(0.0, f64::max);
        let moved = rows.iter().filter(|r| r.moved).map(|r| r.value.abs()).filter(|v| *v > 0.0);
        let least = moved.fold(most, f64::min);
        if most <= least * LINEAR_TO {
            return Self::Linear;
        }
        Self::Log(libm::pow(10.0, libm::floor(libm::log10(least.max(most / 10_000.0)))))
    }

    fn place(self, v: f64) -> f64 {
        match self {
            Self::Linear => v,
            Self::Log(within) => libm::copysign(libm::log10(1.0 + v.abs() / within), v),
        }
    }

    /// Marks between two changes, zero among them.
    fn marks(self, low: f64, high: f64, about: usize) -> Vec<(f64, String)> {
        let one_side: Vec<(f64, String)> = match self {
            Self::Linear => {
                let marks = ticks((high - low).max(high.abs()).max(low.abs()), about);
                let step = marks.get(1).copied().unwrap_or(1.0);
                marks.into_iter().map(|m| (m, tick_label(m, step))).collect()
            }
            Self::Log(within) => std::iter::once((0.0, "0".to_owned()))
                .chain((0..12).map(|k| within * libm::pow(10.0, f64::from(k))).map(|m| (m, round_number(m))))
                .collect(),
        };
        let below = one_side.iter().skip(1).rev().map(|(m, w)| (-m, format!("-{w}")));
        let above = one_side.iter().skip(1).map(|(m, w)| (*m, format!("+{w}")));
        below.chain(std::iter::once((0.0, "0".to_owned()))).chain(above).filter(|(m, _)| *m >= low && *m <= high).collect()
    }
}

impl Dots {
    /// The chart for a width.
    pub(crate) fn svg(&self, width: Width) -> Result<String, Error> {
        let font = width.font();
        let longest = self.rows.iter().map(|r| words_width(&r.name, font)).fold(0.0, f64::max);
        let (room, row, beside) = match width {
            Width::Wide => (220.0, 24.0, 250.0),
            Width::Narrow => (112.0, 22.0, 0.0),
        };
        let left = 1.1 * longest.min(room) + 14.0;
        let (right, top) = (f64::from(width.pixels()) - 14.0 - beside, 6.0);
        let bottom = top + row * self.rows.len() as f64;
        let scale = Scale::of(&self.rows);
        let ends = self.rows.iter().flat_map(|r| {
            let of = |i: Option<(f64, f64)>| i.into_iter().flat_map(|(l, h)| [l, h]);
            of(r.own).chain(of(r.together)).chain([r.value])
        });
        let (low, high) = ends.filter(|v| v.is_finite()).fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
        let (from, to) = (scale.place(low), scale.place(high));
        let pad = 0.04 * (to - from).max(1e-12);
        let x = |v: f64| left + (right - left) * ((scale.place(v) - from + pad) / (to - from + 2.0 * pad)).clamp(0.0, 1.0);
        draw(width, (bottom + 46.0).ceil() as i32, &self.label, |c| {
            let mut free = f64::NEG_INFINITY;
            let marks = scale.marks(low, high, if width == Width::Wide { 6 } else { 3 });
            for (mark, words) in &marks {
                let (at, half) = (x(*mark), words_width(words, font) / 2.0);
                let zero = *mark == 0.0;
                c.path(if zero { Ink::Axis } else { Ink::Grid }, if zero { 1.5 } else { 1.0 }, &[(at, top), (at, bottom + 4.0)])?;
                // Zero always has its word; its neighbours only where there is room on both sides.
                let by_zero = !zero && (at - x(0.0)).abs() < half + words_width("0", font) / 2.0 + 6.0;
                if (zero || at - half > free) && !by_zero {
                    c.words(Ink::Text, words, (at, bottom + 7.0), HPos::Center, VPos::Top)?;
                    free = at + half + 6.0;
                }
            }
            let axis = if scale == Scale::Linear { self.axis.clone() } else { format!("{} (logarithmic)", self.axis) };
            c.words(Ink::Text, &axis, (f64::midpoint(left, right), bottom + 26.0), HPos::Center, VPos::Top)?;
            for (i, r) in self.rows.iter().enumerate() {
                let y = top + row * (i as f64 + 0.5);
                let ink = if r.moved { Ink::Case } else { Ink::Still };
                c.words(Ink::Text, &fit(&r.name, font, room), (left - 10.0, y), HPos::Right, VPos::Center)?;
                if let Some((l, h)) = r.together {
                    c.path(ink, 1.25, &[(x(l), y), (x(h), y)])?;
                }
                if let Some((l, h)) = r.own {
                    c.path(ink, 4.0, &[(x(l), y), (x(h), y)])?;
                }
                c.dot(ink, (x(r.value), y), 5.0)?;
                if !r.moved {
                    c.dot(Ink::Paper, (x(r.value), y), 3.0)?;
                }
                if width == Width::Wide {
                    c.words(Ink::Text, &fit(&r.words, font, beside), (right + 18.0, y), HPos::Left, VPos::Center)?;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64, moved: bool) -> Row {
        Row { name: "f".into(), value, own: Some((value - 0.1, value + 0.1)), together: None, moved, words: String::new() }
    }

    #[test]
    fn changes_of_one_size_stand_in_proportion_and_others_by_their_logarithm() {
        assert_eq!(Scale::of(&[row(1.0, true), row(-20.0, true)]), Scale::Linear);
        assert_eq!(Scale::of(&[row(0.02, true), row(-20.0, true)]), Scale::Log(0.01));
        // What has not moved may be as small as it likes.
        assert_eq!(Scale::of(&[row(0.000_02, false), row(-20.0, true)]), Scale::Linear);
        assert_eq!(Scale::of(&[]), Scale::Linear);
    }

    #[test]
    fn marks_lie_on_both_sides_of_zero() {
        let words = |s: Scale, low, high| s.marks(low, high, 4).into_iter().map(|m| m.1).collect::<Vec<_>>().join(" ");
        assert_eq!(words(Scale::Log(0.01), -0.5, 20.0), "-0.1 -0.01 0 +0.01 +0.1 +1 +10");
        assert_eq!(words(Scale::Linear, -0.5, 1.5), "-0.5 0 +0.5 +1.0 +1.5");
    }

    #[test]
    fn a_ring_is_what_has_not_moved() {
        let dots = Dots { rows: vec![row(1.0, true), row(0.05, false)], axis: "change, s".into(), label: "x".into() };
        let svg = dots.svg(Width::Wide).unwrap();
        assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
        assert_eq!(svg.matches("f-paper").count(), 1);
    }
}
