//! One run of a workload, for counting instructions: `hold ours|heap4|ladder PROCESSES EVENTS`, or
//! `hold mm1|mm1-heap4|mm1-heap4-splitmix 0 CUSTOMERS`.
//! The difference of two runs of different length is the cost of the events alone.

use benches::events::{EventList, Hold, SplitMix, Stream, mm1};
use benches::reference::{Heap4, PlainLadder};
use sim::queue::Queue;

fn hold(queue: impl EventList, processes: u32, events: u64) -> String {
    let mut hold = Hold::new(queue, processes);
    format!("{} {}", hold.run(events), hold.check())
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let usage = "hold ours|heap4|ladder|mm1|mm1-heap4|mm1-heap4-splitmix PROCESSES EVENTS";
    let number = |i: usize| args.get(i).and_then(|a| a.parse::<u64>().ok()).expect(usage);
    let (processes, events) = (number(2) as u32, number(3));
    let bits = |purpose| Stream(sim::random::stream(1, "mm1", purpose, 0));
    let end = match args[1].as_str() {
        "ours" => hold(Queue::new(), processes, events),
        "heap4" => hold(Heap4::default(), processes, events),
        "ladder" => hold(PlainLadder::default(), processes, events),
        "mm1" => mm1(Queue::new(), bits("arrivals"), bits("services"), events).to_string(),
        "mm1-heap4" => mm1(Heap4::default(), bits("arrivals"), bits("services"), events).to_string(),
        "mm1-heap4-splitmix" => mm1(Heap4::default(), SplitMix(1), SplitMix(2), events).to_string(),
        _ => panic!("{usage}"),
    };
    println!("{end}");
}
