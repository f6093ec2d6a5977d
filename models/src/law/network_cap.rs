//! Requests a second that a link carries: no server behind it answers more, however idle its CPUs are.
//!
//! # Formula
//! X_net = B / w, with B the link's bytes a second and w the bytes that the answer to one request takes on the wire. A page
//! and its HTTP header fill ceil((page + header) / MSS) segments, MSS = MTU - 40 - options; each is framed by 38 B of
//! Ethernet (preamble 8, header 14, check sequence 4, gap 12) and 40 B of IPv4 and TCP with their options. Frames without
//! payload that a connection needs in the same direction (SYN+ACK, ACK of the request, FIN) take a frame of at least 46 B of
//! content each.
//!
//! # Range
//! One direction of a full-duplex Ethernet link, without VLAN tags and losses. Requests and acknowledgements go the other way
//! and are not counted. It is a ceiling: a server, a client or a disk may be slower.
//!
//! # Source
//! Framing: IEEE 802.3, RFC 791, RFC 793, RFC 7323 (timestamps: 12 B of options).
//!
//! # Error
//! None in the count. Measured native throughput of S1-12, 1765.51 requests/s of 65 kB, lies at 97.5 to 100.8 % of one Gbit/s
//! for pages of 65,000 to 66,560 B (models 0.1): the ceiling is met to within what "65 kB" leaves open.

use crate::quantity::{BytesPerSecond, PerSecond, QuantityError};

/// Preamble, header, check sequence and gap of an Ethernet frame, bytes.
const ETHERNET: u64 = 38;
/// IPv4 and TCP headers without options, bytes.
const IP_TCP: u64 = 40;
/// The least content of an Ethernet frame, bytes.
const LEAST_CONTENT: u64 = 46;

/// What the answer to one request is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Bytes of the page.
    pub page: u64,
    /// Bytes of the HTTP header before it.
    pub header: u64,
    /// Frames without payload that go the same way, for each request: 0 where connections are kept and nothing is acknowledged.
    pub bare_frames: u64,
    /// The largest content of a frame, bytes: 1500 on plain Ethernet.
    pub mtu: u64,
    /// TCP options of each segment, bytes: 12 with timestamps.
    pub options: u64,
}

/// The most of any length: 2^40 bytes, so that sums stay far from overflow.
const MOST: u64 = 1 << 40;

impl Answered {
    /// Bytes on the wire for one request, all framing counted.
    ///
    /// ```
    /// use models::law::network_cap::Answered;
    /// // 1460 B fill one segment: 1460 + 40 + 38. One bare frame: 46 + 38.
    /// let one = Answered { page: 1400, header: 60, bare_frames: 1, mtu: 1500, options: 0 };
    /// assert_eq!(one.wire_bytes()?, 1538 + 84);
    /// # Ok::<(), models::quantity::QuantityError>(())
    /// ```
    ///
    /// # Errors
    /// An MTU that leaves nothing for payload, nothing to send, or a length beyond 2^40.
    pub fn wire_bytes(&self) -> Result<u64, QuantityError> {
        let refuse = |what, value: u64, expected| Err(QuantityError { what, value: value.to_string(), unit: "B", expected });
        let headers = self.options.saturating_add(IP_TCP);
        if self.mtu <= headers {
            return refuse("largest content of a frame", self.mtu, "it must hold the IP and TCP headers with their options, and payload");
        }
        for (what, value) in [("page", self.page), ("HTTP header", self.header), ("number of frames", self.bare_frames), ("MTU", self.mtu)]
        {
            if value > MOST {
                return refuse(what, value, "it must be at most 2^40");
            }
        }
        let payload = self.page + self.header;
        if payload + self.bare_frames == 0 {
            return refuse("answer", 0, "it must have something to send");
        }
        let segments = payload.div_ceil(self.mtu - headers);
        let bare = headers.max(LEAST_CONTENT) + ETHERNET;
        // The last segment may be shorter than the least content: it is filled up.
        let last = payload - (segments.max(1) - 1) * (self.mtu - headers);
        let filling = if segments > 0 { LEAST_CONTENT.saturating_sub(headers + last) } else { 0 };
        (self.bare_frames.checked_mul(bare))
            .and_then(|bare| bare.checked_add(payload + segments.checked_mul(headers + ETHERNET)? + filling))
            .map_or_else(|| refuse("number of frames", self.bare_frames, "it must be smaller"), Ok)
    }

