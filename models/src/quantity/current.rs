//! Current and voltage, as effective (rms) values.

use super::nonnegative;

nonnegative!(
    /// Current, in amperes.
    Amperes, "current", "A"
);
nonnegative!(
    /// Voltage, in volts.
    Volts, "voltage", "V"
);
