//! How many cores this process may use.

/// Physical cores in the affinity mask, at most the CPU quota of the control group; at least 1.
pub(crate) fn usable() -> usize {
    let logical = std::thread::available_parallelism().map_or(1, usize::from);
    // `available_parallelism` counts hardware threads and respects affinity and quota; two threads of one core share the
    // vector units, so only distinct cores count.
    physical()
        .map_or(logical, |physical| physical.min(logical))
        .max(1)
}

#[cfg(target_os = "linux")]
fn physical() -> Option<usize> {
    let mut cores = std::collections::HashSet::new();
    for cpu in allowed()? {
        let topology = format!("/sys/devices/system/cpu/cpu{cpu}/topology");
        let read = |name: &str| std::fs::read_to_string(format!("{topology}/{name}")).ok();
        cores.insert((read("physical_package_id")?, read("core_id")?));
    }
    (!cores.is_empty()).then_some(cores.len())
}

#[cfg(target_os = "linux")]
fn allowed() -> Option<Vec<usize>> {
    // SAFETY: a cpu_set_t is plain bits, all zero being the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the size is that of the set.
    let ok = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) } == 0;
    // SAFETY: the index is below the number of bits in the set.
    let is_allowed = |cpu: &usize| unsafe { libc::CPU_ISSET(*cpu, &set) };
    ok.then(|| (0..libc::CPU_SETSIZE as usize).filter(is_allowed).collect())
}

#[cfg(target_os = "macos")]
fn physical() -> Option<usize> {
    // Performance cores only: a slower core would hold up every dispatch.
    sysctl(c"hw.perflevel0.physicalcpu").or_else(|| sysctl(c"hw.physicalcpu"))
}

#[cfg(target_os = "macos")]
fn sysctl(name: &std::ffi::CStr) -> Option<usize> {
    let mut value = 0i32;
    let mut size = size_of::<i32>();
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
    (failed == 0)
        .then(|| usize::try_from(value).ok())
        .flatten()
        .filter(|&n| n > 0)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn physical() -> Option<usize> {
    None
}
