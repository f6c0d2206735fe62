use omg_models::DeviceChoice;

use crate::error::{EngineError, Result};
use crate::memory;
use crate::types::{DeviceInfo, DeviceKind};

/// Where a model runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Device {
    Cpu,
    Cuda(usize),
    Metal,
}

impl Device {
    /// `auto` is the first GPU of this build and machine, else the CPU. `invalid_request` for a name that means nothing,
    /// `unsupported` for a device this build or machine lacks.
    pub(crate) fn choose(name: Option<&str>) -> Result<Self> {
        let asked = match name {
            None | Some("auto") => {
                return Ok(if gpu::cuda_memory(0).is_some() {
                    Self::Cuda(0)
                } else if gpu::has_metal() {
                    Self::Metal
                } else {
                    Self::Cpu
                });
            }
            Some("cpu") => Self::Cpu,
            Some("metal") => Self::Metal,
            Some(other) => match other.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(index)) => Self::Cuda(index),
                _ => {
                    return Err(EngineError::InvalidRequest(format!(
                        "`{other}` is no device; there are auto, cpu, cuda:N and metal"
                    )));
                }
            },
        };
        let missing = match asked {
            Self::Cpu => false,
            Self::Cuda(index) => gpu::cuda_memory(index).is_none(),
            Self::Metal => !gpu::has_metal(),
        };
        if missing {
            return Err(EngineError::Unsupported(format!(
                "the device {} is not in this machine or not in this build",
                asked.id()
            )));
        }
        Ok(asked)
    }

    pub(crate) fn id(&self) -> String {
        match self {
            Self::Cpu => "cpu".to_owned(),
            Self::Cuda(index) => format!("cuda:{index}"),
            Self::Metal => "metal".to_owned(),
        }
    }

    /// `threads` 0: all physical cores.
    pub(crate) fn choice(&self, threads: usize) -> DeviceChoice {
        match self {
            Self::Cpu => DeviceChoice::Cpu {
                threads: if threads == 0 {
                    omg_kernels::Pool::default_threads()
                } else {
                    threads
                },
            },
            Self::Cuda(index) => DeviceChoice::Cuda(*index),
            Self::Metal => DeviceChoice::Metal,
        }
    }
}

/// Bytes a model may take on the device. Metal shares the machine's memory.
pub(crate) fn available_memory(device: &Device) -> Result<u64> {
    match device {
        Device::Cpu | Device::Metal => Ok(memory::system().available),
        Device::Cuda(index) => gpu::cuda_memory(*index)
            .map(|m| m.available)
            .ok_or_else(|| EngineError::Unsupported(format!("the device cuda:{index} is gone"))),
    }
}

/// Every device a model can run on; the CPU is always the first.
pub fn devices() -> Vec<DeviceInfo> {
    let system = memory::system();
    let mut all = vec![DeviceInfo {
        id: "cpu".to_owned(),
        kind: DeviceKind::Cpu,
        name: cpu_name(),
        memory_bytes: system.total,
        free_memory_bytes: system.available,
        features: cpu_features(),
    }];
    for index in 0.. {
        let Some(memory) = gpu::cuda_memory(index) else {
            break;
        };
        all.push(DeviceInfo {
            id: format!("cuda:{index}"),
            kind: DeviceKind::Cuda,
            name: format!("CUDA device {index}"),
            memory_bytes: memory.total,
            free_memory_bytes: memory.available,
            features: Vec::new(),
        });
    }
    if gpu::has_metal() {
        all.push(DeviceInfo {
            id: "metal".to_owned(),
            kind: DeviceKind::Metal,
            name: "Metal".to_owned(),
            memory_bytes: system.total,
            free_memory_bytes: system.available,
            features: Vec::new(),
        });
    }
    all
}

mod gpu {
    use crate::memory::Memory;

    #[cfg(feature = "cuda")]
    pub(super) fn cuda_memory(index: usize) -> Option<Memory> {
        let device = candle_core::Device::new_cuda(index).ok()?;
        let (available, total) = device
            .as_cuda_device()
            .ok()?
            .cuda_stream()
            .context()
            .mem_get_info()
            .ok()?;
        Some(Memory {
            total: total as u64,
            available: available as u64,
        })
    }

    #[cfg(not(feature = "cuda"))]
    pub(super) fn cuda_memory(_index: usize) -> Option<Memory> {
        None
    }

    pub(super) fn has_metal() -> bool {
        cfg!(feature = "metal") && candle_core::Device::new_metal(0).is_ok()
    }
}

#[cfg(target_os = "linux")]
fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .find(|line| line.starts_with("model name") || line.starts_with("Model"))
        .and_then(|line| line.split_once(':'))
        .map_or_else(
            || std::env::consts::ARCH.to_owned(),
            |(_, name)| name.trim().to_owned(),
        )
}

#[cfg(target_os = "macos")]
fn cpu_name() -> String {
    let mut name = [0u8; 128];
    let mut size = name.len();
    // SAFETY: `name` has room for the `size` bytes promised, and the key is a C string.
    let failed = unsafe {
        libc::sysctlbyname(
            c"machdep.cpu.brand_string".as_ptr(),
            name.as_mut_ptr().cast(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    if failed != 0 {
        return std::env::consts::ARCH.to_owned();
    }
    let text = String::from_utf8_lossy(&name[..size.min(name.len())]);
    text.trim_end_matches('\0').to_owned()
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn cpu_name() -> String {
    std::env::var("PROCESSOR_IDENTIFIER").unwrap_or_else(|_| std::env::consts::ARCH.to_owned())
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<String> {
    let mut found = Vec::new();
    macro_rules! check {
        ($($feature:tt),*) => { $(if is_x86_feature_detected!($feature) { found.push($feature.to_owned()); })* };
    }
    check!(
        "avx",
        "avx2",
        "fma",
        "f16c",
        "avxvnni",
        "avx512f",
        "avx512bw",
        "avx512vl",
        "avx512vnni",
        "avx512bf16"
    );
    found
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<String> {
    let mut found = Vec::new();
    macro_rules! check {
        ($($feature:tt),*) => { $(if std::arch::is_aarch64_feature_detected!($feature) { found.push($feature.to_owned()); })* };
    }
    check!("neon", "fp16", "dotprod", "i8mm", "bf16");
    found
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_features() -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        let all = devices();
        assert_eq!(all[0].id, "cpu");
        assert!(!all[0].name.is_empty() && all[0].memory_bytes > 0);
        assert_eq!(Device::choose(Some("cpu")).expect("a device"), Device::Cpu);
    }

    #[test]
    fn wrong_devices_are_told_apart() {
        assert_eq!(
            Device::choose(Some("gpu")).expect_err("no name").code(),
            "invalid_request"
        );
        assert_eq!(
            Device::choose(Some("cuda:x")).expect_err("no name").code(),
            "invalid_request"
        );
        assert_eq!(
            Device::choose(Some("cuda:99"))
                .expect_err("not there")
                .code(),
            "unsupported"
        );
    }
}
