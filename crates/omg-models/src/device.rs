use candle_core::Device;

use crate::error::{Error, Result};

/// Where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The kernels of `omg-kernels` on this many threads.
    Cpu {
        threads: usize,
    },
    /// The generic path on the CPU: slower, and what the other paths are checked against.
    CpuTensors,
    Cuda(usize),
    Metal,
}

pub(crate) fn open(choice: &DeviceChoice) -> Result<Device> {
    let opened = match choice {
        DeviceChoice::Cpu { .. } | DeviceChoice::CpuTensors => Ok(Device::Cpu),
        DeviceChoice::Cuda(index) => Device::new_cuda(*index),
        DeviceChoice::Metal => Device::new_metal(0),
    };
    opened.map_err(|error| Error::Device {
        reason: error.to_string(),
    })
}
