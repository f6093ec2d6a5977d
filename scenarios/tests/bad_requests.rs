//! What is refused of a request level: where the error points, and what it says is right.

mod common;

use common::{Folder, SITE};
use scenarios::{Error, Options};

/// The error of a request level with these changes.
#[track_caller]
fn error(changes: &[(&str, &str)]) -> Error {
    match Folder::with_requests(changes).load() {
        Ok(_) => panic!("it was read"),
        Err(e) => e,
    }
}

/// The error names this key, says all of `says`, and what is right: on a line of help, or as the range of a number.
#[track_caller]
fn tells(error: &Error, key: &str, says: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.key.as_deref(), Some(key), "{text}");
    for word in says {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    assert!(error.help.is_some() || text.contains(" is not "), "nothing says what is right: {text}");
    assert!(error.line.is_some() && error.column.is_some() && error.span.is_some(), "{text}");
}

/// The same, and it points at a line on which `at` stands.
#[track_caller]
fn points(error: &Error, key: &str, at: &str, says: &[&str]) {
    tells(error, key, says);
    let text = error.to_string();
    let line = error.text.as_ref().unwrap().lines().nth(error.line.unwrap() as usize - 1).unwrap();
    assert!(line.contains(at), "`{at}` is not on the line `{line}`: {text}");
}

