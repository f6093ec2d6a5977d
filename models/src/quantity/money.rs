//! Money.

/// Money, in yen. A saving is negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Yen(pub f64);

impl std::ops::Add for Yen {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl std::ops::Sub for Yen {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl std::iter::Sum for Yen {
    fn sum<I: Iterator<Item = Self>>(it: I) -> Self {
        it.fold(Self(0.0), |a, b| a + b)
    }
}

/// Whole yen with thousands marked: `1,234,567 yen`.
impl std::fmt::Display for Yen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = format!("{:.0}", self.0.abs());
        let mut grouped = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(c);
        }
        let sign = if self.0 <= -0.5 { "-" } else { "" };
        write!(f, "{sign}{grouped} yen")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yen_are_grouped_by_thousands() {
        assert_eq!(Yen(2_000_000.4).to_string(), "2,000,000 yen");
        assert_eq!(Yen(-950.0).to_string(), "-950 yen");
        assert_eq!(Yen(-0.2).to_string(), "0 yen");
    }
}
