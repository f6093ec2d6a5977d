//! Bringing many nodes up at once: an image goes to all, is unpacked and written, and they boot.
//!
//! An image is so many blocks. By NFS all nodes read at once, and servers' links, racks' links and nodes' links are shared by max-min
//! fairness: a fluid, followed from the end of one reader to the next. In a chain or a tree each node passes a block on when it has it
//! whole: arrivals follow block by block, each edge at its share of the links that it crosses. Multicast sends each block once. On the
//! node, unpacking and writing take each block as it comes, beside what still comes; a boot begins when the whole image is there, except
//! from a copy-on-write image, where it goes on as blocks come. Links are full duplex.
//!
//! Left out: what a lost packet costs (multicast is taken without loss), the servers' disks, DHCP, a switch's own limits besides the racks'
//! links, and power-on: the nodes' hypervisors run. Nothing is random. The same givens give the same bytes.

use models::estimate::Estimate;
use models::quantity::{BytesPerSecond, QuantityError};
use models::study::bring_up::{BringUp, Change, MOST_UPGRADES, Means, Method, Start};
use models::study::{Answer, Study};

/// The most nodes x blocks of a run.
const MOST_BLOCKS: f64 = 8_388_608.0;

/// The most pairs of server and rack.
const MOST_READERS: u64 = 16_384;

/// What was found for one way of doing it.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Until all nodes are ready, s.
    pub ready_s: f64,
    /// Until the image, or what is needed of it, is on all nodes, unpacked and written, s.
    pub image_s: f64,
    /// What the node that is ready last went through.
    pub phases: Vec<Phase>,
}

/// A part of the way, and what bound it: with more of that, and of nothing else, it would have been shorter.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// What happened.
    pub what: &'static str,
    /// From, s.
    pub from_s: f64,
    /// Until, s.
    pub until_s: f64,
    /// What bound it.
    pub binds: &'static str,
}

/// When blocks arrive at nodes that are alike.
struct Arrivals {
    /// By block, s.
    at_s: Vec<f64>,
    /// What bound the sending.
    binds: &'static str,
    /// What the narrowest of the links would take for the whole image, and what passing on takes besides, s.
    link_s: f64,
}

/// Brings `nodes` nodes up.
///
/// # Errors
/// A rate, a size or a count of zero, a working set above the image, or more blocks or readers than can be followed.
pub fn bring_up(nodes: u32, means: &Means) -> Result<Course, QuantityError> {
    check(nodes, means)?;
    let bytes = sent_bytes(means);
    let blocks = (bytes / means.block_bytes).ceil().max(1.0) as usize;
    // Equal blocks: the last one is as long as the others.
    let block = bytes / blocks as f64;
    let all = match means.method {
        Method::Nfs => by_nfs(nodes, means, bytes, blocks),
        Method::Chain => passed_on(nodes, means, blocks, block, 1),
        Method::Tree => passed_on(nodes, means, blocks, block, means.degree as usize),
        Method::Multicast => {
            let (rate, binds) = least(&[(means.server.get(), SERVER), (means.node.get(), NODE), (means.uplink.get(), UPLINK)]);
            vec![Arrivals { at_s: (1..=blocks).map(|b| b as f64 * block / rate).collect(), binds, link_s: bytes / rate }]
        }
    };
    let mut worst: Option<Course> = None;
    for arrivals in &all {
        let course = on_the_node(means, bytes, arrivals);
        if worst.as_ref().is_none_or(|w| course.ready_s > w.ready_s) {
            worst = Some(course);
        }
    }
    worst.ok_or(QuantityError { what: "number of nodes", value: "0".into(), unit: "", expected: "it must be at least 1" })
}

const SERVER: &str = "the servers' links";
const NODE: &str = "the nodes' links";
const UPLINK: &str = "the racks' links";
const PASSING: &str = "blocks on their way from node to node";

fn sent_bytes(means: &Means) -> f64 {
    match means.start {
        Start::Packed => means.image_bytes,
        Start::Unpacked | Start::InMemory => means.unpacked_bytes,
        Start::CopyOnWrite => means.working_set_bytes,
    }
}

