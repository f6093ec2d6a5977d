//! Columns in the event loop while hosts fail: what is measured stays, to the bit, what it was when all hosts were played up to each
//! change of placement.

use models::demand::{Columns, Demand};
use models::flow::{Recovery, When};
use models::quantity::{Nanos, PowerFactor, Watts};
use models::site::{ClassId, Device, Domain, DomainId, DomainKind, HostId, Placement, Site};
use sha2::{Digest, Sha256};
use sim::engine::model::{Background, Fault, Model, Target};
use sim::engine::{self, example};
use sim::measure::Measures;

const STEP: u64 = 300;
/// Steps of the columns, and where in them the run starts: 350 steps go round more than three times.
const ROUND: usize = 100;
const START: u64 = 37;
const LASTS: u64 = 350;
const HOSTS: usize = 7;
const GUESTS: usize = 18;

/// Two classes (one with a power factor that follows the load), two feeds and a device; the last host is off, the last guest nowhere.
/// Some guests ask for more than their vCPUs, and some hosts have too little for their guests.
fn site() -> (Site, Demand, Placement) {
    let guests = (0..GUESTS).map(|i| models::example::guest(&format!("g{i}"), 1 + i as u32 % 3, 100)).collect();
    let mut site = models::example::site(models::example::class("c", 4, 1000.0, 8000), HOSTS as u32, guests);
    let factor = |x| PowerFactor::new(x).unwrap();
    site.classes[0].power.power_factor = vec![factor(0.93)];
    let mut other = models::example::class("d", 3, 1000.0, 8000);
    other.power.power_factor = vec![factor(0.7), factor(0.9), factor(0.95)];
    site.classes.push(other);
    site.domains = ["a", "b"].map(|name| Domain { name: name.into(), kind: DomainKind::Feed, limit_va: None }).to_vec();
    for (h, host) in site.hosts.iter_mut().enumerate() {
        host.class = ClassId((h % 2) as u32);
        host.domains = vec![DomainId((h / 3 % 2) as u32)];
    }
    let (nameplate_va, nameplate_w) = (models::estimate::Estimate::exactly(50.0), models::estimate::Estimate::exactly(50.0));
    let (expected, feed) = (Watts::new(33.3).unwrap(), Some(DomainId(1)));
    site.devices = vec![Device {
        name: "switch".into(),
        count: 2,
        expected,
        power_factor: factor(0.8),
        nameplate_va,
        nameplate_w,
        feed,
        crest_factor: None,
    }];
    let column = |g: usize, below: u64| -> Vec<u32> {
        let mix = |t: usize| (t as u64 * 7919 + g as u64 * 104_729 + 17) * 2_654_435_761 % 1_000_003;
        (0..ROUND).map(|t| (mix(t) * below / 1_000_003) as u32).collect()
    };
    let columns = |g| Columns {
        cpu_khz: column(g, 1_400_000 + 250_000 * (g as u64 % 5)),
        net_kbs: if g % 3 == 0 { column(g + 100, 900) } else { Vec::new() },
        disk_kbs: if g % 4 == 1 { column(g + 200, 700) } else { Vec::new() },
    };
    let demand = Demand { step: Nanos::seconds(STEP), steps: ROUND, guests: (0..GUESTS).map(columns).collect() };
    let mut placement = Placement { on: vec![true; HOSTS], host_of: (0..GUESTS).map(|g| Some(HostId::at(g % (HOSTS - 1)))).collect() };
    (placement.on[HOSTS - 1], placement.host_of[GUESTS - 1]) = (false, None);
    (site, demand, placement)
}

fn model<'a>(background: Background<'a>) -> Model<'a> {
    let mut model = Model { columns: Some(background), ..example::empty((LASTS * STEP) as f64, 0.0) };
    model.start = Nanos::seconds(START * STEP);
    for h in 0..HOSTS {
        let class = background.site.class_of(HostId::at(h));
        example::host(&mut model, class.cores);
        model.hosts[h].on = background.placement.on[h];
    }
    for g in 0..GUESTS {
        example::guest(&mut model, 0, background.site.guests[g].vcpus);
        model.guests[g].host = background.placement.host_of[g].map(|h| h.0);
        // Every sixth stays where it lies until its host is back.
        model.guests[g].restarts = g % 6 != 5;
    }
    model.recovery = Some(Recovery {
        detect: Nanos::seconds(60),
        fence: Nanos::seconds(30),
        by_hand: None,
        boots_at_once: 2,
        boot_cpu: Nanos::seconds(100),
        boot_disk_bytes: 1e9,
        read_only_after: None,
        panics_after: None,
    });
    let faults = [
        (Target::Hosts(vec![0]), 40, Some(20)),
        (Target::Hosts(vec![1, 2]), 45, Some(30)),
        (Target::Hosts(vec![3]), 46, Some(1)),
        (Target::Guest(4), 90, Some(3)),
        (Target::Hosts(vec![0, 3]), 136, Some(4)),
        (Target::Mains { battery: Nanos::seconds(400) }, 180, Some(9)),
        (Target::Hosts(vec![5]), 210, None),
        (Target::Hosts(vec![4]), 236, Some(1)),
        (Target::Hosts(vec![1]), 300, Some(60)),
        (Target::Hosts(vec![2]), 386, None),
    ];
    for (i, (target, at, lasts)) in faults.into_iter().enumerate() {
        let steps = |x: u64| Nanos::seconds(x * STEP + 70 * i as u64 % STEP);
        let when = When::At { at: steps(at), lasts: lasts.map(steps) };
        model.faults.push(Fault { name: format!("fault {i}"), target, when });
    }
    model
}

fn digest(measures: &Measures) -> String {
    Sha256::digest(format!("{measures:?}")).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn columns_under_faults_are_measured_as_they_were() {
    let (site, demand, placement) = site();
    let model = model(Background { site: &site, placement: &placement, demand: &demand });
    let outcome = engine::run(&model, 1, 0).unwrap();
    let log = format!("{:?}", outcome.log);
    let measures = outcome.measures.unwrap();
    // It is a hard case: guests on other hosts than their own and short of CPU there, and some that come back.
    assert!(log.contains("is up again on h") && log.matches("is up again").count() > 40, "{log}");
    let moved = outcome.guests.iter().enumerate().filter(|(g, o)| o.host != model.guests[*g].host).count();
    assert!(moved >= 8 && measures.unserved.len() >= 14, "{moved} guests, {} in want", measures.unserved.len());
    assert_eq!(digest(&measures), "db0a262b578f2b3e");
}

#[test]
fn columns_under_faults_beside_jobs_are_measured_as_they_were() {
    let (site, demand, placement) = site();
    let mut model = model(Background { site: &site, placement: &placement, demand: &demand });
    let tier = example::tier(&mut model, &[0, 1, 2, 3], None, None);
    let work = models::distribution::Distribution::exponential(20.0);
    let flow = example::flow(&mut model, vec![example::cpu(tier, work, Vec::new())]);
    let gap_s = models::distribution::Distribution::exponential(60.0);
    let batch = models::distribution::Distribution::fixed(1.0);
    example::arrivals(&mut model, flow, sim::engine::arrivals::Arrivals::Renewal { gap_s, batch });
    let measures = engine::run(&model, 1, 0).unwrap().measures.unwrap();
    assert_eq!(digest(&measures), "9ae66e9efcd5b54c");
}