    /// Requests a second that a link carries.
    ///
    /// # Errors
    /// As [`Answered::wire_bytes`].
    pub fn most(&self, link: BytesPerSecond) -> Result<PerSecond, QuantityError> {
        PerSecond::new(link.get() / self.wire_bytes()? as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gigabit() -> BytesPerSecond {
        BytesPerSecond::new(125e6).unwrap()
    }

    #[test]
    fn a_page_of_65_kb_is_as_fast_without_a_hypervisor_as_one_gbit_carries() {
        // 65,300 B in 45 segments of 1460 (44.7): 65,300 + 45 x 78 + 3 x 84 = 69,062 B; 125e6 / 69,062 = 1810.0.
        let least = Answered { page: 65_000, header: 300, bare_frames: 3, mtu: 1500, options: 0 };
        assert_eq!(least.wire_bytes().unwrap(), 69_062);
        // 66,860 B in 47 segments of 1448 (46.2): 66,860 + 47 x 90 + 3 x 90 = 71,360 B; 1751.7.
        let most = Answered { page: 66_560, options: 12, ..least };
        assert_eq!(most.wire_bytes().unwrap(), 71_360);
        // S1-12: 1765.51 without a hypervisor: between the two, so the wire was full.
        let (low, high) = (most.most(gigabit()).unwrap().get(), least.most(gigabit()).unwrap().get());
        assert!(low < 1765.51 && 1765.51 < high, "{low} {high}");
        assert!((1765.51 / high - 0.975).abs() < 5e-4 && (1765.51 / low - 1.008).abs() < 5e-4);
    }

    #[test]
    fn a_frame_is_never_shorter_than_ethernet_allows() {
        // One byte: 41 B of content are filled up to 46.
        assert_eq!(Answered { page: 1, header: 0, bare_frames: 0, mtu: 1500, options: 0 }.wire_bytes().unwrap(), 84);
        assert_eq!(Answered { page: 0, header: 0, bare_frames: 2, mtu: 1500, options: 0 }.wire_bytes().unwrap(), 168);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let one = Answered { page: 1, header: 0, bare_frames: 0, mtu: 1500, options: 0 };
        assert!(Answered { mtu: 40, ..one }.wire_bytes().is_err());
        assert!(Answered { page: 0, ..one }.wire_bytes().is_err());
        assert!(Answered { page: u64::MAX, ..one }.wire_bytes().is_err());
        assert!(Answered { bare_frames: u64::MAX, ..one }.wire_bytes().is_err());
        assert!(Answered { options: u64::MAX, ..one }.wire_bytes().is_err());
    }

    proptest! {
        #[test]
        fn it_is_what_counting_frame_by_frame_says(page in 1u64..200_000, header in 0u64..2000, bare in 0u64..6, mtu in 100u64..9000, options in 0u64..40) {
            let it = Answered { page, header, bare_frames: bare, mtu, options };
            let (mut left, mut bytes) = (page + header, 0);
            while left > 0 {
                let payload = left.min(mtu - 40 - options);
                bytes += (payload + 40 + options).max(46) + 38;
                left -= payload;
            }
            for _ in 0..bare {
                bytes += (40 + options).max(46) + 38;
            }
            prop_assert_eq!(it.wire_bytes().unwrap(), bytes);
        }

        #[test]
        fn a_larger_page_is_never_answered_more_often(page in 1u64..200_000, more in 0u64..5000, options in 0u64..40) {
            let it = Answered { page, header: 300, bare_frames: 3, mtu: 1500, options };
            let larger = Answered { page: page + more, ..it };
            prop_assert!(larger.most(gigabit()).unwrap() <= it.most(gigabit()).unwrap());
        }
    }
}
