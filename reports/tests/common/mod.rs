//! Runs made by hand and by arithmetic: nothing in them is drawn at random.
#![allow(dead_code, reason = "each test file takes what it needs")]

pub mod requests;

use models::law::cost::Cost;
use models::plan::{Action, Condition, Figure, Placed, Plan, Purchase, Step, VERSION};
use models::quantity::{BytesPerSecond, VoltAmperes, WattHours, Watts};
use models::rule::down::Headroom;
use models::rule::ups::Nameplate;
use models::rule::{Breach, Judgement, Margin, RuleName, Verdict};
use models::{Estimate, Given, Provenance};
use reports::run::{Fleet, LowerBound, Run, UpsLimits};
use sim::measure::{HostMeasures, Measures, PowerMeasures, PowerPoint, Unserved};

pub fn watts(x: f64) -> Watts {
    Watts::new(x).unwrap()
}

pub fn ranged(value: f64, low: f64, high: f64) -> Estimate {
    Estimate { value, low, high }
}

/// Days of wave: 0 at night, 1 at the busiest hour, with a burst on the fourth day.
fn wave(hour: f64, phase: f64) -> f64 {
    let day = 0.5 - 0.5 * ((hour + phase) / 24.0 * std::f64::consts::TAU).cos();
    let ripple = 0.12 * ((hour * 7.3 + phase * 11.0).sin() + (hour * 17.9 + phase).sin());
    let weekend = if (120.0..168.0).contains(&hour) { 0.55 } else { 1.0 };
    let burst = if (84.0..96.0).contains(&hour) { 0.9 * (-(hour - 84.0) / 4.0).exp() } else { 0.0 };
    (weekend * (0.15 + 0.6 * day * day) + ripple.abs() + burst).max(0.02)
}

/// How large a run is to be.
#[derive(Clone, Copy)]
pub struct Shape {
    pub hosts_today: usize,
    pub hosts_plan: usize,
    pub guests: usize,
    pub points: usize,
    pub feeds: usize,
}

pub const USUAL: Shape = Shape { hosts_today: 24, hosts_plan: 11, guests: 42, points: 672, feeds: 2 };
pub const LARGE: Shape = Shape { hosts_today: 800, hosts_plan: 420, guests: 1052, points: 672, feeds: 2 };

fn power(name: &str, points: usize, hosts: f64, watts_each: f64, plate: f64) -> PowerMeasures {
    let series: Vec<PowerPoint> = (0..points)
        .map(|i| {
            let hour = 168.0 * i as f64 / points as f64;
            let load = wave(hour, 4.0).min(1.4);
            let mean = 2600.0 * hosts / 24.0 + hosts * watts_each * (0.62 + 0.3 * load);
            PowerPoint { hour, mean_w: mean, max_w: mean * 1.01, max_va: mean * 1.01 / 0.93 }
        })
        .collect();
    let mean = series.iter().map(|p| p.mean_w).sum::<f64>() / points.max(1) as f64;
    let top = (0..points).max_by(|a, b| series[*a].max_w.total_cmp(&series[*b].max_w)).unwrap_or(0);
    let peak = series.get(top).map_or(0.0, |p| p.max_w);
    let at = (series.get(top).map_or(0.0, |p| p.hour) * 3.6e12) as u64;
    PowerMeasures {
        name: name.into(),
        mean_w: watts(mean),
        energy_wh: WattHours::new(mean * 168.0).unwrap(),
        peak_w: watts(peak),
        peak_w_at_ns: at,
        peak_va: VoltAmperes::new(peak / 0.93).unwrap(),
        peak_va_at_ns: at,
        peak_va_vector: VoltAmperes::new(peak / 0.945).unwrap(),
        nameplate: Nameplate { va: ranged(plate, 0.92 * plate, 1.06 * plate), w: ranged(0.87 * plate, 0.8 * plate, 0.92 * plate) },
        series,
    }
}

