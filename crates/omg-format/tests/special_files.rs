//! Files of a model that are no files: nothing waits for them, and nothing reads one that has no end.
#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use omg_format::{ModelFiles, read_file};
use support::fixture;

const NAMES: &[&str] = &[
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "chat_template.jinja",
    "chat_template.json",
    "modules.json",
    "model.safetensors.index.json",
    "model.safetensors",
];

type Plant = fn(&Path);

/// What a publisher could leave under a name, or lead a link to.
const PLANTS: &[(&str, Plant)] = &[
    ("pipe", |path| {
        let status = std::process::Command::new("mkfifo")
            .arg(path)
            .status()
            .unwrap();
        assert!(status.success());
    }),
    ("endless device", |path| symlink("/dev/zero", path).unwrap()),
    ("empty device", |path| symlink("/dev/null", path).unwrap()),
    ("folder", |path| fs::create_dir(path).unwrap()),
    ("socket", |path| {
        UnixListener::bind(path).unwrap();
    }),
    ("loop", |path| {
        symlink(path.file_name().unwrap(), path).unwrap();
    }),
];

struct Folder(PathBuf);

impl Folder {
    fn new(label: &str) -> Self {
        let path = std::env::temp_dir().join(format!("omg-format-{label}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        for entry in fs::read_dir(fixture("single")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
        }
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Panics when `path` is still being read after a minute.
fn refusal(path: &Path) -> omg_format::Error {
    let (sender, receiver) = channel();
    let path = path.to_owned();
    std::thread::spawn(move || {
        let _ = sender.send(ModelFiles::open(&path));
    });
    receiver
        .recv_timeout(Duration::from_secs(60))
        .expect("an answer")
        .unwrap_err()
}

#[test]
fn every_file_of_a_folder_must_be_a_file() {
    for name in NAMES {
        for (what, plant) in PLANTS {
            let folder = Folder::new("special");
            let path = folder.0.join(name);
            if path.exists() {
                fs::remove_file(&path).unwrap();
            }
            plant(&path);
            let error = refusal(&folder.0);
            assert_eq!(
                error.code(),
                "invalid_model_file",
                "{name} is a {what}: {error}"
            );
            assert!(
                error.to_string().contains(name),
                "{name} is a {what}: {error}"
            );
        }
    }
}

#[test]
fn a_gguf_file_must_be_a_file() {
    for (what, plant) in PLANTS.iter().filter(|(what, _)| *what != "folder") {
        let folder = Folder::new("special-gguf");
        let path = folder.0.join("x.gguf");
        plant(&path);
        let error = refusal(&path);
        assert_eq!(error.code(), "invalid_model_file", "{what}: {error}");
        assert!(error.to_string().contains("x.gguf"), "{what}: {error}");
    }
}

#[test]
fn a_file_is_read_up_to_a_limit() {
    let folder = Folder::new("limit");
    let path = folder.0.join("text");
    fs::write(&path, [b'x'; 1000]).unwrap();
    assert_eq!(read_file(&path, 1000).unwrap().unwrap().len(), 1000);
    assert_eq!(
        read_file(&path, 999).unwrap_err().code(),
        "invalid_model_file"
    );
    assert!(read_file(&folder.0.join("none"), 1).unwrap().is_none());
    // What lies below a file is not there, and a name that no system takes is not internal.
    assert!(read_file(&path.join("below"), 1).unwrap().is_none());
    let long = folder.0.join("n".repeat(5000));
    assert_eq!(
        read_file(&long, 1).unwrap_err().code(),
        "invalid_model_file"
    );
    // The kernel says that these are empty.
    #[cfg(target_os = "linux")]
    assert!(
        !read_file(Path::new("/proc/self/status"), 1 << 20)
            .unwrap()
            .unwrap()
            .is_empty()
    );
}
