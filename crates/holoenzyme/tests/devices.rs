//! The list of devices, with this test program standing in for the offload runtime.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use holoenzyme::device::{self, Device, Kind};
use holoenzyme::launch::{Launch, Reason};

const UIDS: [&CStr; 3] = [c"CUDA-GPU-1", c"x86_64-0", c"x86_64-1"];
static DEFAULT: AtomicI32 = AtomicI32::new(1);
static REGISTERED: AtomicI32 = AtomicI32::new(0);

#[unsafe(no_mangle)]
extern "C" fn __tgt_register_lib(_: *const c_void) {
    REGISTERED.fetch_add(1, Ordering::Relaxed);
}

#[unsafe(no_mangle)]
extern "C" fn __tgt_unregister_lib(_: *const c_void) {
    REGISTERED.fetch_sub(1, Ordering::Relaxed);
}

#[unsafe(no_mangle)]
extern "C" fn omp_get_num_devices() -> c_int {
    // The runtime has to be started before it is asked.
    if REGISTERED.load(Ordering::Relaxed) == 1 {
        4
    } else {
        -1
    }
}

#[unsafe(no_mangle)]
extern "C" fn omp_get_default_device() -> c_int {
    DEFAULT.load(Ordering::Relaxed)
}

#[unsafe(no_mangle)]
extern "C" fn omp_get_uid_from_device(device: c_int) -> *const c_char {
    usize::try_from(device)
        .ok()
        .and_then(|number| UIDS.get(number))
        .map_or(ptr::null(), |uid| uid.as_ptr())
}

#[test]
fn devices_are_listed_by_number() {
    let found: Vec<_> = device::all().collect();
    assert_eq!(
        found.iter().map(|one| one.number).collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
    assert_eq!(
        found
            .iter()
            .map(|one| (one.uid, one.kind))
            .collect::<Vec<_>>(),
        [
            ("CUDA-GPU-1", Kind::Cuda),
            ("x86_64-0", Kind::Host),
            ("x86_64-1", Kind::Host),
            ("", Kind::Other)
        ]
    );
}

#[test]
fn the_runtime_is_started_once() {
    let threads: Vec<_> = (0..8).map(|_| thread::spawn(device::count)).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 4);
    }
    assert_eq!(REGISTERED.load(Ordering::Relaxed), 1);
}

#[test]
fn the_first_of_a_kind_is_found() {
    let host = Device {
        number: 1,
        uid: "x86_64-0",
        kind: Kind::Host,
    };
    assert_eq!(device::first(Kind::Host), Some(host));
    assert_eq!(device::first(Kind::Amd), None);
}

#[test]
fn the_default_is_one_of_them() {
    assert_eq!(device::default().map(|one| one.uid), Some("x86_64-0"));
    for none in [-1, 4, 99] {
        DEFAULT.store(none, Ordering::Relaxed);
        assert_eq!(device::default(), None, "{none}");
        assert_eq!(device::get(none), None, "{none}");
    }
    DEFAULT.store(1, Ordering::Relaxed);
}

#[test]
fn a_launch_that_cannot_run_is_refused() {
    let one = [1, 1, 1];
    let look = |blocks, threads, device| Launch::new("path::kernel", blocks, threads, device);
    let launch = look([2, 3, 4], [5, 6, 7], Some(3)).unwrap();
    assert_eq!(launch.device, 3);
    assert_eq!(launch.grid, [2 | 5 << 32, 3 | 6 << 32, 4 | 7 << 32]);
    assert_eq!(launch.ended(0), Ok(()));
    for (code, reason) in [(-1, Reason::Runtime(-1)), (1, Reason::Runtime(1))] {
        assert_eq!(launch.ended(code).unwrap_err().reason, reason);
    }
    for (blocks, threads, device, reason) in [
        (one, one, Some(4), Reason::NoSuchDevice),
        (one, one, Some(-1), Reason::NoSuchDevice),
        (one, one, Some(i64::MAX), Reason::NoSuchDevice),
        (one, one, Some(1 << 32), Reason::NoSuchDevice),
        ([1, 0, 1], one, Some(0), Reason::EmptyGrid),
        (one, [1, 1, 0], Some(0), Reason::EmptyGrid),
        ([1_431_655_765, 3, 1], one, Some(0), Reason::LargeGrid),
        ([u32::MAX; 3], one, Some(0), Reason::LargeGrid),
        ([1 << 15, 1 << 15, 2], one, Some(0), Reason::LargeGrid),
    ] {
        let error = look(blocks, threads, device).unwrap_err();
        assert_eq!(error.reason, reason, "{blocks:?} {threads:?} {device:?}");
        assert_eq!((error.device, error.devices), (device, 4));
    }
    assert!(look([i32::MAX.unsigned_abs(), 1, 1], one, Some(0)).is_ok());
    let error = look(one, one, Some(99)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kernel `kernel` was not run on device 99: there is no such device; devices of this program: 4"
    );
}
