//! Named random streams, a job's own lot, and what is drawn from them: the same on every machine.
//!
//! - [`stream`]: a generator by its key (seed, entity, purpose, replication)
//! - [`Lot`]: all that is drawn for one job, whatever the order of service
//! - [`Sampler`]: a [`models::distribution::Distribution`] made ready to be drawn from
//! - [`poisson`]: counts; [`normal_quantile`]: the normal's inverse
//! - [`test_of_fit`]: whether draws are what they should be
//!
//! One more draw in one stream changes nothing in another, and two candidates that are replayed with the same seed see the same load
//! (common random numbers). The generators are ChaCha8 and splitmix64 by name; `StdRng` may change in any release of `rand`. Logarithms,
//! powers and gamma functions are those of `libm`, which are made of exactly rounded operations alone; the platform's own may
//! differ in the last bit, and a count or an order of events with it. For the same reason nothing is drawn as `usize`.

mod lot;
mod normal;
mod poisson;
mod sampler;
pub mod test_of_fit;

pub use lot::{Lot, LotUnits};
pub use normal::normal_quantile;
pub use poisson::poisson;
pub use sampler::Sampler;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The stream of this key.
///
/// ```
/// use sim::random::{Units, stream};
/// let mut arrivals = stream(42, "mail-in", "arrivals", 0);
/// assert_eq!(arrivals.bits(), 13_166_329_688_761_514_200);
/// ```
#[must_use]
pub fn stream(seed: u64, entity: &str, purpose: &str, replication: u32) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(b"shuyaku stream 1");
    hash.update(seed.to_le_bytes());
    hash.update((entity.len() as u64).to_le_bytes());
    hash.update(entity);
    hash.update((purpose.len() as u64).to_le_bytes());
    hash.update(purpose);
    hash.update(replication.to_le_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// 2^-53, the step of [`Units::unit`].
const STEP: f64 = 1.0 / (1u64 << 53) as f64;

/// Whatever gives uniforms. Each method but [`Units::below`] takes one number of 64 bits.
pub trait Units {
    /// 64 random bits.
    fn bits(&mut self) -> u64;

    /// A multiple of 2^-53 in [0, 1).
    #[inline]
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * STEP
    }

    /// One less [`Units::unit`], from the same bits: in (0, 1], so that it has a logarithm.
    #[inline]
    fn open(&mut self) -> f64 {
        ((1 << 53) - (self.bits() >> 11)) as f64 * STEP
    }

    /// The middle of one of 2^52 equal cells, never 0 nor 1, and as often below as above 1/2 by the same distance: what a quantile
    /// that is infinite at both ends takes.
    #[inline]
    fn inside(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) * (2.0 * STEP)
    }

    /// A whole number below `n`, each as likely as another: the high half of the product of bits and n, drawn again in the few cases
    /// that would favour some (Lemire, ACM TOMACS 29(1), 2019).
    ///
    /// # Panics
    /// Where `n` is 0.
    #[inline]
    fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "no whole number is below 0");
        let mut product = u128::from(self.bits()) * u128::from(n);
        if (product as u64) < n {
            // 2^64 modulo n: this many low halves are one too many.
            let over = n.wrapping_neg() % n;
            while (product as u64) < over {
                product = u128::from(self.bits()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }
}

impl Units for ChaCha8Rng {
    #[inline]
    fn bits(&mut self) -> u64 {
        self.next_u64()
    }
}

/// Numbers given one by one, for the tests of what is made of them.
#[cfg(test)]
struct These(std::vec::IntoIter<u64>);
#[cfg(test)]
impl These {
    fn new(bits: impl Into<Vec<u64>>) -> Self {
        Self(bits.into().into_iter())
    }
    /// Such that [`Units::unit`] is `u` rounded down to its step.
    fn unit(u: f64) -> Self {
        Self::new([((u / STEP) as u64) << 11])
    }
}
#[cfg(test)]
impl Units for These {
    fn bits(&mut self) -> u64 {
        self.0.next().expect("no more is drawn than was given")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_known_by_its_key_alone() {
        let draw = |seed, e: &str, p: &str, r| stream(seed, e, p, r).bits();
        assert_eq!(draw(1, "web", "arrivals", 0), draw(1, "web", "arrivals", 0));
        let others =
            [draw(2, "web", "arrivals", 0), draw(1, "we", "barrivals", 0), draw(1, "web", "size", 0), draw(1, "web", "arrivals", 1)];
        assert!(others.iter().all(|x| *x != draw(1, "web", "arrivals", 0)));
    }

    #[test]
    fn the_first_draws_of_known_keys_are_known() {
        // Pins the derivation: a change here changes every published figure that rests on random load.
        assert_eq!(stream(42, "mail-in", "arrivals", 0).bits(), 13_166_329_688_761_514_200);
        assert_eq!(stream(0, "", "", 0).bits(), 15_782_742_339_882_475_938);
        assert_eq!(stream(u64::MAX, "web", "size", 7).bits(), 13_600_142_531_152_179_953);
    }

    #[test]
    fn chacha8_is_the_published_one() {
        // The key stream of a key and nonce of zeros, first half-block (draft-strombergson-chacha-test-vectors, TC1, 8 rounds).
        let published = [
            0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6, 0x7f, 0x5b, 0xb8, 0xe8, 0x1f, 0x09, 0xa5, 0xa1, 0x2c, 0x84, 0x0e, 0xc3, 0xce,
            0x9a, 0x7f, 0x3b, 0x18, 0x1b, 0xe1, 0x88, 0xef, 0x71, 0x1a, 0x1e,
        ];
        let mut bytes = [0; 32];
        ChaCha8Rng::from_seed([0; 32]).fill_bytes(&mut bytes);
        assert_eq!(bytes, published);
        // And the bits of a draw are its bytes, the least first, on every machine.
        let mut units = ChaCha8Rng::from_seed([0; 32]);
        for eight in published.chunks_exact(8) {
            assert_eq!(units.bits(), u64::from_le_bytes(eight.try_into().unwrap()));
        }
    }

    #[test]
    fn a_draw_more_in_one_stream_changes_nothing_in_another() {
        let key = |e| stream(3, e, "arrivals", 0);
        let alone: Vec<u64> = std::iter::repeat_with({
            let mut b = key("b");
            move || b.bits()
        })
        .take(100)
        .collect();
        let (mut a, mut b) = (key("a"), key("b"));
        for (i, x) in alone.iter().enumerate() {
            for _ in 0..i % 3 {
                a.bits();
            }
            assert_eq!(b.bits(), *x);
        }
    }

    #[test]
    fn the_ends_of_the_uniforms_are_as_said() {
        let (least, most) = (|| These::new([0]), || These::new([u64::MAX]));
        assert_eq!((least().unit(), most().unit()), (0.0, 1.0 - STEP));
        assert_eq!((least().open(), most().open()), (1.0, STEP));
        assert_eq!((least().inside(), most().inside()), (STEP, 1.0 - STEP));
        // 2^53 - 1 and the half that is added to 52 bits are exact in a double: neither end is reached by rounding.
        assert!(most().unit() < 1.0 && most().inside() < 1.0);
    }

    #[test]
    fn below_draws_again_where_a_number_would_be_favoured() {
        // n = 3: 2^64 mod 3 = 1, so the one low half 0 (bits 0) is drawn again; bits 2^63 give 3 x 2^63 >> 64 = 1.
        assert_eq!(These::new([0, 1 << 63]).below(3), 1);
        assert_eq!(These::new([u64::MAX]).below(3), 2);
        assert_eq!(These::new([u64::MAX]).below(1), 0);
        // A power of two never draws again.
        assert_eq!(These::new([0]).below(8), 0);
    }
}