fn least(of: &[(f64, &'static str)]) -> (f64, &'static str) {
    of.iter().fold((f64::INFINITY, ""), |a, b| if b.0 < a.0 { *b } else { a })
}

/// Nodes that read from the same server in the same rack, and how far they are.
struct Readers {
    server: usize,
    rack: usize,
    count: f64,
    left: f64,
    /// Breakpoints of what each has: time and bytes.
    course: Vec<(f64, f64)>,
    binds: &'static str,
}

/// Nodes are numbered rack by rack and dealt to the servers in turn.
fn by_nfs(nodes: u32, means: &Means, bytes: f64, blocks: usize) -> Vec<Arrivals> {
    let (servers, racks) = (means.servers as usize, nodes.div_ceil(means.rack_nodes) as usize);
    let mut readers: Vec<Readers> = Vec::new();
    for rack in 0..racks {
        let from = rack as u32 * means.rack_nodes;
        let until = from.saturating_add(means.rack_nodes).min(nodes);
        for server in 0..servers.min(nodes as usize) as u32 {
            // Nodes from..until whose number leaves `server` when divided by the servers.
            let below = |n: u32| (n + means.servers - 1 - server) / means.servers;
            let count = below(until) - below(from);
            if count > 0 {
                let (server, course) = (server as usize, vec![(0.0, 0.0)]);
                readers.push(Readers { server, rack, count: f64::from(count), left: bytes, course, binds: "" });
            }
        }
    }
    let mut now = 0.0;
    while readers.iter().any(|r| r.left > 0.0) {
        let rates = fill(&mut readers, means, servers, racks);
        let due = |(r, rate): (&Readers, &f64)| if r.left > 0.0 { r.left / rate } else { f64::INFINITY };
        let step = readers.iter().zip(&rates).map(due).fold(f64::INFINITY, f64::min);
        now += step;
        for (r, rate) in readers.iter_mut().zip(&rates).filter(|(r, _)| r.left > 0.0) {
            r.left -= rate * step;
            // What ends within rounding of the first ends with it.
            if r.left <= 1e-12 * bytes {
                r.left = 0.0;
            }
            r.course.push((now, bytes - r.left));
        }
    }
    readers
        .iter()
        .map(|r| {
            let mut at_s = Vec::with_capacity(blocks);
            let mut k = 1;
            for b in 1..=blocks {
                let has = if b == blocks { bytes } else { bytes * b as f64 / blocks as f64 };
                while k + 1 < r.course.len() && r.course[k].1 < has {
                    k += 1;
                }
                let ((t0, b0), (t1, b1)) = (r.course[k - 1], r.course[k]);
                at_s.push(if b1 > b0 { t0 + (t1 - t0) * ((has - b0) / (b1 - b0)).min(1.0) } else { t1 });
            }
            let link_s = at_s.last().copied().unwrap_or(0.0);
            Arrivals { at_s, binds: r.binds, link_s }
        })
        .collect()
}

/// Rates of a reader of each kind, by max-min fairness over servers' links, racks' links and the reader's own.
fn fill(readers: &mut [Readers], means: &Means, servers: usize, racks: usize) -> Vec<f64> {
    let mut left: Vec<f64> = vec![means.server.get(); servers];
    left.extend(vec![means.uplink.get(); racks]);
    let mut rates = vec![0.0; readers.len()];
    let mut free: Vec<usize> = (0..readers.len()).filter(|i| readers[*i].left > 0.0).collect();
    while !free.is_empty() {
        let mut users = vec![0.0; left.len()];
        for i in &free {
            users[readers[*i].server] += readers[*i].count;
            users[servers + readers[*i].rack] += readers[*i].count;
        }
        // The link that leaves its users least.
        let (mut level, mut tight) = (means.node.get(), None);
        for (k, n) in users.iter().enumerate().filter(|(_, n)| **n > 0.0) {
            let share = (left[k] / n).max(0.0);
            if share < level {
                (level, tight) = (share, Some(k));
            }
        }
        let met = |r: &Readers| tight.is_none_or(|k| r.server == k || servers + r.rack == k);
        let (done, rest): (Vec<usize>, Vec<usize>) = free.into_iter().partition(|i| met(&readers[*i]));
        for i in done {
            rates[i] = level;
            left[readers[i].server] -= level * readers[i].count;
            left[servers + readers[i].rack] -= level * readers[i].count;
            readers[i].binds = match tight {
                None => NODE,
                Some(k) if k < servers => SERVER,
                Some(_) => UPLINK,
            };
        }
        free = rest;
    }
    rates
}

/// Each node passes blocks on to `degree` others; the servers to as many each. A chain is a tree of degree one.
fn passed_on(nodes: u32, means: &Means, blocks: usize, block: f64, degree: usize) -> Vec<Arrivals> {
    let (nodes, servers) = (nodes as usize, means.servers as usize);
    let top = servers.saturating_mul(degree);
    // In a chain each server's nodes stand side by side, so that few edges leave a rack; a tree goes level by level.
    let part = nodes.div_ceil(servers);
    let parent = |i: usize| -> Option<usize> {
        if degree == 1 { (!i.is_multiple_of(part)).then(|| i - 1) } else { i.checked_sub(top).map(|k| k / degree) }
    };
    let rack = |i: usize| i / means.rack_nodes as usize;
    let racks = rack(nodes - 1) + 1;
    let (mut into, mut out_of) = (vec![0u32; racks], vec![0u32; racks]);
    let (mut children, mut heads) = (vec![0u32; nodes], 0u32);
    for i in 0..nodes {
        match parent(i) {
            Some(p) => {
                children[p] += 1;
                if rack(p) != rack(i) {
                    into[rack(i)] += 1;
                    out_of[rack(p)] += 1;
                }
            }
            None => {
                heads += 1;
                into[rack(i)] += 1;
            }
        }
    }
    let heads_a_server = heads.div_ceil(means.servers);
    let mut all: Vec<Arrivals> = Vec::with_capacity(nodes);
    for i in 0..nodes {
        let crossing = |edges: u32| (means.uplink.get() / f64::from(edges), UPLINK);
        let mut limits = vec![(means.node.get(), NODE)];
        match parent(i) {
            Some(p) => {
                limits.push((means.node.get() / f64::from(children[p]), NODE));
                if rack(p) != rack(i) {
                    limits.extend([crossing(into[rack(i)]), crossing(out_of[rack(p)])]);
                }
            }
            None => limits.extend([(means.server.get() / f64::from(heads_a_server), SERVER), crossing(into[rack(i)])]),
        }
        let (rate, binds) = least(&limits);
        let one_s = block / rate;
        let (mut at_s, mut last) = (Vec::with_capacity(blocks), 0.0f64);
        for b in 0..blocks {
            let there = parent(i).map_or(0.0, |p| all[p].at_s[b]);
            last = last.max(there) + one_s;
            at_s.push(last);
        }
        // The slowest edge on the way here sets the pace; the rest is passing on.
        let own = (blocks as f64 * one_s, binds);
        let (link_s, binds) = parent(i).map_or(own, |p| if all[p].link_s >= own.0 { (all[p].link_s, all[p].binds) } else { own });
        all.push(Arrivals { at_s, binds, link_s });
    }
    for a in &mut all {
        let end = a.at_s.last().copied().unwrap_or(0.0);
        if end - a.link_s > a.link_s {
            a.binds = PASSING;
        }
    }
    all
}

/// What follows on a node when its blocks arrive.
fn on_the_node(means: &Means, bytes: f64, arrivals: &Arrivals) -> Course {
    // Stages that take each block as it comes: what happens, what binds, seconds for the whole.
    let mut stages: Vec<(&'static str, &'static str, f64)> = Vec::new();
    let written = means.unpacked_bytes / means.disk_write.get();
    let boot_cpu = means.boot_cpu_s.value;
    match means.start {
        Start::Packed => {
            stages.push(("unpacking", "unpacking on the node", bytes / means.unpack.get()));
            stages.push(("writing", "writing to the node's disk", written));
        }
        Start::Unpacked => stages.push(("writing", "writing to the node's disk", written)),
        Start::InMemory => {}
        Start::CopyOnWrite => stages.push(("booting", "CPU of the boot", boot_cpu)),
    }
    let mut at_s = arrivals.at_s.clone();
    let sent = at_s.last().copied().unwrap_or(0.0);
    let blocks = at_s.len() as f64;
    let mut phases = vec![Phase { what: "sending", from_s: 0.0, until_s: sent, binds: arrivals.binds }];
    for (what, binds, whole) in &stages {
        let from = at_s[0];
        let mut last = 0.0f64;
        for t in &mut at_s {
            last = last.max(*t) + whole / blocks;
            *t = last;
        }
        phases.push(Phase { what, from_s: from, until_s: last, binds });
    }
    let image_s = at_s.last().copied().unwrap_or(0.0);
    // Stages side by side wait for the slowest of them: that one binds them all. The first of those as slow.
    let slowest = stages.iter().fold((sent, arrivals.binds), |a, s| if s.2 > a.0 { (s.2, s.1) } else { a });
    for p in &mut phases {
        p.binds = slowest.1;
    }
    let mut ready_s = image_s;
    if means.start != Start::CopyOnWrite {
        let disk = if means.start == Start::InMemory { 0.0 } else { means.working_set_bytes / means.disk_read.get() };
        ready_s += boot_cpu.max(disk);
        let binds = if disk > boot_cpu { "reading from the node's disk" } else { "CPU of the boot" };
        phases.push(Phase { what: "booting", from_s: image_s, until_s: ready_s, binds });
    }
    Course { ready_s, image_s, phases }
}

fn check(nodes: u32, means: &Means) -> Result<(), QuantityError> {
    let refuse = |what, value: String, unit, expected| Err(QuantityError { what, value, unit, expected });
    let counts = [
        ("number of nodes", nodes),
        ("number of servers", means.servers),
        ("degree of a tree", means.degree),
        ("number of nodes in a rack", means.rack_nodes),
    ];
    for (what, n) in counts {
        if n == 0 {
            return refuse(what, "0".into(), "", "it must be at least 1");
        }
    }
    let rates = [
        ("rate of a server's link", means.server),
        ("rate of a node's link", means.node),
        ("rate of a rack's link", means.uplink),
        ("rate of unpacking", means.unpack),
        ("rate of writing", means.disk_write),
        ("rate of reading", means.disk_read),
    ];
    for (what, rate) in rates {
        if rate == BytesPerSecond::ZERO {
            return refuse(what, "0".into(), "B/s", "it must be above 0");
        }
    }
    let sizes = [
        ("block", means.block_bytes),
        ("image", means.image_bytes),
        ("unpacked image", means.unpacked_bytes),
        ("working set of a boot", means.working_set_bytes),
    ];
    for (what, size) in sizes {
        if !(size > 0.0 && size.is_finite()) {
            return refuse(what, size.to_string(), "B", "it must be finite and above 0");
        }
    }
    if means.working_set_bytes > means.unpacked_bytes {
        return refuse("working set of a boot", means.working_set_bytes.to_string(), "B", "it must be at most the unpacked image");
    }
    let blocks = (sent_bytes(means) / means.block_bytes).ceil() * f64::from(nodes);
    if blocks > MOST_BLOCKS {
        return refuse("number of blocks on all nodes", blocks.to_string(), "", "it must be at most 8,388,608: take larger blocks");
    }
    let readers = u64::from(nodes.div_ceil(means.rack_nodes)) * u64::from(means.servers.min(nodes));
    if means.method == Method::Nfs && readers > MOST_READERS {
        return refuse("number of servers x racks", readers.to_string(), "", "it must be at most 16,384");
    }
    Ok(())
}

/// A set of upgrades, and what it comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// By position in the list.
    pub upgrades: Vec<usize>,
    /// With them.
    pub course: Course,
}

/// The smallest set of upgrades with which all nodes are ready in time, the first of these in order of the list; where none is, the set
/// that comes nearest (`false`).
///
/// # Errors
/// As [`bring_up`], and where there are more than [`MOST_UPGRADES`].
pub fn search(asked: &BringUp) -> Result<(Found, bool), QuantityError> {
    let n = asked.upgrades.len();
    if n > MOST_UPGRADES {
        return Err(QuantityError {
            what: "list of upgrades",
            value: n.to_string(),
            unit: "upgrades",
            expected: "there may be at most 12",
        });
    }
    let within = asked.within.as_seconds();
    // A bit an upgrade: by their number, then by the first that differs, as the list has them.
    let mut sets: Vec<u32> = (0..1u32 << n).collect();
    sets.sort_unstable_by_key(|set| (set.count_ones(), std::cmp::Reverse(set.reverse_bits())));
    let mut nearest: Option<Found> = None;
    for set in sets {
        let set: Vec<usize> = (0..n).filter(|k| set >> k & 1 == 1).collect();
        let changes: Vec<&Change> = set.iter().map(|k| &asked.upgrades[*k].change).collect();
        if changes.iter().enumerate().any(|(i, a)| changes[i + 1..].iter().any(|b| a.excludes(b))) {
            continue;
        }
        let course = bring_up(asked.nodes, &with(asked, &set))?;
        if course.ready_s <= within {
            return Ok((Found { upgrades: set, course }, true));
        }
        if nearest.as_ref().is_none_or(|f| course.ready_s < f.course.ready_s) {
            nearest = Some(Found { upgrades: set, course });
        }
    }
    let none =
        QuantityError { what: "list of upgrades", value: String::new(), unit: "", expected: "one set, the empty one, is always there" };
    nearest.map(|f| (f, false)).ok_or(none)
}

fn with(asked: &BringUp, set: &[usize]) -> Means {
    set.iter().fold(asked.means, |means, k| asked.upgrades[*k].change.on(&means))
}

/// Answers the study.
///
/// # Errors
/// As [`search`].
pub fn answer(asked: &BringUp, study: &Study) -> Result<Answer, QuantityError> {
    let mut answer = Answer::to(study, &["share"]);
    let how = "simulation of blocks and shared links";
    // The boot's CPU time is what was given with a range.
    let ranged = |means: &Means| -> Result<(Course, Estimate), QuantityError> {
        let at = |s: f64| bring_up(asked.nodes, &Means { boot_cpu_s: Estimate::exactly(s), ..*means });
        let (e, course) = (means.boot_cpu_s, bring_up(asked.nodes, means)?);
        let range = Estimate { value: course.ready_s, low: at(e.low)?.ready_s, high: at(e.high)?.ready_s };
        Ok((course, range))
    };
    let (as_is, range) = ranged(&asked.means)?;
    answer.tell_fitted("ready after", range, "s", asked.fitted, how);
    answer.tell_fitted("image on all after", Estimate::exactly(as_is.image_s), "s", asked.fitted, how);
    for method in Method::ALL {
        let (_, range) = ranged(&Means { method, ..asked.means })?;
        answer.tell_fitted(format!("ready after, by {}", method.word()), range, "s", asked.fitted, how);
    }
    answer.tell_fitted("largest cluster ready in time", Estimate::exactly(f64::from(most_in_time(asked)?)), "nodes", asked.fitted, how);
    answer.say(sentence("as it stands", asked.nodes, &as_is));
    let one = bring_up(1, &asked.means)?;
    if one.ready_s > asked.within.as_seconds() {
        answer.say(sentence("one node by itself", 1, &one));
    }
    if asked.upgrades.is_empty() {
        return Ok(answer);
    }
    let (found, in_time) = search(asked)?;
    let (_, range) = ranged(&with(asked, &found.upgrades))?;
    answer.tell_fitted("ready after, with upgrades", range, "s", asked.fitted, how);
    if in_time {
        answer.tell_fitted("upgrades needed", Estimate::exactly(found.upgrades.len() as f64), "", asked.fitted, "every smaller set tried");
    } else {
        let why = format!("no set of the {} upgrades has them ready within {} s", asked.upgrades.len(), asked.within.as_seconds());
        answer.cannot_say.push(("upgrades needed".into(), why));
    }
    // One upgrade after the other, each time the one that helps most.
    let (mut left, mut made) = (found.upgrades.clone(), Vec::new());
    while !left.is_empty() {
        let mut best: Option<(usize, Course)> = None;
        for (at, k) in left.iter().enumerate() {
            let course = bring_up(asked.nodes, &with(asked, &[made.as_slice(), &[*k]].concat()))?;
            if best.as_ref().is_none_or(|(_, b)| course.ready_s < b.ready_s) {
                best = Some((at, course));
            }
        }
        let Some((at, course)) = best else { break };
        let k = left.remove(at);
        made.push(k);
        answer.say(sentence(&format!("with {}", asked.upgrades[k].name), asked.nodes, &course));
    }
    let names: Vec<&str> = found.upgrades.iter().map(|k| asked.upgrades[*k].name.as_str()).collect();
    let within = asked.within.as_seconds();
    answer.say(match (in_time, names.is_empty()) {
        (true, true) => format!("{} nodes are ready within {within} s as it stands", asked.nodes),
        (true, false) => {
            format!("the smallest set of upgrades that has {} nodes ready within {within} s: {}", asked.nodes, names.join(" and "))
        }
        (false, _) => format!(
            "no set of these upgrades has {} nodes ready within {within} s; nearest comes {} with {:.1} s",
            asked.nodes,
            if names.is_empty() { "none of them".to_owned() } else { names.join(" and ") },
            found.course.ready_s
        ),
    });
    if in_time && range.high > within {
        answer.say(format!("at the slow end of the boot's CPU time it is {:.1} s, which is too late", range.high));
    }
    Ok(answer)
}

/// The most nodes, up to those asked for, that are ready in time.
fn most_in_time(asked: &BringUp) -> Result<u32, QuantityError> {
    let (mut low, mut high) = (0, asked.nodes);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if bring_up(middle, &asked.means)?.ready_s <= asked.within.as_seconds() { low = middle } else { high = middle - 1 }
    }
    Ok(low)
}

