//! Times a render: `time TEMPLATE VARIABLES`, files of a template and of a JSON object.

use std::time::Instant;

use omg_template::{Moment, Renderer};

const RENDERS: u32 = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut file = || std::fs::read_to_string(arguments.next().unwrap_or_default());
    let (template, variables) = (file()?, file()?);
    let now = Moment {
        year: 2026,
        month: 3,
        day: 5,
        hour: 14,
        minute: 7,
        second: 9,
    };
    let mut renderer = Renderer::new();
    let began = Instant::now();
    let text = renderer.render(&template, &variables, now)?;
    println!("first: {:?}, {} bytes", began.elapsed(), text.len());
    let began = Instant::now();
    for _ in 0..RENDERS {
        renderer.render(&template, &variables, now)?;
    }
    println!("then: {:?} each", began.elapsed() / RENDERS);
    Ok(())
}
