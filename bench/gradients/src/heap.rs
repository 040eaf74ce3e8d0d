//! Counts what is allocated. The linker's `--wrap` sends every call here (`build.rs`), so that memory which Enzyme asks
//! for is counted like that of Rust: a global allocator would only see the latter.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

unsafe extern "C" {
    fn __real_malloc(size: usize) -> *mut c_void;
    fn __real_calloc(count: usize, size: usize) -> *mut c_void;
    fn __real_realloc(old: *mut c_void, size: usize) -> *mut c_void;
    fn __real_posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int;
    fn __real_free(pointer: *mut c_void);
    fn malloc_usable_size(pointer: *mut c_void) -> usize;
}

static COUNTS: AtomicBool = AtomicBool::new(false);
static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// What a call has asked the heap for.
#[derive(Clone, Copy, Default)]
pub struct Use {
    /// The most bytes that were held at once, above what was held before the call.
    pub peak: usize,
    /// Bytes that are still held after it.
    pub left: usize,
    /// How often memory was asked for.
    pub calls: usize,
}

/// Calls `f`, and says what it asked the heap for. Programs have one thread.
pub fn count(f: impl FnOnce()) -> Use {
    // From the middle, so that what was there before can be freed.
    const START: usize = usize::MAX / 2;
    NOW.store(START, Relaxed);
    PEAK.store(START, Relaxed);
    CALLS.store(0, Relaxed);
    COUNTS.store(true, Relaxed);
    f();
    COUNTS.store(false, Relaxed);
    Use {
        peak: PEAK.load(Relaxed) - START,
        left: NOW.load(Relaxed).saturating_sub(START),
        calls: CALLS.load(Relaxed),
    }
}

fn add(pointer: *mut c_void) {
    if COUNTS.load(Relaxed) && !pointer.is_null() {
        // SAFETY: the allocator has just returned it.
        let now = NOW.load(Relaxed) + unsafe { malloc_usable_size(pointer) };
        NOW.store(now, Relaxed);
        PEAK.fetch_max(now, Relaxed);
        CALLS.store(CALLS.load(Relaxed) + 1, Relaxed);
    }
}

fn subtract(pointer: *mut c_void) {
    if COUNTS.load(Relaxed) && !pointer.is_null() {
        // SAFETY: the caller is about to free it, so it is the allocator's.
        NOW.store(
            NOW.load(Relaxed) - unsafe { malloc_usable_size(pointer) },
            Relaxed,
        );
    }
}

/// # Safety
/// As `malloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_malloc(size: usize) -> *mut c_void {
    // SAFETY: as the caller's.
    let pointer = unsafe { __real_malloc(size) };
    add(pointer);
    pointer
}

/// # Safety
/// As `calloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_calloc(count: usize, size: usize) -> *mut c_void {
    // SAFETY: as the caller's.
    let pointer = unsafe { __real_calloc(count, size) };
    add(pointer);
    pointer
}

/// # Safety
/// As `realloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_realloc(old: *mut c_void, size: usize) -> *mut c_void {
    subtract(old);
    // SAFETY: as the caller's.
    let pointer = unsafe { __real_realloc(old, size) };
    add(pointer);
    pointer
}

/// # Safety
/// As `posix_memalign`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_posix_memalign(
    out: *mut *mut c_void,
    align: usize,
    size: usize,
) -> c_int {
    // SAFETY: as the caller's.
    let status = unsafe { __real_posix_memalign(out, align, size) };
    if status == 0 {
        // SAFETY: it was written.
        add(unsafe { *out });
    }
    status
}

/// # Safety
/// As `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_free(pointer: *mut c_void) {
    subtract(pointer);
    // SAFETY: as the caller's.
    unsafe { __real_free(pointer) }
}
