//! The CVCF by kVA *and* kW, and branch circuits by VA; by measured curves under the load, or by nameplates.
//!
//! kVA are summed arithmetically: the safe upper bound (models A1.3). The vector sum is in the measures of a replay. Where
//! the CVCF has a crest factor, peak current is weighed as a third thing ([`crate::law::crest`]).

use serde::{Deserialize, Serialize};

use super::{HostLoads, Judgement, Margin, RuleName, Scales, clock};
use crate::demand::Demand;
use crate::estimate::Estimate;
use crate::law::crest::peak_va;
use crate::law::inrush::{Draw, Limit, Surge};
use crate::quantity::{CrestFactor, Nanos, VoltAmperes, Watts};
use crate::site::{DomainId, HostId, Placement, PowerView, Site};

/// What the nameplates of all that is on add up to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nameplate {
    /// VA.
    pub va: Estimate,
    /// W.
    pub w: Estimate,
}

/// The nameplates of the hosts that are on and of the devices: of the whole site, or of one feed.
#[must_use]
pub fn nameplate(site: &Site, placement: &Placement, feed: Option<DomainId>) -> Nameplate {
    let mut sum = Nameplate { va: Estimate::ZERO, w: Estimate::ZERO };
    for (h, host) in site.hosts.iter().enumerate() {
        if placement.on[h] && feed.is_none_or(|f| host.domains.contains(&f)) {
            let power = &site.classes[host.class.index()].power;
            sum.va = sum.va + power.nameplate_va;
            sum.w = sum.w + power.nameplate_w;
        }
    }
    for device in site.devices.iter().filter(|d| feed.is_none() || d.feed == feed) {
        sum.va = sum.va + device.nameplate_va.times(f64::from(device.count));
        sum.w = sum.w + device.nameplate_w.times(f64::from(device.count));
    }
    sum
}

/// What all that is on draws at the peaks of its current by its nameplates, VA x crest factor, and what the CVCF may give;
/// nothing where it has no crest factor.
#[must_use]
pub fn nameplate_peak(site: &Site, placement: &Placement) -> Option<(f64, f64)> {
    let ups = site.ups.as_ref()?;
    let rated_for = ups.crest_factor?;
    let mut needed = 0.0;
    for (_, host) in site.hosts.iter().enumerate().filter(|(h, _)| placement.on[*h]) {
        let power = &site.classes[host.class.index()].power;
        needed += power.nameplate_va.value * crest(power.crest_factor);
    }
    for d in &site.devices {
        needed += d.nameplate_va.value * f64::from(d.count) * crest(d.crest_factor);
    }
    Some((needed, rated_for.get() * ups.rating.get()))
}

/// A load without a crest factor is one without peaks; `scenarios` refuses it where the CVCF is asked about them.
fn crest(factor: Option<CrestFactor>) -> f64 {
    factor.map_or(1.0, CrestFactor::get)
}

/// VA x crest factor, in whole thousandths.
fn mpeak(va: VoltAmperes, factor: Option<CrestFactor>) -> u64 {
    (factor.map_or(va.get(), |crest| peak_va(va, crest)) * 1000.0).round() as u64
}

/// Expected W and VA a step, in thousandths, so that sums are exact.
pub(crate) struct Series {
    pub mw: Vec<u64>,
    pub mva: Vec<u64>,
    /// VA x crest factor; empty where the CVCF has none.
    pub mpeak: Vec<u64>,
}

impl Series {
    /// Devices alone, of the whole site or of one feed.
    pub(crate) fn of_devices(site: &Site, steps: usize, feed: Option<DomainId>) -> Self {
        let asks = feed.is_none() && site.ups.as_ref().is_some_and(|u| u.crest_factor.is_some());
        let (mut mw, mut mva, mut peaks) = (0, 0, 0);
        for d in site.devices.iter().filter(|d| feed.is_none() || d.feed == feed) {
            let count = u64::from(d.count);
            mw += count * (d.expected.get() * 1000.0).round() as u64;
            mva += count * (d.expected.apparent(d.power_factor).get() * 1000.0).round() as u64;
            peaks += count * mpeak(d.expected.apparent(d.power_factor), d.crest_factor);
        }
        Self { mw: vec![mw; steps], mva: vec![mva; steps], mpeak: if asks { vec![peaks; steps] } else { Vec::new() } }
    }

