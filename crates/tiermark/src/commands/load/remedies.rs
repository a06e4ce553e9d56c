//! Remedies in words, with the names of this command's options.

use tiermark_model::verdict::{LoadRemedy, Remedy};

/// What to do, in words.
pub(super) fn in_words(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Words(words) => words.clone(),
        Remedy::Known(known) => known_in_words(known),
    }
}

fn known_in_words(remedy: &LoadRemedy) -> String {
    let rate = |ramps: &bool| if *ramps { "`--ramp-to`" } else { "`--rate`" };
    let own_cores = "give the generator cores of its own (`--cpus`) or more `--threads`";
    let more_threads = "give the generator more `--threads` on cores of their own (`--cpus`)";
    match remedy {
        LoadRemedy::LongerWindow => "raise `--duration` (or `--rate`): no request was due within the window".to_owned(),
        LoadRemedy::SeeTheLog { failures } => format!(
            "see what the target's log says of these outcomes ({failures}), and check the URL and `--expect-status`"
        ),
        LoadRemedy::LowerRate { ramps } => {
            format!("lower {}, or give the generator more `--threads`", rate(ramps))
        }
        LoadRemedy::LowerRateOrMoreConnections { ramps } => format!(
            "lower {}, or raise `--connections` where the target could answer more at once",
            rate(ramps)
        ),
        LoadRemedy::FindOutWhyOrLowerRate { failures, ramps } => {
            format!("find out why the target fails ({failures}), or lower {}", rate(ramps))
        }
        LoadRemedy::FinerGrain => "lower `--grain`, which alone is more than the limit".to_owned(),
        LoadRemedy::OwnCores { ramps: Some(ramps) } => format!("{own_cores}, or lower {}", rate(ramps)),
        LoadRemedy::OwnCores { ramps: None } => own_cores.to_owned(),
        LoadRemedy::MoreThreads {
            coarser_grain,
            lower_rate,
        } => match (coarser_grain, lower_rate) {
            (true, true) => format!("{more_threads}, a coarser `--grain` or a lower `--rate`"),
            (true, false) => format!("{more_threads} or a coarser `--grain`"),
            (false, true) => format!("{more_threads} or a lower `--rate`"),
            (false, false) => more_threads.to_owned(),
        },
        LoadRemedy::FewerConnections => {
            "lower `--connections`, or raise the target's limit of open connections and its listen backlog".to_owned()
        }
        LoadRemedy::FewerHeldConnections => {
            "lower `--held-connections`, or raise the target's limit of open connections and its idle timeout"
                .to_owned()
        }
        LoadRemedy::FindOutWhyConnectionsAreLost { failures } => format!(
            "find out why the target fails ({failures}): a lost connection carries nothing until it is opened anew"
        ),
        LoadRemedy::RepeatLonger => "repeat it with a longer `--duration`; if it fails again, its times and counts \
             contradict each other, which is a defect of tiermark"
            .to_owned(),
        LoadRemedy::MoreSamples { needed, limited } => {
            let longer = if *limited { "`--requests`" } else { "`--duration`" };
            format!("raise {longer} until there are {needed}, or set the objective on a lower percentile")
        }
        LoadRemedy::FindOutWhy { failures } => format!("find out why the target fails under load ({failures})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(remedy: LoadRemedy, expected: &str) {
        assert_eq!(in_words(&Remedy::Known(remedy)), expected);
    }

    #[test]
    fn what_a_remedy_names_is_an_option_of_this_command() {
        check(
            LoadRemedy::LowerRate { ramps: true },
            "lower `--ramp-to`, or give the generator more `--threads`",
        );
        check(
            LoadRemedy::OwnCores { ramps: Some(false) },
            "give the generator cores of its own (`--cpus`) or more `--threads`, or lower `--rate`",
        );
        let strained = |coarser_grain, lower_rate| LoadRemedy::MoreThreads {
            coarser_grain,
            lower_rate,
        };
        let threads = "give the generator more `--threads` on cores of their own (`--cpus`)";
        check(strained(false, false), threads);
        check(
            strained(true, true),
            &format!("{threads}, a coarser `--grain` or a lower `--rate`"),
        );
        check(strained(true, false), &format!("{threads} or a coarser `--grain`"));
        let few = LoadRemedy::MoreSamples {
            needed: 1_000,
            limited: true,
        };
        check(
            few,
            "raise `--requests` until there are 1000, or set the objective on a lower percentile",
        );
        let words = Remedy::Words("as an older run stored it".to_owned());
        assert_eq!(in_words(&words), "as an older run stored it");
    }
}