/// `as it stands: ready after 537 s; ...`.
fn sentence(head: &str, nodes: u32, course: &Course) -> String {
    let mut parts: Vec<String> = Vec::new();
    for p in &course.phases {
        parts.push(format!("{} {:.1} to {:.1} s", p.what, p.from_s, p.until_s));
    }
    // The phase whose binding resource holds longest: phases side by side share theirs.
    let pipeline = course.phases.iter().filter(|p| p.from_s < course.image_s).map(|p| p.until_s).fold(0.0, f64::max);
    let boot = course.ready_s - course.image_s;
    let binds = if boot > pipeline { course.phases.last() } else { course.phases.first() };
    format!(
        "{head}: {} ready after {:.1} s ({}); what binds longest: {}",
        if nodes == 1 { "1 node is".to_owned() } else { format!("{nodes} nodes are") },
        course.ready_s,
        parts.join(", "),
        binds.map_or("nothing", |p| p.binds)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::quantity::Nanos;
    use models::study::bring_up::Upgrade;
    use proptest::prelude::*;

    fn rate(b: f64) -> BytesPerSecond {
        BytesPerSecond::new(b).unwrap()
    }

    /// Nothing but the links takes time worth the name.
    fn links_only(method: Method) -> Means {
        Means {
            method,
            start: Start::InMemory,
            servers: 1,
            block_bytes: 1e4,
            degree: 2,
            image_bytes: 1e6,
            unpacked_bytes: 1e6,
            working_set_bytes: 1e5,
            server: rate(1e6),
            node: rate(1e6),
            rack_nodes: 10,
            uplink: rate(1e9),
            unpack: rate(1e15),
            disk_write: rate(1e15),
            disk_read: rate(1e15),
            boot_cpu_s: Estimate::ZERO,
        }
    }

    fn ready(nodes: u32, means: &Means) -> f64 {
        bring_up(nodes, means).unwrap().ready_s
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs().max(1e-3)
    }

    #[test]
    fn nfs_takes_n_images_over_the_servers_links() {
        // n S / (k B) with n a multiple of k; and S / B where the node's own link is what binds.
        let nfs = links_only(Method::Nfs);
        assert!(near(ready(40, &nfs), 40.0));
        assert!(near(ready(40, &Means { servers: 4, ..nfs }), 10.0));
        assert!(near(ready(40, &Means { server: rate(1e9), ..nfs }), 1.0));
        // Racks of 10 behind 2e6: 10 x 1e6 / 2e6.
        let course = bring_up(40, &Means { server: rate(1e9), uplink: rate(2e6), ..nfs }).unwrap();
        assert!(near(course.ready_s, 5.0));
        assert_eq!(course.phases[0].binds, UPLINK);
    }

    #[test]
    fn readers_of_a_small_rack_end_first_and_leave_the_server_to_the_rest() {
        // Racks of 3 and 1 behind 1.5 MB/s, a server of 2 MB/s, links of 1 MB/s: the one gets min(1, 2 / 4) = 0.5, as all do, and all end
        // at 2 s. With racks' links of 0.9: three get 0.3 each and the one 1.0; after 1 s it ends; the three need 1 / 0.3 s.
        let nfs = Means { server: rate(2e6), rack_nodes: 3, uplink: rate(1.5e6), ..links_only(Method::Nfs) };
        assert!(near(ready(4, &nfs), 2.0));
        assert!(near(ready(4, &Means { uplink: rate(0.9e6), ..nfs }), 1.0 / 0.3));
        // 30 nodes in two racks of 20 and 10, links wide: after the ten of the second rack... all share one server alike.
        assert!(near(ready(30, &Means { rack_nodes: 20, uplink: rate(1e9), ..nfs }), 15.0));
    }

    #[test]
    fn a_chain_takes_one_image_and_a_block_for_each_node_after_the_first() {
        // S / B + (n - 1) block / B.
        let chain = links_only(Method::Chain);
        assert!(near(ready(1, &chain), 1.0));
        assert!(near(ready(50, &chain), 1.0 + 49.0 * 0.01));
        // Two servers, two chains of 25.
        assert!(near(ready(50, &Means { servers: 2, ..chain }), 1.0 + 24.0 * 0.01));
        // Blocks as large as a tenth of the image: passing them on is what takes the time.
        let course = bring_up(50, &Means { block_bytes: 1e5, ..chain }).unwrap();
        assert!(near(course.ready_s, 1.0 + 49.0 * 0.1));
        assert_eq!(course.phases[0].binds, PASSING);
    }

    #[test]
    fn a_tree_takes_as_many_images_as_its_degree_and_a_block_for_each_level() {
        // Each sender feeds d others over its link: d S / B, and d block / B for each of the levels after the first. 2 + 4 + 8 nodes.
        assert!(near(ready(14, &links_only(Method::Tree)), 2.0 + 2.0 * 0.02));
        // Three children: 3 + 9 + 27.
        assert!(near(ready(39, &Means { degree: 3, ..links_only(Method::Tree) }), 3.0 + 2.0 * 0.03));
    }

    #[test]
    fn multicast_takes_one_image_for_any_number_of_nodes() {
        for nodes in [1, 16, 1000] {
            assert!(near(ready(nodes, &links_only(Method::Multicast)), 1.0));
        }
    }

    #[test]
    fn unpacking_goes_on_beside_sending_and_booting_after_both() {
        // Sending 1 s in blocks of 0.01 s; unpacking at a quarter of that rate: 4 s after the first block. Then 2 s of CPU.
        let packed =
            Means { start: Start::Packed, unpack: rate(2.5e5), boot_cpu_s: Estimate::exactly(2.0), ..links_only(Method::Multicast) };
        let course = bring_up(10, &packed).unwrap();
        assert!(near(course.image_s, 4.01 + 1e-11) || (course.image_s - 4.01).abs() < 1e-6, "{course:?}");
        assert!((course.ready_s - 6.01).abs() < 1e-6);
        assert_eq!(course.phases[0].binds, "unpacking on the node");
        // Copy-on-write: a tenth of the bytes, and CPU spent as they come: 2 s and the first block's 0.01.
        let cow = bring_up(10, &Means { start: Start::CopyOnWrite, ..packed }).unwrap();
        assert!((cow.ready_s - 2.01).abs() < 1e-6);
        assert_eq!(cow.phases.last().unwrap().binds, "CPU of the boot");
    }

    #[test]
    fn the_smallest_set_in_order_of_the_list_is_found_and_a_goal_out_of_reach_is_said() {
        let upgrade = |name: &str, change: Change| Upgrade { name: name.into(), change };
        let servers = |n| Change { servers: Some(n), ..Change::default() };
        let asked = |within: u64| BringUp {
            nodes: 100,
            fitted: 0,
            within: Nanos::seconds(within),
            means: Means { boot_cpu_s: Estimate::exactly(3.0), ..links_only(Method::Nfs) },
            upgrades: vec![
                upgrade("two servers", servers(2)),
                upgrade("ten servers", servers(10)),
                upgrade("a chain", Change { method: Some(Method::Chain), ..Change::default() }),
                upgrade("a faster boot", Change { boot_cpu_s: Some(Estimate::exactly(0.5)), ..Change::default() }),
            ],
        };
        // As it stands 103 s. 53 with two servers, 13 with ten, 1 + 0.99 + 3 in a chain, 2.49 with both of the last.
        for (within, set) in [(200, vec![]), (53, vec![0]), (13, vec![1]), (5, vec![2]), (3, vec![2, 3])] {
            let (found, in_time) = search(&asked(within)).unwrap();
            assert_eq!((found.upgrades, in_time), (set, true), "{within}");
        }
        let (found, in_time) = search(&asked(1)).unwrap();
        // Ten chains of ten: 1 + 0.09 + 0.5.
        assert_eq!((found.upgrades, in_time), (vec![1, 2, 3], false));
        let study = |within| Study { name: "up".into(), title: "up".into(), kind: models::study::Kind::BringUp(asked(within)) };
        let told = answer(&asked(1), &study(1)).unwrap();
        assert!(told.says.last().unwrap().contains("no set") && told.cannot_say.len() == 1);
        let told = answer(&asked(3), &study(3)).unwrap();
        assert_eq!(told.figure("upgrades needed").unwrap().value.value, 2.0);
        // 53 s would be 50 nodes by NFS with 3 s of boot; within 3 s none, as the boot alone takes as long.
        assert_eq!(told.figure("largest cluster ready in time").unwrap().value.value, 0.0);
        assert_eq!(answer(&asked(53), &study(53)).unwrap().figure("largest cluster ready in time").unwrap().value.value, 50.0);
        assert!(told.says[0].contains(SERVER), "{:?}", told.says);
        assert!(told.says[3].contains("ready after 2.5 s"), "{:?}", told.says);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let good = links_only(Method::Nfs);
        for bad in [
            Means { server: rate(0.0), ..good },
            Means { unpack: rate(0.0), ..good },
            Means { block_bytes: 0.0, ..good },
            Means { image_bytes: f64::NAN, ..good },
            Means { working_set_bytes: 1e7, ..good },
            Means { servers: 0, ..good },
            Means { rack_nodes: 0, ..good },
            Means { degree: 0, ..good },
            Means { block_bytes: 1e-3, ..good },
            Means { servers: 1000, rack_nodes: 1, ..good },
        ] {
            assert!(bring_up(1000, &bad).is_err(), "{bad:?}");
        }
        assert!(bring_up(0, &good).is_err());
    }

    fn any_means() -> impl Strategy<Value = (u32, Means)> {
        let kinds = (0usize..4, 0usize..4, 1u32..6, 1u32..5, 1u32..30, 1u32..80);
        let rates = prop::collection::vec(1e5f64..1e8, 6);
        (kinds, rates, 1e4f64..3e5, 0.0f64..5.0).prop_map(|((method, start, servers, degree, rack_nodes, nodes), r, block_bytes, cpu)| {
            let start = [Start::Packed, Start::Unpacked, Start::InMemory, Start::CopyOnWrite][start];
            let means = Means {
                method: Method::ALL[method],
                start,
                servers,
                block_bytes,
                degree,
                image_bytes: 2e6,
                unpacked_bytes: 5e6,
                working_set_bytes: 1e6,
                server: rate(r[0]),
                node: rate(r[1]),
                rack_nodes,
                uplink: rate(r[2]),
                unpack: rate(r[3]),
                disk_write: rate(r[4]),
                disk_read: rate(r[5]),
                boot_cpu_s: Estimate::exactly(cpu),
            };
            (nodes, means)
        })
    }

    proptest! {
        #[test]
        fn more_of_any_rate_never_takes_longer((nodes, means) in any_means(), by in 1.01f64..4.0, which in 0usize..7) {
            let more = |r: BytesPerSecond| rate(r.get() * by);
            let better = match which {
                0 => Means { server: more(means.server), ..means },
                1 => Means { node: more(means.node), ..means },
                2 => Means { uplink: more(means.uplink), ..means },
                3 => Means { unpack: more(means.unpack), ..means },
                4 => Means { disk_write: more(means.disk_write), ..means },
                5 => Means { disk_read: more(means.disk_read), ..means },
                _ => Means { boot_cpu_s: means.boot_cpu_s.times(1.0 / by), ..means },
            };
            prop_assert!(ready(nodes, &better) <= ready(nodes, &means) * (1.0 + 1e-9));
        }

        #[test]
        fn no_way_is_faster_than_one_image_over_one_link((nodes, means) in any_means()) {
            let course = bring_up(nodes, &means).unwrap();
            let least = sent_bytes(&means) / means.node.get().min(means.uplink.get());
            prop_assert!(course.image_s >= least * (1.0 - 1e-9) && course.ready_s >= course.image_s);
            let last = course.phases.last().unwrap().until_s;
            prop_assert!((last - course.ready_s).abs() < 1e-9);
            if means.method == Method::Nfs {
                // What all servers send.
                let all = f64::from(nodes) * sent_bytes(&means) / (means.server.get() * f64::from(means.servers));
                prop_assert!(course.image_s >= all * (1.0 - 1e-9));
            }
        }

        #[test]
        fn what_binds_is_what_helps((nodes, means) in any_means()) {
            // Twice of what binds the first phase makes the image come sooner, except where the next limit is as near.
            let course = bring_up(nodes, &means).unwrap();
            let twice = |r: BytesPerSecond| rate(r.get() * 2.0);
            let better = match course.phases[0].binds {
                SERVER => Means { server: twice(means.server), ..means },
                NODE => Means { node: twice(means.node), ..means },
                UPLINK => Means { uplink: twice(means.uplink), ..means },
                "unpacking on the node" => Means { unpack: twice(means.unpack), ..means },
                "writing to the node's disk" => Means { disk_write: twice(means.disk_write), ..means },
                _ => return Ok(()),
            };
            prop_assert!(ready(nodes, &better) < ready(nodes, &means));
        }
    }
}