    /// Adds a host that is on with this load.
    pub(crate) fn add_host(&mut self, site: &Site, host: HostId, khz: &[u64]) {
        let class = site.class_of(host);
        let capacity = class.capacity().get() * 1000.0;
        for t in 0..self.mw.len() {
            let load = khz.get(t).map_or(0.0, |x| *x as f64 / capacity);
            let w = class.power.curve.at(load);
            self.mw[t] += (w.get() * 1000.0).round() as u64;
            let va = w.apparent(class.power.factor_at(load));
            self.mva[t] += (va.get() * 1000.0).round() as u64;
            if let Some(x) = self.mpeak.get_mut(t) {
                *x += mpeak(va, class.power.crest_factor);
            }
        }
    }

    /// Takes a host away again that was added with this load.
    pub(crate) fn remove_host(&mut self, site: &Site, host: HostId, khz: &[u64]) {
        let mut own = Self { mw: vec![0; self.mw.len()], mva: vec![0; self.mva.len()], mpeak: vec![0; self.mpeak.len()] };
        own.add_host(site, host, khz);
        self.mw.iter_mut().zip(own.mw).for_each(|(all, own)| *all -= own);
        self.mva.iter_mut().zip(own.mva).for_each(|(all, own)| *all -= own);
        self.mpeak.iter_mut().zip(own.mpeak).for_each(|(all, own)| *all -= own);
    }

    /// Every host that is on, and the devices.
    pub(crate) fn of_site(site: &Site, demand: &Demand, placement: &Placement, loads: &HostLoads) -> Self {
        let mut series = Self::of_devices(site, demand.steps.max(1), None);
        for h in (0..site.hosts.len()).filter(|h| placement.on[*h]) {
            series.add_host(site, HostId::at(h), &loads[h].khz);
        }
        series
    }

    /// Adds a steady power at every step, with the crest factor of its current: that of a host that boots.
    fn add_steady(&mut self, draw: Draw, crest: Option<CrestFactor>) {
        self.mw.iter_mut().for_each(|x| *x += (draw.w.get() * 1000.0).round() as u64);
        self.mva.iter_mut().for_each(|x| *x += (draw.va.get() * 1000.0).round() as u64);
        self.mpeak.iter_mut().for_each(|x| *x += mpeak(draw.va, crest));
    }
}

/// Hosts on their way from off to on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Booting {
    /// Those that have not booted yet.
    pub hosts: Vec<HostId>,
    /// Those whose disks spin up.
    pub spinning: Vec<HostId>,
    /// How many rush at the instant that is judged.
    pub rushing: usize,
}

/// What a host draws at full load: while it boots.
fn full(site: &Site, host: HostId) -> Draw {
    let power = &site.class_of(host).power;
    Draw::of(power.curve.full(), power.factor_at(1.0))
}

/// What a host draws without load.
fn idle(site: &Site, host: HostId) -> Draw {
    let power = &site.class_of(host).power;
    Draw::of(power.curve.idle(), power.factor_at(0.0))
}

/// What a host's disks draw besides while they spin up.
fn disks(site: &Site, host: HostId) -> Draw {
    let power = &site.class_of(host).power;
    site.power_on.map_or(Draw::ZERO, |p| Draw::of(p.spin_up, power.factor_at(1.0)))
}

/// What a host draws from the moment it is switched on. In the nameplate view that is what its nameplate says, from first to last:
/// more than it ever draws.
#[must_use]
pub fn surge(site: &Site, host: HostId, view: PowerView) -> Surge {
    let boot = site.class_of(host).boot;
    match view {
        PowerView::Nameplate => {
            let own = nameplate_of(site, host);
            Surge::new(own, boot, own)
        }
        PowerView::Expected => Surge::new(full(site, host), boot, idle(site, host))
            .with_disks(disks(site, host), site.power_on.map_or(Nanos::ZERO, |p| p.spin_up_lasts)),
    }
}

fn nameplate_of(site: &Site, host: HostId) -> Draw {
    let power = &site.class_of(host).power;
    drawn(power.nameplate_va.value, power.nameplate_w.value)
}

