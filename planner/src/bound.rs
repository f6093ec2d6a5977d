//! Lower bounds by volume: no fleet that keeps the rules costs less, or has fewer hosts on.
//!
//! - Hosts with pinned guests are on and paid for; what those leave on them holds others for nothing.
//! - Memory: the guests that are not pinned (physical-only workloads aside) need so much; with one host down, those to be restarted must fit in a fleet
//!   without one of its hosts. The cheapest way to cover it, hosts divisible, is a bound on cost.
//! - Places: a redundancy group of k needs k hosts; n fully virtual guests need n / (most a host).
//! - CPU, only where the rule asks for every step (100th percentile): the peak of the sum.
//! - Electricity above idle: each MHz costs at least the least chord slope of any curve.
//! - Hosts: so many are on at the least, be they the cheapest.
//!
//! The greatest of them is taken. Proved bounds (integer cover, column generation) come later and have their place here.

use models::demand::Demand;
use models::law::cost::electricity;
use models::law::percentile;
use models::quantity::Watts;
use models::site::{Guest, GuestId, HostId, Mode, OnLoss, Site};

use crate::pack::{keep_class_yen, keep_yen};

/// A lower bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// Yen over the horizon.
    pub cost_yen: f64,
    /// Hosts on, those of pinned guests included.
    pub hosts: u32,
    /// What says so.
    pub because: String,
}

/// Something that can hold guests.
struct Offer {
    yen: f64,
    memory: f64,
    khz: f64,
    count: usize,
    /// Whether it is one host more: those of pinned guests are counted already.
    counts: bool,
}

/// What it is, how much of it, how many hosts besides, and how much of it an offer holds.
type Need = (String, f64, u32, fn(&Offer) -> f64);

/// The bound for a site and its demand.
#[must_use]
pub fn by_volume(site: &Site, demand: &Demand) -> Bound {
    if !site.rules.excused.is_empty() {
        // Who may stay down needs nothing.
        let runs = |g: usize| !site.rules.excused.contains(&GuestId::at(g));
        let (mut some, mut asks) = (site.clone(), demand.clone());
        some.rules.excused.clear();
        some.guests = (0..site.guests.len()).filter(|g| runs(*g)).map(|g| site.guests[g].clone()).collect();
        asks.guests = (0..site.guests.len()).filter(|g| runs(*g)).map(|g| demand.guests[g].clone()).collect();
        some.today = None;
        return by_volume(&some, &asks);
    }
    let mut pinned_hosts: Vec<HostId> = site.guests.iter().filter_map(|g| g.pinned).collect();
    pinned_hosts.sort_unstable();
    pinned_hosts.dedup();
    let base: f64 = pinned_hosts.iter().map(|h| keep_yen(site, *h)).sum::<f64>() + devices_yen(site);

    let mut offers: Vec<Offer> = Vec::new();
    for h in (0..site.hosts.len()).map(HostId::at).filter(|h| site.class_of(*h).hypervisor.is_some() && !site.hosts[h.index()].retires) {
        let class = site.class_of(h);
        let khz = class.capacity().get() * 1000.0;
        if pinned_hosts.contains(&h) {
            // It is on and paid for already; what its pinned guests leave is there for others.
            let own: f64 = site.guests.iter().filter(|g| g.pinned == Some(h)).map(|g| g.memory.0 as f64).sum();
            offers.push(Offer { yen: 0.0, memory: (class.guest_memory().0 as f64 - own).max(0.0), khz, count: 1, counts: false });
        } else {
            offers.push(Offer { yen: keep_yen(site, h), memory: class.guest_memory().0 as f64, khz, count: 1, counts: true });
        }
    }
    // A guest may also stand alone on the metal, without a hypervisor: such a host holds one guest, the largest at most.
    let largest_mib = site.guests.iter().filter(|g| is_free(g)).map(|g| g.memory.0).max().unwrap_or(0);
    for h in (0..site.hosts.len())
        .map(HostId::at)
        .filter(|h| site.class_of(*h).hypervisor.is_none() && !pinned_hosts.contains(h) && !site.hosts[h.index()].retires)
    {
        let class = site.class_of(h);
        let memory = class.guest_memory().0.min(largest_mib) as f64;
        offers.push(Offer { yen: keep_yen(site, h), memory, khz: class.capacity().get() * 1000.0, count: 1, counts: true });
    }
    for class in &site.classes {
        let Some(sale) = &class.sale else { continue };
        let most_mib = if class.hypervisor.is_some() { u64::MAX } else { largest_mib };
        let yen = sale.price_yen.value + keep_class_yen(site, class);
        offers.push(Offer {
            yen,
            memory: class.guest_memory().0.min(most_mib) as f64,
            khz: class.capacity().get() * 1000.0,
            count: sale.max as usize,
            counts: true,
        });
    }

    let free = |on_loss: Option<OnLoss>| {
        site.guests.iter().filter(|g| is_free(g) && on_loss.is_none_or(|o| g.on_loss == o)).map(|g| g.memory.0 as f64).sum::<f64>()
    };
    let mut needs: Vec<Need> = vec![("memory of the guests".into(), free(None), 0, |o| o.memory)];
    if site.rules.one_host_down.is_some() {
        // Fitting without any one host asks for one more than covers it, unless a host of pinned guests is the spare one.
        let spare = u32::from(offers.iter().all(|o| o.counts));
        needs.push(("memory of the guests to be restarted with one host down".into(), free(Some(OnLoss::Restart)), spare, |o| o.memory));
    }
    if site.rules.cpu.percentile >= 100.0 {
        let peak = peak_khz(site, demand) / site.rules.cpu.limit;
        needs.push(("CPU at its peak".into(), peak, 0, |o| o.khz));
    }
    let groups = site.guests_by_group();
    let largest = groups.iter().map(|m| m.iter().filter(|g| is_free(&site.guests[g.index()])).count()).max().unwrap_or(0);
    if site.rules.apart.is_some() && largest > 0 {
        needs.push((format!("a redundancy group of {largest} apart"), largest as f64, 0, |_| 1.0));
    }
    if let Some(most) = site.rules.full_virtual_per_host.filter(|m| *m > 0) {
        let full = site.guests.iter().filter(|g| g.mode == Mode::Full && is_free(g)).count();
        needs.push((format!("{full} fully virtual guests spread"), full as f64 / f64::from(most), 0, |_| 1.0));
    }

    let mut by_price: Vec<(f64, usize)> = offers.iter().filter(|o| o.counts).map(|o| (o.yen, o.count)).collect();
    by_price.sort_by(|a, b| a.0.total_cmp(&b.0));
    let cheapest = |hosts: u32| by_price.iter().flat_map(|(yen, n)| std::iter::repeat_n(*yen, *n)).take(hosts as usize).sum::<f64>();
    let (mut cost, mut hosts, mut because) = (0.0, 0, "no guest needs a place".to_owned());
    for (what, needed, spare, holds) in needs {
        if needed <= 0.0 {
            continue;
        }
        // So many hosts are on at the least, be they the cheapest; and so much is paid for what is held.
        let count = cover_count(&offers, needed, holds) + spare;
        let yen = f64::max(cheapest(count), cover_yen(&mut offers, needed, holds) + cheapest(spare));
        if yen > cost || because.starts_with("no guest") {
            (cost, because) = (yen, what);
        }
        hosts = hosts.max(count);
    }
    Bound { cost_yen: base + cost + load_yen(site, demand), hosts: pinned_hosts.len() as u32 + hosts, because }
}

