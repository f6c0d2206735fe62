/// Asks the system to kill this process when the one that started it ends, however it ends.
#[cfg(target_os = "linux")]
#[napi_derive::napi]
pub fn die_with_parent() {
    // SAFETY: the call takes plain numbers and changes nothing but this process's own setting.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}
