use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::regular_file::{self, read_file};
use crate::shards::{OpenSet, Shard};
use crate::tensor::TensorInfo;

/// Far above any real configuration, index or template; as JSON in memory it takes many times that.
const MAX_JSON_BYTES: u64 = 32 << 20;
const INDEX_FILE: &str = "model.safetensors.index.json";

/// What lies beside the weights in a safetensors folder.
#[derive(Clone, Debug)]
pub struct FolderFiles {
    pub config: Json,
    pub generation_config: Option<Json>,
    pub tokenizer_config: Option<Json>,
    pub special_tokens_map: Option<Json>,
    pub tokenizer_json: Option<PathBuf>,
    /// `vocab.txt`: the WordPiece vocabulary, one token a line.
    pub vocab_txt: Option<PathBuf>,
    /// `tokenizer.model`: SentencePiece's vocabulary, or one of tiktoken.
    pub tokenizer_model: Option<PathBuf>,
    /// `tekken.json`: Mistral's vocabulary.
    pub tekken: Option<PathBuf>,
    /// `tiktoken.model` or the only `*.tiktoken`.
    pub tiktoken: Option<PathBuf>,
    /// `added_tokens.json`: ids by text.
    pub added_tokens: Option<Json>,
    /// Absent where the folder is not one of sentence-transformers.
    pub sentence_transformers: Option<SentenceTransformers>,
    /// `chat_template.jinja`, else `chat_template` of `chat_template.json`, else of `tokenizer_config.json`.
    pub chat_template: Option<String>,
}

/// What sentence-transformers keeps beside a model, as JSON.
#[derive(Clone, Debug)]
pub struct SentenceTransformers {
    /// `modules.json`: what runs after the model, in order.
    pub modules: Json,
    /// The configuration of the pooling module.
    pub pooling: Option<Json>,
    /// `sentence_bert_config.json`: the longest text.
    pub transformer: Option<Json>,
}

impl SentenceTransformers {
    fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("modules.json");
        let Some(modules) = read_json(&path)? else {
            return Ok(None);
        };
        let kind = |module: &Json| {
            let kind = module.get("type").and_then(Json::as_str)?;
            Some(kind.rsplit('.').next().unwrap_or(kind).to_owned())
        };
        let pooling = modules
            .as_array()
            .into_iter()
            .flatten()
            .find(|module| kind(module).as_deref() == Some("Pooling"))
            .and_then(|module| module.get("path")?.as_str());
        let pooling = match pooling {
            Some(name) if !is_plain_file_name(name) => {
                return Err(
                    Error::invalid(format!("the module path {name:?} leaves the folder"))
                        .in_file(&path),
                );
            }
            Some(name) => read_json(&folder.join(name).join("config.json"))?,
            None => None,
        };
        Ok(Some(Self {
            modules,
            pooling,
            transformer: read_json(&folder.join("sentence_bert_config.json"))?,
        }))
    }

    /// The kinds of the modules, such as `Transformer`, `Pooling`, `Normalize`, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        let modules = self.modules.as_array().into_iter().flatten();
        modules.filter_map(|module| module.get("type")?.as_str()?.rsplit('.').next())
    }
}

impl FolderFiles {
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let config = read_json(&folder.join("config.json"))?.ok_or_else(|| {
            Error::invalid("the folder has no config.json, which says what the weights are")
                .in_file(folder)
        })?;
        let tokenizer_config = read_json(&folder.join("tokenizer_config.json"))?;
        let tokenizer_json = folder.join("tokenizer.json");
        let vocab_txt = folder.join("vocab.txt");
        let chat_template = chat_template(folder, tokenizer_config.as_ref())?;
        Ok(FolderFiles {
            config,
            generation_config: read_json(&folder.join("generation_config.json"))?,
            special_tokens_map: read_json(&folder.join("special_tokens_map.json"))?,
            tokenizer_json: present(tokenizer_json)?,
            vocab_txt: present(vocab_txt)?,
            tokenizer_model: present(folder.join("tokenizer.model"))?,
            tekken: present(folder.join("tekken.json"))?,
            tiktoken: tiktoken_file(folder)?,
            added_tokens: read_json(&folder.join("added_tokens.json"))?,
            sentence_transformers: SentenceTransformers::read(folder)?,
            tokenizer_config,
            chat_template,
        })
    }
}

fn chat_template(folder: &Path, tokenizer_config: Option<&Json>) -> Result<Option<String>> {
    if let Some(bytes) = read_file(&folder.join("chat_template.jinja"), MAX_JSON_BYTES)? {
        return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
    }
    let own = read_json(&folder.join("chat_template.json"))?;
    let candidates = [own.as_ref(), tokenizer_config];
    Ok(candidates
        .into_iter()
        .flatten()
        .find_map(|json| template_text(json.get("chat_template")?)))
}

/// A string, or a list of `{name, template}` of which `default` (else the first) is meant.
fn template_text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Array(named) => {
            let default = named
                .iter()
                .find(|entry| entry.get("name").and_then(Json::as_str) == Some("default"));
            default
                .or(named.first())?
                .get("template")?
                .as_str()
                .map(str::to_owned)
        }
        _ => None,
    }
}