/// The least yen to cover `needed`, hosts divisible.
fn cover_yen(offers: &mut [Offer], needed: f64, holds: fn(&Offer) -> f64) -> f64 {
    offers.sort_by(|a, b| (a.yen / holds(a).max(1e-9)).total_cmp(&(b.yen / holds(b).max(1e-9))));
    let (mut left, mut yen) = (needed, 0.0);
    for o in offers.iter().filter(|o| holds(o) > 0.0) {
        let hosts = (left / holds(o)).min(o.count as f64);
        yen += hosts * o.yen;
        left -= hosts * holds(o);
        if left <= 1e-9 {
            break;
        }
    }
    yen
}

/// The least number of hosts, besides those of pinned guests, that cover `needed`: what is there already, then the largest.
fn cover_count(offers: &[Offer], needed: f64, holds: fn(&Offer) -> f64) -> u32 {
    let mut sizes: Vec<(bool, f64, usize)> = offers.iter().map(|o| (o.counts, holds(o), o.count)).collect();
    sizes.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let (mut left, mut hosts) = (needed, 0);
    for (counts, size, count) in sizes {
        for _ in 0..count {
            if left <= 1e-9 {
                return hosts;
            }
            left -= size;
            hosts += u32::from(counts);
        }
    }
    hosts
}

/// Whether a guest wants a place among those that are offered: it is not pinned, and can be virtual.
fn is_free(guest: &Guest) -> bool {
    guest.pinned.is_none() && guest.mode != Mode::PhysicalOnly
}

fn devices_yen(site: &Site) -> f64 {
    let w: Watts = site.devices.iter().map(|d| d.expected.scaled(f64::from(d.count))).sum();
    electricity(w, &site.prices).value
}

/// The peak of the sum of all guests that are not pinned, kHz.
fn peak_khz(site: &Site, demand: &Demand) -> f64 {
    let mut sum = vec![0u64; demand.steps];
    for (g, columns) in demand.guests.iter().enumerate().filter(|(g, _)| is_free(&site.guests[*g])) {
        debug_assert!(g < site.guests.len());
        sum.iter_mut().zip(&columns.cpu_khz).for_each(|(s, x)| *s += u64::from(*x));
    }
    sum.into_iter().max().unwrap_or(0) as f64
}

/// Electricity above idle, at the least chord slope of any curve of the site.
///
/// A chord from idle lies on or under the curve where its slope is the least of those to the curve's points. Steps in
/// which a host is above the CPU rule's limit may be served in part only, so each guest's greatest samples, as many as
/// the rule lets a host be above its limit, are not counted; in the other steps all that is asked for draws power.
fn load_yen(site: &Site, demand: &Demand) -> f64 {
    let rule = site.rules.cpu;
    if demand.steps == 0 || rule.limit > 1.0 {
        return 0.0;
    }
    let slope = site
        .classes
        .iter()
        .flat_map(|c| {
            let points = c.power.curve.points();
            let last = (points.len() - 1) as f64;
            let capacity = c.capacity().get() * 1000.0;
            (1..points.len()).map(move |k| (points[k].get() - points[0].get()) / (k as f64 / last * capacity))
        })
        .fold(f64::INFINITY, f64::min);
    if !slope.is_finite() {
        return 0.0;
    }
    let counted = percentile::rank(demand.steps, rule.percentile) + 1;
    let khz: f64 = demand
        .guests
        .iter()
        .filter(|c| !c.cpu_khz.is_empty())
        .map(|c| {
            let mut sorted = c.cpu_khz.clone();
            sorted.sort_unstable();
            sorted[..counted].iter().map(|x| f64::from(*x)).sum::<f64>() / demand.steps as f64
        })
        .sum();
    electricity(Watts::new(khz * slope).unwrap_or(Watts::ZERO), &site.prices).value
}
