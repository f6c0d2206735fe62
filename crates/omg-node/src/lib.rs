//! The engine for Node: translation only. What can fail answers `{ ok }` or `{ error: { code, message, hint?, detail? } }`;
//! nothing here throws for a reason a caller could act on.

mod binding_model;
mod binding_task;
mod binding_template;
mod crossing;

use std::path::PathBuf;

use napi::bindgen_prelude::{Function, Object, Unknown};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, Result};
use napi_derive::napi;
use omg_engine::{Grammar, LoadSpec};

use binding_model::{Loaded, Model};
use crossing::{Answer, in_thread, read};

#[napi]
pub fn version() -> &'static str {
    omg_engine::version()
}

/// The devices a model can run on; `cpu` is always the first.
#[napi(ts_return_type = "Promise<Outcome<DeviceInfo[]>>")]
pub fn devices<'env>(env: &'env Env) -> Result<Object<'env>> {
    in_thread(env, || Answer::of(Ok(omg_engine::devices())))
}

/// What the headers of a model file or folder say.
#[napi(ts_return_type = "Promise<Outcome<ModelHeader>>")]
pub fn inspect<'env>(env: &'env Env, path: String) -> Result<Object<'env>> {
    in_thread(env, move || {
        Answer::of(omg_engine::inspect(&PathBuf::from(path)))
    })
}

/// The memory a load would take, from headers alone.
#[napi(
    ts_args_type = "spec: LoadSpec",
    ts_return_type = "Promise<Outcome<MemoryPlan>>"
)]
pub fn plan<'env>(env: &'env Env, spec: Unknown<'env>) -> Result<Object<'env>> {
    let spec = read::<LoadSpec>(env, spec);
    in_thread(env, move || {
        Answer::of(spec.and_then(|spec| omg_engine::plan(&spec)))
    })
}

/// Compiles a grammar without a model, for its errors. Can take any time and memory: for a process that may be ended.
#[napi(
    ts_args_type = "grammar: Grammar",
    ts_return_type = "Promise<Outcome<null>>"
)]
pub fn check_grammar<'env>(env: &'env Env, grammar: Unknown<'env>) -> Result<Object<'env>> {
    let grammar = read::<Grammar>(env, grammar);
    in_thread(env, move || {
        Answer::of(grammar.and_then(|grammar| omg_engine::check_grammar(&grammar)))
    })
}

/// Loads a model; `onProgress` hears the part done, 0 to 1, at most once per percent.
#[napi(
    ts_args_type = "spec: LoadSpec, onProgress?: (fraction: number) => void",
    ts_return_type = "Promise<Outcome<Model>>"
)]
pub fn load<'env>(
    env: &'env Env,
    spec: Unknown<'env>,
    on_progress: Option<Function<'env, f64, ()>>,
) -> Result<Object<'env>> {
    let spec = read::<LoadSpec>(env, spec);
    let report = on_progress
        .map(|f| f.build_threadsafe_function().weak::<true>().build())
        .transpose()?;
    in_thread(env, move || {
        let mut percent = -1.0;
        let mut progress = |fraction: f32| {
            let now = (fraction * 100.0).floor();
            if now > percent
                && let Some(report) = &report
            {
                percent = now;
                report.call(f64::from(fraction), ThreadsafeFunctionCallMode::NonBlocking);
            }
            true
        };
        Loaded(
            spec.and_then(|spec| omg_engine::load(&spec, &mut progress))
                .map(Model::new),
        )
    })
}

/// Writes a quantised copy of a GGUF file; `onProgress` hears the part done, 0 to 1, at most once per percent.
#[napi(
    ts_args_type = "path: string, target: string, out: string, onProgress?: (fraction: number) => void",
    ts_return_type = "Promise<Outcome<null>>"
)]
pub fn quantize<'env>(
    env: &'env Env,
    path: String,
    target: String,
    out: String,
    on_progress: Option<Function<'env, f64, ()>>,
) -> Result<Object<'env>> {
    let report = on_progress
        .map(|f| f.build_threadsafe_function().weak::<true>().build())
        .transpose()?;
    in_thread(env, move || {
        let mut percent = 0;
        Answer::of(omg_engine::quantize(
            &PathBuf::from(path),
            &target,
            &PathBuf::from(out),
            &mut |done, total| {
                let now = done * 100 / total.max(1);
                if now > percent
                    && let Some(report) = &report
                {
                    percent = now;
                    report.call(
                        done as f64 / total.max(1) as f64,
                        ThreadsafeFunctionCallMode::NonBlocking,
                    );
                }
                true
            },
        ))
    })
}

/// Asks the system to kill this process when the one that started it ends, however it ends.
#[cfg(target_os = "linux")]
#[napi]
pub fn die_with_parent() {
    // SAFETY: the call takes plain numbers and changes nothing but this process's own setting.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}
