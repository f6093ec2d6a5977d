//! From a site, a placement and what is asked of it, to a model that the engine plays.
//!
//! Arrivals and costs come from the site's loads. A load that some flow takes up is played as jobs; all others stay
//! columns, and are the background against which jobs are served.

use std::sync::Arc;

use models::demand::{Demand, Load, LoadKind, Split, UnitCost};
use models::distribution::Distribution;
use models::flow::{self, Case, IoCost, Recovery, Requests, Source};
use models::quantity::Nanos;
use models::site::{GuestId, HostId, Mode, OnLoss, Placement, Site};

use super::arrivals::{Arrivals, Rate};
use super::model::{AUDIT_EVERY, Background, Fault, Flow, Generator, Guest, Host, Model, On, Other, Phase, Stage, Target, Tier};
use crate::load::Grid;

/// What is played, and on what.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The site, with bought hosts.
    pub site: &'a Site,
    /// Who runs where at the start.
    pub placement: &'a Placement,
    /// All loads of the site.
    pub loads: &'a [Load],
    /// The grid of its columns.
    pub grid: Grid,
    /// The request level.
    pub requests: &'a Requests,
    /// What is played besides the ordinary course.
    pub case: Option<&'a Case>,
    /// Another stretch of the horizon than the request level's own: start and length.
    pub window: Option<(Nanos, Nanos)>,
}

impl<'a> Setting<'a> {
    /// Whether only columns are played.
    #[must_use]
    pub fn columns_only(&self) -> bool {
        self.requests.flows.is_empty() || self.case.is_some_and(|c| c.columns_only)
    }

    /// The columns that are the background of one replication: of all loads that no flow takes up.
    #[must_use]
    pub fn background(&self, seed: u64, replication: u32) -> Demand {
        if self.columns_only() {
            return crate::load::demand(self.site, self.loads, self.grid, seed, replication);
        }
        let taken = taken(self.requests);
        let rest: Vec<Load> = self.loads.iter().enumerate().filter(|(i, _)| !taken.contains(i)).map(|(_, l)| l.clone()).collect();
        crate::load::demand(self.site, &rest, self.grid, seed, replication)
    }

    /// The stretch that is played, from step to step of the columns: start and length.
    #[must_use]
    pub fn stretch(&self) -> (Nanos, Nanos) {
        let of_case = self.case.and_then(|c| c.window);
        let (from, lasts) = self.window.or(of_case).unwrap_or((self.requests.from, self.requests.lasts));
        let step = self.grid.step.0;
        (Nanos(from.0 / step * step), Nanos(lasts.0.div_ceil(step) * step))
    }

