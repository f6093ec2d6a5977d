//! Curves over time against limits.

use plotters::style::text_anchor::{HPos, VPos};

use super::{Ink, Width, draw, fit, tick_label, ticks, time_axis};
use crate::Error;

/// Width of the bar that shows a range, and the space before it, in pixels as read.
const BAR: f64 = 9.0;
const BAR_GAP: f64 = 4.0;

/// A curve.
pub(crate) struct Curve {
    /// Its name and its figure, in a few words.
    pub label: String,
    /// As what it is drawn.
    pub ink: Ink,
    /// Hour at which a stretch starts, and the value that holds over it.
    pub points: Vec<(f64, f64)>,
}

/// A value that does not change, and the range that it may lie in.
pub(crate) struct Level {
    /// Its name and its figure, in a few words.
    pub label: String,
    /// As what it is drawn.
    pub ink: Ink,
    /// As what its place in its range is drawn.
    pub mark: Ink,
    /// As what its range is drawn: a bar behind the end of the axis.
    pub band: Option<Ink>,
    /// The value.
    pub value: f64,
    /// The least that it may be.
    pub low: f64,
    /// The most that it may be.
    pub high: f64,
}

/// A chart over time.
pub(crate) struct Lines {
    /// Unit of all values.
    pub unit: &'static str,
    /// Length of the axis, hours.
    pub hours: f64,
    /// Curves, drawn in this order.
    pub curves: Vec<Curve>,
    /// Levels, drawn in this order.
    pub levels: Vec<Level>,
    /// What the chart shows, as a finding.
    pub label: String,
}

impl Lines {
    /// The chart for a width. Names stand beside the lines where there is room for them; on a phone they stand in the
    /// page's legend only.
    pub(crate) fn svg(&self, width: Width) -> Result<String, Error> {
        let (height, left, gutter) = match width {
            Width::Wide => (320, 46.0, 236.0),
            Width::Narrow => (240, 34.0, 38.0),
        };
        let (right, top, bottom) = (f64::from(width.pixels()) - gutter, 34.0, f64::from(height) - 30.0);
        let values = self.curves.iter().flat_map(|c| c.points.iter().map(|p| p.1));
        let highest = values.chain(self.levels.iter().map(|l| l.high.max(l.value))).filter(|v| v.is_finite()).fold(0.0, f64::max);
        let mut marks = ticks(highest, if width == Width::Wide { 5 } else { 4 });
        let most = if highest > 0.0 { highest * 1.04 } else { 1.0 };
        marks.retain(|m| *m <= most);
        let step = marks.get(1).copied().unwrap_or(1.0);
        let hours = if self.hours > 0.0 { self.hours } else { 1.0 };
        let x = |h: f64| left + (right - left) * (h / hours).clamp(0.0, 1.0);
        let y = |v: f64| bottom - (bottom - top) * (v / most).clamp(0.0, 1.0);

        draw(width, height, &self.label, |c| {
            for mark in &marks {
                let ink = if *mark == 0.0 { Ink::Axis } else { Ink::Grid };
                c.path(ink, 1.0, &[(left, y(*mark)), (right, y(*mark))])?;
                c.words(Ink::Text, &tick_label(*mark, step), (left - 7.0, y(*mark)), HPos::Right, VPos::Center)?;
            }
            c.words(Ink::Text, self.unit, (left - 7.0, 4.0), HPos::Right, VPos::Top)?;
            time_axis(c, (0.0, hours), left, right, bottom)?;
            for curve in &self.curves {
                let mut points: Vec<(f64, f64)> = curve.points.iter().map(|p| (x(p.0), y(p.1))).collect();
                if let Some(last) = points.last().copied() {
                    points.push((right, last.1));
                    c.path(curve.ink, 1.75, &points)?;
                }
            }
            // Ranges overlap where fleets are alike; side by side behind the end of the axis they stay apart.
            let mut bar = right + BAR_GAP;
            for level in &self.levels {
                let thick = if level.ink == Ink::Limit { 2.0 } else { 1.5 };
                let end = if level.ink == Ink::Limit { right + 2.0 * (BAR_GAP + BAR) } else { right };
                c.path(level.ink, thick, &[(left, y(level.value)), (end, y(level.value))])?;
                if let Some(band) = level.band {
                    if level.low < level.high {
                        c.rect(band, (bar, y(level.high)), (bar + BAR, y(level.low)))?;
                    }
                    c.path(level.mark, 2.0, &[(bar, y(level.value)), (bar + BAR, y(level.value))])?;
                    bar += BAR + BAR_GAP;
                }
            }
            if width == Width::Wide {
                let ends = self.curves.iter().filter_map(|k| k.points.last().map(|p| (y(p.1), k.ink, k.label.as_str())));
                let ends = ends.chain(self.levels.iter().map(|l| (y(l.value), l.ink, l.label.as_str()))).collect();
                let from = right + 2.0 * (BAR_GAP + BAR) + 2.0;
                for (at, line, ink, label) in apart(ends, 17.0, top - 12.0, bottom + 6.0) {
                    c.path(Ink::Grid, 1.0, &[(from, line), (from + 7.0, at)])?;
                    let room = f64::from(width.pixels()) - from - 10.0;
                    c.words(ink, &fit(label, width.font(), room), (from + 10.0, at), HPos::Left, VPos::Center)?;
                }
            }
            Ok(())
        })
    }
}

/// Moves labels apart so that none covers another: (where it stands, where its line is, ink, label).
fn apart(mut ends: Vec<(f64, Ink, &str)>, gap: f64, top: f64, bottom: f64) -> Vec<(f64, f64, Ink, &str)> {
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut at: Vec<f64> = ends.iter().map(|e| e.0).collect();
    // Pushing neighbours apart by halves settles within as many rounds as there are labels squared; there are few.
    for _ in 0..64 {
        for i in 1..at.len() {
            let short = gap - (at[i] - at[i - 1]);
            if short > 0.0 {
                at[i - 1] -= short / 2.0;
                at[i] += short / 2.0;
            }
        }
        if let Some(first) = at.first_mut() {
            *first = first.max(top);
        }
        if let Some(last) = at.last_mut() {
            *last = last.min(bottom);
        }
    }
    at.into_iter().zip(ends).map(|(a, (line, ink, label))| (a, line, ink, label)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_lines_that_lie_together_stand_apart() {
        let placed = apart(vec![(50.0, Ink::Today, "a"), (51.0, Ink::Plan, "b"), (52.0, Ink::Limit, "c")], 16.0, 0.0, 200.0);
        for pair in placed.windows(2) {
            assert!(pair[1].0 - pair[0].0 > 15.5, "{} {}", pair[0].0, pair[1].0);
        }
    }

    #[test]
    fn one_step_is_a_line_across_the_chart() {
        let chart = Lines {
            unit: "kVA",
            hours: 1.0,
            curves: vec![Curve { label: "today".into(), ink: Ink::Today, points: vec![(0.0, 5.0)] }],
            levels: Vec::new(),
            label: "x".into(),
        };
        let svg = chart.svg(Width::Narrow).unwrap();
        let curve = svg.lines().find(|l| l.contains("s-today")).unwrap();
        assert_eq!(curve.matches(',').count(), 2, "{curve}");
    }
}