fn host(name: String, class: &str, guests: u32, strength: f64, phase: f64) -> HostMeasures {
    let heat: Vec<f32> = (0..168).map(|h| (strength * wave(f64::from(h), phase)) as f32).collect();
    let mut sorted = heat.clone();
    sorted.sort_by(f32::total_cmp);
    let at = |p: f64| f64::from(sorted[((sorted.len() - 1) as f64 * p) as usize]);
    HostMeasures {
        host: name,
        class: class.into(),
        guests,
        cpu_mean: heat.iter().map(|x| f64::from(*x)).sum::<f64>() / 168.0,
        cpu_p95: at(0.95),
        cpu_p99: at(0.99),
        cpu_max: at(1.0),
        memory_used_mib: 1024 * u64::from(guests.min(5)) + 300,
        memory_mib: 5632,
        network_max: BytesPerSecond::new(41e6 * strength).unwrap(),
        network: BytesPerSecond::new(125e6).unwrap(),
        disk_max: BytesPerSecond::new(12e6 * strength).unwrap(),
        disk: BytesPerSecond::new(80e6).unwrap(),
        energy_wh: WattHours::new(168.0 * (210.0 + 90.0 * strength)).unwrap(),
        peak_w: watts(250.0 + 120.0 * at(1.0).min(1.0)),
        unserved_ghz_h: if at(1.0) > 1.0 { 0.37 } else { 0.0 },
        heat,
    }
}

fn margin(needed: f64, available: f64, unit: &str, place: &str, when: Option<&str>) -> Verdict {
    Verdict::Holds { margin: Some(Margin { needed, available, unit: unit.into(), place: place.into(), when: when.map(Into::into) }) }
}

fn judgements(fits: bool) -> Vec<Judgement> {
    let j = |rule, asked: &str, verdict| Judgement { rule, asked: asked.into(), verdict };
    let ups = if fits {
        margin(26_870.0, 30_000.0, "VA", "CVCF-1", None)
    } else {
        Verdict::Broken {
            breaches: vec![
                Breach {
                    needed: 33_140.0,
                    available: 30_000.0,
                    unit: "VA".into(),
                    place: "CVCF-1".into(),
                    when: None,
                    why: "apparent power exceeds what it may carry".into(),
                },
                Breach {
                    needed: 28_832.0,
                    available: 24_000.0,
                    unit: "W".into(),
                    place: "CVCF-1".into(),
                    when: None,
                    why: "real power exceeds what it may carry".into(),
                },
            ],
            count: 2,
        }
    };
    let down = if fits {
        margin(4096.0, 5632.0, "MiB", "host vm05", None)
    } else {
        Verdict::Undecided { why: "host pop1: no re-placement of 12 guests found in 200000 nodes, none ruled out".into() }
    };
    vec![
        j(RuleName::EveryGuestRuns, "each of 42 guests runs on a host that is on", Verdict::Holds { margin: None }),
        j(
            RuleName::PhysicalOnly,
            "6 physical-only workloads alone; hosts without a hypervisor carry one workload",
            Verdict::Holds { margin: None },
        ),
        j(RuleName::Memory, "memory of the guests of each host fits, always", margin(5120.0, 5632.0, "MiB", "vm01", None)),
        j(
            RuleName::Cpu,
            "each host's CPU load at the 95th percentile is within 80 % of its capacity",
            margin(4812.0, 5120.0, "MHz", "vm03", Some("day 4 12:35:00")),
        ),
        j(RuleName::Apart, "no two guests of one of 12 redundancy groups share a host, nor a chassis", Verdict::Holds { margin: None }),
        j(RuleName::OneHostDown, "any one host down: CPU of the survivors within 95 %", down),
        j(RuleName::Ups, "CVCF-1 carries the site in the nameplate view: 30.0 kVA and 24.0 kW", ups),
        j(RuleName::Licences, "licences in use are within their number", margin(10.0, 10.0, "licences", "hypervisor", None)),
    ]
}

