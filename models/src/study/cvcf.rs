//! What the CVCF carries and for how long: its load, its loss, its battery, and the generator for the yearly inspection.

use serde::Serialize;

use super::{Answer, Figure, Study};
use crate::estimate::Estimate;
use crate::law::cost::{HOURS_PER_YEAR, electricity};
use crate::quantity::{QuantityError, VoltAmperes, Watts, Yen};
use crate::site::{Prices, Ups};

/// The givens; the CVCF, its battery and the prices are the site's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cvcf {
    /// How long the yearly inspection of the electrical installation lasts, hours: above 0.
    pub inspection_hours: Estimate,
    /// Power factor of what a generator sees, which is the input of the CVCF: above 0, at most 1.
    pub input_power_factor: Estimate,
    /// A saving of electricity that somebody published, to be turned back into watts.
    pub saved: Option<Saved>,
}

/// A saving over the years of the prices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Saved {
    /// Yen over all years.
    pub yen: f64,
    /// Servers that were done without: above 0.
    pub servers: u32,
    /// Hosts that were added for it.
    pub added: u32,
    /// What one of these draws, W.
    pub added_w: Estimate,
}

/// What a fleet draws, over the replications of its load: means with their 95 % intervals where there are several.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// The fleet's name.
    pub name: String,
    /// Highest apparent power of a step, VA summed arithmetically.
    pub peak_va: Estimate,
    /// The same with real and reactive parts summed apart.
    pub peak_va_vector: Estimate,
    /// Highest real power of a step, W.
    pub peak_w: Estimate,
    /// Mean real power, W.
    pub mean_w: Estimate,
    /// Mean loss of the CVCF, W.
    pub loss_mean_w: Estimate,
    /// Replications, where there are several.
    pub count: Option<u32>,
}

const MINUTES: f64 = 60.0;

impl Cvcf {
    /// Answers for these fleets; `baseline` is the position of the one that the others are held against.
    ///
    /// # Errors
    /// A load that is not finite.
    pub fn answer(
        &self,
        study: &Study,
        ups: &Ups,
        prices: &Prices,
        fleets: &[Draw],
        baseline: Option<usize>,
    ) -> Result<Answer, QuantityError> {
        let mut answer = Answer::to(study, &["apparent", "ups", "battery", "cost"]);
        for fleet in fleets {
            self.tell_fleet(&mut answer, ups, prices, fleet)?;
        }
        if let Some(base) = baseline.and_then(|b| fleets.get(b)) {
            for fleet in fleets.iter().filter(|f| f.name != base.name) {
                let name = format!("{}: less than {}", fleet.name, base.name);
                answer.tell(name, kilo(base.mean_w.less(fleet.mean_w)), "kW", "mean real power, difference of two replays");
            }
        }
        if ups.battery.is_none() {
            answer.cannot_say.push(("battery".into(), "the site gives no [ups.battery]".into()));
        }
        if let Some(saved) = &self.saved {
            saved.tell(&mut answer, prices);
        }
        Ok(answer)
    }

