//! The table, and the same as JSON.

use crate::measure::{AT_A_TIME, Amounts, SMALL, Samples};
use serde_json::{Value, json};

/// The peers, in the order of the columns.
pub const PEERS: [&str; 4] = [
    "bare splice",
    "relay: streams",
    "relay: sessions",
    "iroh by its relay",
];
const BARE: usize = 0;
const STREAMS: usize = 1;
const SESSIONS: usize = 2;
const IROH: usize = 3;

/// All that was found.
pub struct Found {
    pub rounds: usize,
    pub amounts: Amounts,
    pub samples: [Samples; 4],
    /// Until the agent's first word from far away, in round trips: with nothing, and with an open
    /// connection.
    pub far: [f64; 2],
    pub load: [String; 2],
}

type Figures = fn(&Samples) -> &Vec<f64>;

/// What, the key in JSON, decimals, and the samples.
const ROWS: [(&str, &str, usize, Figures); 7] = [
    ("bulk to the agent, MiB/s", "up_mib_s", 0, |s| &s.up),
    ("bulk from the agent, MiB/s", "down_mib_s", 0, |s| &s.down),
    ("processor time, ms/MiB", "effort_ms_mib", 2, |s| &s.effort),
    ("dial from nothing, ms", "from_nothing_ms", 2, |s| {
        &s.from_nothing
    }),
    ("dial, connection open, ms", "from_open_ms", 2, |s| {
        &s.from_open
    }),
    ("round trip, µs", "trip_us", 1, |s| &s.trips),
    ("dials a second", "dials_s", 0, |s| &s.dials),
];

impl Found {
    /// Medians, and below each the middle half of what was measured.
    pub fn print(&self) {
        let Amounts {
            bulk, trips, dials, ..
        } = self.amounts;
        println!("{}", machine());
        println!("{}", versions().join(", "));
        println!(
            "load {} before, {} after; {} rounds in turn, each of {} MiB each way, {trips} round \
             trips of {SMALL} bytes, {dials} dials, {AT_A_TIME} at a time",
            self.load[0],
            self.load[1],
            self.rounds,
            bulk >> 20,
        );
        println!("median (quartiles)\n");
        print!("{:28}", "");
        for name in PEERS {
            print!("{name:>24}");
        }
        println!();
        for (what, _, decimals, figures) in ROWS {
            print!("{what:28}");
            for samples in &self.samples {
                let of = figures(samples);
                let [low, middle, high] = [0.25, 0.5, 0.75].map(|at| quantile(of, at));
                let shown = format!("{middle:.decimals$} ({low:.decimals$}–{high:.decimals$})");
                print!("{shown:>24}");
            }
            println!();
        }
        println!();
        for (what, goal, is) in self.goals() {
            println!("{what:66} goal {goal:>9}   {is}");
        }
    }

    /// What was aimed for, and what is.
    fn goals(&self) -> Vec<(&'static str, &'static str, String)> {
        let of = |peer: usize, figures: Figures| median(figures(&self.samples[peer]));
        let bulk = |peer| [of(peer, |s| &s.up), of(peer, |s| &s.down)];
        let ratio = |one: usize, other: usize| {
            let ([up, down], [of_up, of_down]) = (bulk(one), bulk(other));
            [up / of_up, down / of_down]
        };
        let percent = |[up, down]: [f64; 2]| {
            format!(
                "{:.0} % to, {:.0} % from the agent",
                up * 100.0,
                down * 100.0
            )
        };
        let times = |[up, down]: [f64; 2]| format!("{up:.2} to, {down:.2} from the agent");
        let added = of(STREAMS, |s| &s.trips) - of(BARE, |s| &s.trips);
        let connect = of(SESSIONS, |s| &s.from_nothing);
        let iroh = of(IROH, |s| &s.from_nothing);
        let dials = of(STREAMS, |s| &s.dials);
        let sealed = of(SESSIONS, |s| &s.dials);
        vec![
            (
                "streams by the relay, of the bare splice",
                "≥ 90 %",
                percent(ratio(STREAMS, BARE)),
            ),
            (
                "sessions by the relay, times iroh by its own",
                "≥ 2.2",
                times(ratio(SESSIONS, IROH)),
            ),
            (
                "round trip that the relay adds to the bare splice",
                "≤ 50 µs",
                format!("{added:.1} µs"),
            ),
            (
                "a session from nothing to the first echo",
                "≤ 20 ms",
                format!("{connect:.1} ms; iroh {iroh:.1} ms"),
            ),
            (
                "dials a second",
                "≥ 1,000",
                format!("{dials:.0} of streams, {sealed:.0} of sessions"),
            ),
            (
                "round trips to the agent's first word in a session, from far away",
                "≤ 2",
                format!(
                    "{:.2} from nothing, {:.2} with an open connection",
                    self.far[0], self.far[1]
                ),
            ),
        ]
    }

    pub fn json(&self) -> Value {
        let peers = PEERS.iter().zip(&self.samples).map(|(name, samples)| {
            let rows = ROWS.iter().map(|(_, key, _, figures)| {
                let of = figures(samples);
                let figures = json!({
                    "median": median(of),
                    "quartiles": [quantile(of, 0.25), quantile(of, 0.75)],
                    "least": quantile(of, 0.0),
                    "most": quantile(of, 1.0),
                });
                ((*key).to_owned(), figures)
            });
            ((*name).to_owned(), Value::Object(rows.collect()))
        });
        json!({
            "machine": machine(),
            "versions": versions(),
            "load": self.load,
            "rounds": self.rounds,
            "bulk_bytes": self.amounts.bulk,
            "peers": Value::Object(peers.collect()),
            "round_trips_to_the_first_word": { "from_nothing": self.far[0], "connection_open": self.far[1] },
            "goals": self.goals().iter().map(|(what, goal, is)| json!({ "what": what, "goal": goal, "is": is })).collect::<Vec<_>>(),
        })
    }
}

/// The value below which that part of `of` is.
fn quantile(of: &[f64], at: f64) -> f64 {
    let mut of = of.to_vec();
    of.sort_by(f64::total_cmp);
    of[((of.len() - 1) as f64 * at).round() as usize]
}

pub fn median(of: &[f64]) -> f64 {
    quantile(of, 0.5)
}

/// How busy the machine is: runnable threads over the last minute, and its cores.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

fn machine() -> String {
    let of = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = of("/proc/cpuinfo");
    let model = cpus.lines().find_map(|l| l.strip_prefix("model name\t: "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let system = of("/proc/sys/kernel/osrelease");
    format!(
        "{cores} × {}, Linux {}",
        model.unwrap_or("?"),
        system.trim()
    )
}

/// Of what this was built with.
fn versions() -> Vec<String> {
    let lock = include_str!("../Cargo.lock");
    let of = |name: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", rest.split_once('"')?.0))
    };
    let names = [
        "deputy-relay",
        "iroh",
        "iroh-relay",
        "quinn",
        "noq",
        "snow",
        "rustls",
    ];
    names.into_iter().filter_map(of).collect()
}