fn headrooms(names: &[String], fits: bool) -> Vec<Headroom> {
    let mut all: Vec<Headroom> = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let needed = 1024 * (1 + (i as u64 * 7) % 5);
            Headroom {
                lost: format!("host {name}"),
                guests: 1 + (i * 3) % 6,
                needed_mib: needed,
                free_mib: 6144 - 128 * (i as u64 % 4),
                cpu_needed_mhz: 21_000.0 + 900.0 * (i % 7) as f64,
                cpu_available_mhz: 34_560.0,
                verdict: margin(needed as f64, 6144.0, "MiB", name, None),
                moves: vec![("web03a".into(), "vm02".into())],
            }
        })
        .collect();
    if !fits && all.len() > 2 {
        all[1].needed_mib = 8192;
        all[1].verdict = Verdict::Broken {
            breaches: vec![Breach {
                needed: 8192.0,
                available: 6016.0,
                unit: "MiB".into(),
                place: all[1].lost.clone(),
                when: None,
                why: "memory of 4 guests to restart exceeds what is free on the survivors".into(),
            }],
            count: 1,
        };
        all[2].verdict = Verdict::Undecided { why: "no re-placement of 12 guests found in 200000 nodes, none ruled out".into() };
    }
    all.push(Headroom {
        lost: "chassis A".into(),
        guests: 9,
        needed_mib: 5120,
        free_mib: 5632,
        cpu_needed_mhz: 30_100.0,
        cpu_available_mhz: 32_000.0,
        verdict: margin(5120.0, 5632.0, "MiB", "chassis A", None),
        moves: Vec::new(),
    });
    all
}

fn figures(scale: f64, replications: u32) -> Vec<Figure> {
    let interval = |v: f64| (replications > 1).then_some((v * 0.985, v * 1.015));
    [
        ("mean power, expected", 9.2, "kW"),
        ("peak apparent power, expected", 13.4, "kVA"),
        ("energy", 1550.0, "kWh"),
        ("CPU not served", 0.04, "%"),
    ]
    .into_iter()
    .map(|(name, v, unit)| Figure {
        name: name.into(),
        value: v * scale,
        unit: unit.into(),
        interval: interval(v * scale),
        count: replications,
    })
    .collect()
}

const KINDS: [&str; 6] = ["smtp-in", "smtp-out", "pop", "web", "ml", "dns"];

pub fn guest_names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("{}{:02}{}", KINDS[i / 2 % 6], i / 12 + 1, if i % 2 == 0 { 'a' } else { 'b' })).collect()
}

fn fleet(name: &str, title: &str, shape: Shape, hosts: usize, buys: u32, fits: bool, feeds: usize) -> Fleet {
    let guests = guest_names(shape.guests);
    let old = |i: usize| if i.is_multiple_of(3) { "rx300" } else { "rx200" };
    let names: Vec<String> =
        (0..hosts).map(|i| if (i as u32) < buys { format!("vm{:02}", i + 1) } else { format!("srv{:02}", i + 1) }).collect();
    let placement: Vec<(String, String)> =
        guests.iter().enumerate().map(|(i, g)| (g.clone(), names[(i * 5 + i / 3) % hosts].clone())).collect();
    let count = |n: &str| placement.iter().filter(|p| p.1 == n).count() as u32;
    let hosts_on: Vec<HostMeasures> = names
        .iter()
        .enumerate()
        .map(|(i, n)| {
            let (class, strength) =
                if (i as u32) < buys { ("vm-host", 0.62 + 0.05 * (i % 5) as f64) } else { (old(i), 0.24 + 0.04 * (i % 7) as f64) };
            host(n.clone(), class, count(n), if i == 2 && buys > 0 { 0.85 } else { strength }, (i % 9) as f64)
        })
        .collect();
    let n = hosts as f64;
    let plate = if fits { 26_870.0 * n / 11.0 } else { 33_140.0 * n / 24.0 };
    let per = if fits { 520.0 } else { 310.0 };
    let unserved_ghz_h = hosts_on.iter().map(|h| h.unserved_ghz_h).sum::<f64>();
    let measures = Measures {
        step_ns: 300_000_000_000,
        steps: 2016,
        unserved: if unserved_ghz_h > 0.0 {
            vec![Unserved { guest: guests[3].clone(), asked_ghz_h: 92.0, unserved_ghz_h, steps: 31 }]
        } else {
            Vec::new()
        },
        hosts: hosts_on,
        asked_ghz_h: 1843.0,
        unserved_ghz_h,
        site: power("site", shape.points, n, per, plate),
        feeds: (0..feeds).map(|i| power(&format!("feed {}", ['A', 'B', 'C'][i % 3]), shape.points, n / 2.0, per, plate / 2.0)).collect(),
        ups_loss_mean_w: Some(watts(840.0)),
    };
    let yen = |v: f64| ranged(v, 0.9 * v, 1.2 * v);
    Fleet {
        name: name.into(),
        title: title.into(),
        buys: if buys > 0 { vec![("vm-host".into(), buys)] } else { Vec::new() },
        hosts_on: hosts as u32,
        placement,
        cost: Cost {
            purchase_yen: yen(1_450_000.0 * f64::from(buys)),
            maintenance_yen: Estimate::exactly(210_000.0 * n),
            licences_yen: Estimate::exactly(380_000.0 * f64::from(buys)),
            electricity_yen: yen(measures.site.mean_w.get() / 1000.0 * 8766.0 * 4.0 * 14.0),
        },
        figures: figures(if fits { 1.0 } else { 1.4 }, 30),
        verdicts: judgements(fits),
        headrooms: headrooms(&names, fits),
        measures,
    }
}

