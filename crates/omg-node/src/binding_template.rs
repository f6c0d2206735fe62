//! Chat templates. A render runs on the thread that calls, so it is for a process that does nothing else.

use std::sync::{LazyLock, Mutex, PoisonError};

use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;
use omg_template::{Moment, Renderer};
use serde::{Deserialize, Serialize};

use crate::crossing::{Answer, read};

/// It remembers the templates that it compiled.
static RENDERER: LazyLock<Mutex<Renderer>> = LazyLock::new(Mutex::default);

/// A local date and time.
#[derive(Deserialize)]
struct Now {
    year: i32,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Render {
    Text { text: String },
    Refused { refused: String, kind: &'static str },
}

/// The text of a chat template, or what refuses it and why. `variables` is a JSON object; `now` is what `strftime_now` shows.
#[napi(
    ts_args_type = "template: string, variables: string, now: LocalTime",
    ts_return_type = "Outcome<TemplateRender>"
)]
pub(crate) fn render_template(
    env: &Env,
    template: String,
    variables: String,
    now: Unknown<'_>,
) -> Answer {
    Answer::of(read::<Now>(env, now).map(|now| {
        let now = Moment {
            year: now.year,
            month: now.month,
            day: now.day,
            hour: now.hour,
            minute: now.minute,
            second: now.second,
        };
        let mut renderer = RENDERER.lock().unwrap_or_else(PoisonError::into_inner);
        match renderer.render(&template, &variables, now) {
            Ok(text) => Render::Text { text },
            Err(refused) => Render::Refused {
                kind: refused.kind(),
                refused: refused.to_string(),
            },
        }
    }))
}
