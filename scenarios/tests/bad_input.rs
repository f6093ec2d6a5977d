//! What is refused: where the error points, and what it says is allowed.

mod common;

use common::{Column, Folder, gzip};
use scenarios::{Error, Options};

/// The error of a scenario with these changes.
#[track_caller]
fn error(changes: &[(&str, &str)]) -> Error {
    refused(&Folder::with(changes))
}

#[track_caller]
fn refused(folder: &Folder) -> Error {
    match folder.load() {
        Ok(_) => panic!("it was read"),
        Err(e) => e,
    }
}

/// The error points at this file (by its end), key, and the line on which `at` stands; and it says all of `says`.
#[track_caller]
fn points(error: &Error, file: &str, key: &str, at: &str, says: &[&str]) {
    let text = error.to_string();
    assert!(error.file.ends_with(file), "{text}");
    assert_eq!(error.key.as_deref(), Some(key), "{text}");
    for word in says {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    if let Some(source) = &error.text {
        let line = source.lines().position(|l| l.contains(at)).unwrap_or_else(|| panic!("`{at}` is not in the file")) as u64 + 1;
        assert_eq!(error.line, Some(line), "{text}");
        assert!(error.column.is_some() && error.span.is_some(), "{text}");
    }
}

/// The error points at a place in a recording.
#[track_caller]
fn points_into(error: &Error, file: &str, line: Option<u64>, column: Option<u64>, key: Option<&str>, says: &[&str]) {
    let text = error.to_string();
    assert!(error.file.ends_with(file), "{text}");
    assert_eq!((error.line, error.column, error.key.as_deref()), (line, column, key), "{text}");
    for word in says {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

mod files {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let e = scenarios::load("no/such/folder".as_ref(), &Options::default()).unwrap_err();
        assert!(e.to_string().starts_with("no/such/folder: there is no such folder"), "{e}");
        assert!(e.help.as_deref().unwrap().contains("site.toml"));
    }

    #[test]
    fn a_folder_without_a_site_is_told_what_it_lacks() {
        let e = refused(&Folder::empty());
        assert!(e.file.ends_with("site.toml") && e.message == "there is no such file", "{e}");
    }

    #[test]
    fn a_text_that_is_not_toml_is_shown_where_it_ends_to_be() {
        let e = error(&[("step_s = 3600\nsteps = 2", "step_s = = 3600\nsteps = 2")]);
        assert_eq!((e.line, e.key.as_deref()), (Some(6), None), "{e}");
        assert!(e.message.starts_with("this is not TOML"), "{e}");
        assert!(e.span.is_some() && e.text.is_some());
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused() {
        let e = error(&[("steps = 2", "steps = 2\nsteps = 3")]);
        assert_eq!(e.line, Some(8), "{e}");
        assert!(e.message.contains("duplicate key"), "{e}");
    }

    #[test]
    fn a_site_that_is_not_utf_8_is_shown_where_it_is_not() {
        let folder = Folder::empty();
        folder.write("site.toml", b"name = \"a\"\ntitle = \"caf\xe9\"\n");
        let e = refused(&folder);
        assert_eq!((e.line, e.column), (Some(2), Some(13)), "{e}");
        assert!(e.message.contains("not UTF-8"), "{e}");
    }

    #[test]
    fn an_empty_site_lacks_its_first_key() {
        let folder = Folder::empty();
        folder.write("site.toml", b"");
        let e = refused(&folder);
        assert_eq!((e.key.as_deref(), e.line, e.message.as_str()), (Some("name"), Some(1), "the key `name` is missing"), "{e}");
    }

    #[test]
    fn a_site_of_gigabytes_is_not_read() {
        let folder = Folder::empty();
        folder.write("site.toml", b"");
        std::fs::File::options().write(true).open(folder.path("site.toml")).unwrap().set_len(3 << 30).unwrap();
        let e = refused(&folder);
        assert!(e.message.contains("3221225472 bytes"), "{e}");
    }

    #[test]
    fn a_recording_that_is_not_there_is_named_at_its_key() {
        let e = error(&[("file = \"traces/counts.txt\"", "file = \"traces/none.txt\"")]);
        points(&e, "site.toml", "load.recorded-counts.counts.file", "traces/none.txt", &["traces/none.txt", "No such file"]);
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_refused() {
        for path in ["../counts.txt", "/etc/passwd.txt", "traces/../../counts.txt", ""] {
            let e = error(&[("file = \"traces/counts.txt\"", &format!("file = \"{path}\""))]);
            points(
                &e,
                "site.toml",
                "load.recorded-counts.counts.file",
                &format!("file = \"{path}\""),
                &["leaves the folder", "inside the folder"],
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leaves_the_folder_is_refused() {
        let (inside, outside) = (Folder::with(&[]), Folder::empty());
        outside.write("counts.txt", b"1\n2\n3\n");
        std::fs::remove_file(inside.path("traces/counts.txt")).unwrap();
        std::os::unix::fs::symlink(outside.path("counts.txt"), inside.path("traces/counts.txt")).unwrap();
        points(&refused(&inside), "site.toml", "load.recorded-counts.counts.file", "traces/counts.txt", &["link leaves the folder"]);
    }

    #[test]
    fn a_folder_for_a_recording_is_refused() {
        let folder = Folder::with(&[("file = \"traces/counts.txt\"", "file = \"a.txt\"")]);
        std::fs::create_dir(folder.path("a.txt")).unwrap();
        points(&refused(&folder), "site.toml", "load.recorded-counts.counts.file", "a.txt", &["is not a file"]);
    }

    #[test]
    fn a_kind_of_file_that_is_not_read_is_told_which_are() {
        let e = error(&[("file = \"traces/cpu.csv\"", "file = \"traces/cpu.xlsx\"")]);
        points(&e, "site.toml", "load.recorded-cpu.cpu.file", "cpu.xlsx", &[".csv, .csv.gz, .parquet"]);
    }
}

mod keys {
    use super::*;

    #[test]
    fn an_unknown_key_is_told_which_are_allowed_the_nearest_first() {
        let e = error(&[("boot_s = 180", "boots_s = 180")]);
        points(&e, "site.toml", "class.rx300.boots_s", "boots_s", &["there is no key `boots_s`", "did you mean `boot_s`?", "`memory_mib`"]);
        assert_eq!(e.column, Some(1));
        assert_eq!(&e.text.as_ref().unwrap()[e.span.clone().unwrap()], "boots_s");
    }

    #[test]
    fn an_unknown_table_is_told_which_are_allowed() {
        let e = error(&[("[[pool]]", "[[pools]]")]);
        points(&e, "site.toml", "pools", "[[pools]]", &["there is no key `pools`", "did you mean `pool`?"]);
    }

    #[test]
    fn an_unknown_kind_of_load_is_told_which_are_allowed() {
        let e = error(&[("[[load.nightly]]", "[[load.weekly]]")]);
        points(&e, "site.toml", "load.weekly", "[[load.weekly]]", &["there is no key `weekly`", "`nightly`"]);
    }

    #[test]
    fn a_key_that_is_missing_is_named_with_its_table() {
        let e = error(&[("core_mhz = 3200.0\n", "")]);
        points(&e, "site.toml", "class.rx300.core_mhz", "[[class]]", &["`core_mhz` is missing"]);
        let e = error(&[("at_s = 10800\n", "")]);
        points(&e, "site.toml", "load.nightly.logs.at_s", "[[load.nightly]]", &["`at_s` is missing"]);
        let e = error(&[("[prices]", "[price]")]);
        assert!(e.to_string().contains("there is no key `price`"), "{e}");
    }

    #[test]
    fn a_word_that_is_not_one_of_the_words_is_told_which_are() {
        let e = error(&[("mode = \"full\"", "mode = \"fully\"")]);
        points(&e, "site.toml", "guest.vm-7.mode", "mode = \"fully\"", &["`fully`", "did you mean `full`?", "`physical-only`"]);
    }

    #[test]
    fn a_text_for_a_number_is_refused() {
        let e = error(&[("cores = 4", "cores = \"four\"")]);
        points(&e, "site.toml", "class.rx300.cores", "cores = \"four\"", &["invalid type: string \"four\""]);
    }

    #[test]
    fn a_site_without_a_guest_or_a_class_is_refused() {
        let folder = Folder::empty();
        let head = "name = \"a\"\ntitle = \"\"\n[horizon]\nstep_s = 1\nsteps = 1\nsource = \"assumed:x\"\n[prices]\nyen_per_kwh = 1\npue = 1\nyears = 1\nsource = \"assumed:x\"\n[rules]\ncpu = { percentile = 99, limit = 1 }\nsource = \"assumed:x\"\n";
        folder.write("site.toml", head.as_bytes());
        let e = refused(&folder);
        assert_eq!((e.key.as_deref(), e.message.as_str()), (Some("class"), "there is no [[class]]"));
    }
}

mod numbers {
    use super::*;

    #[test]
    fn negative_infinite_and_not_a_number_of_watts_are_refused() {
        for (watts, said) in [("-159.0", "-159"), ("nan", "NaN"), ("inf", "inf"), ("-inf", "-inf")] {
            let e = error(&[("[159.0, 250.0, 336.0]", &format!("[{watts}, 250.0, 336.0]"))]);
            points(
                &e,
                "site.toml",
                "class.rx300.power_w[0]",
                "power_w",
                &[&format!("{said} W is not a real power"), "finite and not negative"],
            );
            assert_eq!(e.value.as_deref(), Some(watts));
        }
        let e = error(&[("expected_w = 400.0", "expected_w = nan")]);
        points(&e, "site.toml", "device.filer.expected_w", "expected_w", &["NaN W"]);
    }

    #[test]
    fn infinite_and_negative_estimates_are_refused() {
        for bad in ["nan", "inf", "-1", "{ value = 12, low = 13, high = 17 }", "{ value = 12, low = 10, high = inf }"] {
            let e = error(&[("{ value = 12, low = 10, high = 17 }", bad)]);
            points(&e, "site.toml", "prices.yen_per_kwh", "yen_per_kwh", &[]);
        }
    }

    #[test]
    fn a_curve_that_falls_is_shown_at_the_point_where_it_does() {
        let e = error(&[("[159.0, 250.0, 336.0]", "[159.0, 350.0, 336.0]")]);
        points(&e, "site.toml", "class.rx300.power_w[2]", "power_w", &["falls with load", "350 W", "(336.0)"]);
    }

    #[test]
    fn a_curve_that_starts_at_zero_or_has_one_point_is_refused() {
        let e = error(&[("[159.0, 250.0, 336.0]", "[0, 250.0, 336.0]")]);
        points(&e, "site.toml", "class.rx300.power_w[0]", "power_w", &["starts at 0 W", "(0)"]);
        let e = error(&[("[159.0, 250.0, 336.0]", "[336.0]")]);
        points(&e, "site.toml", "class.rx300.power_w", "power_w = [336.0]", &["at least 2 points"]);
        let e = error(&[("[159.0, 250.0, 336.0]", "[]")]);
        points(&e, "site.toml", "class.rx300.power_w", "power_w = []", &["at least 2 points"]);
    }

    #[test]
    fn a_power_factor_out_of_range_is_refused() {
        for bad in ["0.0", "1.2", "-0.9", "nan"] {
            let e = error(&[("power_factor = [0.9, 0.95]", &format!("power_factor = [0.9, {bad}]"))]);
            points(&e, "site.toml", "class.rx300.power_factor[1]", "power_factor = [0.9", &["above 0 and at most 1"]);
        }
        let e = error(&[("power_factor = [0.9, 0.95]", "power_factor = []")]);
        points(&e, "site.toml", "class.rx300.power_factor", "power_factor = []", &["empty"]);
        let e = error(&[("output_power_factor = 0.8\n", "output_power_factor = 1.8\n")]);
        points(&e, "site.toml", "ups.output_power_factor", "output_power_factor = 1.8", &["above 0 and at most 1"]);
    }

    #[test]
    fn a_horizon_without_a_step_is_refused() {
        for (key, from, to) in [
            ("step_s", "step_s = 3600\nsteps", "step_s = 0\nsteps"),
            ("steps", "steps = 2\n", "steps = 0\n"),
            ("step_s", "step_s = 3600\nsteps", "step_s = -60\nsteps"),
        ] {
            let e = error(&[(from, to)]);
            points(
                &e,
                "site.toml",
                &format!("horizon.{key}"),
                to.lines().next().unwrap(),
                &["a whole number", "above 0"].map(|w| if key == "step_s" { "above 0" } else { w }),
            );
        }
        let e = error(&[("step_s = 3600\nsteps", "step_s = 0.5\nsteps")]);
        points(&e, "site.toml", "horizon.step_s", "step_s = 0.5", &["invalid type"]);
    }

    #[test]
    fn a_horizon_of_more_than_a_hundred_years_is_refused() {
        let e = error(&[("steps = 2\n", "steps = 1000000000\n")]);
        points(&e, "site.toml", "horizon.steps", "steps = 1000000000", &["hundred years"]);
    }

    #[test]
    fn a_count_of_zero_or_of_millions_is_refused() {
        for bad in ["0", "-1", "2000000"] {
            let e = error(&[("name = \"pop-{n}\"\ncount = 4", &format!("name = \"pop-{{n}}\"\ncount = {bad}"))]);
            points(&e, "site.toml", "host.pop-{n}.count", &format!("count = {bad}"), &["is not a count", "from 1 to 1000000"]);
        }
    }

    #[test]
    fn a_percentile_out_of_range_is_refused() {
        for bad in ["0", "100.1", "-5", "nan"] {
            let e = error(&[("percentile = 99.0", &format!("percentile = {bad}"))]);
            points(&e, "site.toml", "rules.cpu.percentile", "percentile =", &["above 0 and at most 100"]);
        }
    }

    #[test]
    fn shares_out_of_range_are_refused() {
        for (key, from, to) in [
            ("class.rx300.thread_gain", "thread_gain = 0.25", "thread_gain = 1.5"),
            ("ups.loss_no_load", "loss_no_load = 0.035", "loss_no_load = 3.5"),
            ("ups.loss_square", "loss_square = 0.02", "loss_square = -0.02"),
            ("rules.ups.reserve", "reserve = 0.1", "reserve = 1.0"),
        ] {
            let e = error(&[(from, to)]);
            points(&e, "site.toml", key, to, &["a share from 0"]);
        }
        let e = error(&[("limit = 0.8", "limit = 0")]);
        points(&e, "site.toml", "rules.cpu.limit", "limit = 0", &["above 0"]);
        let e = error(&[("growth_per_year = 0.1", "growth_per_year = -1.0")]);
        points(&e, "site.toml", "load.recorded-cpu.cpu.growth_per_year", "growth_per_year = -1.0", &["above -1"]);
    }

    #[test]
    fn memory_is_whole_and_above_zero() {
        let e = error(&[("memory_mib = [512, 1024]", "memory_mib = [512, -1]")]);
        points(&e, "site.toml", "guest.web-{n}.memory_mib[1]", "memory_mib = [512, -1]", &["-1"]);
        let e = error(&[("memory_mib = [512, 1024]", "memory_mib = []")]);
        points(&e, "site.toml", "guest.web-{n}.memory_mib", "memory_mib = []", &["empty"]);
        let e = error(&[("memory_mib = [512, 1024]", "memory_mib = 0")]);
        points(&e, "site.toml", "guest.web-{n}.memory_mib", "memory_mib = 0", &["above 0"]);
        let e = error(&[("hypervisor_mib = 512", "hypervisor_mib = 6144")]);
        points(&e, "site.toml", "class.rx300.hypervisor_mib", "hypervisor_mib = 6144", &["leaves nothing of 6144 MiB"]);
    }

    #[test]
    fn hours_are_24_and_days_are_7() {
        let e = error(&[("days = [1, 1, 1, 1, 1, 0.3, 0.2]", "days = [1, 1, 1, 1, 1]")]);
        points(&e, "site.toml", "load.mail.mail-in.days", "days = [1, 1", &["here are 5 weights, and 7 are needed"]);
        let e = error(&[("days = [1, 1, 1, 1, 1, 0.3, 0.2]", "days = [0, 0, 0, 0, 0, 0, 0]")]);
        points(&e, "site.toml", "load.mail.mail-in.days", "days = [0", &["all weights are zero"]);
        let e = error(&[("hours = [1, ", "hours = [")]);
        points(&e, "site.toml", "load.mail.mail-in.hours", "hours = [", &["here are 23 weights, and 24 are needed"]);
    }

    #[test]
    fn a_pue_below_one_is_refused() {
        let e = error(&[("{ value = 1.5, low = 1.0, high = 2.0 }", "{ value = 1.5, low = 0.9, high = 2.0 }")]);
        points(&e, "site.toml", "prices.pue", "pue = ", &["1 or more"]);
    }

    #[test]
    fn times_that_cannot_be_are_refused() {
        for (key, from, to) in [
            ("load.nightly.logs.at_s", "at_s = 10800", "at_s = 86400"),
            ("load.nightly.logs.lasts_s", "lasts_s = 3600", "lasts_s = 90000"),
            ("load.passes.ships.every_s", "every_s = 43200", "every_s = 0"),
            ("load.passes.ships.window_s", "window_s = 1200", "window_s = 50000"),
            ("load.flash-crowd.bse.start_s", "start_s = 600", "start_s = -600"),
            ("load.flash-crowd.bse.ramp_s", "ramp_s = 1800", "ramp_s = inf"),
        ] {
            let e = error(&[(from, to)]);
            points(&e, "site.toml", key, to, &[]);
        }
    }
}

mod names {
    use super::*;

    #[test]
    fn names_are_there_once() {
        for (key, from, to, one) in [
            ("class.rx300.name", "name = \"metal\"", "name = \"rx300\"", "class"),
            ("domain.feed-a.name", "name = \"feed-b\"", "name = \"feed-a\"", "domain"),
            ("host.pop-3.name", "name = \"spare\"", "name = \"pop-3\"", "host"),
            ("guest.web-2.name", "name = \"vm-7\"", "name = \"web-2\"", "guest"),
            ("licence.esx.name", "name = \"os\"\nper", "name = \"esx\"\nper", "licence"),
            ("alternative.small-servers.name", "name = \"as-drawn\"", "name = \"small-servers\"", "alternative"),
            ("load.nightly.cpu.name", "name = \"logs\"", "name = \"cpu\"", "load"),
        ] {
            let e = error(&[(from, to)]);
            let text = e.to_string();
            assert_eq!(e.key.as_deref(), Some(key), "{text}");
            assert!(
                text.contains(&format!("the {one} `")) && text.contains("is there twice") && text.contains("also named at line"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_standing_host_does_not_have_the_name_of_a_bought_one() {
        let e = error(&[("name = \"spare\"", "name = \"rx300-2\"")]);
        points(&e, "site.toml", "host.rx300-2.name", "name = \"rx300-2\"", &["what a host bought of class `rx300` is called"]);
    }

    #[test]
    fn a_name_of_other_letters_is_refused() {
        for (key, from, to) in [
            ("name", "name = \"sample\"", "name = \"../sample\""),
            ("class.me tal.name", "name = \"metal\"", "name = \"me tal\""),
            ("guest..name", "name = \"vm-7\"", "name = \"\""),
            ("link.-x.name", "name = \"satellite\"", "name = \"-x\""),
            ("load.nightly.a/b.name", "name = \"logs\"", "name = \"a/b\""),
            ("guest.web-{n}.group", "group = \"org-{pair}\"", "group = \"org {pair}\""),
        ] {
            let e = error(&[(from, to)]);
            points(&e, "site.toml", key, to, &["is not a name", "letters, digits"]);
        }
    }

    #[test]
    fn several_things_need_a_number_in_their_name() {
        let e = error(&[("name = \"web-{n}\"", "name = \"wob\"")]);
        points(&e, "site.toml", "guest.wob.name", "name = \"wob\"", &["4 things cannot have one name", "{n}"]);
        let e = error(&[("name = \"web-{n}\"", "name = \"web-{m}\"")]);
        points(&e, "site.toml", "guest.web-{m}.name", "name = \"web-{m}\"", &["{n}"]);
        let e = error(&[("pinned = \"pop-{n}\"", "pinned = \"pop-{i}\"")]);
        points(&e, "site.toml", "guest.old-{n}.pinned", "pinned = \"pop-{i}\"", &["`{i}` means nothing here", "{pair}"]);
    }

    #[test]
    fn a_reference_to_nothing_is_told_what_there_is_the_nearest_first() {
        for (key, from, to, says) in [
            (
                "host.spare.class",
                "class = \"rx300\"\non",
                "class = \"rx30\"\non",
                "did you mean `rx300`? the classes are: `rx300`, `metal`",
            ),
            ("host.pop-{n}.class[1]", "class = [\"rx300\", \"metal\"]", "class = [\"rx300\", \"mtal\"]", "did you mean `metal`?"),
            (
                "host.pop-{n}.domains[1]",
                "domains = [\"feed-a\", \"rack-1\"]",
                "domains = [\"feed-a\", \"rack-2\"]",
                "did you mean `rack-1`?",
            ),
            ("class.rx300.sale.stands_in[1][0]", "[[\"feed-a\"], [\"feed-b\"]]", "[[\"feed-a\"], [\"feed-c\"]]", "the domains are:"),
            ("class.rx300.sale.pools[0]", "  pools = [\"vm\"]", "  pools = [\"wm\"]", "did you mean `vm`?"),
            ("class.rx300.licences[0]", "licences = [\"esx\"]", "licences = [\"exs\"]", "the licences are:"),
            ("guest.web-{n}.service", "service = \"web\"\n", "service = \"wab\"\n", "did you mean `web`?"),
            ("guest.web-{n}.pool", "pool = \"vm\"\non_loss", "pool = \"v\"\non_loss", "the pools are: `vm`"),
            ("guest.web-{n}.licences[0]", "licences = [\"os\"]", "licences = [\"so\"]", "there is no licence `so`"),
            (
                "guest.web-{n}.runs_on[1]",
                "runs_on = [\"pop-1\", \"pop-3\"]",
                "runs_on = [\"pop-1\", \"pop-9\"]",
                "there is no host `pop-9`",
            ),
            ("guest.old-{n}.pinned", "pinned = \"pop-{n}\"", "pinned = \"pip-{n}\"", "did you mean `pop-1`?"),
            ("storage.nas.services[0]", "services = [\"web\"]", "services = [\"mail\"]", "the services are: `web`"),
            ("device.filer.feed", "feed = \"feed-b\"", "feed = \"feed-z\"", "did you mean `feed-a`?"),
            ("load.passes.ships.link", "link = \"satellite\"", "link = \"satelite\"", "did you mean `satellite`?"),
            (
                "load.flash-crowd.bse.guests[0]",
                "name = \"bse\"\nguests = [\"web-3\"]",
                "name = \"bse\"\nguests = [\"web-33\"]",
                "no guest is meant by `web-33`",
            ),
            ("load.opendc.bitbrains.guests[0]", "guests = [\"vm-*\"]", "guests = [\"vx-*\"]", "no guest is meant by `vx-*`"),
            (
                "alternative.small-servers.buys[0].class",
                "{ class = \"rx300\", count = 3 }",
                "{ class = \"rx200\", count = 3 }",
                "did you mean `rx300`?",
            ),
            (
                "alternative.as-drawn.given.web-*[1]",
                "\"rx300-2\"], \"web-4\"",
                "\"rx300-3\"], \"web-4\"",
                "this alternative has no host `rx300-3`",
            ),
            (
                "alternative.as-drawn.given.vm-9*",
                "\"vm-*\" = \"rx300-1\" }",
                "\"vm-*\" = \"rx300-1\", \"vm-9*\" = \"spare\" }",
                "a second pattern places `vm-9`",
            ),
        ] {
            let e = error(&[(from, to)]);
            points(&e, "site.toml", key, to.lines().find(|l| !l.starts_with("name =")).unwrap(), &[says]);
        }
    }

    #[test]
    fn a_list_names_each_thing_once() {
        let e = error(&[("domains = [\"feed-a\", \"rack-1\"]", "domains = [\"feed-a\", \"feed-a\"]")]);
        points(&e, "site.toml", "host.pop-{n}.domains[1]", "domains = [\"feed-a\", \"feed-a\"]", &["twice"]);
        let e = error(&[("guests = [\"web-1\", \"web-2\"]", "guests = [\"web-*\", \"web-2\"]")]);
        points(
            &e,
            "site.toml",
            "load.recorded-counts.counts.guests[1]",
            "guests = [\"web-*\", \"web-2\"]",
            &["`web-2` is in this load twice"],
        );
        let e = error(&[("name = \"logs\"\nguests = [\"web-4\"]", "name = \"logs\"\nguests = []")]);
        points(&e, "site.toml", "load.nightly.logs.guests", "guests = []", &["falls on nobody"]);
    }
}

mod sources {
    use super::*;

    #[test]
    fn a_table_of_numbers_without_a_source_is_refused() {
        let e = error(&[("source = \"paper:S0-2\"\n", "")]);
        points(&e, "site.toml", "ups.source", "[ups]", &["`source` is missing"]);
        let e = error(&[("limit_va = 1600.0\nsource = \"assumed:80 % of a breaker\"", "limit_va = 1600.0")]);
        points(&e, "site.toml", "domain.feed-a.source", "[[domain]]", &["`source` is missing", "limit_va"]);
    }

    #[test]
    fn a_source_of_another_kind_is_refused() {
        let e = error(&[("source = \"paper:S0-2\"\n", "source = \"rumour\"\n")]);
        points(&e, "site.toml", "ups.source", "source = \"rumour\"", &["`rumour` is no source", "paper:ID", "assumed:WHY"]);
        let e = error(&[("sources = { cores = \"paper:S0-3\" }", "sources = { cores = \"paper:\" }")]);
        points(&e, "site.toml", "class.rx300.sources.cores", "sources = { cores", &["`paper:` is no source"]);
    }

    #[test]
    fn a_source_of_a_key_that_the_table_lacks_is_refused() {
        let e = error(&[("sources = { cores = \"paper:S0-3\" }", "sources = { core = \"paper:S0-3\" }")]);
        points(&e, "site.toml", "class.rx300.sources.core", "sources = { core ", &["no key `core`", "did you mean `cores`?"]);
    }
}

mod contradictions {
    use super::*;

    #[test]
    fn a_guest_larger_than_every_host_is_refused() {
        // rx300 leaves 6144 - 512 = 5632 MiB.
        let e = error(&[("memory_mib = [512, 1024]", "memory_mib = [512, 5633]")]);
        points(
            &e,
            "site.toml",
            "guest.web-{n}.memory_mib[1]",
            "memory_mib = [512, 5633]",
            &["`web-2` needs 5633 MiB", "of class `rx300`, has 5632 MiB", "(5633)"],
        );
        Folder::with(&[("memory_mib = [512, 1024]", "memory_mib = [512, 5632]")]).load().unwrap();
    }

    #[test]
    fn a_guest_pinned_to_a_host_that_is_too_small_is_refused() {
        // pop-2 is of class metal, 2048 MiB.
        let e = error(&[("memory_mib = 256\nmode = \"physical-only\"", "memory_mib = 4096\nmode = \"physical-only\"")]);
        points(
            &e,
            "site.toml",
            "guest.old-{n}.memory_mib",
            "memory_mib = 4096",
            &["`old-2` needs 4096 MiB and is pinned to `pop-2`, which has 2048 MiB"],
        );
    }

    #[test]
    fn a_virtual_guest_where_no_host_has_a_hypervisor_is_refused() {
        let e = error(&[("hypervisor_mib = 512\n", "")]);
        points(&e, "site.toml", "guest.web-{n}.mode", "mode = \"paravirtual\"", &["`web-1` is virtual", "hypervisor"]);
    }

    #[test]
    fn a_guest_of_a_pool_without_a_host_is_refused() {
        let e = error(&[
            ("[[pool]]\nname = \"vm\"", "[[pool]]\nname = \"vm\"\n\n[[pool]]\nname = \"dmz\""),
            ("pool = \"vm\"\non_loss", "pool = \"dmz\"\non_loss"),
        ]);
        points(&e, "site.toml", "guest.web-{n}.pool", "pool = \"dmz\"", &["no host of this pool"]);
    }

    #[test]
    fn a_guest_pinned_outside_its_pool_is_refused() {
        let e = error(&[("pinned = \"pop-{n}\"", "pinned = \"spare\"\npool = \"vm\"")]);
        points(&e, "site.toml", "guest.old-{n}.pinned", "pinned = \"spare\"", &["not in its pool `vm`"]);
    }

    #[test]
    fn a_guest_that_runs_where_it_is_not_pinned_is_refused() {
        let e = error(&[("pinned = \"pop-{n}\"", "pinned = \"pop-{n}\"\nruns_on = \"pop-1\"")]);
        points(&e, "site.toml", "guest.old-{n}.runs_on", "runs_on = \"pop-1\"", &["`old-2` runs on `pop-1` and is pinned to `pop-2`"]);
    }

    #[test]
    fn a_guest_that_runs_on_a_host_that_is_off_is_refused() {
        let e = error(&[("runs_on = [\"pop-1\", \"pop-3\"]", "runs_on = [\"pop-1\", \"spare\"]")]);
        points(
            &e,
            "site.toml",
            "guest.web-{n}.runs_on[1]",
            "runs_on = [\"pop-1\", \"spare\"]",
            &["`web-2` runs on `spare`, and that host is off"],
        );
    }

    #[test]
    fn a_survivor_without_others_is_refused() {
        let e = error(&[("group = \"org-{pair}\"", "group = \"org-{n}\"")]);
        points(&e, "site.toml", "guest.web-{n}.on_loss", "on_loss = \"survivor\"", &["no other guest survives `web-1`"]);
    }

    #[test]
    fn a_limit_of_what_is_not_a_feed_is_refused() {
        let e = error(&[("kind = \"rack\"\n\n", "kind = \"rack\"\nlimit_va = 1000\n\n")]);
        points(&e, "site.toml", "domain.rack-1.limit_va", "limit_va = 1000", &["a rack has no limit", "feed"]);
        let e = error(&[("feed = \"feed-b\"", "feed = \"rack-1\"")]);
        points(&e, "site.toml", "device.filer.feed", "feed = \"rack-1\"", &["is a rack, not a feed"]);
    }

    #[test]
    fn more_than_one_baseline_is_refused() {
        let e = error(&[("title = \"as drawn on the whiteboard\"", "title = \"as drawn on the whiteboard\"\nbaseline = true")]);
        assert_eq!(e.key.as_deref(), Some("alternative.as-drawn.baseline"), "{e}");
        assert!(e.to_string().contains("`small-servers` is the baseline already"), "{e}");
    }

    #[test]
    fn an_alternative_that_cannot_be_is_refused() {
        let e = error(&[("{ class = \"rx300\", count = 3 }", "{ class = \"metal\", count = 3 }")]);
        points(&e, "site.toml", "alternative.small-servers.buys[0].class", "{ class = \"metal\"", &["not for sale"]);
        let e = error(&[("{ class = \"rx300\", count = 3 }", "{ class = \"rx300\", count = 3 }, { class = \"rx300\", count = 1 }")]);
        points(&e, "site.toml", "alternative.small-servers.buys[1].class", "count = 1", &["bought twice"]);
        let e = error(&[("place = \"given\"", "place = \"planner\"")]);
        points(&e, "site.toml", "alternative.as-drawn.given", "given = {", &["goes with `place = \"given\"` only"]);
        let e = error(&[("place = \"one-a-host\"", "place = \"given\"")]);
        assert!(e.to_string().contains("the key `given` is missing"), "{e}");
        let e = error(&[(", \"vm-*\" = \"rx300-1\" }", " }")]);
        points(&e, "site.toml", "alternative.as-drawn.given", "given = {", &["2 guests have no host: `vm-7`, `vm-9`"]);
        let e = error(&[("name = \"as-drawn\"", "name = \"plan\"")]);
        points(&e, "site.toml", "alternative.plan.name", "name = \"plan\"", &["column of the report"]);
    }

    #[test]
    fn a_rule_about_what_is_not_there_is_refused() {
        let e = error(&[("limit_va = 1600.0\n", "")]);
        points(&e, "site.toml", "rules.branches", "branches =", &["no feed has a limit"]);
        let e = error(&[(
            "[{ kind = \"rack\", cpu_limit = 1.1 }]",
            "[{ kind = \"rack\", cpu_limit = 1.1 }, { kind = \"rack\", cpu_limit = 1.2 }]",
        )]);
        points(&e, "site.toml", "rules.one_domain_down[1]", "one_domain_down", &["rack is there twice"]);
        let e = error(&[("owned = 4\nmax = 40", "owned = 4\nmax = 3")]);
        points(&e, "site.toml", "licence.esx.max", "max = 3", &["at most 3", "4 are owned"]);
    }
}

mod anything {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn a_site_with_any_bytes_in_it_is_read_or_refused_with_a_place(at in 0..common::SITE.len(), remove in 0..40_usize, insert in "[-0-9a-z\\[\\]{}=\",.\n ]{0,6}") {
            let folder = Folder::with(&[]);
            let mut bytes = common::SITE.as_bytes().to_vec();
            let end = (at + remove).min(bytes.len());
            bytes.splice(at..end, insert.bytes());
            folder.write("site.toml", &bytes);
            if let Err(e) = scenarios::load(&folder.path(""), &Options { memory_cap_bytes: 1 << 20 }) {
                prop_assert!(e.line.is_some() || e.file.extension().is_some_and(|x| x != "toml"), "{}", e);
            }
        }

        #[test]
        fn a_line_of_a_log_of_any_bytes_is_read_or_refused(mut line in proptest::collection::vec(any::<u8>(), 0..80), at in 0..90_usize) {
            let _ = scenarios::weblog::parse(&line);
            let good = b"a - - [17/May/2015:00:10:03 +0000] \"GET / HTTP/1.1\" 200 100 \"-\" \"-\"";
            let at = at.min(good.len());
            line.truncate(4);
            let _ = scenarios::weblog::parse(&[&good[..at], &line, &good[at..]].concat());
        }
    }
}

mod recordings {
    use super::*;

    /// A scenario with this table of CPU.
    fn cpu(table: &[u8]) -> Folder {
        let folder = Folder::with(&[]);
        folder.write("traces/cpu.csv", table);
        folder
    }

    /// A scenario with this table of CPU as gzip.
    fn cpu_gz(bytes: &[u8]) -> Folder {
        let folder = Folder::with(&[("file = \"traces/cpu.csv\"", "file = \"traces/cpu.csv.gz\"")]);
        folder.write("traces/cpu.csv.gz", bytes);
        folder
    }

    #[test]
    fn a_step_that_does_not_meet_the_horizon_is_refused() {
        let e = error(&[("step_s = 1800", "step_s = 2500")]);
        points(
            &e,
            "site.toml",
            "load.recorded-cpu.cpu.step_s",
            "step_s = 2500",
            &["2500 s does not meet a horizon in steps of 3600 s", "multiple or a divisor"],
        );
    }

    #[test]
    fn a_recording_that_is_too_short_says_by_how_much() {
        let e = refused(&cpu(b"minute,a,b\n0,50,10\n30,100,20\n60,0,30\n"));
        points(&e, "site.toml", "load.recorded-cpu.cpu.file", "traces/cpu.csv", &["has 3 rows, and the horizon needs 4", "2 a step"]);
        let e = error(&[("offset_steps = 1", "offset_steps = 3")]);
        points(
            &e,
            "site.toml",
            "load.recorded-counts.counts.file",
            "traces/counts.txt",
            &["after the first 3 has 1 rows, and the horizon needs 2"],
        );
    }

    #[test]
    fn an_empty_recording_is_refused() {
        points_into(&refused(&cpu(b"")), "traces/cpu.csv", Some(1), None, None, &["the file is empty", "load.recorded-cpu.cpu"]);
        let e = refused(&cpu(b"minute,a,b\n"));
        points(&e, "site.toml", "load.recorded-cpu.cpu.file", "traces/cpu.csv", &["has no rows, and the horizon needs 4"]);
        let folder = Folder::with(&[]);
        folder.write("traces/counts.txt", b"");
        points(&refused(&folder), "site.toml", "load.recorded-counts.counts.file", "traces/counts.txt", &["needs 2"]);
        folder.write("traces/counts.txt", b"1\n2\n3\n");
        folder.write("traces/access.log", b"");
        points_into(&refused(&folder), "traces/access.log", None, None, None, &["the log is empty"]);
    }

    #[test]
    fn a_table_with_too_few_columns_says_how_many() {
        let e = refused(&cpu(b"minute,a\n0,50\n30,100\n60,0\n90,1\n"));
        points_into(&e, "traces/cpu.csv", Some(1), None, None, &["has 1 columns of numbers, and 2 are needed", "load.recorded-cpu.cpu"]);
    }

    #[test]
    fn a_column_that_is_missing_is_told_which_there_are() {
        let folder = Folder::with(&[("columns = \"by-order\"", "columns = \"by-name\"")]);
        folder.write("traces/cpu.csv", b"minute,web-1,old1\n0,50,10\n");
        points_into(
            &refused(&folder),
            "traces/cpu.csv",
            Some(1),
            None,
            Some("old-1"),
            &["there is no column `old-1`", "did you mean `old1`?"],
        );
        let e = error(&[("time_column = \"minute\"", "time_column = \"minutes\"")]);
        points_into(&e, "traces/cpu.csv", Some(1), None, Some("minutes"), &["did you mean `minute`?"]);
    }

    #[test]
    fn two_columns_of_one_name_are_refused() {
        let folder = Folder::with(&[("columns = \"by-order\"", "columns = \"by-name\"")]);
        folder.write("traces/cpu.csv", b"minute,web-1,web-1,old-1\n0,50,10,1\n");
        points_into(&refused(&folder), "traces/cpu.csv", Some(1), None, Some("web-1"), &["two columns are named `web-1`: 2 and 3"]);
    }

    #[test]
    fn a_table_without_a_header_is_refused() {
        let e = refused(&cpu(b"0,50,10\n30,100,20\n"));
        points_into(&e, "traces/cpu.csv", Some(1), None, None, &["numbers, not the names of columns"]);
    }

    #[test]
    fn time_that_runs_backwards_stands_still_or_jumps_is_refused() {
        for (minute, what) in
            [("20", "time runs backwards: from 30 to 20"), ("30", "time stands still"), ("90", "time jumps: from 30 to 90")]
        {
            let e = refused(&cpu(format!("minute,a,b\n0,50,10\n30,100,20\n{minute},0,30\n90,1,2\n").as_bytes()));
            points_into(&e, "traces/cpu.csv", Some(4), None, Some("minute"), &[what, "30 later"]);
        }
    }

    #[test]
    fn a_cell_that_is_no_number_of_cpu_is_shown() {
        for (cell, says) in [
            ("x", "this is not a number"),
            ("-1", "this is negative"),
            ("NaN", "this is not a number"),
            ("inf", "this is infinite"),
            ("1e300", "this is more than can be held"),
            ("429497", "this is more than can be held"),
            ("", "the cell is empty"),
            ("1;2", "this is not a number"),
        ] {
            let e = refused(&cpu(format!("minute,a,b\n0,50,10\n30,100,{cell}\n").as_bytes()));
            points_into(&e, "traces/cpu.csv", Some(3), Some(8), Some("b"), &[says, "in column 3 of the table"]);
            assert_eq!(e.value.as_deref(), Some(cell));
        }
    }

    #[test]
    fn a_quoted_cell_is_read_and_a_quote_left_open_is_refused() {
        cpu(b"\"minute\",\"a, b\",c\n\"0\",50,10\n30,\"100\",20\n60,0,30\n90,50,40\n").load().unwrap();
        points_into(
            &refused(&cpu(b"minute,a,b\n0,\"50,10\n")),
            "traces/cpu.csv",
            Some(2),
            None,
            None,
            &["a quote is opened in this line and not closed"],
        );
    }

    #[test]
    fn a_row_with_more_or_fewer_cells_is_refused() {
        for row in ["30,100", "30,100,20,5"] {
            let e = refused(&cpu(format!("minute,a,b\n0,50,10\n{row}\n").as_bytes()));
            points_into(&e, "traces/cpu.csv", Some(3), None, None, &["the table has 3 columns"]);
        }
        points_into(
            &refused(&cpu(b"minute,a,b\n0,50,10\n\n30,100,20\n")),
            "traces/cpu.csv",
            Some(3),
            None,
            None,
            &["a row follows an empty line"],
        );
    }

    #[test]
    fn a_number_of_requests_that_is_none_is_shown() {
        let folder = Folder::with(&[]);
        for (cell, says) in
            [("many", "this is not a number"), ("-3", "this is negative"), ("nan", "not a number"), ("1e99", "more than can be held")]
        {
            folder.write("traces/counts.txt", format!("1\n2\n{cell}\n").as_bytes());
            points_into(&refused(&folder), "traces/counts.txt", Some(3), Some(1), Some("number"), &[says, "load.recorded-counts.counts"]);
        }
    }

    #[test]
    fn a_recording_that_is_not_utf_8_is_shown_where_it_is_not() {
        points_into(&refused(&cpu(b"minute,a,b\n0,50,10\n30,\xff,20\n")), "traces/cpu.csv", Some(3), Some(4), None, &["not UTF-8"]);
        points_into(&refused(&cpu(b"min\xfc,a,b\n")), "traces/cpu.csv", Some(1), Some(4), None, &["not UTF-8"]);
    }

    #[test]
    fn a_line_of_a_gigabyte_is_refused_without_being_read() {
        let folder = Folder::with(&[]);
        // A file of one line, without taking its room on the disk.
        std::fs::File::create(folder.path("traces/counts.txt")).unwrap().set_len(1 << 30).unwrap();
        points_into(&refused(&folder), "traces/counts.txt", Some(1), None, None, &["longer than 16777216 bytes"]);
    }

    #[test]
    fn a_gzip_file_that_is_cut_off_is_refused_even_behind_the_horizon() {
        let rows: String = (0..4000).map(|i| format!("{},{},{}\n", 30 * i, i % 100, i * 7 % 100)).collect();
        let whole = gzip(format!("minute,a,b\n{rows}").as_bytes());
        cpu_gz(&whole).load().unwrap();
        for length in [0, 5, 30, whole.len() / 2, whole.len() - 1] {
            let e = refused(&cpu_gz(&whole[..length]));
            let text = e.to_string();
            assert!(e.file.ends_with("traces/cpu.csv.gz") && text.contains("cut off") && text.contains("gzip -t"), "{length}: {text}");
        }
    }

    #[test]
    fn a_gzip_file_that_is_damaged_is_refused() {
        let mut bytes = gzip(b"minute,a,b\n0,50,10\n30,100,20\n60,0,30\n90,50,40\n");
        let end = bytes.len() - 6;
        bytes[end] ^= 1; // in its checksum
        assert!(refused(&cpu_gz(&bytes)).to_string().contains("the gzip file is damaged"));
        assert!(refused(&cpu_gz(b"minute,a,b\n0,50,10\n")).to_string().contains("the gzip file is damaged"));
    }

    #[test]
    fn a_gzip_file_that_expands_without_end_is_refused() {
        // Good rows, and behind them 64 MiB of newlines in some 64 KiB.
        let mut bytes = gzip(b"minute,a,b\n0,50,10\n30,100,20\n60,0,30\n90,50,40\n");
        bytes.extend(gzip(&vec![b'\n'; 64 << 20]));
        let folder = cpu_gz(&bytes);
        let e = scenarios::load(&folder.path(""), &Options { memory_cap_bytes: 1 << 20 }).unwrap_err();
        points_into(&e, "traces/cpu.csv.gz", e.line, None, None, &["expands to more than 1048576 bytes", "--memory-cap"]);
        folder.load().unwrap();
        // A line that never ends.
        let e = refused(&cpu_gz(&gzip(&vec![b'0'; 64 << 20])));
        points_into(&e, "traces/cpu.csv.gz", Some(1), None, None, &["longer than 16777216 bytes"]);
    }

    #[test]
    fn columns_beyond_the_memory_cap_are_refused_with_size_cap_and_flag() {
        // Two columns of two steps, 4 bytes each.
        let folder = Folder::with(&[]);
        let e = scenarios::load(&folder.path(""), &Options { memory_cap_bytes: 15 }).unwrap_err();
        points(&e, "site.toml", "load.recorded-cpu.cpu.file", "traces/cpu.csv", &["need 16 bytes", "the cap is 15", "--memory-cap"]);
        let e = error(&[("steps = 2\n", "steps = 800000000\n"), ("step_s = 3600\nsteps", "step_s = 1\nsteps")]);
        points(&e, "site.toml", "load.recorded-cpu.cpu.file", "traces/cpu.csv", &["need 6400000000 bytes", "the cap is 4294967296"]);
    }

    #[test]
    fn keys_of_a_recording_that_need_each_other_come_together() {
        let e = error(&[("vcpu_mhz = [2500, 1000]\n", "")]);
        points(&e, "site.toml", "load.recorded-cpu.cpu.unit", "unit =", &["the key `vcpu_mhz` is missing"]);
        let e = error(&[("unit = \"percent-of-vcpu\"", "unit = \"mhz\"")]);
        points(&e, "site.toml", "load.recorded-cpu.cpu.vcpu_mhz", "vcpu_mhz", &["percent-of-vcpu"]);
        let e = error(&[("time_step = 30.0\n", "")]);
        points(&e, "site.toml", "load.recorded-cpu.cpu.time_column", "time_column", &["the key `time_step` is missing"]);
        let e = error(&[("growth_per_year = 0.1", "split = \"even\"")]);
        points(&e, "site.toml", "load.recorded-cpu.cpu.split", "split = \"even\"", &["not split"]);
    }

    #[test]
    fn two_recordings_of_a_guest_agree_on_its_speed() {
        let e = error(&[
            ("guests = [\"web-1\", \"old-1\"]", "guests = [\"web-1\", \"vm-9\"]"),
            ("vcpu_mhz = [2500, 1000]", "vcpu_mhz = [2500, 1500]"),
        ]);
        points(
            &e,
            "site.toml",
            "load.opendc.bitbrains.guests",
            "guests = [\"vm-*\"]",
            &["`vm-9` has 1000 MHz here and 1500 MHz in another load"],
        );
    }

    #[test]
    fn a_log_that_is_not_one_is_shown_where_it_is_not() {
        let folder = Folder::with(&[]);
        folder
            .write("traces/access.log", b"a - - [17/May/2015:00:10:03 +0000] \"GET / HTTP/1.1\" 200 100 \"-\" \"-\"\nb - - 17/May/2015\n");
        points_into(&refused(&folder), "traces/access.log", Some(2), Some(4), None, &["no [time]", "host ident user"]);
        let e = error(&[("start = \"17/May/2015:00:00:00 +0000\"", "start = \"2015-05-17\"")]);
        points(&e, "site.toml", "load.web-log.site-log.start", "start = \"2015-05-17\"", &["17/May/2015:00:00:00 +0000"]);
    }

    #[test]
    fn a_log_that_does_not_cover_the_horizon_is_refused() {
        let e = error(&[("start = \"17/May/2015:00:00:00 +0000\"", "start = \"18/May/2015:00:00:00 +0000\"")]);
        points(&e, "site.toml", "load.web-log.site-log.file", "traces/access.log", &["the log ends", "7200 s long"]);
        let e = error(&[("start = \"17/May/2015:00:00:00 +0000\"", "start = \"01/May/2015:00:00:00 +0000\"")]);
        points(&e, "site.toml", "load.web-log.site-log.file", "traces/access.log", &["no request of the log is inside the horizon"]);
    }
}

mod parquet_files {
    use super::*;

    const FILE: (&str, &str) = ("file = \"traces/cpu.csv\"", "file = \"traces/cpu.parquet\"");

    fn table(columns: &[Column<'_>]) -> Error {
        let folder = Folder::with(&[FILE]);
        common::parquet(&folder.path("traces/cpu.parquet"), 1, columns);
        refused(&folder)
    }

    #[test]
    fn a_file_that_is_no_parquet_is_refused() {
        let folder = Folder::with(&[FILE]);
        for bytes in [&b""[..], b"PAR1", b"minute,a,b\n0,1,2\n", b"PAR1 and then nothing that is right PAR1"] {
            folder.write("traces/cpu.parquet", bytes);
            points_into(
                &refused(&folder),
                "traces/cpu.parquet",
                None,
                None,
                None,
                &["the Parquet file cannot be read", "load.recorded-cpu.cpu"],
            );
        }
    }

    #[test]
    fn a_parquet_file_that_is_cut_off_is_refused() {
        let folder = Folder::with(&[]);
        let whole = std::fs::read(folder.path("traces/fragments.parquet")).unwrap();
        folder.write("traces/fragments.parquet", &whole[..whole.len() / 2]);
        points_into(
            &refused(&folder),
            "traces/fragments.parquet",
            None,
            None,
            None,
            &["the Parquet file cannot be read", "load.opendc.bitbrains"],
        );
    }

    #[test]
    fn a_parquet_file_that_is_damaged_anywhere_is_read_or_refused_and_nothing_else() {
        let folder = Folder::with(&[]);
        let path = folder.path("traces/fragments.parquet");
        let tasks = scenarios::opendc::read_tasks(&folder.path("traces/tasks.parquet")).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for i in 0..whole.len() {
            for flip in [0xff, 0x01, 0x80] {
                let mut damaged = whole.clone();
                damaged[i] ^= flip;
                std::fs::write(&path, &damaged).unwrap();
                refused += usize::from(scenarios::opendc::read_fragments(&path, &mut tasks.clone()).is_err());
            }
        }
        assert!(refused > 100, "{refused}");
    }

    #[test]
    fn a_column_that_is_missing_is_told_which_there_are() {
        let e = table(&[Column::F64("min", vec![0.0]), Column::F64("a", vec![1.0]), Column::F64("b", vec![1.0])]);
        points_into(&e, "traces/cpu.parquet", None, None, Some("minute"), &["there is no column `minute`", "did you mean `min`?"]);
        let folder = Folder::with(&[]);
        common::parquet(&folder.path("traces/tasks.parquet"), 1, &[Column::I32("id", vec![7])]);
        points_into(
            &refused(&folder),
            "traces/tasks.parquet",
            None,
            None,
            Some("submission_time"),
            &["there is no column `submission_time`", "`id`"],
        );
    }

    #[test]
    fn a_cell_that_is_missing_negative_or_not_a_number_is_shown() {
        let minutes = || Column::F64("minute", vec![0.0, 30.0]);
        let e = table(&[minutes(), Column::F64("a", vec![1.0, 2.0]), Column::Maybe("b", vec![Some(1.0), None])]);
        points_into(&e, "traces/cpu.parquet", Some(2), None, Some("b"), &["row 2 of the column is empty", "not zero"]);
        let e = table(&[minutes(), Column::F64("a", vec![1.0, -2.0]), Column::F64("b", vec![1.0, 2.0])]);
        points_into(&e, "traces/cpu.parquet", Some(2), None, Some("a"), &["this is negative, in row 2, column 2", "(-2)"]);
        let e = table(&[minutes(), Column::F64("a", vec![1.0, f64::NAN]), Column::F64("b", vec![1.0, 2.0])]);
        points_into(&e, "traces/cpu.parquet", Some(2), None, Some("a"), &["this is not a number"]);
        let e = table(&[minutes(), Column::F64("a", vec![1.0, 2.0]), Column::Text("b", vec!["x", "y"])]);
        points_into(&e, "traces/cpu.parquet", None, None, Some("b"), &["the column holds text, not numbers"]);
        let e = table(&[Column::F64("minute", vec![30.0, 0.0]), Column::F64("a", vec![1.0, 2.0]), Column::F64("b", vec![1.0, 2.0])]);
        points_into(&e, "traces/cpu.parquet", Some(2), None, Some("minute"), &["time runs backwards: from 30 to 0"]);
    }

    #[test]
    fn an_opendc_pair_that_does_not_belong_together_is_refused() {
        let folder = Folder::with(&[]);
        common::tasks(&folder.path("traces/tasks.parquet"), &[(7, 1000, 1), (8, 1000, 1)]);
        points_into(&refused(&folder), "traces/fragments.parquet", None, None, Some("id"), &["no fragment of the task 8"]);
        common::fragments(&folder.path("traces/fragments.parquet"), &[(7, 7_200_000, 1.0), (8, 7_200_000, 1.0)]);
        points(
            &refused(&folder),
            "site.toml",
            "load.opendc.bitbrains.guests",
            "guests = [\"vm-*\"]",
            &["no task of the guest `vm-9`", "`vm-7`"],
        );
        common::tasks(&folder.path("traces/tasks.parquet"), &[(7, 1000, 1), (7, 1000, 1)]);
        points_into(&refused(&folder), "traces/tasks.parquet", Some(2), None, Some("id"), &["in rows 1 and 2", "(7)"]);
        common::tasks(&folder.path("traces/tasks.parquet"), &[]);
        points_into(&refused(&folder), "traces/tasks.parquet", None, None, None, &["no task in it"]);
    }

    #[test]
    fn an_opendc_recording_that_ends_before_the_horizon_is_refused() {
        let folder = Folder::with(&[]);
        common::fragments(&folder.path("traces/fragments.parquet"), &[(7, 3_600_000, 1.0), (9, 3_600_000, 1.0)]);
        points(&refused(&folder), "site.toml", "load.opendc.bitbrains.fragments", "fragments =", &["ends after 3600 s", "7200 s long"]);
    }
}

mod targets {
    use super::*;

    const GOOD: &str = "[[target]]\nid = \"S1-3\"\nwhat = \"w\"\npublished = 16.0\nunit = \"GiB\"\naccept = 0.1\nmeasure = \"energy-kwh\"\nfleet = \"plan\"\ncite = \"c\"\n";

    fn refused(from: &str, to: &str) -> Error {
        let folder = Folder::with(&[]);
        folder.write("targets.toml", GOOD.replace(from, to).as_bytes());
        scenarios::targets(&folder.path("")).unwrap_err()
    }

    #[test]
    fn targets_that_are_not_there_are_named() {
        let e = scenarios::targets(&Folder::with(&[]).path("")).unwrap_err();
        assert!(e.file.ends_with("targets.toml") && e.message == "there is no such file", "{e}");
    }

    #[test]
    fn a_target_that_cannot_be_measured_is_refused() {
        for (from, to, key, says) in [
            ("energy-kwh", "energy", "target[0].measure", "did you mean `energy-kwh`?"),
            ("fleet = \"plan\"\n", "", "target[0].measure", "the key `fleet` is missing"),
            ("fleet = \"plan\"", "fleet = \"small-server\"", "target[0].fleet", "did you mean `small-servers`?"),
            ("accept = 0.1\n", "", "target[0].accept", "`accept_low` and `accept_high`"),
            ("accept = 0.1\n", "accept = 0.1\naccept_low = 1\n", "target[0].accept", "either"),
            ("accept = 0.1\n", "accept_low = 2\naccept_high = 1\n", "target[0].accept_low", "more than the most"),
            ("published = 16.0", "published = nan", "target[0].published", "finite"),
            ("cite =", "class = \"rx3\"\ncite =", "target[0].class", "did you mean `rx300`?"),
            ("cite =", "site =", "target[0].site", "did you mean `cite`?"),
        ] {
            let e = refused(from, to);
            assert_eq!(e.key.as_deref(), Some(key), "{e}");
            assert!(e.file.ends_with("targets.toml") && e.line.is_some() && e.to_string().contains(says), "{e}");
        }
    }
}