/// One change, where the error points, and what it says.
type Wrong<'a> = (&'a str, &'a str, &'a str, &'a str, &'a [&'a str]);

#[track_caller]
fn all_point(wrong: &[Wrong<'_>]) {
    for (from, to, key, at, says) in wrong {
        points(&error(&[(from, to)]), key, at, says);
    }
}

mod names {
    use super::*;

    #[test]
    fn a_name_that_is_not_there_is_told_the_nearest() {
        all_point(&[
            (
                "arrivals = \"mail-in\"",
                "arrivals = \"mail-on\"",
                "flow.mail.arrivals",
                "mail-on",
                &["no load `mail-on`", "did you mean `mail-in`?"],
            ),
            (
                "cost = \"mail-in\"",
                "cost = \"mial-in\"",
                "flow.mail.stage.spam scoring.cost",
                "mial",
                &["no load", "did you mean `mail-in`?"],
            ),
            ("tier = \"scan\"", "tier = \"scam\"", "flow.mail.stage.virus scan.tier", "scam", &["no tier `scam`", "did you mean `scan`?"]),
            (
                "to = \"back\"",
                "to = \"bakc\"",
                "flow.mail.stage.virus scan.then[1].to",
                "bakc",
                &["no stage `bakc`", "did you mean `back`?"],
            ),
            ("guests = [\"vm*\"]", "guests = [\"vn-*\"]", "tier.scan.guests[0]", "vn-*", &["no guest is meant by `vn-*`", "`vm-7`"]),
            ("guest = \"vm-7\"", "guest = \"vm-8\"", "fault.guest.guest", "vm-8", &["no guest `vm-8`", "did you mean `vm-7`?"]),
            ("stall = \"web-4\"", "stall = \"web-5\"", "fault.stall.stall", "web-5", &["no guest `web-5`", "`web-4`"]),
            ("storage = \"nas\"", "storage = \"nsa\"", "fault.filer.storage", "nsa", &["no storage `nsa`", "`nas`"]),
            (
                "domain = \"rack-1\"",
                "domain = \"rack-2\"",
                "fault.rack.domain",
                "rack-2",
                &["no domain `rack-2`", "did you mean `rack-1`?"],
            ),
            ("flow = \"mail\"", "flow = \"male\"", "case.flood.burst[0].flow", "male", &["no flow `male`", "did you mean `mail`?"]),
            (
                "\"any-host\", \"mains\"",
                "\"any-host\", \"main\"",
                "case.year.faults[1]",
                "\"main\"",
                &["no fault `main`", "did you mean `mains`?"],
            ),
            ("\"front\", \"back\"", "\"front\", \"beck\"", "case.pooled.shared[0][1]", "beck", &["no tier `beck`", "did you mean `back`?"]),
        ]);
    }

    #[test]
    fn a_host_stands_or_is_one_that_may_be_bought() {
        all_point(&[
            (
                "host = \"pop-1\"",
                "host = \"pop-9\"",
                "fault.pop-1-stops.host",
                "pop-9",
                &["no host `pop-9` stands or is for sale", "`pop-1`"],
            ),
            // 20 are for sale.
            ("host = \"rx300-20\"", "host = \"rx300-21\"", "fault.bought-stops.host", "rx300-21", &["no host", "`rx300-20`"]),
            ("host = \"rx300-20\"", "host = \"rx300-07\"", "fault.bought-stops.host", "rx300-07", &["no host", "`rx300-7`"]),
            // This class is not for sale.
            ("host = \"rx300-20\"", "host = \"metal-1\"", "fault.bought-stops.host", "metal-1", &["no host"]),
        ]);
    }

    #[test]
    fn a_name_stands_once() {
        for (from, to, key, says) in [
            ("name = \"scan\"", "name = \"front\"", "tier.front.name", "the tier `front` is there twice"),
            ("name = \"users\"", "name = \"mail\"", "flow.mail.name", "the flow `mail` is there twice"),
            ("name = \"stall\"", "name = \"guest\"", "fault.guest.name", "the fault `guest` is there twice"),
            ("name = \"pooled\"", "name = \"flood\"", "case.flood.name", "the case `flood` is there twice"),
        ] {
            tells(&error(&[(from, to)]), key, &[says, "it is also named at line"]);
        }
    }

    #[test]
    fn a_stage_has_a_name_of_its_own_in_its_flow() {
        all_point(&[(
            "name = \"spam scoring\"",
            "name = \" \"",
            "flow.mail.stage. .name",
            "name = \" \"",
            &["is not a name of a stage", "1 to 63 letters"],
        )]);
        tells(&error(&[("name = \"virus scan\"", "name = \"back\"")]), "flow.mail.stage[3].tier", &["the stage `back` is there twice"]);
        tells(&error(&[("name = \"queue for retry\"\n", "")]), "flow.mail.stage[2]", &["neither a name nor a tier"]);
    }
}

mod whole {
    use super::*;

    #[test]
    fn parts_of_a_request_level_need_the_request_level() {
        for (part, text) in [
            ("tier", "[[tier]]\nname = \"a\"\nguests = [\"web-1\"]\nsource = \"assumed:x\"\n"),
            ("flow", "[[flow]]\nname = \"a\"\ntitle = \"\"\narrivals = \"mail-in\"\nstage = []\nsource = \"assumed:x\"\n"),
            ("fault", "[[fault]]\nname = \"a\"\nnetwork = true\nat_s = 1\nsource = \"assumed:x\"\n"),
            ("case", "[[case]]\nname = \"a\"\ntitle = \"\"\n"),
        ] {
            let folder = Folder::with(&[]);
            folder.write("site.toml", format!("{SITE}\n{text}").as_bytes());
            let e = folder.load().unwrap_err();
            points(
                &e,
                &format!("{part}.a"),
                &format!("[[{part}]]"),
                &[&format!("there is a [[{part}]], and no [requests]"), "write `[requests]`"],
            );
        }
    }

    #[test]
    fn a_request_level_without_flows_and_faults_plays_nothing() {
        let folder = Folder::with(&[]);
        let text = "[requests]\nfrom_s = 0\nlasts_s = 60\nslice_ms = 30\nsource = \"assumed:x\"\n";
        folder.write("site.toml", format!("{SITE}\n{text}").as_bytes());
        points(
            &folder.load().unwrap_err(),
            "requests",
            "[requests]",
            &["no [[flow]] and no [[fault]]", "at least one `[[flow]]` or `[[fault]]`"],
        );
    }

    #[test]
    fn a_stream_is_not_played_as_jobs() {
        let folder = Folder::with_requests(&[]);
        let Err(e) = scenarios::stream(&folder.path(""), &Options::default()) else { panic!("it was opened") };
        points(&e, "requests", "[requests]", &["a stream is not played as jobs", "leave `[requests]` out"]);
        let folder = Folder::with(&[]);
        folder.write("site.toml", format!("{SITE}\n[[case]]\nname = \"a\"\ntitle = \"\"\n").as_bytes());
        let Err(e) = scenarios::stream(&folder.path(""), &Options::default()) else { panic!("it was opened") };
        points(&e, "case.a", "[[case]]", &["no [requests]"]);
    }

    #[test]
    fn an_unknown_key_is_told_the_nearest() {
        all_point(&[
            ("slice_ms = 30", "slice = 30", "requests.slice", "slice = 30", &["did you mean `slice_ms`?"]),
            ("slots = 8", "slot = 8", "tier.scan.slot", "slot = 8", &["did you mean `slots`?"]),
            ("delay_s = 900", "delay_ms = 900", "flow.mail.stage.queue for retry.delay_ms", "delay_ms", &["did you mean `delay_s`?"]),
            ("storage = \"nas\"", "store = \"nas\"", "fault.filer.store", "store = ", &["`storage`"]),
        ]);
    }
}

mod windows {
    use super::*;

    #[test]
    fn a_window_without_length_is_refused() {
        all_point(&[
            ("lasts_s = 6000", "lasts_s = 0", "requests.lasts_s", "lasts_s = 0", &["this takes no time", "above 0"]),
            ("judged_s = 1800", "judged_s = 0", "requests.judged_s", "judged_s = 0", &["this takes no time"]),
            ("lasts_s = 31536000", "lasts_s = 0", "case.year.lasts_s", "lasts_s = 0", &["this takes no time"]),
            ("bin_s = 300", "bin_s = 0", "requests.bin_s", "bin_s = 0", &["bins of 0 s"]),
            ("lasts_s = 900", "lasts_s = 0", "fault.bought-stops.lasts_s", "lasts_s = 0", &["this takes no time"]),
            ("within_s = 60", "within_s = 0", "flow.mail.objective.within_s", "within_s = 0", &["no job takes no time"]),
            ("window_s = 1200", "window_s = 0", "load.passes.ships.window_s", "window_s = 0", &["this takes no time"]),
        ]);
    }

    /// The horizon is 2 steps of 3600 s.
    #[test]
    fn what_is_played_is_inside_the_horizon() {
        all_point(&[
            ("from_s = 600", "from_s = 7200", "requests.from_s", "from_s = 7200", &["7200 s is not in the horizon", "from 0 s to 7200 s"]),
            ("lasts_s = 6000", "lasts_s = 6601", "requests.lasts_s", "lasts_s = 6601", &["end after the horizon", "from 0 s to 7200 s"]),
        ]);
    }

    #[test]
    fn what_is_judged_is_inside_what_is_played() {
        all_point(&[
            (
                "judged_from_s = 1200",
                "judged_from_s = 599",
                "requests.judged_from_s",
                "599",
                &["not in what is played", "from 600 s to 6600 s"],
            ),
            ("judged_s = 1800", "judged_s = 5401", "requests.judged_s", "5401", &["end after what is played"]),
            ("judged_from_s = 1200\njudged_s = 1800", "judged_from_s = 6600", "requests.judged_from_s", "6600", &["not in what is played"]),
        ]);
    }

    #[test]
    fn the_window_of_a_case_has_a_start_and_a_length() {
        all_point(&[
            ("from_s = 0\n", "", "case.year.lasts_s", "lasts_s = 31536000", &["`from_s` is missing"]),
            ("lasts_s = 31536000\n", "", "case.year.from_s", "from_s = 0", &["`lasts_s` is missing"]),
        ]);
    }

    #[test]
    fn numbers_out_of_their_range_are_refused() {
        all_point(&[
            ("population_cap = 50000", "population_cap = 0", "requests.population_cap", "population_cap", &["0 is not", "1 to 10000000"]),
            ("population_cap = 50000", "population_cap = 10000001", "requests.population_cap", "population_cap", &["10000001 is not"]),
            ("percentile = 95, ", "percentile = 100, ", "flow.mail.objective.percentile", "percentile = 100", &["above 0 and below 100"]),
            ("full = 0.1,", "full = 1.1,", "requests.hypervisor_cpu.full", "full = 1.1", &["a share from 0 to 1"]),
            ("boots_at_once = 4", "boots_at_once = 0", "requests.recovery.boots_at_once", "boots_at_once", &["0 is not a count"]),
            ("slots = 8", "slots = 0", "tier.scan.slots", "slots = 0", &["0 is not a count", "from 1"]),
        ]);
    }

    #[test]
    fn a_mode_that_a_guest_of_a_tier_has_needs_its_share() {
        let e = error(&[("full = 0.1, ", "")]);
        points(&e, "requests.hypervisor_cpu", "hypervisor_cpu =", &["`vm-7` of a tier is full", "write `hypervisor_cpu = { full = ... }`"]);
        // No fully virtual guest is in a tier any more, so nobody asks.
        let r =
            Folder::with_requests(&[("guests = [\"vm*\"]", "guests = [\"vm-9\"]"), ("full = 0.1, ", "")]).load().unwrap().requests.unwrap();
        assert_eq!(r.hypervisor.full, 0.0);
    }
}

mod arrivals {
    use super::*;

    #[test]
    fn jobs_come_from_a_load_or_from_clients() {
        all_point(&[
            (
                "arrivals = \"mail-in\"\n",
                "",
                "flow.mail",
                "[[flow]]",
                &["nothing says where the jobs of `mail` come from", "either `arrivals"],
            ),
            (
                "clients = { users = 20, think_s = 10.0 }",
                "clients = { users = 20, think_s = 10.0 }\narrivals = \"bse\"",
                "flow.users.clients",
                "clients =",
                &["come from `arrivals` already", "either"],
            ),
        ]);
    }

    #[test]
    fn a_load_that_is_not_of_units_has_no_jobs() {
        all_point(&[
            (
                "arrivals = \"mail-in\"",
                "arrivals = \"os-tick\"",
                "flow.mail.arrivals",
                "arrivals = \"os-tick\"",
                &["`os-tick` is not of units", "`mail-in`"],
            ),
            (
                "cost = \"bse\"",
                "cost = \"cpu\"",
                "flow.users.stage[0].cost",
                "cost = \"cpu\"",
                &["`cpu` is not of units", "recorded-counts"],
            ),
        ]);
    }

    #[test]
    fn a_load_is_the_arrivals_of_one_flow() {
        let e = error(&[("clients = { users = 20, think_s = 10.0 }", "arrivals = \"mail-in\"\n")]);
        tells(&e, "flow.users.arrivals", &["`mail-in` are the jobs of `mail` already", "a load is the arrivals of one flow"]);
    }

    #[test]
    fn nothing_arrives_at_a_rate_of_zero() {
        let never = &["nothing ever arrives"];
        all_point(&[
            ("per_day = 150000", "per_day = 0", "flow.mail.arrivals", "arrivals = \"mail-in\"", never),
            ("per_day = 150000", "per_day = 1e12", "flow.mail.arrivals", "arrivals = \"mail-in\"", &["too many", "at most 1e9"]),
        ]);
        let on = |load: &'static str| ("arrivals = \"mail-in\"", load);
        for (from, to, load) in [
            ("peak_per_s = 40", "peak_per_s = 0", "arrivals = \"bse\""),
            ("per_day = 600", "per_day = 0", "arrivals = \"ships\""),
            ("scale = 2.5", "scale = 0", "arrivals = \"counts\""),
        ] {
            points(&error(&[(from, to), on(load)]), "flow.mail.arrivals", load, never);
        }
        let folder = Folder::with_requests(&[on("arrivals = \"counts\"")]);
        folder.write("traces/counts.txt", b"1\n0\n0\n0\n");
        points(&folder.load().unwrap_err(), "flow.mail.arrivals", "arrivals = \"counts\"", never);
    }

    #[test]
    fn clients_are_some_and_think_for_some_time() {
        all_point(&[
            ("users = 20", "users = 0", "flow.users.clients.users", "users = 0", &["0 is not a count"]),
            ("think_s = 10.0", "think_s = 0", "flow.users.clients.think_s", "think_s = 0", &["0 is not a mean", "above 0"]),
            // 20 x 6000 s / 1e-5 s = 1.2e10.
            ("think_s = 10.0", "think_s = 1e-5", "flow.users.clients", "think_s = 1e-5", &["1.200e10 jobs are too many"]),
        ]);
    }
}

mod stages {
    use super::*;

    #[test]
    fn shares_sum_to_at_most_one() {
        let e = error(&[("share = 0.5", "share = 0.75")]);
        points(&e, "flow.mail.stage.virus scan.then", "share = 0.75", &["the shares of `virus scan` sum to 1.05", "at most 1"]);
        let e = error(&[("share = 0.5", "share = 1.5")]);
        points(&e, "flow.mail.stage.virus scan.then[1].share", "share = 1.5", &["1.5 is not a share from 0 to 1"]);
    }

    #[test]
    fn something_happens_in_every_stage() {
        all_point(&[
            ("tier = \"scan\"\n", "", "flow.mail.stage.virus scan.cost", "cost = \"counts\"", &["nobody does this work", "`tier`"]),
            (
                "cost = \"counts\"\n",
                "",
                "flow.mail.stage.virus scan.cpu_shape",
                "hyperexponential",
                &["the shape of a cost, and there is none"],
            ),
        ]);
        let e = error(&[("delay_s = 900\n", "")]);
        tells(&e, "flow.mail.stage.queue for retry", &["nothing happens in the stage `queue for retry`"]);
    }

    #[test]
    fn a_flow_has_stages() {
        let e = error(&[("[[flow.stage]]\ntier = \"front\"\ncost = \"bse\"\ncopies = 2\n", "stage = []\n")]);
        points(&e, "flow.users.stage", "stage = []", &["has 0 stages", "1 to 256"]);
    }

    #[test]
    fn a_stage_that_no_job_comes_to_is_refused() {
        let e = error(&[(", { share = 0.5, to = \"back\" }", "")]);
        tells(&e, "flow.mail.stage[3]", &["no job comes to the stage `back`"]);
    }

    /// Round the loop: 25 copies x 0.3 x 0.125 = 0.9375 jobs; 25 x 0.3 x 0.14 = 1.05. A stage alone: 0.99, and 1.
    #[test]
    fn a_loop_that_no_job_leaves_is_refused() {
        let e = error(&[("share = 0.125", "share = 0.14")]);
        tells(&e, "flow.mail.stage.virus scan", &["jobs never leave the loop of `virus scan`, `queue for retry`", "less than 1 a round"]);
        let e = error(&[("copies = 2\n", "then = [{ share = 1.0, to = \"front\" }]\n")]);
        tells(&e, "flow.users.stage[0]", &["jobs never leave the loop of `front`"]);
        assert!(Folder::with_requests(&[("copies = 2\n", "then = [{ share = 0.99, to = \"front\" }]\n")]).load().is_ok());
    }

    /// Without the loop: 1 + 1 + 1e6 x 0.3 + 1e6 x 0.5 = 800,002 visits; with two copies of the first stage 1,600,003.
    #[test]
    fn one_job_does_not_become_millions() {
        let copies = ("mean = 25, shape = \"geometric\"", "mean = 1e6, shape = \"geometric\"");
        let open = ("share = 0.125, ", "share = 0.0, ");
        assert!(Folder::with_requests(&[copies, open]).load().is_ok());
        let e = error(&[copies, open, ("shape = \"erlang\", phases = 3 }\n", "shape = \"erlang\", phases = 3 }\ncopies = 2\n")]);
        tells(&e, "flow.mail.stage", &["1.600e6 visits of stages"]);
    }

    #[test]
    fn copies_are_whole_jobs_from_one_to_a_million() {
        let key = "flow.mail.stage.virus scan.copies.mean";
        let says: &[&str] = &["a job does not go on as", "1 to 1000000"];
        let mean = "mean = 25, shape = \"geometric\"";
        all_point(&[
            (mean, "mean = 0.5, shape = \"geometric\"", key, "mean = 0.5", says),
            (mean, "mean = 1000001, shape = \"geometric\"", key, "mean = 1000001", says),
            (mean, "mean = 2.5, shape = \"fixed\"", key, "mean = 2.5", says),
            (
                mean,
                "mean = 25, shape = \"lognormal\", cv = 1",
                "flow.mail.stage.virus scan.copies.shape",
                "mean = 25",
                &["a count is `fixed` or `geometric`"],
            ),
        ]);
    }

    #[test]
    fn a_shape_has_the_number_that_it_needs_in_its_range() {
        let stage = "flow.mail.stage.spam scoring";
        let scan = "flow.mail.stage.virus scan";
        let k = |stage: &str, rest: &str| format!("{stage}.{rest}");
        all_point(&[
            (
                "lognormal\", cv = 1.5",
                "lognormal\", cv = 0",
                &k(stage, "cpu_shape.cv"),
                "cv = 0 }",
                &["0 is not a coefficient of variation: above 0"],
            ),
            ("lognormal\", cv = 1.5", "lognormal\", cv = -1", &k(stage, "cpu_shape.cv"), "cv = -1", &["above 0"]),
            ("alpha = 2.5", "alpha = 1", &k(stage, "bytes_shape.alpha"), "alpha = 1 ", &["1 is not a tail exponent: above 1"]),
            ("phases = 3", "phases = 0", &k(stage, "delay_s.phases"), "phases = 0", &["0 is not a number of phases", "1 to 1000"]),
            ("cv2 = 4", "cv2 = 0.5", &k(scan, "cpu_shape.cv2"), "cv2 = 0.5", &["1 to 1000000"]),
            ("k = 0.7", "k = 0", &k(scan, "bytes_shape.k"), "k = 0 }", &["0.1 to 100"]),
            ("mean = 1.2, ", "mean = 0, ", &k(stage, "delay_s.mean"), "mean = 0,", &["0 is not a mean: above 0"]),
            ("delay_s = 900", "delay_s = nan", "flow.mail.stage.queue for retry.delay_s", "nan", &["NaN is not a mean"]),
            (
                "lognormal\", cv = 1.5",
                "lognormal\"",
                &k(stage, "cpu_shape.shape"),
                "cpu_shape = { shape = \"lognormal\" }",
                &["`cv` is missing", "`lognormal` takes `cv = ...`"],
            ),
            (
                "lognormal\", cv = 1.5",
                "lognormal\", cv = 1.5, k = 2",
                &k(stage, "cpu_shape.k"),
                "k = 2",
                &["the shape `lognormal` has no `k`", "takes `cv`"],
            ),
            (
                "\"erlang\", phases = 3",
                "\"geometric\"",
                &k(stage, "delay_s.shape"),
                "delay_s = { mean = 1.2",
                &["`geometric` is not a shape for this"],
            ),
            ("\"erlang\", phases = 3", "\"normal\"", &k(stage, "delay_s.shape"), "delay_s = { mean = 1.2", &["did you mean `lognormal`?"]),
        ]);
    }
}

mod tiers {
    use super::*;

    #[test]
    fn a_tier_has_guests_and_each_once() {
        all_point(&[
            ("guests = [\"vm*\"]", "guests = []", "tier.scan.guests", "guests = []", &["nobody serves in this tier", "names of guests"]),
            ("guests = [\"vm*\"]", "guests = [\"vm*\", \"vm-9\"]", "tier.scan.guests[1]", "vm-9\"]", &["`vm-9` is in this tier twice"]),
        ]);
    }

    #[test]
    fn a_thousand_tiers_are_the_most() {
        let more: String =
            (1..=998).map(|n| format!("[[tier]]\nname = \"t{n}\"\nguests = [\"web-1\"]\nsource = \"assumed:x\"\n\n")).collect();
        let e = error(&[("[[tier]]\nname = \"back\"", &format!("{more}[[tier]]\nname = \"back\""))]);
        tells(&e, "tier.back", &["that makes 1001 tiers", "at most 1000"]);
    }

    #[test]
    fn a_tier_that_no_stage_names_is_refused() {
        let e = error(&[(
            "[[tier]]\nname = \"back\"",
            "[[tier]]\nname = \"idle\"\nguests = [\"web-4\"]\nsource = \"assumed:x\"\n\n[[tier]]\nname = \"back\"",
        )]);
        tells(&e, "tier.idle", &["no stage is served by the tier `idle`"]);
    }

    #[test]
    fn a_tier_that_sends_jobs_back_needs_flows_that_try_again() {
        let e = error(&[("retry = { after_s = [300, 900] }\n", "")]);
        points(&e, "tier.front.full", "full = \"retry\"", &["jobs of the flow `users` have no retry schedule", "write `retry ="]);
    }

    /// mail goes front -> scan -> back; with `back` waiting too there is no circle, until jobs come from `back` to `scan`.
    #[test]
    fn tiers_that_wait_in_a_circle_may_stand_still() {
        let back = ("guests = [\"old-2\", \"web-3\"]", "guests = [\"old-2\", \"web-3\"]\nslots = 4\nqueue = 4\nfull = \"wait\"");
        let round = ("then = []", "then = [{ share = 0.001, to = \"virus scan\" }]");
        // One pool of `front` and `back` would close the circle too.
        let apart = ("shared = [[\"front\", \"back\"]]", "faults = [\"stall\"]");
        assert!(Folder::with_requests(&[back, apart]).load().is_ok());
        tells(&error(&[back]), "case.pooled.shared", &["`front`, `scan` wait for one another"]);
        let e = error(&[back, round]);
        points(
            &e,
            "tier.scan.full",
            "full = \"wait\"",
            &["`scan`, `back` wait for one another", "may stand still for ever", "`refuse` or `retry`"],
        );
        // A queue without a limit is never full.
        let endless = (back.0, "guests = [\"old-2\", \"web-3\"]\nslots = 4\nfull = \"wait\"");
        assert!(Folder::with_requests(&[endless, round]).load().is_ok());
        // One that refuses breaks the circle.
        assert!(Folder::with_requests(&[(back.0, "guests = [\"old-2\", \"web-3\"]\nslots = 4\nqueue = 4"), round]).load().is_ok());
    }

    #[test]
    fn a_tier_that_waits_for_itself_may_stand_still() {
        let again = ("name = \"queue for retry\"\ndelay_s = 900", "name = \"queue for retry\"\ntier = \"scan\"\ncost = \"counts\"");
        let e = error(&[again]);
        points(&e, "tier.scan.full", "full = \"wait\"", &["jobs of the tier `scan` wait for room in it"]);
    }

    #[test]
    fn a_pool_of_tiers_makes_no_circle() {
        let e = error(&[("[[\"front\", \"back\"]]", "[[\"front\", \"scan\"]]")]);
        points(&e, "case.pooled.shared", "shared = ", &["`front` wait for room in it"]);
    }
}

mod retries {
    use super::*;

    #[test]
    fn a_schedule_has_an_end_and_at_most_a_thousand_attempts() {
        let key = "flow.mail.retry";
        let was = "retry = { every_s = 1800, times = 48 }";
        all_point(&[
            (was, "retry = { every_s = 1800 }", "flow.mail.retry.every_s", "every_s = 1800", &["has no end", "`times` is missing"]),
            (was, "retry = { every_s = 1800, times = 1001 }", "flow.mail.retry.times", "times = 1001", &["1001 is not", "1 to 1000"]),
            (was, "retry = { every_s = 1800, times = 0 }", "flow.mail.retry.times", "times = 0", &["0 is not", "1 to 1000"]),
            (was, "retry = { times = 3 }", key, "times = 3", &["not a retry schedule", "every_s = 1800, times = 48"]),
            (was, "retry = { every_s = 3, times = 3, after_s = [1] }", key, "after_s = [1]", &["not a retry schedule"]),
            (was, "retry = { after_s = [] }", "flow.mail.retry.after_s", "after_s = []", &["0 attempts"]),
            (was, "retry = { every_s = 0, times = 3 }", "flow.mail.retry.every_s", "every_s = 0", &["an attempt at once", "above 0"]),
            (was, "retry = { after_s = [5, 0] }", "flow.mail.retry.after_s", "[5, 0]", &["an attempt at once"]),
        ]);
        let long = format!("retry = {{ after_s = [{}] }}", "60, ".repeat(1001));
        points(&error(&[(was, &long)]), "flow.mail.retry.after_s", "60, 60", &["1001 attempts", "1 to 1000"]);
    }
}

mod faults {
    use super::*;

    #[test]
    fn a_fault_fails_exactly_one_thing() {
        all_point(&[
            (
                "storage = \"nas\"\n",
                "storage = \"nas\"\nnetwork = true\n",
                "fault.filer.network",
                "network = true",
                &["`storage` says already", "exactly one of `host`"],
            ),
            (
                "each_host = true",
                "each_host = false",
                "fault.any-host.each_host",
                "each_host = false",
                &["`false` fails nothing", "`true`"],
            ),
        ]);
        let e = error(&[("storage = \"nas\"\n", "")]);
        tells(&e, "fault.filer", &["nothing says what fails in `filer`"]);
    }

    #[test]
    fn a_fault_happens_once_or_again_and_again() {
        all_point(&[
            (
                "at_s = 3603\n",
                "at_s = 3603\nup_s = { mean = 9, shape = \"fixed\" }\n",
                "fault.filer.up_s",
                "mean = 9",
                &["`at_s` says already", "either `at_s`"],
            ),
            ("at_s = 3603\n", "lasts_s = 7\n", "fault.filer.lasts_s", "lasts_s = 7", &["`at_s` is missing"]),
            ("at_s = 3603\n", "up_s = { mean = 9, shape = \"fixed\" }\n", "fault.filer.up_s", "mean = 9", &["`down_s` is missing"]),
            ("at_s = 3603\n", "down_s = { mean = 9, shape = \"fixed\" }\n", "fault.filer.down_s", "mean = 9", &["`up_s` is missing"]),
        ]);
        let e = error(&[("at_s = 3603\n", "")]);
        tells(&e, "fault.filer", &["nothing says when `filer` happens"]);
    }

    #[test]
    fn what_fails_was_up_for_some_time() {
        all_point(&[
            ("mean = 3.2e7", "mean = 0", "fault.any-host.up_s.mean", "mean = 0,", &["0 is not a mean: above 0"]),
            ("mean = 3.2e7", "mean = 0.5", "fault.any-host.up_s.mean", "mean = 0.5,", &["less than a second", "1 or more"]),
        ]);
    }

    #[test]
    fn faults_need_a_recovery() {
        let site = format!("{SITE}{}", common::REQUESTS);
        let (before, rest) = site.split_once("[requests.recovery]").unwrap();
        let (_, after) = rest.split_once("[[tier]]").unwrap();
        let folder = Folder::with(&[]);
        folder.write("site.toml", format!("{before}[[tier]]{after}").as_bytes());
        let e = folder.load().unwrap_err();
        points(&e, "fault.pop-1-stops", "[[fault]]", &["nothing says what follows a loss", "write `[requests.recovery]`"]);
    }

    #[test]
    fn mains_need_a_battery_of_their_own() {
        let ups = "[ups]\nname = \"CVCF\"\nrating_va = 30_000\noutput_power_factor = 0.8\nloss_no_load = 0.035\nloss_proportional = 0.03\nloss_square = 0.02\nsource = \"paper:S0-2\"\nsources = { output_power_factor = \"assumed:as of its kind\" }\n";
        let e = error(&[(ups, ""), ("ups = { view = \"nameplate\", reserve = 0.1 }\n", "")]);
        points(&e, "fault.mains.mains", "mains = {", &["there is no CVCF whose mains could fail"]);
    }
}

mod cases {
    use super::*;

    #[test]
    fn a_case_is_held_against_an_earlier_one() {
        all_point(&[
            (
                "against = \"flood\"",
                "against = \"pooled\"",
                "case.pooled.against",
                "against = \"pooled\"",
                &["held against itself", "earlier"],
            ),
            (
                "against = \"flood\"",
                "against = \"year\"",
                "case.pooled.against",
                "against = \"year\"",
                &["`year` stands later in the file", "earlier"],
            ),
            ("against = \"flood\"", "against = \"fload\"", "case.pooled.against", "fload", &["no case `fload`", "did you mean `flood`?"]),
        ]);
    }

    /// 61 a second for 60 / 2 + 3600 + 601 s are 258,091 jobs; 1e6 a second are 4.2e9.
    #[test]
    fn a_burst_is_of_some_jobs_and_not_of_a_thousand_million() {
        let key = "case.flood.burst[0].peak_per_s";
        all_point(&[
            ("peak_per_s = 61", "peak_per_s = 1e6", key, "peak_per_s = 1e6", &["a batch of 10^9 jobs", "4.231e9", "at most 1e9"]),
            ("peak_per_s = 61", "peak_per_s = 0", key, "start_s = 900", &["nothing arrives in this burst"]),
            (
                "start_s = 900",
                "start_s = 6600",
                "case.flood.burst[0].start_s",
                "start_s = 6600",
                &["after what is played", "from 600 s to 6600 s"],
            ),
            ("flow = \"mail\"", "flow = \"users\"", "case.flood.burst[0].flow", "flow = \"users\"", &["come from its clients"]),
        ]);
    }

    #[test]
    fn a_burst_is_not_over_before_its_case_begins() {
        // 0 + 1 + 10 + 20 x 1 s = 31 s, and it is played from 600 s on.
        let short = "start_s = 0, ramp_s = 1, plateau_s = 10, decay_s = 1, peak_per_s = 61";
        let e = error(&[("start_s = 900, ramp_s = 60, plateau_s = 3600, decay_s = 601, peak_per_s = 61", short)]);
        points(&e, "case.flood.burst[0].start_s", "start_s = 0", &["over at 31 s, before what is played", "from 600 s to 6600 s"]);
    }

    #[test]
    fn tiers_share_with_others_and_once() {
        all_point(&[("[[\"front\", \"back\"]]", "[[\"front\"]]", "case.pooled.shared[0]", "[[\"front\"]]", &["two tiers or more"])]);
        let e = error(&[("[[\"front\", \"back\"]]", "[[\"front\", \"back\"], [\"scan\", \"back\"]]")]);
        points(&e, "case.pooled.shared[1][1]", "shared = ", &["`back` is in another list already"]);
    }

    #[test]
    fn the_faults_of_a_case_happen_in_it() {
        let e = error(&[("at_s = 3600\n", "at_s = 6600\n")]);
        points(&e, "case.flood.faults[0]", "faults = [\"pop-1-stops\"", &["`pop-1-stops` happens at 6600 s", "from 600 s to 6600 s"]);
    }

    #[test]
    fn a_case_changes_something() {
        let e = error(&[("shared = [[\"front\", \"back\"]]\n", "")]);
        tells(&e, "case.pooled", &["nothing is different in the case `pooled`"]);
        let e = error(&[("shared = [[\"front\", \"back\"]]\n", "shared = [[\"front\", \"back\"]]\ncolumns_only = true\n")]);
        // The key stands in two cases.
        tells(&e, "case.pooled.shared", &["without jobs this changes nothing"]);
    }

    #[test]
    fn a_case_with_numbers_says_whose_they_are() {
        for (name, source) in [("flood", "source = \"assumed:as last year\"\n"), ("year", "source = \"assumed:a year\"\n")] {
            let e = error(&[(source, "")]);
            assert_eq!(e.key, Some(format!("case.{name}.source")));
            assert!(e.to_string().contains("write `source = ...`"), "{e}");
        }
    }
}