    fn tell_fleet(&self, answer: &mut Answer, ups: &Ups, prices: &Prices, fleet: &Draw) -> Result<(), QuantityError> {
        let called = |what: &str| format!("{}: {what}", fleet.name);
        let replayed = |name: &str, value: Estimate, unit: &str, how: &str| Figure {
            name: called(name),
            value,
            unit: unit.into(),
            fitted: 0,
            how: how.into(),
            count: fleet.count,
        };
        answer.figures.extend([
            replayed("peak kVA, arithmetic", kilo(fleet.peak_va), "kVA", "replay; VA summed, the safe bound"),
            replayed("peak kVA, vector", kilo(fleet.peak_va_vector), "kVA", "replay; real and reactive power summed apart"),
            replayed("peak kW", kilo(fleet.peak_w), "kW", "replay"),
            replayed("mean kW", kilo(fleet.mean_w), "kW", "replay"),
            replayed("CVCF loss, mean", kilo(fleet.loss_mean_w), "kW", "loss law at each step of the replay"),
        ]);
        let efficiency = Ups::efficiency(Watts::new(fleet.mean_w.value)?, Watts::new(fleet.loss_mean_w.value)?);
        if let Some(eta) = efficiency {
            answer.tell(called("CVCF efficiency"), Estimate::exactly(eta), "", "mean power over mean power and mean loss");
            answer.tell(called("PUE by the CVCF alone"), Estimate::exactly(1.0 / eta), "", "one over the efficiency");
        }
        let years_yen = Estimate {
            value: electricity(Watts::new(fleet.mean_w.value)?, prices).value,
            low: electricity(Watts::new(fleet.mean_w.low.max(0.0))?, prices).low,
            high: electricity(Watts::new(fleet.mean_w.high)?, prices).high,
        };
        answer.tell(called("electricity"), years_yen, "yen", "kW x hours x PUE x yen/kWh");

        // The generator feeds what the CVCF takes in at the peak.
        let taken = |w: f64, va: f64| -> Result<f64, QuantityError> {
            Ok(Watts::new(w.max(0.0))?.get() + ups.loss(VoltAmperes::new(va.max(0.0))?).get())
        };
        let generator_w = Estimate {
            value: taken(fleet.peak_w.value, fleet.peak_va.value)?,
            low: taken(fleet.peak_w.low, fleet.peak_va.low)?,
            high: taken(fleet.peak_w.high, fleet.peak_va.high)?,
        };
        let pf = self.input_power_factor;
        let generator_va =
            Estimate { value: generator_w.value / pf.value, low: generator_w.low / pf.high, high: generator_w.high / pf.low };
        answer.tell(called("generator kW"), kilo(generator_w), "kW", "peak and the CVCF's loss at it");
        answer.tell(called("generator kVA"), kilo(generator_va), "kVA", "the same over the CVCF's input power factor");
        let generator = format!(
            "a generator of {:.1} kVA ({:.1} to {:.1}) and {:.1} kW",
            generator_va.value / 1000.0,
            generator_va.low / 1000.0,
            generator_va.high / 1000.0,
            generator_w.value / 1000.0
        );

        let Some(battery) = &ups.battery else { return Ok(()) };
        let name = called("battery at the peak");
        let at_peak = match battery.minutes(fleet.peak_w) {
            Ok(minutes) => minutes,
            Err(e) => {
                answer.cannot_say.push((name, e.to_string()));
                answer.say(format!("{}: without the battery the yearly inspection needs {generator}, or a second feed", fleet.name));
                return Ok(());
            }
        };
        answer.tell(name, at_peak, "min", "Peukert; the range is that of exponent, age and peak");
        match battery.minutes(fleet.mean_w) {
            Ok(at_mean) => {
                answer.tell(called("battery at the mean"), at_mean, "min", "Peukert; the range is that of exponent, age and load")
            }
            Err(e) => answer.cannot_say.push((called("battery at the mean"), e.to_string())),
        }
        let hours = self.inspection_hours;
        let share = Estimate {
            value: at_peak.value / (MINUTES * hours.value),
            low: at_peak.low / (MINUTES * hours.high),
            high: at_peak.high / (MINUTES * hours.low),
        };
        answer.tell(called("share of the inspection carried"), share, "", "battery at the peak over the inspection");
        let needed = MINUTES * hours.value;
        let of = format!("{:.0} of {needed:.0} minutes ({:.0} % of it)", at_peak.value.min(needed), 100.0 * share.value.min(1.0));
        answer.say(if share.low >= 1.0 {
            format!("{}: the battery carries the yearly inspection: {:.0} minutes at the peak, whatever its range", fleet.name, at_peak.low)
        } else if share.high < 1.0 {
            format!("{}: the battery carries {of} of the yearly inspection: it needs {generator}, or a second feed", fleet.name)
        } else {
            format!("{}: whether the battery carries the yearly inspection is not sure: {of}; {generator} would", fleet.name)
        });
        Ok(())
    }
}