/// Sums of powers are powers.
fn drawn(va: f64, w: f64) -> Draw {
    Draw { w: Watts::new(w).unwrap_or(Watts::ZERO), va: VoltAmperes::new(va).unwrap_or(VoltAmperes::ZERO) }
}

/// What is drawn already where hosts are to be switched on, and what may be drawn in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// The branch circuit; `None`: the CVCF.
    pub feed: Option<DomainId>,
    /// The view that it binds in.
    pub view: PowerView,
    /// The most that a placement draws, hosts and devices.
    pub running: Draw,
    /// What may be drawn.
    pub limit: Limit,
}

/// The room under the CVCF and under each branch circuit that a rule looks at, beside what is on.
#[must_use]
pub fn rooms(site: &Site, demand: &Demand, placement: &Placement) -> Vec<Room> {
    let loads = HostLoads::recount(site, demand, placement);
    let running = |view, feed| {
        let [(va, _), (w, _), _] = draw(site, demand, placement, &loads, &Booting::default(), view, feed);
        drawn(va, w)
    };
    let mut all = Vec::new();
    if let (Some(ups), Some(rule)) = (&site.ups, site.rules.ups) {
        let keep = 1.0 - rule.reserve;
        let limit = Limit {
            va: VoltAmperes::new(ups.rating.get() * keep).unwrap_or(VoltAmperes::ZERO),
            w: Some(Watts::new(ups.limit_w().get() * keep).unwrap_or(Watts::ZERO)),
        };
        all.push(Room { feed: None, view: rule.view, running: running(rule.view, None), limit });
    }
    if let Some(view) = site.rules.branches {
        for (d, va) in site.domains.iter().enumerate().filter_map(|(d, x)| x.limit_va.map(|va| (DomainId::at(d), va))) {
            all.push(Room { feed: Some(d), view, running: running(view, Some(d)), limit: Limit { va, w: None } });
        }
    }
    all
}

/// The greatest of a series and the first step at which it stands.
pub(crate) fn peak(series: &[u64]) -> (usize, f64) {
    let mut best = (0, 0);
    for (t, x) in series.iter().enumerate() {
        if *x > best.1 {
            best = (t, *x);
        }
    }
    (best.0, best.1 as f64 / 1000.0)
}

/// What the CVCF sees: (needed VA, when), (needed W, when), and (needed VA x crest factor, when), which is nothing where
/// peak current is not asked about.
fn draw(
    site: &Site,
    demand: &Demand,
    placement: &Placement,
    loads: &HostLoads,
    booting: &Booting,
    view: PowerView,
    feed: Option<DomainId>,
) -> [(f64, Option<String>); 3] {
    match view {
        PowerView::Nameplate => {
            let n = nameplate(site, placement, feed);
            let peak = nameplate_peak(site, placement).filter(|_| feed.is_none()).map_or(0.0, |(needed, _)| needed);
            [(n.va.value, None), (n.w.value, None), (peak, None)]
        }
        PowerView::Expected => {
            let mut series = Series::of_devices(site, demand.steps.max(1), feed);
            for (h, host) in site.hosts.iter().enumerate().filter(|(h, _)| placement.on[*h]) {
                if feed.is_some_and(|f| !host.domains.contains(&f)) {
                    continue;
                }
                if booting.hosts.contains(&HostId::at(h)) {
                    series.add_steady(full(site, HostId::at(h)), site.class_of(HostId::at(h)).power.crest_factor);
                } else {
                    series.add_host(site, HostId::at(h), &loads[h].khz);
                }
                if booting.spinning.contains(&HostId::at(h)) {
                    series.add_steady(disks(site, HostId::at(h)), site.class_of(HostId::at(h)).power.crest_factor);
                }
            }
            [&series.mva, &series.mw, &series.mpeak].map(|s| {
                let (t, x) = peak(s);
                (x, clock(demand, t))
            })
        }
    }
}

