//! Load of hosts over time: a row a host, a column a stretch of time.

use plotters::style::text_anchor::{HPos, VPos};

use super::{Ink, Width, draw, fit, time_axis};
use crate::Error;

/// Classes of load.
pub(crate) const CLASSES: usize = 7;

/// The upper ends of the classes but the last, as shares of capacity.
const ENDS: [f32; CLASSES - 1] = [0.10, 0.25, 0.50, 0.75, 0.90, 1.00];

/// The classes in words.
pub(crate) const WORDS: [&str; CLASSES] = ["to 10 %", "to 25 %", "to 50 %", "to 75 %", "to 90 %", "to 100 %", "over 100 %"];

/// Columns on a phone.
const NARROW_COLUMNS: usize = 84;

/// A heat map.
pub(crate) struct Heat {
    /// Rows from the top: name, load by stretch.
    pub rows: Vec<(String, Vec<f32>)>,
    /// Length of the axis, hours.
    pub hours: f64,
    /// What the map shows, as a finding.
    pub label: String,
}

/// The class of a load.
pub(crate) fn class(load: f32) -> usize {
    ENDS.iter().position(|end| load <= *end).unwrap_or(CLASSES - 1)
}

impl Heat {
    /// The map for a width.
    pub(crate) fn svg(&self, width: Width) -> Result<String, Error> {
        let font = width.font();
        let longest = self.rows.iter().map(|r| super::words_width(&r.0, font)).fold(0.0, f64::max);
        let (room, row) = match width {
            Width::Wide => (200.0, if self.rows.len() > 20 { 16.0 } else { 22.0 }),
            Width::Narrow => (104.0, 16.0),
        };
        let left = longest.min(room) + 10.0;
        let (right, top) = (f64::from(width.pixels()) - if width == Width::Wide { 14.0 } else { 10.0 }, 2.0);
        let bottom = top + row * self.rows.len() as f64;
        let hours = if self.hours > 0.0 { self.hours } else { 1.0 };
        draw(width, (bottom + 32.0).ceil() as i32, &self.label, |c| {
            for (i, (name, loads)) in self.rows.iter().enumerate() {
                let y = top + row * i as f64;
                c.words(Ink::Text, &fit(name, font, room), (left - 8.0, y + row / 2.0), HPos::Right, VPos::Center)?;
                let loads = if width == Width::Narrow { halved(loads) } else { loads.clone() };
                let x = |k: usize| left + (right - left) * k as f64 / loads.len().max(1) as f64;
                let mut k = 0;
                while k < loads.len() {
                    let this = class(loads[k]);
                    let run = loads[k..].iter().take_while(|l| class(**l) == this).count();
                    c.rect(Ink::Heat(this as u8), (x(k), y), (x(k + run), y + row - 1.0))?;
                    k += run;
                }
            }
            c.path(Ink::Axis, 1.0, &[(left, bottom), (right, bottom)])?;
            time_axis(c, (0.0, hours), left, right, bottom)
        })
    }
}

/// Neighbours taken together, the highest of each, until there are few enough for a phone.
fn halved(loads: &[f32]) -> Vec<f32> {
    let each = loads.len().div_ceil(NARROW_COLUMNS).max(1);
    // Only whole groups keep the axis true.
    if !loads.len().is_multiple_of(each) {
        return loads.to_vec();
    }
    loads.chunks(each).map(|c| c.iter().copied().fold(0.0, f32::max)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_at_the_end_of_a_class_belongs_to_it() {
        assert_eq!(class(0.0), 0);
        assert_eq!(class(0.10), 0);
        assert_eq!(class(1.0), 5);
        assert_eq!(class(1.01), 6);
    }

    #[test]
    fn stretches_of_one_class_become_one_cell() {
        let heat = Heat { rows: vec![("a".into(), vec![0.2, 0.2, 0.8])], hours: 3.0, label: String::new() };
        let svg = heat.svg(Width::Wide).unwrap();
        assert_eq!(svg.matches('M').count(), 2, "{svg}");
        assert_eq!(svg.matches("<path").count(), 2);
    }
}
