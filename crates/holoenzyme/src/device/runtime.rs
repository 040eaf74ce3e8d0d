//! The offload runtime's own functions, in libomp and libomptarget, which `offload-linker` links.

use core::ffi::{c_char, c_int, c_void};
use core::hint;
use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering};

/// `__tgt_bin_desc`: what a program registers when it starts, by code that the linker adds where there are images.
#[repr(C)]
struct Images {
    count: i32,
    first: *const c_void,
    entries_begin: *const c_void,
    entries_end: *const c_void,
}

// SAFETY: nobody changes it; it points to nothing.
unsafe impl Sync for Images {}

static NONE: Images = Images {
    count: 0,
    first: ptr::null(),
    entries_begin: ptr::null(),
    entries_end: ptr::null(),
};

unsafe extern "C" {
    safe fn omp_get_num_devices() -> c_int;
    safe fn omp_get_default_device() -> c_int;
    safe fn omp_get_uid_from_device(device: c_int) -> *const c_char;
    safe fn atexit(function: extern "C" fn()) -> c_int;
    fn __tgt_register_lib(images: *const Images);
    fn __tgt_unregister_lib(images: *const Images);
}

pub fn num_devices() -> c_int {
    begin();
    omp_get_num_devices()
}

pub fn default_device() -> c_int {
    begin();
    omp_get_default_device()
}

pub fn uid_from_device(device: c_int) -> *const c_char {
    begin();
    omp_get_uid_from_device(device)
}

/// Starts the runtime, once. Only what is registered starts it, and in a program without images it would crash when it
/// is asked (LLVM 22); with no image at all, it has no devices.
fn begin() {
    const NOT_YET: u8 = 0;
    const NOW: u8 = 1;
    const DONE: u8 = 2;
    static STATE: AtomicU8 = AtomicU8::new(NOT_YET);
    match STATE.compare_exchange(NOT_YET, NOW, Ordering::Acquire, Ordering::Acquire) {
        Ok(_) => {
            // SAFETY: the list is empty, and stays.
            unsafe { __tgt_register_lib(&raw const NONE) };
            // The runtime counts who uses it, and ends with the last. Where `atexit` fails, it ends with the process.
            atexit(end);
            STATE.store(DONE, Ordering::Release);
        }
        Err(_) => {
            while STATE.load(Ordering::Acquire) != DONE {
                hint::spin_loop();
            }
        }
    }
}

extern "C" fn end() {
    // SAFETY: what `begin` registered, once.
    unsafe { __tgt_unregister_lib(&raw const NONE) };
}