    /// The model.
    #[must_use]
    pub fn model(&self, background: &'a Demand) -> Model<'a> {
        let (site, requests) = (self.site, self.requests);
        let (start, lasts) = self.stretch();
        let mut others = Vec::new();
        let storage: Vec<Option<u32>> = site
            .storage
            .iter()
            .map(|s| {
                let per_s = s.throughput?.get() as u64;
                others.push(Other { name: s.name.clone(), per_s, at_once: u32::MAX, windows: None });
                Some(others.len() as u32 - 1)
            })
            .collect();
        let held = |g: usize| {
            site.storage.iter().position(|s| s.services.is_empty() || site.guests[g].service.is_some_and(|x| s.services.contains(&x)))
        };
        let hosts = site.hosts.iter().enumerate().map(|(h, host)| {
            let class = site.class_of(HostId::at(h));
            Host {
                name: host.name.clone(),
                cpu_khz: class.capacity().khz(),
                core_khz: class.core_mhz.khz(),
                disk_bytes_per_s: class.disk.get() as u64,
                network_bytes_per_s: class.network.get() as u64,
                memory_mib: class.guest_memory().0,
                boot: class.boot,
                on: self.placement.on[h],
                virtualises: class.hypervisor.is_some(),
                panics: class.softlockup_panic != Some(false),
            }
        });
        let admitted = |g: usize| -> Vec<u32> {
            (0..site.hosts.len()).filter(|h| site.admits(HostId::at(*h), GuestId::at(g))).map(|h| h as u32).collect()
        };
        let guests = site.guests.iter().enumerate().map(|(g, guest)| {
            let costs = requests.hypervisor;
            Guest {
                name: guest.name.clone(),
                host: self.placement.host_of[g].map(|h| h.0),
                vcpus: guest.vcpus,
                memory_mib: guest.memory.0,
                overhead: match guest.mode {
                    Mode::PhysicalOnly => 0.0,
                    Mode::Paravirtual => costs.paravirtual,
                    Mode::Full => costs.full,
                    Mode::FullPvDrivers => costs.full_pv_drivers,
                },
                io: match guest.mode {
                    Mode::PhysicalOnly => IoCost::default(),
                    Mode::Paravirtual => costs.virtual_io.paravirtual.value,
                    Mode::Full => costs.virtual_io.full.value,
                    Mode::FullPvDrivers => costs.virtual_io.full_pv_drivers.value,
                },
                // A guest that no host admits finds none: an empty list would mean any.
                restarts: guest.on_loss == OnLoss::Restart && !admitted(g).is_empty(),
                may_run_on: admitted(g),
                storage: held(g).and_then(|s| storage[s]),
                mounts: held(g).is_some() && guest.mode != Mode::PhysicalOnly,
            }
        });
        let (hosts, guests) = (hosts.collect(), guests.collect());
        let mut model = Model {
            start,
            lasts,
            warm_up: Nanos(0),
            bin: requests.bin,
            population_cap: requests.population_cap,
            slice: requests.hypervisor.slice,
            driver_weight: u64::from(requests.hypervisor.virtual_io.weight.max(1)),
            audit_every: AUDIT_EVERY,
            hosts,
            guests,
            others,
            tiers: Vec::new(),
            flows: Vec::new(),
            generators: Vec::new(),
            faults: Vec::new(),
            recovery: Some(Recovery {
                by_hand: requests.recovery.by_hand.filter(|_| !self.case.is_some_and(|c| c.automatic)),
                ..requests.recovery
            }),
            columns: Some(Background { site, placement: self.placement, demand: background }),
        };
        if !self.columns_only() {
            self.add_flows(&mut model);
        }
        self.add_faults(&mut model);
        model
    }

    fn add_flows(&self, model: &mut Model<'_>) {
        let (site, requests) = (self.site, self.requests);
        // Tiers that share their servers are one: the first of them, with the guests of all.
        let shared = self.case.map_or(&[][..], |c| c.shared.as_slice());
        let leader = |t: usize| shared.iter().find(|group| group.iter().any(|x| x.index() == t)).map_or(t, |group| group[0].index());
        for (t, tier) in requests.tiers.iter().enumerate() {
            let mut guests: Vec<u32> = tier.guests.iter().map(|g| g.0).collect();
            if let Some(group) = shared.iter().find(|group| group[0].index() == t) {
                guests = group.iter().flat_map(|x| &requests.tiers[x.index()].guests).map(|g| g.0).collect();
                guests.sort_unstable();
                guests.dedup();
            }
            model.tiers.push(Tier {
                name: tier.name.clone(),
                guests,
                balance: tier.balance,
                slots: tier.slots,
                queue: tier.queue,
                full: tier.full,
            });
        }
        let mut links: Vec<Option<u32>> = vec![None; self.loads.len()];
        for flow in &requests.flows {
            let stages = self.stages(flow, &mut model.others, &mut links, leader);
            let clients = match flow.arrivals {
                Source::Clients { users, think_s } => Some((users, think_s)),
                Source::Load(_) => None,
            };
            let f = model.flows.len() as u32;
            model.flows.push(Flow {
                name: flow.name.clone(),
                stages,
                within: flow.objective.map(|o| o.within),
                retry: flow.retry.clone(),
                clients,
            });
            if let Source::Load(i) = flow.arrivals
                && let Some(arrivals) = self.arrivals(&self.loads[i])
            {
                model.generators.push(Generator { flow: f, name: flow.name.clone(), arrivals });
            }
        }
        for (i, burst) in self.case.iter().flat_map(|c| &c.bursts).enumerate() {
            let rate =
                Rate::Burst { start: burst.start, ramp: burst.ramp, plateau: burst.plateau, decay: burst.decay, per_s: burst.peak_per_s };
            let name = format!("{}/burst {i}", requests.flows[burst.flow.index()].name);
            model.generators.push(Generator { flow: burst.flow.0, name, arrivals: Arrivals::Poisson(rate) });
        }
        debug_assert_eq!(site.guests.len(), model.guests.len());
    }

    /// The stages of a flow. What waits for a link waits where it came from and not on the guest that will take it: it is a stage
    /// of its own, before the one that it leads to.
    fn stages(&self, flow: &flow::Flow, others: &mut Vec<Other>, links: &mut [Option<u32>], leader: impl Fn(usize) -> usize) -> Vec<Stage> {
        let link_of = |stage: &flow::Stage| stage.cost.filter(|i| matches!(self.loads[*i].kind, LoadKind::Passes { .. }));
        let mut position = Vec::with_capacity(flow.stages.len());
        let mut next = 0;
        for stage in &flow.stages {
            position.push(next);
            next += 1 + u32::from(link_of(stage).is_some());
        }
        let mut stages = Vec::with_capacity(next as usize);
        for stage in &flow.stages {
            let add = |phases: &mut Vec<Phase>, on, mean, shape| {
                if mean > 0.0 {
                    phases.push(Phase { on, work: Distribution { mean, shape } });
                }
            };
            let cost = stage.cost.and_then(|i| unit_cost(&self.loads[i].kind));
            let mut phases = Vec::new();
            if let (Some(load), Some(cost)) = (link_of(stage), cost) {
                let link = *links[load].get_or_insert_with(|| {
                    others.push(self.link(load));
                    others.len() as u32 - 1
                });
                let mut waits = Vec::new();
                add(&mut waits, On::Other(link), cost.net_bytes, stage.bytes_shape);
                stages.push(Stage {
                    tier: None,
                    phases: waits,
                    then: vec![(1.0, stages.len() as u32 + 1)],
                    copies: Distribution::fixed(1.0),
                });
            } else if let Some(cost) = cost {
                add(&mut phases, On::Network, cost.net_bytes, stage.bytes_shape);
            }
            phases.extend(stage.delay_s.map(|work| Phase { on: On::Delay, work }));
            if let Some(cost) = cost {
                add(&mut phases, On::Cpu, cost.cpu_ms / 1000.0 * cost.at.get() * 1000.0, stage.cpu_shape);
                add(&mut phases, On::Disk, cost.disk_bytes, stage.bytes_shape);
            }
            stages.push(Stage {
                tier: stage.tier.map(|t| leader(t.index()) as u32),
                phases,
                then: stage.then.iter().map(|(share, to)| (*share, position[*to])).collect(),
                copies: stage.copies,
            });
        }
        stages
    }

    /// The link of a load that comes in passes: one message at a time, in order.
    fn link(&self, load: usize) -> Other {
        let LoadKind::Passes { first, every, window, link_bytes_per_s, .. } = &self.loads[load].kind else {
            unreachable!("only such loads have a link")
        };
        Other {
            name: format!("link of {}", self.loads[load].name),
            per_s: *link_bytes_per_s as u64,
            at_once: 1,
            windows: Some((*first, *every, *window)),
        }
    }

    /// When the units of a load come; nothing where it has no units.
    fn arrivals(&self, load: &Load) -> Option<Arrivals> {
        let growth = (1..self.grid.year).fold(1.0, |grown, _| grown * (1.0 + load.growth_per_year));
        // A load that each guest has for itself comes as often as there are guests.
        let times = growth * if load.split == Split::Each { load.guests.len() as f64 } else { 1.0 };
        Some(match &load.kind {
            LoadKind::Mail { per_day, hours, days, .. } => {
                let mean = hours.iter().sum::<f64>() / hours.len() as f64;
                let rate = |day: &f64, hour: &f64| times * per_day / 86_400.0 * hour / mean * day;
                let week = days.iter().flat_map(|day| hours.iter().map(move |hour| rate(day, hour))).collect();
                Arrivals::Poisson(Rate::Hours(Arc::new(week)))
            }
            LoadKind::FlashCrowd { start, ramp, plateau, decay, peak_per_s, .. } => {
                Arrivals::Poisson(Rate::Burst { start: *start, ramp: *ramp, plateau: *plateau, decay: *decay, per_s: times * peak_per_s })
            }
            LoadKind::RecordedCounts { counts, .. } => Arrivals::Counts { counts: Arc::new(counts.clone()), step: self.grid.step, times },
            LoadKind::Passes { per_day, .. } => Arrivals::Poisson(Rate::Hours(Arc::new(vec![times * per_day / 86_400.0]))),
            LoadKind::Constant { .. } | LoadKind::RecordedCpu { .. } | LoadKind::Nightly { .. } => return None,
        })
    }

    fn add_faults(&self, model: &mut Model<'_>) {
        let Some(case) = self.case else { return };
        let site = self.site;
        for id in &case.faults {
            let fault = &self.requests.faults[id.index()];
            let mut add = |name: String, target| model.faults.push(Fault { name, target, when: fault.when });
            let on = |h: &usize| self.placement.on[*h];
            match &fault.target {
                flow::Target::Host(host) => {
                    // A host that this fleet does not have cannot fail in it.
                    if let Some(h) = site.host_named(host).filter(|h| on(&h.index())) {
                        add(fault.name.clone(), Target::Hosts(vec![h.0]));
                    }
                }
                flow::Target::EachHost => {
                    for h in (0..site.hosts.len()).filter(on) {
                        add(format!("{} {}", fault.name, site.hosts[h].name), Target::Hosts(vec![h as u32]));
                    }
                }
                flow::Target::Domain(d) => {
                    let hosts = (0..site.hosts.len()).filter(|h| on(h) && site.hosts[*h].domains.contains(d)).map(|h| h as u32);
                    add(fault.name.clone(), Target::Hosts(hosts.collect()));
                }
                flow::Target::Mains { battery } => add(fault.name.clone(), Target::Mains { battery: *battery }),
                flow::Target::Storage(s) => {
                    let storage = &site.storage[*s];
                    let holds = |g: &usize| {
                        !storage.redundant
                            && (storage.services.is_empty() || site.guests[*g].service.is_some_and(|x| storage.services.contains(&x)))
                    };
                    let guests = (0..site.guests.len()).filter(holds).map(|g| g as u32).collect();
                    add(fault.name.clone(), Target::Disks(guests));
                }
                flow::Target::Network => add(fault.name.clone(), Target::Network),
                flow::Target::Guest(g) => add(fault.name.clone(), Target::Guest(g.0)),
                flow::Target::Stall(g) => add(fault.name.clone(), Target::Stall(g.0)),
            }
        }
    }
}

/// Loads that some flow takes up, by position.
fn taken(requests: &Requests) -> Vec<usize> {
    let mut all: Vec<usize> = requests
        .flows
        .iter()
        .flat_map(|f| {
            let arrivals = match f.arrivals {
                Source::Load(i) => Some(i),
                Source::Clients { .. } => None,
            };
            arrivals.into_iter().chain(f.stages.iter().filter_map(|s| s.cost))
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What a unit of a load costs; nothing where it has no units.
fn unit_cost(kind: &LoadKind) -> Option<UnitCost> {
    match kind {
        LoadKind::RecordedCounts { cost, .. }
        | LoadKind::Mail { cost, .. }
        | LoadKind::FlashCrowd { cost, .. }
        | LoadKind::Passes { cost, .. } => Some(*cost),
        LoadKind::Constant { .. } | LoadKind::RecordedCpu { .. } | LoadKind::Nightly { .. } => None,
    }
}
