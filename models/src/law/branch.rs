//! A branch circuit: how much it may carry, and how many hosts.
//!
//! # Formula
//! limit = breaker amperes x volts x derating; current of a load = VA / volts; hosts = the most whose VA together stay within
//! the limit.
//!
//! # Range
//! One phase at its nominal voltage, loads that last (a breaker is derated for these). Inrush and which phase a circuit
//! is on are left out.
//!
//! # Source
//! models A1.3: at 100 V and 80 %, servers of 336, 260 and 169 W go three, four and six to a circuit of 15 A, and four,
//! five and nine to one of 20 A.
//!
//! # Error
//! None in the count; VA are summed arithmetically, which is the safe side.

use crate::quantity::{Amperes, QuantityError, VoltAmperes, Volts};

/// A branch circuit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circuit {
    amperes: Amperes,
    volts: Volts,
    derate: f64,
}

impl Circuit {
    /// A circuit by its breaker, its voltage, and the share of the breaker that a lasting load may take.
    ///
    /// # Errors
    /// No amperes, no volts, or a share that is not above 0 and at most 1.
    pub fn new(amperes: Amperes, volts: Volts, derate: f64) -> Result<Self, QuantityError> {
        let refuse = |what, value: f64, unit, expected| Err(QuantityError { what, value: value.to_string(), unit, expected });
        if amperes <= Amperes::ZERO {
            return refuse("breaker", amperes.get(), "A", "it must be above 0");
        }
        if volts <= Volts::ZERO {
            return refuse("voltage of a circuit", volts.get(), "V", "it must be above 0");
        }
        if !(derate > 0.0 && derate <= 1.0) {
            return refuse("derating", derate, "", "it must be above 0 and at most 1 (0.8: four fifths of the breaker)");
        }
        VoltAmperes::new(amperes.get() * volts.get())?;
        Ok(Self { amperes, volts, derate })
    }

    /// What it may carry for long.
    #[must_use]
    pub fn limit(&self) -> VoltAmperes {
        VoltAmperes::new(self.amperes.get() * self.volts.get() * self.derate).expect("parts of a finite product")
    }

    /// The current that a load draws from it.
    ///
    /// # Errors
    /// A current beyond all numbers.
    pub fn current(&self, load: VoltAmperes) -> Result<Amperes, QuantityError> {
        Amperes::new(load.get() / self.volts.get())
    }

    /// How many hosts of so many VA each it takes.
    ///
    /// ```
    /// use models::law::branch::Circuit;
    /// use models::quantity::{Amperes, VoltAmperes, Volts};
    /// let circuit = Circuit::new(Amperes::new(15.0)?, Volts::new(100.0)?, 0.8)?;
    /// assert_eq!(circuit.hosts(VoltAmperes::new(346.0)?)?, 3); // 3.46 A each, of 12 A
    /// # Ok::<(), models::quantity::QuantityError>(())
    /// ```
    ///
    /// # Errors
    /// Hosts that draw nothing, or so little that they cannot be counted.
    pub fn hosts(&self, each: VoltAmperes) -> Result<u32, QuantityError> {
        let (limit, each) = (self.limit().get(), each.get());
        let about = (limit / each).floor();
        if about.is_nan() || about >= f64::from(u32::MAX) {
            let expected = "a host that is on draws power; a circuit takes fewer than 4,294,967,295";
            return Err(QuantityError { what: "draw of a host", value: each.to_string(), unit: "VA", expected });
        }
        // The division may round across a whole number: the product has the last word.
        let n = if (about + 1.0) * each <= limit {
            about + 1.0
        } else if about * each > limit {
            about - 1.0
        } else {
            about
        };
        Ok(n as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{PowerFactor, Watts};
    use proptest::prelude::*;

    fn circuit(amperes: f64, volts: f64, derate: f64) -> Result<Circuit, QuantityError> {
        Circuit::new(Amperes::new(amperes)?, Volts::new(volts)?, derate)
    }

    #[test]
    fn the_hosts_of_a_circuit_of_15_and_20_a_at_100_v_are_as_counted() {
        // models A1.3, with supplies of power factor 0.97: 336 W is 346 VA and 3.46 A.
        let pf = PowerFactor::new(0.97).unwrap();
        let va = |w: f64| Watts::new(w).unwrap().apparent(pf);
        let (small, large) = (circuit(15.0, 100.0, 0.8).unwrap(), circuit(20.0, 100.0, 0.8).unwrap());
        assert!((small.current(va(336.0)).unwrap().get() - 3.46).abs() < 0.005);
        for (w, of_15, of_20) in [(336.0, 3, 4), (260.0, 4, 5), (169.0, 6, 9)] {
            assert_eq!((small.hosts(va(w)).unwrap(), large.hosts(va(w)).unwrap()), (of_15, of_20), "{w} W");
        }
    }

    #[test]
    fn a_circuit_that_cannot_be_is_refused() {
        for (a, v, d) in [(0.0, 100.0, 0.8), (15.0, 0.0, 0.8), (15.0, 100.0, 0.0), (15.0, 100.0, 1.1), (15.0, 100.0, f64::NAN)] {
            assert!(circuit(a, v, d).is_err(), "{a} {v} {d}");
        }
        assert!(circuit(f64::MAX, 100.0, 0.8).is_err());
        assert!(circuit(15.0, 100.0, 0.8).unwrap().hosts(VoltAmperes::ZERO).is_err());
    }

    proptest! {
        #[test]
        fn so_many_fit_and_one_more_does_not(a in 1.0f64..100.0, v in 90.0f64..240.0, d in 0.1f64..1.0, each in 1.0f64..2000.0) {
            let it = circuit(a, v, d).unwrap();
            let n = f64::from(it.hosts(VoltAmperes::new(each).unwrap()).unwrap());
            prop_assert!(n * each <= it.limit().get() && (n + 1.0) * each > it.limit().get());
        }

        #[test]
        fn doubling_the_power_factor_never_lets_fewer_on(w in 10.0f64..1000.0, pf in 0.1f64..0.5) {
            let it = circuit(20.0, 100.0, 0.8).unwrap();
            let hosts = |pf: f64| it.hosts(Watts::new(w).unwrap().apparent(PowerFactor::new(pf).unwrap())).unwrap();
            prop_assert!(hosts(2.0 * pf) >= 2 * hosts(pf));
        }
    }
}