/// What the CVCF sees of a course in which some hosts, idle in it, boot: the difference to full power is the same at every
/// step, and so is the step of the peak.
fn booted(site: &Site, demand: &Demand, series: &Series, booting: &Booting) -> [(f64, Option<String>); 3] {
    let (mut w, mut va, mut peaks) = (0.0, 0.0, 0.0);
    for h in &booting.hosts {
        let (idle, full) = (idle(site, *h), full(site, *h));
        w += full.w.get() - idle.w.get();
        let more = full.va.get() - idle.va.get();
        va += more;
        peaks += more * crest(site.class_of(*h).power.crest_factor);
    }
    for h in &booting.spinning {
        let disks = disks(site, *h);
        w += disks.w.get();
        va += disks.va.get();
        peaks += disks.va.get() * crest(site.class_of(*h).power.crest_factor);
    }
    [(&series.mva, va), (&series.mw, w), (&series.mpeak, peaks)].map(|(s, more)| {
        let (t, x) = peak(s);
        (x + more, clock(demand, t))
    })
}

/// The CVCF and the branches, where the site asks for them.
pub(crate) fn judge(site: &Site, demand: &Demand, placement: &Placement, loads: &HostLoads) -> Vec<Judgement> {
    judge_booting(site, demand, placement, loads, &Booting::default(), None).0
}

/// The same while some hosts boot, as many as are on their way at once: a host that boots draws full power. `known` is the expected course of the placement, each
/// host at its load, where the caller keeps it. Besides, what the CVCF sees.
pub(crate) fn judge_booting(
    site: &Site,
    demand: &Demand,
    placement: &Placement,
    loads: &HostLoads,
    booting: &Booting,
    known: Option<&Series>,
) -> (Vec<Judgement>, Option<Draw>) {
    let (mut all, mut seen) = (Vec::new(), None);
    if let (Some(ups), Some(rule)) = (&site.ups, site.rules.ups) {
        let mut scales = Scales::default();
        let [(va, va_when), (w, w_when), (peak, peak_when)] = match known.filter(|_| rule.view == PowerView::Expected) {
            Some(series) => booted(site, demand, series, booting),
            None => draw(site, demand, placement, loads, booting, rule.view, None),
        };
        seen = Some(drawn(va, w));
        let keep = 1.0 - rule.reserve;
        let margin = |needed, available, unit: &str, when| Margin { needed, available, unit: unit.into(), place: ups.name.clone(), when };
        scales.weigh(margin(va, ups.rating.get() * keep, "VA", va_when), || "apparent power exceeds what it may carry".into());
        scales.weigh(margin(w, ups.limit_w().get() * keep, "W", w_when), || {
            let more = if booting.hosts.len() > 1 { format!(" while {} hosts boot at once", booting.hosts.len()) } else { String::new() };
            format!("real power exceeds what it may carry{more}")
        });
        if let Some(p) = site.power_on.filter(|_| booting.rushing > 0) {
            let rush = margin(booting.rushing as f64 * p.inrush.get(), p.ups_peak.get(), "A", None);
            scales.weigh(rush, || format!("the rush of {} hosts switched on together exceeds its peak current", booting.rushing));
        }
        let mut asked = format!(
            "{} carries the site in the {} view: {:.1} kVA and {:.1} kW",
            ups.name,
            word(rule.view),
            ups.rating.get() * keep / 1000.0,
            ups.limit_w().get() * keep / 1000.0
        );
        if let Some(crest) = ups.crest_factor {
            let available = crest.get() * ups.rating.get() * keep;
            scales.weigh(margin(peak, available, "VA x crest factor", peak_when), || "peak current exceeds what it may carry".into());
            asked.push_str(&format!(", and peaks of current up to {} times the effective value of its rating", crest.get()));
        }
        all.push(Judgement { rule: RuleName::Ups, asked, verdict: scales.verdict() });
    }
    if let Some(view) = site.rules.branches {
        let mut scales = Scales::default();
        for (d, domain) in site.domains.iter().enumerate() {
            let Some(limit) = domain.limit_va else { continue };
            let [(needed, when), ..] = draw(site, demand, placement, loads, booting, view, Some(DomainId::at(d)));
            let margin = Margin { needed, available: limit.get(), unit: "VA".into(), place: domain.name.clone(), when };
            scales.weigh(margin, || "apparent power exceeds what it may carry".into());
        }
        all.push(Judgement {
            rule: RuleName::Branches,
            asked: format!("each branch circuit carries its hosts in the {} view", word(view)),
            verdict: scales.verdict(),
        });
    }
    (all, seen)
}

const fn word(view: PowerView) -> &'static str {
    match view {
        PowerView::Expected => "expected",
        PowerView::Nameplate => "nameplate",
    }
}
