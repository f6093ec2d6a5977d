//! N+1 by memory: the mixes of guests that a lost host of three leaves room for (S1-1 to S1-3), and those that it does not.

use models::example;
use models::quantity::MiB;
use models::rule::down::{Headroom, headrooms};
use models::rule::{self, RuleName, Verdict};
use models::site::{DownRule, HostId, Placement, Site};
use proptest::prelude::*;

/// Three hosts of so much for guests, one of which may fail; guests of these sizes on these hosts.
fn three(mib: u64, guests: &[(u64, u32)]) -> (Site, Placement) {
    let guest = |(i, (size, _)): (usize, &(u64, u32))| example::guest(&format!("g{i}"), 1, *size);
    let mut site = example::site(example::class("blade", 8, 2000.0, mib), 3, guests.iter().enumerate().map(guest).collect());
    site.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
    let placement = Placement { on: vec![true; 3], host_of: guests.iter().map(|(_, h)| Some(HostId(*h))).collect() };
    (site, placement)
}

fn losses(site: &Site, placement: &Placement) -> Vec<Headroom> {
    headrooms(site, &example::steady(&vec![0.0; site.guests.len()], 1), placement)
}

/// Largest first, each to the host with the most left.
fn balanced(hosts: u32, sizes: &[u64]) -> Vec<(u64, u32)> {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut used = vec![0; hosts as usize];
    let place = |size: u64| {
        let least = (0..used.len()).min_by_key(|h| used[*h]).unwrap();
        used[least] += size;
        (size, least as u32)
    };
    sizes.into_iter().map(place).collect()
}

const GB: u64 = 1024;
/// 16 GB less 1 GB for the control domain: models A4.
const ROOM: u64 = 15 * GB;

#[test]
fn fourteen_guests_that_fill_each_of_three_hosts_leave_nothing_for_a_lost_one() {
    // S1-15 on every host: 3 x 14 guests of 1 GB, 42 GB and more, where two hosts have 30.
    let guests: Vec<(u64, u32)> = (0..42).map(|g| (GB, g % 3)).collect();
    let (site, placement) = three(ROOM, &guests);
    let demand = example::steady(&[0.0; 42], 1);
    // Nothing is wrong while all are up: only the loss shows it.
    let verdicts = rule::judge(&site, &demand, &placement);
    assert!(verdicts.iter().all(|j| j.verdict.holds() == (j.rule != RuleName::OneHostDown)), "{verdicts:?}");
    for loss in losses(&site, &placement) {
        assert_eq!((loss.needed_mib, loss.free_mib), (14 * GB, 2 * GB));
        let Verdict::Broken { breaches, .. } = loss.verdict else { panic!("{loss:?}") };
        assert_eq!((breaches[0].needed, breaches[0].available, breaches[0].unit.as_str()), (14336.0, 2048.0, "MiB"));
    }
    // Ten a host: 30 GB in all, and each loss is carried to the last MiB.
    let (site, placement) = three(ROOM, &guests[..30]);
    assert!(losses(&site, &placement).iter().all(|l| l.verdict.holds() && l.needed_mib == l.free_mib));
}

#[test]
fn fifteen_guests_of_2_gb_do_not_fit_on_two_hosts_though_their_sum_does() {
    // 15 x 2 GB = 30 GB = 15 + 15, but a host of 15 GB holds seven: sums say yes, the pieces no.
    let (site, placement) = three(ROOM, &balanced(3, &[2 * GB; 15]));
    for loss in losses(&site, &placement) {
        assert_eq!((loss.needed_mib, loss.free_mib), (10 * GB, 10 * GB));
        let Verdict::Broken { breaches, .. } = loss.verdict else { panic!("{loss:?}") };
        assert_eq!((breaches[0].needed, breaches[0].available), (5.0, 4.0), "{breaches:?}");
    }
}

/// 30 guests of 0.5, 1 and 2 GB of at most 30 GB in all.
fn mix() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![Just(GB / 2), Just(GB), Just(2 * GB)], 30)
        .prop_filter("more than 30 GB", |s| s.iter().sum::<u64>() <= 30 * GB)
}

proptest! {
    #[test]
    fn thirty_guests_of_30_gb_survive_the_loss_of_one_of_three_hosts_and_pack_on_two(sizes in mix()) {
        // models A4: 20,000 of 20,000 mixes. At most ten can be of 2 GB, as 30 of 0.5 GB are 15 already, so that odd halves never bind.
        let (site, placement) = three(ROOM, &balanced(3, &sizes));
        for loss in losses(&site, &placement) {
            prop_assert!(loss.verdict.holds(), "{loss:?}");
        }
        let mut free = [ROOM; 2];
        let mut falling = sizes.clone();
        falling.sort_unstable_by(|a, b| b.cmp(a));
        for size in falling {
            let fits = free.iter().position(|f| *f >= size);
            prop_assert!(fits.is_some());
            free[fits.unwrap()] -= size;
        }
    }
}

/// Whether the lost guests can be dealt out to the two survivors in any way.
fn by_trying_all(room: u64, guests: &[(u64, u32)], lost: u32) -> bool {
    let gone: Vec<u64> = guests.iter().filter(|g| g.1 == lost).map(|g| g.0).collect();
    let survivors: Vec<u32> = (0..3).filter(|h| *h != lost).collect();
    (0u32..1 << gone.len()).any(|deal| {
        survivors.iter().enumerate().all(|(i, h)| {
            let stay: u64 = guests.iter().filter(|g| g.1 == *h).map(|g| g.0).sum();
            let come: u64 = gone.iter().enumerate().filter(|(k, _)| (deal >> k & 1) as usize == i).map(|(_, size)| size).sum();
            stay + come <= room
        })
    })
}

#[test]
fn on_every_small_site_the_rule_says_what_trying_all_says() {
    // Hosts of 5 units, five guests of 1, 2 or 4 units, every way to place them within memory: 3^5 x 3^5 and three losses each.
    const UNIT: u64 = 512;
    let (mut holds, mut broken, mut in_pieces) = (0, 0, 0);
    for sizes in 0..3u64.pow(5) {
        let size = |i: u32| [1, 2, 4][(sizes / 3u64.pow(i) % 3) as usize] * UNIT;
        // Each set of sizes once: in falling order.
        if (1..5).any(|i| size(i) > size(i - 1)) {
            continue;
        }
        for hosts in 0..3u64.pow(5) {
            let guests: Vec<(u64, u32)> = (0..5).map(|i| (size(i), (hosts / 3u64.pow(i) % 3) as u32)).collect();
            let used = |h| guests.iter().filter(|g| g.1 == h).map(|g| g.0).sum::<u64>();
            if (0..3).any(|h| used(h) > 5 * UNIT) {
                continue;
            }
            let (site, placement) = three(5 * UNIT, &guests);
            for (lost, loss) in losses(&site, &placement).iter().enumerate() {
                assert_eq!(loss.verdict.holds(), by_trying_all(5 * UNIT, &guests, lost as u32), "{guests:?} without {lost}: {loss:?}");
                holds += usize::from(loss.verdict.holds());
                broken += usize::from(!loss.verdict.holds());
                in_pieces += usize::from(!loss.verdict.holds() && MiB(loss.needed_mib) <= MiB(loss.free_mib));
            }
        }
    }
    // The cases are hard ones: of each kind there are many, also those where the sum would do.
    assert!(holds > 500 && broken > 500 && in_pieces > 50, "{holds} {broken} {in_pieces}");
}
