//! placeholder
use serde::Serialize;
/// A distribution of a positive quantity, by its mean and its shape. The unit is the holder's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distribution {
    /// Its mean.
    pub mean: f64,
    /// Its shape.
    pub shape: Shape,
}
/// Shape.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Shape {
    /// Always the mean.
    Fixed,
    /// Exponential.
    Exponential,
    /// Erlang.
    Erlang {
        /// Phases.
        phases: u32,
    },
    /// Two exponentials with balanced means.
    HyperExponential {
        /// cv2
        cv2: f64,
    },
    /// Lognormal.
    LogNormal {
        /// cv
        cv: f64,
    },
    /// Pareto.
    Pareto {
        /// alpha
        alpha: f64,
    },
    /// Weibull.
    Weibull {
        /// shape
        shape: f64,
    },
    /// Uniform on 0 to twice the mean.
    Uniform,
    /// Geometric on 1, 2, ...
    Geometric,
}
impl Distribution {
    /// Always this.
    #[must_use]
    pub const fn fixed(mean: f64) -> Self {
        Self { mean, shape: Shape::Fixed }
    }
    /// Exponential of this mean.
    #[must_use]
    pub const fn exponential(mean: f64) -> Self {
        Self { mean, shape: Shape::Exponential }
    }
    /// The same shape, so many times as large.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        Self { mean: self.mean * by, ..self }
    }
}