/// A week of a centre's mail and Web servers: today, an alternative, and the plan.
pub fn sample(shape: Shape) -> (Run, Plan) {
    let today = fleet("today", "46 servers of 2004, each on its own", shape, shape.hosts_today, 0, false, shape.feeds);
    let few = fleet("4 VM hosts", "one VM host fewer", shape, shape.hosts_plan.max(2) - 1, 4, false, shape.feeds);
    let chosen = fleet("plan", "5 VM hosts and what must stay physical", shape, shape.hosts_plan, 5, true, shape.feeds);
    let plan = plan(&chosen, &today);
    let given = |place: &str, key: &str, value: &str, source: &str| Given {
        place: place.into(),
        key: key.into(),
        value: value.into(),
        source: source.parse::<Provenance>().unwrap(),
    };
    let mut givens = vec![
        given("ups CVCF-1", "rating_kva", "30.0", "paper:S0-2"),
        given("ups CVCF-1", "output_power_factor", "0.8 (0.8 to 0.9)", "assumed:usual for machines of 2004"),
        given("prices", "yen_per_kwh", "14.0 (12.0 to 17.0)", "assumed:industrial tariff, not stated in the paper"),
        given("prices", "pue", "1.0 (1.0 to 1.8)", "assumed:the paper counts the servers alone"),
    ];
    for class in ["rx300", "rx200", "vm-host"] {
        let place = format!("class {class}");
        givens.push(given(&place, "cores", "2", "paper:S0-3"));
        givens.push(given(&place, "clock_mhz", "3200", "paper:S0-3"));
        givens.push(given(&place, "memory_mib", "6144", "paper:S0-5"));
        givens.push(given(
            &place,
            "nameplate_va",
            "620 (570 to 660)",
            "proxy:SPECpower result of a server of the same generation, 2 x Xeon 5160",
        ));
        givens.push(given(&place, "price_yen", "1450000 (1300000 to 1740000)", "assumed:list prices of 2004"));
        givens.push(given(&place, "curve_w", "11 points", "measured:wattmeter, 12 May, idle to full load"));
    }
    let scale = (shape.hosts_today as f64 / 24.0).round();
    let run = Run {
        tool: "shuyaku 0.1.0".into(),
        site: "s0-maffin".into(),
        title: "Mail and Web servers of an agriculture research centre".into(),
        site_digest: "3f1c".repeat(16),
        scenario_digest: "a90e".repeat(16),
        seed: 42,
        replications: 30,
        years: 4.0,
        ups: Some(UpsLimits { name: "CVCF-1".into(), rating_va: 30_000.0 * scale, limit_w: 24_000.0 * scale }),
        branches: (0..shape.feeds).map(|i| (format!("feed {}", ['A', 'B', 'C'][i % 3]), 16_000.0 * scale)).collect(),
        fleets: vec![today, few, chosen],
        chosen: Some(2),
        conflicts: Vec::new(),
        lower_bound: Some(LowerBound { cost_yen: 11_900_000.0, hosts: 10, because: "memory".into() }),
        binds: vec!["memory: 5.0 of 5.5 GiB on vm01".into(), "CVCF: 26.9 of 30.0 kVA by nameplate".into()],
        givens,
        unknowns: vec![
            "What the storage of 2004 drew: the paper gives no figure; the nameplate stands in.".into(),
            "The load of the mobile Web mail: one guest is taken to follow the other Web servers.".into(),
        ],
        requests: Vec::new(),
        studies: Vec::new(),
        laws: Vec::new(),
        lost: None,
        evacuated: None,
    };
    (run, plan)
}

