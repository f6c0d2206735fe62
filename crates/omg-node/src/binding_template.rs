//! Chat templates. A render runs on the thread that calls, so it is for a process that does nothing else.

// A test build registers nothing of what Node calls.
#![cfg_attr(test, allow(dead_code))]

use std::sync::{LazyLock, Mutex, PoisonError};

use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;
use omg_template::{Moment, Refused, Renderer, go_names, render_go};
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

impl From<Now> for Moment {
    fn from(now: Now) -> Self {
        Self {
            year: now.year,
            month: now.month,
            day: now.day,
            hour: now.hour,
            minute: now.minute,
            second: now.second,
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Render {
    Text { text: String },
    Names { names: Vec<String> },
    Refused { refused: String, kind: &'static str },
}

impl From<Result<String, Refused>> for Render {
    fn from(result: Result<String, Refused>) -> Self {
        match result {
            Ok(text) => Self::Text { text },
            Err(refused) => refused.into(),
        }
    }
}

impl From<Refused> for Render {
    fn from(refused: Refused) -> Self {
        Self::Refused {
            kind: refused.kind(),
            refused: refused.to_string(),
        }
    }
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
        let mut renderer = RENDERER.lock().unwrap_or_else(PoisonError::into_inner);
        Render::from(renderer.render(&template, &variables, now.into()))
    }))
}

/// The same for a Go template. `conversation` is a JSON object in the shapes of Ollama's API; `now` is what `currentDate` shows.
#[napi(
    ts_args_type = "template: string, conversation: string, now: LocalTime",
    ts_return_type = "Outcome<TemplateRender>"
)]
pub(crate) fn render_go_template(
    env: &Env,
    template: String,
    conversation: String,
    now: Unknown<'_>,
) -> Answer {
    Answer::of(
        read::<Now>(env, now)
            .map(|now| Render::from(render_go(&template, &conversation, now.into()))),
    )
}

/// The names of the fields and variables that a Go template uses, in lower case.
#[napi(ts_return_type = "Outcome<TemplateNames>")]
pub(crate) fn go_template_names(template: String) -> Answer {
    Answer::of(Ok(match go_names(&template) {
        Ok(names) => Render::Names { names },
        Err(refused) => refused.into(),
    }))
}
