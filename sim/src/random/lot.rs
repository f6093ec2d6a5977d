//! A job's own lot.

use super::Units;

/// A job's own lot: all that is drawn for one job, a function of the lot and of what is drawn.
///
/// The same job meets the same luck in every candidate, whatever the order in which it is served (common random numbers). A lot is 8 bytes,
/// whatever is drawn from it: nothing is drawn before it is needed.
///
/// The generator is splitmix64 (Steele, Lea, Flood, OOPSLA 2014), entered at a place that is mixed from lot and purpose. All walks are
/// on one ring of 2^64 places: two purposes of a lot never start at the same place, nor does a purpose of two lots, and two
/// walks of n draws meet by chance once in 2^63 / n.
///
/// ```
/// use sim::random::{Lot, Units};
/// const SIZE: u32 = 0;
/// const PATIENCE: u32 = 1;
/// let job = Lot(7);
/// let patience = job.of(PATIENCE).unit();
/// job.of(SIZE).unit();
/// assert_eq!(job.of(PATIENCE).unit(), patience);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot(
    /// Random bits, or the job's number: what is drawn is mixed from it.
    pub u64,
);

/// The uniforms of one purpose of a lot.
#[derive(Debug, Clone)]
pub struct LotUnits {
    place: u64,
}

/// The step of splitmix64: 2^64 over the golden ratio, made odd.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;
/// The step between the purposes of a lot: 2^64 over the square root of 3, made odd. Another than [`STRIDE`], or the second draw of one
/// purpose were the first of the next.
const PURPOSE: u64 = 0x93cd_3a2c_8198_e269;

/// splitmix64's finaliser, "Mix13" of Stafford: one to one, and each bit in moves each bit out about half of the time.
#[inline]
const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Lot {
    /// The uniforms for a purpose, from their start.
    #[must_use]
    #[inline]
    pub const fn of(self, purpose: u32) -> LotUnits {
        let lot = mix(self.0.wrapping_add(STRIDE));
        LotUnits { place: mix(lot.wrapping_add((purpose as u64 + 1).wrapping_mul(PURPOSE))) }
    }
}

impl Units for LotUnits {
    #[inline]
    fn bits(&mut self) -> u64 {
        self.place = self.place.wrapping_add(STRIDE);
        mix(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_walk_is_splitmix64() {
        // The first numbers of its authors' code from 1234567.
        let mut units = LotUnits { place: 1_234_567 };
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!([(); 5].map(|()| units.bits()), published);
    }

    #[test]
    fn the_first_draws_of_known_lots_are_known() {
        assert_eq!(Lot(0).of(0).bits(), 17_766_624_234_670_157_929);
        assert_eq!(Lot(42).of(1).bits(), 3_934_491_167_153_776_428);
        assert_eq!(Lot(u64::MAX).of(u32::MAX).bits(), 12_409_914_180_222_027_452);
    }

    #[test]
    fn the_purposes_of_neighbouring_lots_share_no_draw() {
        // 64 jobs x 16 purposes x 64 draws: by chance two of these 65,536 would be equal once in 2^33 trials.
        let mut all: Vec<u64> = (0..64)
            .flat_map(|job| (0..16).map(move |purpose| Lot(job).of(purpose)))
            .flat_map(|mut units| std::iter::repeat_with(move || units.bits()).take(64))
            .collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
    }

    proptest! {
        #[test]
        fn another_lot_or_purpose_starts_elsewhere(lot: u64, other: u64, purpose: u32, another: u32) {
            prop_assume!(lot != other && purpose != another);
            prop_assert_ne!(Lot(lot).of(purpose).place, Lot(other).of(purpose).place);
            prop_assert_ne!(Lot(lot).of(purpose).place, Lot(lot).of(another).place);
        }
    }
}
