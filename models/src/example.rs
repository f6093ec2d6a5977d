//! A small site and a bare plan, for examples and tests: plain machines, no rule but CPU and memory. Change its fields as needed.

use crate::demand::{Columns, Demand};
use crate::estimate::Estimate;
use crate::law::cost::Cost;
use crate::law::power::{Curve, PowerModel};
use crate::plan::{Plan, Start, Step, VERSION};
use crate::quantity::{BytesPerSecond, Mhz, MiB, Nanos, PowerFactor, VoltAmperes, Watts};
use crate::site::{ClassId, CpuRule, Guest, Host, HostClass, Mode, OnLoss, Prices, Rules, Site, Ups};

fn watts(w: f64) -> Watts {
    Watts::new(w).expect("a power")
}

/// A class with a hypervisor that keeps nothing for itself, 100 W idle, 200 W full, power factor 1, not for sale.
///
/// # Panics
/// Where the clock is negative or not finite.
#[must_use]
pub fn class(name: &str, cores: u32, core_mhz: f64, memory_mib: u64) -> HostClass {
    HostClass {
        name: name.into(),
        sockets: 1,
        cores,
        core_mhz: Mhz::new(core_mhz).expect("a clock"),
        threads_per_core: 1,
        thread_gain: 0.0,
        memory: MiB(memory_mib),
        hypervisor: Some(MiB(0)),
        network: BytesPerSecond::new(125e6).expect("a rate"),
        disk: BytesPerSecond::new(100e6).expect("a rate"),
        power: PowerModel {
            curve: Curve::new(vec![watts(100.0), watts(200.0)]).expect("a curve"),
            power_factor: vec![PowerFactor::UNITY],
            nameplate_va: Estimate::exactly(250.0),
            nameplate_w: Estimate::exactly(250.0),
            crest_factor: None,
        },
        boot: Nanos::seconds(120),
        licences: Vec::new(),
        sale: None,
        maintenance_yen_per_year: Estimate::ZERO,
        softlockup_panic: None,
    }
}

/// A paravirtual guest that is started again when its host dies.
#[must_use]
pub fn guest(name: &str, vcpus: u32, memory_mib: u64) -> Guest {
    Guest {
        name: name.into(),
        service: None,
        vcpus,
        memory: MiB(memory_mib),
        full_speed: None,
        mode: Mode::Paravirtual,
        group: None,
        pool: None,
        pinned: None,
        on_loss: OnLoss::Restart,
        licences: Vec::new(),
        dirties: None,
    }
}

/// A CVCF that delivers as many W as VA, loses nothing and has neither crest factor nor battery.
///
/// # Panics
/// Where the rating is negative or not finite.
#[must_use]
pub fn ups(rating_va: f64) -> Ups {
    Ups {
        name: "CVCF".into(),
        rating: VoltAmperes::new(rating_va).expect("a rating"),
        output_power_factor: PowerFactor::UNITY,
        loss_no_load: 0.0,
        loss_proportional: 0.0,
        loss_square: 0.0,
        crest_factor: None,
        battery: None,
    }
}

/// A site of `hosts` hosts of one class (`h1`, `h2` ...) and some guests.
#[must_use]
pub fn site(class: HostClass, hosts: u32, guests: Vec<Guest>) -> Site {
    Site {
        name: "example".into(),
        title: "an example".into(),
        unknowns: Vec::new(),
        classes: vec![class],
        hosts: (1..=hosts)
            .map(|n| Host {
                name: format!("h{n}"),
                class: ClassId(0),
                domains: Vec::new(),
                pools: Vec::new(),
                bought: false,
                retires: false,
            })
            .collect(),
        domains: Vec::new(),
        pools: Vec::new(),
        services: Vec::new(),
        groups: Vec::new(),
        guests,
        storage: Vec::new(),
        links: Vec::new(),
        devices: Vec::new(),
        licences: Vec::new(),
        ups: None,
        power_on: None,
        prices: Prices { yen_per_kwh: Estimate::exactly(12.0), pue: Estimate::exactly(1.0), years: 1.0 },
        rules: Rules {
            cpu: CpuRule { percentile: 100.0, limit: 1.0 },
            one_host_down: None,
            one_domain_down: Vec::new(),
            apart: None,
            full_virtual_per_host: None,
            ups: None,
            branches: None,
            one_network: Vec::new(),
            prefer: None,
            excused: Vec::new(),
            evacuated: Vec::new(),
        },
        today: None,
        alternatives: Vec::new(),
        migration: None,
        deploy: None,
        givens: Vec::new(),
    }
}

/// A demand of steady CPU, in MHz by guest, over some steps of five minutes.
#[must_use]
pub fn steady(mhz: &[f64], steps: usize) -> Demand {
    let column = |mhz: &f64| Columns { cpu_khz: vec![(mhz * 1000.0).round() as u32; steps], ..Columns::default() };
    Demand { step: Nanos::seconds(300), steps, guests: mhz.iter().map(column).collect() }
}

/// A plan of these steps for a site of this name, with nothing bought, judged or predicted.
#[must_use]
pub fn plan(site: &str, start: Option<Start>, steps: Vec<Step>) -> Plan {
    let nothing = Estimate::ZERO;
    Plan {
        version: VERSION,
        tool: "shuyaku".into(),
        site: site.to_owned(),
        site_digest: String::new(),
        scenario_digest: String::new(),
        seed: 1,
        replications: 1,
        purchases: Vec::new(),
        hosts_on: Vec::new(),
        placement: Vec::new(),
        steps,
        verdicts: Vec::new(),
        cost: Cost { purchase_yen: nothing, maintenance_yen: nothing, licences_yen: nothing, electricity_yen: nothing },
        cost_lower_bound_yen: 0.0,
        predicted: Vec::new(),
        predicted_requests: Vec::new(),
        lost: Vec::new(),
        evacuates: Vec::new(),
        start,
        not_asked: Vec::new(),
    }
}
