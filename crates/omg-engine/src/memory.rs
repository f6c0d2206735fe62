//! How much memory this process may still take.

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    pub(crate) available: u64,
}

/// The machine's memory, or the limit of the control group where that is less.
pub(crate) fn system() -> Memory {
    let machine = machine().unwrap_or(Memory {
        total: 0,
        available: 0,
    });
    match limit() {
        Some(limit) => Memory {
            total: machine.total.min(limit.total),
            available: machine.available.min(limit.available),
        },
        None => machine,
    }
}

#[cfg(target_os = "linux")]
fn machine() -> Option<Memory> {
    parse_meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

#[cfg(any(target_os = "linux", test))]
fn parse_meminfo(text: &str) -> Option<Memory> {
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find(|l| l.starts_with(name))?;
        let kib: u64 = line[name.len()..].split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    };
    Some(Memory {
        total: field("MemTotal:")?,
        available: field("MemAvailable:").or_else(|| field("MemFree:"))?,
    })
}

#[cfg(target_os = "linux")]
fn limit() -> Option<Memory> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    cgroup_limit(&groups, &|path| std::fs::read_to_string(path).ok())
}

#[cfg(not(target_os = "linux"))]
fn limit() -> Option<Memory> {
    None
}

/// The tightest limit among this process's control group and its parents, version 2 or 1. The file cache of a group counts
/// as its usage but gives way, so the inactive part of it is available.
#[cfg(any(target_os = "linux", test))]
fn cgroup_limit(groups: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<Memory> {
    let mut tightest: Option<Memory> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (root, max, usage, inactive) = if controllers.is_empty() {
            (
                "/sys/fs/cgroup",
                "memory.max",
                "memory.current",
                "inactive_file ",
            )
        } else if controllers.split(',').any(|c| c == "memory") {
            (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file ",
            )
        } else {
            continue;
        };
        // In a container the path is the host's, and its own group is mounted at the root.
        let mut group = group.trim_end_matches('/').to_owned();
        loop {
            let number = |file: &str| -> Option<u64> {
                read(&format!("{root}{group}/{file}"))?.trim().parse().ok()
            };
            // Version 1 writes "no limit" as a number near 2^63.
            if let Some(total) = number(max).filter(|&n| n < 1 << 60) {
                let cache = read(&format!("{root}{group}/memory.stat"))
                    .and_then(|stat| {
                        let line = stat.lines().find(|l| l.starts_with(inactive))?;
                        line[inactive.len()..].trim().parse::<u64>().ok()
                    })
                    .unwrap_or(0);
                let used = number(usage).unwrap_or(0).saturating_sub(cache);
                let here = Memory {
                    total,
                    available: total.saturating_sub(used),
                };
                tightest = Some(tightest.map_or(here, |t| Memory {
                    total: t.total.min(here.total),
                    available: t.available.min(here.available),
                }));
            }
            match group.rfind('/') {
                Some(at) => group.truncate(at),
                None => break,
            }
        }
    }
    tightest
}

#[cfg(target_os = "macos")]
fn machine() -> Option<Memory> {
    let total = sysctl::<u64>(c"hw.memsize")?;
    // Percent of memory that is free or can be freed without swapping, as the system's own pressure monitor sees it.
    let percent = sysctl::<u32>(c"kern.memorystatus_level").unwrap_or(50);
    Some(Memory {
        total,
        available: total / 100 * u64::from(percent.min(100)),
    })
}

#[cfg(target_os = "macos")]
fn sysctl<T: Copy + Default>(name: &std::ffi::CStr) -> Option<T> {
    let mut value = T::default();
    let mut size = size_of::<T>();
    // SAFETY: `value` has room for the `size` bytes promised, and the name is a C string.
    let failed = unsafe {
        libc::sysctlbyname(
            name.as_ptr(),
            (&raw mut value).cast(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    (failed == 0 && size == size_of::<T>()).then_some(value)
}

#[cfg(windows)]
fn machine() -> Option<Memory> {
    /// `MEMORYSTATUSEX` of the Windows API.
    #[repr(C)]
    #[derive(Default)]
    struct Status {
        length: u32,
        load: u32,
        total_physical: u64,
        available_physical: u64,
        total_page_file: u64,
        available_page_file: u64,
        total_virtual: u64,
        available_virtual: u64,
        available_extended: u64,
    }
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GlobalMemoryStatusEx(status: *mut Status) -> i32;
    }
    let mut status = Status {
        length: size_of::<Status>() as u32,
        ..Status::default()
    };
    // SAFETY: the structure has the layout and says the length that the call expects.
    (unsafe { GlobalMemoryStatusEx(&mut status) } != 0).then_some(Memory {
        total: status.total_physical,
        available: status.available_physical,
    })
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn machine() -> Option<Memory> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_in_kibibytes() {
        let text = "MemTotal:       24682220 kB\nMemFree:        11502808 kB\nMemAvailable:   24087000 kB\n";
        let got = parse_meminfo(text).expect("complete");
        assert_eq!(got.total, 24_682_220 * 1024);
        assert_eq!(got.available, 24_087_000 * 1024);
    }

    #[test]
    fn the_tightest_group_counts_without_its_inactive_cache() {
        let read = |path: &str| -> Option<String> {
            Some(
                match path {
                    "/sys/fs/cgroup/a/memory.max" => "1000\n",
                    "/sys/fs/cgroup/a/memory.current" => "700\n",
                    "/sys/fs/cgroup/a/memory.stat" => "anon 100\ninactive_file 300\n",
                    "/sys/fs/cgroup/a/b/memory.max" => "max\n",
                    "/sys/fs/cgroup/memory/memory.limit_in_bytes" => "9223372036854771712\n",
                    _ => return None,
                }
                .to_owned(),
            )
        };
        let want = Some(Memory {
            total: 1000,
            available: 600,
        });
        assert_eq!(cgroup_limit("0::/a/b\n", &read), want);
        assert_eq!(cgroup_limit("3:cpu,memory:/x\n", &read), None);
        assert_eq!(cgroup_limit("garbage\n1:name=systemd:/\n", &read), None);
    }

    #[test]
    fn the_machine_has_memory() {
        let memory = system();
        assert!(
            memory.available > 0 && memory.available <= memory.total,
            "{memory:?}"
        );
    }
}
