//! Inputs that the benches share. The benches themselves stand in `benches/`; each measures beside its reference.

pub mod events;
pub mod reference;

use models::demand::{Columns, Demand};
use models::example;
use models::quantity::{Nanos, Watts};
use models::site::{HostId, Placement, Site};

/// `hosts` hosts with `per_host` guests each and `steps` samples of five minutes a guest.
///
/// Demand is in whole percent of a 2000 MHz vCPU: a level of its own for each guest (0-49) and noise (0-49) from a
/// multiplicative hash, as in the measurements of peers. Each host has the 11-point curve of an HP ProLiant ML110 G5.
///
/// # Panics
/// Never: the curve is a curve.
#[must_use]
pub fn fan(hosts: u32, per_host: u32, steps: usize) -> (Site, Demand, Placement) {
    let guests = hosts * per_host;
    let list = (0..guests).map(|g| example::guest(&format!("g{g}"), 1, 64)).collect();
    let mut class = example::class("c", per_host, 2000.0, 64 * u64::from(per_host));
    let points = [93.7, 97.0, 101.0, 105.0, 110.0, 116.0, 121.0, 125.0, 129.0, 133.0, 135.0];
    let watts = points.iter().map(|w| Watts::new(*w).expect("a power")).collect();
    class.power.curve = models::law::power::Curve::new(watts).expect("a curve");
    let site = example::site(class, hosts, list);
    let hash = |x: u64| (x.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u32;
    let column = |g: u32| {
        let level = hash(u64::from(g) + 1) % 50;
        let cpu_khz = (0..steps).map(|t| (level + hash((u64::from(g) << 32) + t as u64) % 50) * 20_000).collect();
        Columns { cpu_khz, ..Columns::default() }
    };
    let demand = Demand { step: Nanos::seconds(300), steps, guests: (0..guests).map(column).collect() };
    let placement = Placement { on: vec![true; hosts as usize], host_of: (0..guests).map(|g| Some(HostId(g / per_host))).collect() };
    (site, demand, placement)
}