impl Saved {
    /// What one of the servers done without must have drawn for the saving to be true: yen = kW x hours x PUE x yen/kWh.
    fn tell(&self, answer: &mut Answer, prices: &Prices) {
        let hours = HOURS_PER_YEAR * prices.years;
        let yen_an_hour = self.yen / hours / f64::from(self.servers);
        answer.tell("implied yen an hour of a server", Estimate::exactly(yen_an_hour), "yen/h", "yen / hours / servers");
        // The dearer the electricity, the fewer watts.
        let over = |by: Estimate| Estimate {
            value: 1000.0 * yen_an_hour / by.value,
            low: 1000.0 * yen_an_hour / by.high,
            high: 1000.0 * yen_an_hour / by.low,
        };
        let (wall, server) = (over(prices.yen_per_kwh), over(prices.yen_per_kwh.times_estimate(prices.pue)));
        let each = |w: Estimate| w + self.added_w.times(f64::from(self.added) / f64::from(self.servers));
        answer.tell("implied W of the site by a server", wall, "W", "yen an hour over yen/kWh, cooling and loss in it");
        answer.tell("implied W of a server", server, "W", "the same over the PUE");
        answer.tell("implied kW in all", kilo(server.times(f64::from(self.servers))), "kW", "W of a server x servers");
        if self.added > 0 {
            answer.tell("implied W of a server, hosts added netted off", each(server), "W", "the saving and what the hosts added draw");
        }
        answer.say(format!(
            "a saving of {} is {:.0} W of each of {} servers at {} yen/kWh and a PUE of {}, from {:.0} to {:.0} W over the ranges of \
             both{}: price, PUE and what is netted off decide, and the saving alone cannot tell them apart",
            Yen(self.yen),
            server.value,
            self.servers,
            prices.yen_per_kwh.value,
            prices.pue.value,
            server.low,
            server.high,
            if self.added > 0 {
                format!(" ({:.0} W where {} hosts added are netted off)", each(server).value, self.added)
            } else {
                String::new()
            }
        ));
    }
}

