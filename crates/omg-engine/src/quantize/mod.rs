mod mixture;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use omg_format::{
    DType, Format, Metadata, ModelFiles, NewTensor, TensorInfo, Value, dequantize, layout_gguf,
};

use crate::error::{EngineError, Result};
use mixture::{MIXTURES, Mixture, Surroundings, is_plain};

/// Elements that are worked on at once, by all threads together.
const CHUNK: usize = 16 << 20;

/// Writes a quantised copy of a GGUF file with F32, F16 or BF16 weights. `target` is such as `Q4_K_M`, in any case. `progress` hears
/// the bytes read and to be read, and stops the work by returning false; what was written then is the caller's to remove.
/// Errors: `invalid_request` (the target), `unsupported` (the source), `cancelled`, those of `ModelFiles::open`.
pub fn quantize(
    path: &Path,
    target: &str,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<()> {
    let mixture = Mixture::by_name(target).ok_or_else(|| {
        let names = MIXTURES.map(|mixture| mixture.name).join(", ");
        EngineError::InvalidRequest(format!(
            "{target} is not a quantisation that can be written; those are {names}"
        ))
    })?;
    let files = ModelFiles::open(path)?;
    if files.format() != Format::Gguf {
        return Err(EngineError::Unsupported(
            "only GGUF files can be quantised; convert the safetensors model to GGUF first"
                .to_owned(),
        ));
    }
    let around = surroundings(&files)?;
    let tensors = files
        .tensors()
        .iter()
        .map(|tensor| planned(tensor, &mixture, &around))
        .collect::<Result<Vec<_>>>()?;
    let layout = layout_gguf(&new_metadata(files.metadata(), &mixture), &tensors)?;

    let failed = |error: std::io::Error| write_error(out, &error);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(out).map_err(failed)?);
    file.write_all(&layout.header).map_err(failed)?;
    let mut at = layout.header.len() as u64;
    let total = files.tensors().iter().map(|tensor| tensor.bytes).sum();
    let mut done = 0;
    for ((tensor, new), offset) in files.tensors().iter().zip(&tensors).zip(&layout.offsets) {
        at += pad(&mut file, at, *offset).map_err(failed)?;
        for rows in chunks(tensor) {
            let bytes = files.read_rows(tensor, rows)?;
            done += bytes.len() as u64;
            let written = convert(tensor, new.dtype, bytes)?;
            file.write_all(&written).map_err(failed)?;
            at += written.len() as u64;
            if !progress(done, total) {
                return Err(EngineError::Cancelled);
            }
        }
    }
    pad(&mut file, at, layout.total_bytes).map_err(failed)?;
    let file = file
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)
}

fn surroundings(files: &ModelFiles) -> Result<Surroundings> {
    let metadata = files.metadata();
    let architecture = metadata.str("general.architecture")?.unwrap_or_default();
    let count = |key: &str| -> Result<usize> {
        let value = metadata.u32(&format!("{architecture}.{key}"))?;
        Ok(value.unwrap_or(0) as usize)
    };
    Ok(Surroundings {
        layers: count("block_count")?,
        experts: count("expert_count")?,
        llama: architecture == "llama",
        tied: files.tensor("output.weight").is_none(),
    })
}

/// What is quantised already would lose twice, and may only become floats again.
fn planned(tensor: &TensorInfo, mixture: &Mixture, around: &Surroundings) -> Result<NewTensor> {
    let dtype = match mixture.type_of(&tensor.name, &tensor.shape, around) {
        Some(dtype) if is_plain(tensor.dtype) || is_plain(dtype) || dtype == tensor.dtype => dtype,
        Some(_) => {
            return Err(EngineError::Unsupported(format!(
                "the model is quantised already ({} in {}); only models of F16, F32 or BF16 can be quantised",
                tensor.dtype.name(),
                tensor.name
            )));
        }
        None => tensor.dtype,
    };
    Ok(NewTensor {
        name: tensor.name.clone(),
        dtype,
        shape: tensor.shape.clone(),
    })
}

fn new_metadata(old: &Metadata, mixture: &Mixture) -> Metadata {
    let mut new = Metadata::default();
    new.insert(
        "general.file_type".to_owned(),
        Value::U32(mixture.file_type),
    );
    new.insert("general.quantization_version".to_owned(), Value::U32(2));
    for (key, value) in old.iter() {
        new.insert(key.to_owned(), value.clone());
    }
    new
}

/// Ranges of rows of at most `CHUNK` elements.
fn chunks(tensor: &TensorInfo) -> impl Iterator<Item = std::ops::Range<usize>> {
    let rows = tensor.rows();
    let step = (CHUNK / tensor.cols().max(1)).max(1);
    (0..rows)
        .step_by(step)
        .map(move |start| start..rows.min(start + step))
}

/// The bytes of whole rows in another type, made by all cores.
fn convert(tensor: &TensorInfo, dtype: DType, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if dtype == tensor.dtype {
        return Ok(bytes);
    }
    let row_bytes = tensor.row_bytes()?;
    let rows = bytes.len() / row_bytes;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = rows.div_ceil(threads).max(1) * row_bytes;
    let cols = tensor.cols();
    let work = |bytes: &[u8]| convert_rows(tensor.dtype, dtype, cols, bytes);
    let parts = std::thread::scope(|scope| {
        let running: Vec<_> = bytes
            .chunks(part)
            .map(|bytes| scope.spawn(move || work(bytes)))
            .collect();
        running
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(EngineError::Internal("quantising failed".to_owned())))
            })
            .collect::<Result<Vec<_>>>()
    })?;
    Ok(parts.concat())
}

fn convert_rows(from: DType, to: DType, cols: usize, bytes: &[u8]) -> Result<Vec<u8>> {
    let row_bytes = from.row_bytes(cols)?;
    let rows = bytes.len() / row_bytes;
    let mut values = vec![0.0; rows * cols];
    dequantize(from, bytes, &mut values)?;
    let Some(wanted) = candle_type(to) else {
        return Ok(omg_format::quantize(to, &values)?);
    };
    let internal = |error: candle_core::Error| EngineError::Internal(error.to_string());
    let tensor = Tensor::from_vec(values, (rows, cols), &Device::Cpu).map_err(internal)?;
    let quantised = QTensor::quantize(&tensor, wanted).map_err(internal)?;
    Ok(quantised.data().map_err(internal)?.into_owned())
}

/// Absent for the types that `omg_format::quantize` writes as ggml does.
fn candle_type(dtype: DType) -> Option<GgmlDType> {
    match dtype {
        DType::Q4_0 => Some(GgmlDType::Q4_0),
        DType::Q4_1 => Some(GgmlDType::Q4_1),
        DType::Q5_0 => Some(GgmlDType::Q5_0),
        DType::Q5_1 => Some(GgmlDType::Q5_1),
        DType::Q3_K => Some(GgmlDType::Q3K),
        DType::Q4_K => Some(GgmlDType::Q4K),
        DType::Q5_K => Some(GgmlDType::Q5K),
        DType::Q6_K => Some(GgmlDType::Q6K),
        _ => None,
    }
}

fn pad(file: &mut impl Write, at: u64, to: u64) -> std::io::Result<u64> {
    let missing = to.saturating_sub(at);
    file.write_all(&vec![0; missing as usize])?;
    Ok(missing)
}

fn write_error(path: &Path, error: &std::io::Error) -> EngineError {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "disk_full",
        std::io::ErrorKind::PermissionDenied => "permission_denied",
        _ => "internal",
    };
    EngineError::Coded {
        code,
        message: format!("{} cannot be written: {error}", path.display()),
        hint: None,
    }
}