fn plan(chosen: &Fleet, today: &Fleet) -> Plan {
    let mut steps = Vec::new();
    let mut push = |action, before, after| {
        let number = steps.len() as u32 + 1;
        steps.push(Step { number, action, starts_after_s: None, beside: 0, before, after });
    };
    let bought: Vec<String> = chosen.measures.hosts.iter().filter(|h| h.class == "vm-host").map(|h| h.host.clone()).collect();
    for host in &bought {
        push(
            Action::BootHost { host: host.clone() },
            vec![Condition::HostOff { host: host.clone() }],
            vec![Condition::HostOn { host: host.clone() }, Condition::HostEmpty { host: host.clone() }],
        );
    }
    for (guest, to) in &chosen.placement {
        let from = today.placement.iter().find(|p| p.0 == *guest).map(|p| p.1.clone());
        if let Some(from) = from.filter(|f| f != to) {
            push(
                Action::MigrateGuest { guest: guest.clone(), from: from.clone(), to: to.clone() },
                vec![
                    Condition::GuestRunning { guest: guest.clone(), host: from.clone() },
                    Condition::HostOn { host: to.clone() },
                    Condition::MemoryFree { host: to.clone(), mib: 1024 },
                ],
                vec![Condition::GuestRunning { guest: guest.clone(), host: to.clone() }],
            );
        }
    }
    for h in &today.measures.hosts {
        if !chosen.measures.hosts.iter().any(|c| c.host == h.host) {
            push(
                Action::PowerOffHost { host: h.host.clone() },
                vec![Condition::HostOn { host: h.host.clone() }, Condition::HostEmpty { host: h.host.clone() }],
                vec![Condition::HostOff { host: h.host.clone() }],
            );
        }
    }
    Plan {
        version: VERSION,
        tool: "shuyaku 0.1.0".into(),
        site: "s0-maffin".into(),
        site_digest: "3f1c".repeat(16),
        scenario_digest: "a90e".repeat(16),
        seed: 42,
        replications: 30,
        purchases: vec![Purchase { class: "vm-host".into(), hosts: bought }],
        hosts_on: chosen.measures.hosts.iter().map(|h| h.host.clone()).collect(),
        placement: chosen.placement.iter().map(|(g, h)| Placed { guest: g.clone(), host: h.clone() }).collect(),
        steps,
        verdicts: chosen.verdicts.clone(),
        cost: chosen.cost,
        cost_lower_bound_yen: 11_900_000.0,
        predicted: chosen.figures.clone(),
        predicted_requests: Vec::new(),
        lost: Vec::new(),
        start: None,
        evacuates: Vec::new(),
        not_asked: Vec::new(),
    }
}

/// The same site where nothing fits.
pub fn refused() -> Run {
    let (mut run, _) = sample(USUAL);
    run.fleets.pop();
    run.chosen = None;
    run.binds.clear();
    run.conflicts = vec![
        "CVCF against one host down: 33.1 kVA by nameplate is needed with 24 hosts on, 30.0 kVA is there".into(),
        "memory: 42 guests need 48.0 GiB with any one host down, 5 VM hosts have 22.5 GiB free".into(),
    ];
    run
}

