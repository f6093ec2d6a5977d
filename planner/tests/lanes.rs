//! Steps side by side: what the planner lets run together, and that the judge agrees under every demand.

use models::demand::Demand;
use models::example;
use models::plan::{Action, Step};
use models::rule::walk;
use models::site::{CpuRule, DownRule, HostId, Placement, Site};
use planner::lanes::{MOST_WIDENED, gather, not_looked_at, side_by_side, widen};
use planner::order::{self, Boots};
use planner::quick::Quick;
use proptest::prelude::*;

/// Hosts of 4 x 1000 MHz and 1000 MiB, all on, and guests of these memories on these hosts.
fn site(hosts: usize, guests: &[(u64, Option<usize>)]) -> (Site, Demand) {
    let list = guests.iter().enumerate().map(|(g, (mib, _))| example::guest(&format!("g{g}"), 1, *mib)).collect();
    let mut s = example::site(example::class("c", 4, 1000.0, 1000), hosts as u32, list);
    s.today = Some(Placement { on: vec![true; hosts], host_of: guests.iter().map(|(_, h)| h.map(HostId::at)).collect() });
    (s, example::steady(&vec![100.0; guests.len()], 2))
}

fn steps_to(s: &Site, d: &Demand, host_of: &[usize]) -> Option<Vec<Step>> {
    let today = s.today.as_ref().unwrap();
    let end = Placement { on: today.on.clone(), host_of: host_of.iter().map(|h| Some(HostId::at(*h))).collect() };
    order::steps(&Quick::new(s, d), today, &end, Boots::First).ok()
}

fn beside(steps: &[Step]) -> Vec<u32> {
    steps.iter().map(|s| s.beside).collect()
}

#[test]
fn definitions_and_starts_take_turns_and_every_lane_has_one() {
    let (s, d) = site(2, &[(100, None); 6]);
    let steps = steps_to(&s, &d, &[0, 1, 0, 1, 0, 1]).unwrap();
    assert_eq!(steps.len(), 12);
    let today = s.today.as_ref().unwrap();
    // As they stand, a definition may be done beside the start before it, and each start waits for its own.
    assert_eq!(beside(&widen(&s, std::slice::from_ref(&d), today, steps.clone(), 4)), [0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    let wide = side_by_side(&s, std::slice::from_ref(&d), today, &steps, 4);
    // D D D D S S S S D D S S.
    let defines: Vec<bool> = wide.iter().map(|x| matches!(x.action, Action::DefineGuest { .. })).collect();
    assert_eq!(defines, [true, true, true, true, false, false, false, false, true, true, false, false]);
    assert_eq!(beside(&wide), [0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 1, 1]);
    assert!(wide.iter().zip(1..).all(|(x, n)| x.number == n));
    assert_eq!(walk::walk(&s, &d, today, &wide).faults, vec![]);
}

#[test]
fn one_lane_is_one_step_after_the_other() {
    let (s, d) = site(2, &[(100, None); 3]);
    let steps = steps_to(&s, &d, &[0, 1, 0]).unwrap();
    let one = side_by_side(&s, &[d], s.today.as_ref().unwrap(), &steps, 1);
    assert_eq!(one, steps);
}

#[test]
fn the_narrowest_demand_decides() {
    // Guests of 3000 MHz; one leaves h1 before the other comes. Under a load of 1000 MHz both may be there.
    let (mut s, _) = site(3, &[(100, Some(0)), (100, Some(1))]);
    s.rules.cpu = CpuRule { percentile: 100.0, limit: 1.0 };
    let steps = steps_to(&s, &example::steady(&[1000.0, 1000.0], 2), &[2, 0]).unwrap();
    let today = s.today.clone().unwrap();
    let (light, heavy) = (example::steady(&[1000.0, 1000.0], 2), example::steady(&[3000.0, 3000.0], 2));
    assert_eq!(beside(&widen(&s, std::slice::from_ref(&light), &today, steps.clone(), 2)), [0, 1]);
    for both in [[light.clone(), heavy.clone()], [heavy, light]] {
        assert_eq!(beside(&widen(&s, &both, &today, steps.clone(), 2)), [0, 0]);
    }
}

#[test]
fn beyond_so_many_steps_nothing_is_widened_and_their_number_is_told() {
    let (mut s, d) = site(1, &vec![(1, None); MOST_WIDENED / 2 + 3]);
    s.classes[0].memory = models::quantity::MiB(1 << 20);
    s.rules.cpu.limit = 1e6;
    let steps = gather(&steps_to(&s, &d, &vec![0; s.guests.len()]).unwrap(), 2);
    assert_eq!((steps.len(), not_looked_at(&steps)), (MOST_WIDENED + 6, 6));
    let wide = widen(&s, &[d], s.today.as_ref().unwrap(), steps, 2);
    assert!(wide[1..MOST_WIDENED].iter().all(|x| x.beside == 1));
    assert!(wide[MOST_WIDENED..].iter().all(|x| x.beside == 0));
}

proptest! {
    #[test]
    fn what_is_widened_is_the_same_work_and_passes_the_walk_under_every_demand(
        memories in prop::collection::vec(1u64..6, 2..7), hosts in 2usize..4, seats in prop::collection::vec((0usize..5, 0usize..5), 7), loss in any::<bool>(), lanes in 1u32..6,
    ) {
        let guests: Vec<(u64, Option<usize>)> =
            memories.iter().zip(&seats).map(|(m, (from, _))| (100 * m, (*from < 4).then_some(from % hosts))).collect();
        let (mut s, d) = site(hosts, &guests);
        s.rules.one_host_down = loss.then_some(DownRule { cpu_limit: 1.0 });
        let ends: Vec<usize> = seats[..guests.len()].iter().map(|(_, to)| to % hosts).collect();
        let today = s.today.clone().unwrap();
        let Some(steps) = steps_to(&s, &d, &ends) else { return Ok(()) };
        prop_assume!(walk::walk(&s, &d, &today, &steps).faults.is_empty());
        let demands = [d.clone(), example::steady(&vec![300.0; guests.len()], 2)];
        prop_assume!(walk::walk(&s, &demands[1], &today, &steps).faults.is_empty());
        let wide = side_by_side(&s, &demands, &today, &steps, lanes);
        for d in &demands {
            prop_assert_eq!(walk::walk(&s, d, &today, &wide).faults, vec![]);
        }
        prop_assert!(wide.iter().all(|x| x.beside < lanes));
        // The same steps, and what changed places are definitions alone.
        let others = |all: &[Step]| -> Vec<Action> {
            all.iter().filter(|x| !matches!(x.action, Action::DefineGuest { .. })).map(|x| x.action.clone()).collect()
        };
        prop_assert_eq!(others(&wide), others(&steps));
        prop_assert_eq!(wide.len(), steps.len());
    }
}