/// `tiktoken.model`, else the first file of the folder that ends in `.tiktoken`.
fn tiktoken_file(folder: &Path) -> Result<Option<PathBuf>> {
    if let Some(path) = present(folder.join("tiktoken.model"))? {
        return Ok(Some(path));
    }
    let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let first = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "tiktoken")
        })
        .min();
    first.map_or(Ok(None), present)
}

/// The path where a regular file is there.
fn present(path: PathBuf) -> Result<Option<PathBuf>> {
    match regular_file::open(&path) {
        Ok(_) => Ok(Some(path)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_json(path: &Path) -> Result<Option<Json>> {
    let Some(bytes) = read_file(path, MAX_JSON_BYTES)? else {
        return Ok(None);
    };
    match serde_json::from_slice(&bytes) {
        Ok(json) => Ok(Some(json)),
        Err(error) => match serde_json::from_slice(&without_nonfinite(&bytes)) {
            Ok(json) => Ok(Some(json)),
            Err(_) => Err(Error::invalid(format!("not valid JSON: {error}")).in_file(path)),
        },
    }
}

/// Python writes `NaN`, `Infinity` and `-Infinity`, which JSON does not have: they become null and ±1e308.
fn without_nonfinite(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    let mut in_string = false;
    while let Some((&byte, after)) = rest.split_first() {
        if !in_string && rest.starts_with(b"NaN") {
            out.extend_from_slice(b"null");
            rest = &rest[3..];
        } else if !in_string && rest.starts_with(b"Infinity") {
            out.extend_from_slice(b"1e308");
            rest = &rest[8..];
        } else if in_string && byte == b'\\' && !after.is_empty() {
            out.extend_from_slice(&rest[..2]);
            rest = &rest[2..];
        } else {
            in_string ^= byte == b'"';
            out.push(byte);
            rest = after;
        }
    }
    out
}

/// All safetensors files of the model in a folder.
pub(crate) fn open_safetensors_set(folder: &Path) -> Result<OpenSet> {
    let (paths, indexed) = weight_files(folder)?;
    let mut shards = Vec::new();
    let mut tensors: Vec<TensorInfo> = Vec::new();
    for path in paths {
        let shard = Shard::open(&path)?;
        let file = shards.len();
        tensors.extend(
            shard
                .safetensors_header()?
                .tensors
                .into_iter()
                .map(|t| TensorInfo { file, ..t }),
        );
        shards.push(shard);
    }
    let places: HashSet<(&str, &Path)> = tensors
        .iter()
        .map(|tensor| (tensor.name.as_str(), shards[tensor.file].path.as_path()))
        .collect();
    for (name, file) in indexed {
        if !places.contains(&(name.as_str(), folder.join(&file).as_path())) {
            return Err(Error::invalid(format!(
                "tensor {name} is not in {file}, where the index has it"
            ))
            .in_file(&folder.join(INDEX_FILE)));
        }
    }
    Ok((shards, tensors, Metadata::default()))
}

/// Which file each tensor is in, as `model.safetensors.index.json` says. `invalid_model_file` for names that leave the folder.
pub fn parse_safetensors_index(bytes: &[u8]) -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_slice(bytes)
        .map_err(|error| Error::invalid(format!("not an index of weights: {error}")))?;
    match index.weight_map.values().find(|n| !is_plain_file_name(n)) {
        Some(name) => Err(Error::invalid(format!(
            "the file name {name:?} leaves the folder"
        ))),
        None if index.weight_map.is_empty() => Err(Error::invalid("the index names no files")),
        None => Ok(index.weight_map),
    }
}

fn weight_files(folder: &Path) -> Result<(Vec<PathBuf>, BTreeMap<String, String>)> {
    let index_path = folder.join(INDEX_FILE);
    if let Some(bytes) = read_file(&index_path, MAX_JSON_BYTES)? {
        let index = parse_safetensors_index(&bytes).map_err(|e| e.in_file(&index_path))?;
        let names: BTreeSet<&String> = index.values().collect();
        let paths = names.into_iter().map(|name| folder.join(name)).collect();
        return Ok((paths, index));
    }
    if let Some(single) = present(folder.join("model.safetensors"))? {
        return Ok((vec![single], BTreeMap::new()));
    }
    Ok((loose_weight_files(folder)?, BTreeMap::new()))
}

/// Without an index: a complete set `model-00001-of-0000N.safetensors`, else the only safetensors file there is.
fn loose_weight_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| Error::io(folder, error))? {
        let path = entry.map_err(|error| Error::io(folder, error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "safetensors")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let set: Vec<PathBuf> = paths
        .iter()
        .filter(|path| is_set_member(path, paths.len()))
        .cloned()
        .collect();
    if !set.is_empty() && is_set_member(&set[0], set.len()) {
        return Ok(set);
    }
    if paths.len() == 1 {
        return Ok(paths);
    }
    let problem = match paths.len() {
        0 => "the folder holds no weights (*.safetensors)".to_owned(),
        count => format!(
            "{count} safetensors files, but no {INDEX_FILE} that says which belong together"
        ),
    };
    Err(Error::invalid(problem).in_file(folder))
}

fn is_set_member(path: &Path, count: usize) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    name.starts_with("model-") && name.ends_with(&format!("-of-{count:05}.safetensors"))
}

fn is_plain_file_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', ':', '\0'])
}