/// Two hosts today, one after: small enough to work out by hand.
///
/// Today draws 2 x 300 W at a power factor of 0.95: 631.6 VA; the plan 380 W: 400 VA. Over 24 h that is 14.4 and 9.12 kWh.
pub fn small() -> Run {
    let host = |name: &str, guests: u32, load: f64, w: f64| HostMeasures {
        host: name.into(),
        class: "old".into(),
        guests,
        cpu_mean: load,
        cpu_p95: load,
        cpu_p99: load,
        cpu_max: load,
        memory_used_mib: 1024 * u64::from(guests),
        memory_mib: 4096,
        network_max: BytesPerSecond::ZERO,
        network: BytesPerSecond::new(125e6).unwrap(),
        disk_max: BytesPerSecond::ZERO,
        disk: BytesPerSecond::new(80e6).unwrap(),
        energy_wh: WattHours::new(24.0 * w).unwrap(),
        peak_w: watts(w),
        unserved_ghz_h: 0.0,
        heat: vec![load as f32; 24],
    };
    let fleet = |name: &str, hosts: Vec<HostMeasures>, w: f64, plate: Estimate, placement: &[(&str, &str)], yen: f64| Fleet {
        name: name.into(),
        title: name.into(),
        buys: Vec::new(),
        hosts_on: hosts.len() as u32,
        placement: placement.iter().map(|(g, h)| ((*g).into(), (*h).into())).collect(),
        measures: Measures {
            step_ns: 3_600_000_000_000,
            steps: 24,
            hosts,
            unserved: Vec::new(),
            asked_ghz_h: 12.0,
            unserved_ghz_h: 0.0,
            site: PowerMeasures {
                name: "site".into(),
                mean_w: watts(w),
                energy_wh: WattHours::new(24.0 * w).unwrap(),
                peak_w: watts(w),
                peak_w_at_ns: 0,
                peak_va: VoltAmperes::new(w / 0.95).unwrap(),
                peak_va_at_ns: 0,
                peak_va_vector: VoltAmperes::new(w / 0.95).unwrap(),
                nameplate: Nameplate { va: plate, w: plate.times(0.9) },
                series: (0..24).map(|h| PowerPoint { hour: f64::from(h), mean_w: w, max_w: w, max_va: w / 0.95 }).collect(),
            },
            feeds: Vec::new(),
            ups_loss_mean_w: None,
        },
        figures: vec![Figure { name: "energy".into(), value: 0.024 * w, unit: "kWh".into(), interval: None, count: 1 }],
        cost: Cost {
            purchase_yen: Estimate::ZERO,
            maintenance_yen: Estimate::exactly(yen),
            licences_yen: Estimate::ZERO,
            electricity_yen: ranged(10_000.0, 8_000.0, 15_000.0),
        },
        verdicts: vec![Judgement {
            rule: RuleName::Memory,
            asked: "memory of the guests of each host fits, always".into(),
            verdict: margin(2048.0, 4096.0, "MiB", "a", None),
        }],
        headrooms: Vec::new(),
    };
    let today = vec![host("a", 1, 0.2, 300.0), host("b", 1, 0.3, 300.0)];
    let after = vec![host("a", 2, 0.5, 380.0)];
    Run {
        tool: "shuyaku 0.1.0".into(),
        site: "two".into(),
        title: "Two hosts of one guest each".into(),
        site_digest: "00".repeat(32),
        scenario_digest: "11".repeat(32),
        seed: 1,
        replications: 1,
        years: 4.0,
        ups: Some(UpsLimits { name: "UPS".into(), rating_va: 1000.0, limit_w: 800.0 }),
        branches: Vec::new(),
        fleets: vec![
            fleet("today", today, 600.0, ranged(1200.0, 1100.0, 1300.0), &[("x", "a"), ("y", "b")], 400_000.0),
            fleet("plan", after, 380.0, Estimate::exactly(600.0), &[("x", "a"), ("y", "a")], 200_000.0),
        ],
        chosen: Some(1),
        conflicts: Vec::new(),
        lower_bound: Some(LowerBound { cost_yen: 200_000.0, hosts: 1, because: "memory".into() }),
        binds: vec!["memory: 2.0 of 4.0 GiB on a".into()],
        givens: vec![
            Given {
                place: "prices".into(),
                key: "yen_per_kwh".into(),
                value: "12.0".into(),
                source: Provenance::Assumed("a tariff".into()),
            },
            Given { place: "class old".into(), key: "memory_mib".into(), value: "4096".into(), source: Provenance::Paper("S1-7".into()) },
        ],
        unknowns: vec!["What the guests wait for.".into()],
        requests: Vec::new(),
        studies: Vec::new(),
        laws: Vec::new(),
        lost: None,
        evacuated: None,
    }
}

/// The texts of all elements, tags taken out and white space made one.
pub fn texts(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => {
                inside = true;
                text.push(' ');
            }
            '>' => inside = false,
            c if !inside => text.push(if c == '\u{a0}' { ' ' } else { c }),
            _ => {}
        }
    }
    let text = text.replace("&nbsp;", " ").replace("&#x27;", "'").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&").split_whitespace().collect::<Vec<_>>().join(" ")
}