fn kilo(it: Estimate) -> Estimate {
    Estimate { value: it.value / 1000.0, low: it.low / 1000.0, high: it.high / 1000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::battery::Battery;
    use crate::quantity::PowerFactor;
    use crate::study::Kind;
    use proptest::prelude::*;

    fn ups(left: f64) -> Ups {
        let rated = Watts::new(24_000.0).unwrap();
        Ups {
            name: "cvcf".into(),
            rating: VoltAmperes::new(30_000.0).unwrap(),
            output_power_factor: PowerFactor::new(0.8).unwrap(),
            loss_no_load: 0.035,
            loss_proportional: 0.03,
            loss_square: 0.02,
            crest_factor: None,
            battery: Some(Battery { rated, rated_minutes: 10.0, exponent: Estimate::exactly(1.25), left: Estimate::exactly(left) }),
        }
    }

    fn prices(yen: f64, pue: f64) -> Prices {
        Prices { yen_per_kwh: Estimate::exactly(yen), pue: Estimate::exactly(pue), years: 4.0 }
    }

    fn draw(name: &str, kw: f64) -> Draw {
        let w = Estimate::exactly(kw * 1000.0);
        let va = w.times(1.0 / 0.95);
        Draw { name: name.into(), peak_va: va, peak_va_vector: va, peak_w: w, mean_w: w.times(0.9), loss_mean_w: w.times(0.1), count: None }
    }

    fn cvcf(hours: f64) -> Cvcf {
        Cvcf { inspection_hours: Estimate::exactly(hours), input_power_factor: Estimate { value: 0.9, low: 0.8, high: 1.0 }, saved: None }
    }

    fn asked(it: &Cvcf, ups: &Ups, prices: &Prices, fleets: &[Draw]) -> Answer {
        let study = Study { name: "s".into(), title: "t".into(), kind: Kind::Cvcf(it.clone()) };
        it.answer(&study, ups, prices, fleets, Some(0)).unwrap()
    }

    fn figure(a: &Answer, name: &str) -> Estimate {
        a.figure(name).unwrap_or_else(|| panic!("no figure {name}: {:?}", a.figures.iter().map(|f| &f.name).collect::<Vec<_>>())).value
    }

    #[test]
    fn the_battery_at_half_its_load_and_the_generator_are_as_worked_out() {
        let a = asked(&cvcf(4.0), &ups(0.9), &prices(12.0, 1.5), &[draw("plan", 12.0)]);
        // 10 min x 0.9 x 2^1.25 = 21.4 min, of 240.
        let minutes = 9.0 * 2f64.powf(1.25);
        assert!((figure(&a, "plan: battery at the peak").value - minutes).abs() < 1e-9);
        assert!((figure(&a, "plan: share of the inspection carried").value - minutes / 240.0).abs() < 1e-12);
        // Loss at 12,632 VA of 30,000: x = 0.42105; 30,000 x (0.035 + 0.03 x + 0.02 x^2) = 1,535 W. 13,535 / 0.9 = 15,039 VA.
        assert!((figure(&a, "plan: generator kW").value - 13.535).abs() < 5e-4);
        let va = figure(&a, "plan: generator kVA");
        assert!((va.value - 15.039).abs() < 1e-3 && (va.low - 13.535).abs() < 5e-4 && (va.high - 13.535 / 0.8).abs() < 5e-4);
        assert!(a.says[0].contains("21 of 240 minutes (9 % of it)"), "{:?}", a.says);
        // 10.8 kW for 4 x 8766 h at 1.5 x 12 yen: 6,816,442 yen.
        assert!((figure(&a, "plan: electricity").value - 10.8 * 4.0 * 8766.0 * 18.0).abs() < 1e-3);
    }

    #[test]
    fn two_million_yen_over_four_years_are_2_852_yen_an_hour_of_each_of_20_servers() {
        // S0-11, S0-10; models A1.4: facility watts 285, 242, 238, 204, 190, 168, 143 at 10, 11.8, 12, 14, 15, 17, 20 yen.
        let saved = Saved { yen: 2e6, servers: 20, added: 5, added_w: Estimate::exactly(194.0) };
        let it = Cvcf { saved: Some(saved), ..cvcf(4.0) };
        for (yen, w) in [(10.0, 285.0), (11.8, 242.0), (12.0, 238.0), (14.0, 204.0), (15.0, 190.0), (17.0, 168.0), (20.0, 143.0)] {
            let a = asked(&it, &ups(1.0), &prices(yen, 1.5), &[]);
            assert!((figure(&a, "implied yen an hour of a server").value - 2.852).abs() < 5e-4);
            let wall = figure(&a, "implied W of the site by a server").value;
            assert!((wall - w).abs() < 0.6, "{yen} yen: {wall}");
            assert!((figure(&a, "implied W of a server").value - wall / 1.5).abs() < 1e-9);
            // Five hosts of 194 W over 20 servers: 48.5 W more of each.
            assert!((figure(&a, "implied W of a server, hosts added netted off").value - wall / 1.5 - 48.5).abs() < 1e-9);
        }
    }

    #[test]
    fn what_is_outside_the_battery_law_is_not_told() {
        // 4 kW of 24 are a sixth.
        let a = asked(&cvcf(4.0), &ups(1.0), &prices(12.0, 1.5), &[draw("small", 4.0)]);
        assert!(a.figure("small: battery at the peak").is_none());
        assert!(a.cannot_say.iter().any(|(name, why)| name == "small: battery at the peak" && why.contains("a fifth")), "{a:?}");
        let none = asked(&cvcf(4.0), &Ups { battery: None, ..ups(1.0) }, &prices(12.0, 1.5), &[draw("small", 12.0)]);
        assert!(none.cannot_say.iter().any(|(name, _)| name == "battery"));
    }

    #[test]
    fn others_are_held_against_the_baseline() {
        let a = asked(&cvcf(4.0), &ups(1.0), &prices(12.0, 1.5), &[draw("without", 15.0), draw("plan", 12.0)]);
        assert!((figure(&a, "plan: less than without").value - 2.7).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn a_longer_inspection_never_helps_and_an_older_battery_never_lasts_longer(
            kw in 5.0f64..23.0, hours in 0.1f64..8.0, more in 0.0f64..8.0, left in 0.1f64..1.0, older in 0.1f64..1.0,
        ) {
            let of = |hours: f64, left: f64| {
                let a = asked(&cvcf(hours), &ups(left), &prices(12.0, 1.5), &[draw("plan", kw)]);
                (figure(&a, "plan: share of the inspection carried"), figure(&a, "plan: battery at the peak").value)
            };
            let (short, new) = of(hours, left);
            prop_assert!(of(hours + more, left).0.value <= short.value && of(hours + more, left).0.low <= short.low);
            prop_assert!(of(hours, left * older).1 <= new);
        }

        #[test]
        fn dearer_electricity_or_more_cooling_means_fewer_watts_behind_the_same_saving(yen in 5.0f64..30.0, pue in 1.0f64..2.5, up in 1.0f64..2.0) {
            let it = Cvcf { saved: Some(Saved { yen: 2e6, servers: 20, added: 0, added_w: Estimate::ZERO }), ..cvcf(4.0) };
            let w = |yen: f64, pue: f64| figure(&asked(&it, &ups(1.0), &prices(yen, pue), &[]), "implied W of a server").value;
            prop_assert!(w(yen * up, pue) <= w(yen, pue) && w(yen, pue * up) <= w(yen, pue));
        }
    }
}
