//! Numbers and quantities in words: one way to write each, everywhere.
//!
//! A decimal point, a comma between thousands, a space before the unit. Digits fall with size (1,234; 123.4; 12.3; 1.23),
//! but two numbers that are compared are given as many digits as tell them apart.

use models::Estimate;

/// The range of a figure; empty where it has none. With a count it is an interval over so many replications.
pub(crate) fn range(e: Estimate, count: Option<u32>) -> String {
    let over = count.map_or_else(String::new, |n| format!(" (95 %, n={n})"));
    if e.is_ranged() { format!("{} to {}{over}", figure(e.low), figure(e.high)) } else { String::new() }
}

/// A figure of any size: four significant digits, in powers of ten where it is very small or very large.
pub(crate) fn figure(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        a if !(1e-4..1e9).contains(&a) => format!("{x:.3e}"),
        a if a >= 1000.0 => number(x),
        a => {
            let decimals = (3 - a.log10().floor() as i32).max(0) as usize;
            let text = format!("{x:.decimals$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
    }
}

/// A number with so many decimals and its thousands apart.
pub(crate) fn fixed(x: f64, decimals: usize) -> String {
    let text = format!("{:.*}", decimals, x.abs());
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(w, r)| (w, Some(r)));
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    let mut out = String::from(if x < 0.0 && !zero { "-" } else { "" });
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// A whole number with its thousands apart.
pub(crate) fn count(n: u64) -> String {
    fixed(n as f64, 0)
}

/// Decimals that a number of this size needs.
fn decimals(x: f64) -> usize {
    match x.abs() {
        a if a >= 1000.0 || a == 0.0 => 0,
        a if a >= 10.0 => 1,
        a if a >= 1.0 => 2,
        _ => 3,
    }
}

/// A number with digits by its size.
pub(crate) fn number(x: f64) -> String {
    if x.fract() == 0.0 && x.abs() < 10.0 { fixed(x, 0) } else { fixed(x, decimals(x)) }
}

/// A thousandth of a number, for k units, with one decimal from ten on and two below.
pub(crate) fn kilo(x: f64) -> String {
    let k = x / 1000.0;
    fixed(
        k,
        if k.abs() >= 1000.0 {
            0
        } else if k.abs() >= 10.0 || k == 0.0 {
            1
        } else {
            2
        },
    )
}

/// An estimate in k units: `27.4 (25.0 to 30.1)`, or `27.4` where no range was given.
pub(crate) fn kilo_range(e: Estimate, unit: &str) -> String {
    if e.is_ranged() {
        format!("{} {unit} ({} to {})", kilo(e.value), kilo(e.low), kilo(e.high))
    } else {
        format!("{} {unit}", kilo(e.value))
    }
}

/// A share as a percentage, never rounded onto 100 % from either side.
pub(crate) fn percent(share: f64) -> String {
    let p = 100.0 * share;
    if p == 0.0 {
        return "0 %".into();
    }
    if p.abs() < 0.1 {
        return if p > 0.0 { "<0.1 %".into() } else { ">-0.1 %".into() };
    }
    if p > 100.0 && p < 100.1 {
        return ">100 %".into();
    }
    if p > 99.9 && p < 100.0 {
        return "<100 %".into();
    }
    let tight = p.abs() < 10.0 || (99.0..101.0).contains(&p) && p != 100.0;
    format!("{} %", fixed(p, usize::from(tight)))
}

/// Memory: MiB below one GiB, GiB from there on.
pub(crate) fn mib(mib: u64) -> String {
    if mib < 1024 {
        return format!("{mib} MiB");
    }
    let gib = mib as f64 / 1024.0;
    format!("{} GiB", fixed(gib, usize::from(gib < 100.0 && gib.fract() != 0.0)))
}

/// Money in yen, in millions from one million on.
pub(crate) fn yen(x: f64) -> String {
    if x.abs() >= 1e6 { format!("{} M yen", fixed(x / 1e6, 2)) } else { format!("{} yen", fixed(x, 0)) }
}

/// Money with its range.
pub(crate) fn yen_range(e: Estimate) -> String {
    if !e.is_ranged() {
        return yen(e.value);
    }
    if e.high >= 1e6 {
        let m = |x: f64| fixed(x / 1e6, 2);
        return format!("{} M yen ({} to {})", m(e.value), m(e.low), m(e.high));
    }
    format!("{} yen ({} to {})", fixed(e.value, 0), fixed(e.low, 0), fixed(e.high, 0))
}

/// Energy: kWh, and MWh from ten thousand kWh on.
pub(crate) fn energy(wh: f64) -> String {
    if wh >= 1e7 { format!("{} MWh", fixed(wh / 1e6, if wh >= 1e9 { 0 } else { 1 })) } else { format!("{} kWh", kilo(wh)) }
}

/// CPU work: GHz h.
pub(crate) fn ghz_h(x: f64) -> String {
    format!("{} GHz h", number(x))
}

/// A length of time from its hours: `5 days`, `36 h`, `30 min`.
pub(crate) fn span(hours: f64) -> String {
    let of = |n: f64, one: &str, many: &str| {
        let text = if n.fract().abs() < 1e-9 { fixed(n, 0) } else { number(n) };
        format!("{text} {}", if text == "1" { one } else { many })
    };
    if hours >= 48.0 {
        of(hours / 24.0, "day", "days")
    } else if hours >= 1.0 {
        of(hours, "h", "h")
    } else if hours >= 1.0 / 60.0 {
        of(hours * 60.0, "min", "min")
    } else {
        of(hours * 3600.0, "s", "s")
    }
}

/// Years: `4 years`, `1 year`, `2.5 years`.
pub(crate) fn years(y: f64) -> String {
    let text = if y.fract() == 0.0 { fixed(y, 0) } else { number(y) };
    format!("{text} {}", if text == "1" { "year" } else { "years" })
}

/// `1 guest`, `2 guests`, `1,052 guests`.
pub(crate) fn some(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Two numbers of one unit that are compared, in the unit that people use for them.
pub(crate) struct Pair {
    /// What is needed.
    pub needed: String,
    /// What is available.
    pub available: String,
    /// Unit of both.
    pub unit: String,
}

/// What is needed and what is available, with as many digits as tell them apart (at most three decimals).
pub(crate) fn pair(needed: f64, available: f64, unit: &str) -> Pair {
    let top = needed.abs().max(available.abs());
    let (by, unit) = match unit {
        "VA" if top >= 1000.0 => (1000.0, "kVA"),
        "W" if top >= 1000.0 => (1000.0, "kW"),
        "MHz" if top >= 1000.0 => (1000.0, "GHz"),
        "MiB" if top >= 1024.0 => (1024.0, "GiB"),
        other => (1.0, other),
    };
    let (a, b) = (needed / by, available / by);
    let whole = by == 1.0 && a.fract() == 0.0 && b.fract() == 0.0;
    let least = if whole || a.abs().max(b.abs()) >= 1000.0 { 0 } else { 1 };
    let digits = (least..=3).find(|d| a == b || fixed(a, *d) != fixed(b, *d)).unwrap_or(3);
    Pair { needed: fixed(a, digits), available: fixed(b, digits), unit: unit.to_owned() }
}

/// Columns that a text takes on a terminal: East Asian wide characters take two.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// The text in at most so many columns, with an ellipsis where it is cut.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for c in text.chars() {
        let w = if wide(c) { 2 } else { 1 };
        if used + w + 1 > columns {
            break;
        }
        out.push(c);
        used += w;
    }
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

const fn wide(c: char) -> bool {
    matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff01..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(fixed(1_234_567.0, 0), "1,234,567");
        assert_eq!(fixed(-1234.5, 1), "-1,234.5");
        assert_eq!(fixed(-0.01, 1), "0.0");
        assert_eq!(fixed(999.0, 0), "999");
    }

    #[test]
    fn a_share_is_never_rounded_onto_the_limit() {
        assert_eq!(percent(0.9996), "<100 %");
        assert_eq!(percent(1.0004), ">100 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.9951), "99.5 %");
        assert_eq!(percent(0.473), "47 %");
        assert_eq!(percent(0.0004), "<0.1 %");
        assert_eq!(percent(0.0), "0 %");
    }

    #[test]
    fn two_numbers_that_differ_do_not_read_the_same() {
        let p = pair(30_004.0, 30_000.0, "VA");
        assert_eq!((p.needed.as_str(), p.available.as_str(), p.unit.as_str()), ("30.004", "30.000", "kVA"));
        let p = pair(3.0, 2.0, "licences");
        assert_eq!((p.needed.as_str(), p.available.as_str()), ("3", "2"));
        let p = pair(12_288.0, 15_360.0, "MiB");
        assert_eq!((p.needed.as_str(), p.available.as_str(), p.unit.as_str()), ("12.0", "15.0", "GiB"));
    }

    #[test]
    fn quantities_take_the_unit_that_people_use() {
        assert_eq!(mib(512), "512 MiB");
        assert_eq!(mib(6144), "6 GiB");
        assert_eq!(mib(5632), "5.5 GiB");
        assert_eq!(yen(12_345_678.0), "12.35 M yen");
        assert_eq!(yen(98_765.4), "98,765 yen");
        assert_eq!(energy(802_750.0), "802.8 kWh");
        assert_eq!(span(168.0), "7 days");
        assert_eq!(span(0.5), "30 min");
        assert_eq!(years(4.0), "4 years");
        assert_eq!(kilo(8104.0), "8.10");
        assert_eq!(kilo(30_000.0), "30.0");
    }

    #[test]
    fn a_japanese_name_takes_two_columns_a_character() {
        assert_eq!(width("仮想1"), 5);
        assert_eq!(cut("仮想化サーバ", 7), "仮想化…");
    }
}
