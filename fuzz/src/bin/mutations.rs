//! `mutations [inputs per target] [first seed]`: every target over mutations of its seeds. `mutations --seeds FOLDER` writes
//! the seeds for `cargo fuzz`.

use std::time::Instant;

use omg_fuzz::mutations::Mutations;
use omg_fuzz::targets::TARGETS;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [option, folder] = &arguments[..]
        && option == "--seeds"
    {
        for target in TARGETS {
            let folder = std::path::Path::new(folder).join(target.name);
            std::fs::create_dir_all(&folder).expect("a folder");
            for (index, seed) in (target.seeds)().iter().enumerate() {
                std::fs::write(folder.join(format!("seed-{index}")), seed).expect("a file");
            }
        }
        return;
    }
    let number = |at: usize, usual: u64| {
        arguments
            .get(at)
            .map_or(usual, |text| text.parse().expect("a number"))
    };
    let (inputs, first) = (number(0, 10_000), number(1, 1));
    for target in TARGETS {
        let begin = Instant::now();
        let mut slowest = std::time::Duration::ZERO;
        let mut mutations = Mutations::new((target.seeds)(), first);
        for _ in 0..inputs {
            let input = mutations.next_input();
            let begin = Instant::now();
            // A panic ends the program; the input is what a person needs then.
            let done = std::panic::catch_unwind(|| (target.run)(&input));
            slowest = slowest.max(begin.elapsed());
            if done.is_err() {
                let path = format!("crash-{}", target.name);
                std::fs::write(&path, &input).expect("a file");
                eprintln!("{}: the input is in {path}", target.name);
                std::process::exit(1);
            }
        }
        println!(
            "{}: {inputs} inputs in {:?}, the slowest took {slowest:?}",
            target.name,
            begin.elapsed()
        );
    }
}
