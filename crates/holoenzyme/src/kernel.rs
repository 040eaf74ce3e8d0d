//! The macros that users mark and launch kernels with: the same words for every compiler.

/// Marks a kernel: a function that [`offload!`](crate::offload) launches, run by every thread of a grid.
///
/// Its arguments are names with types, which are copied to the device: numbers by value, references and slices by what
/// they refer to. It returns nothing, and is not generic. What is behind a `&mut` is copied back. With
/// `#[unsafe(no_mangle)]` its name alone is its symbol (Rust 1.96 asks for that); otherwise its path is.
///
/// To the compiler it is `unsafe`, whether or not it is written so: all threads have the same arguments, at the same
/// time. A program needs `#![feature(macro_attr)]` for the attribute.
#[macro_export]
macro_rules! offload_kernel {
    attr() {
        $(#[$meta:meta])*
        $vis:vis unsafe fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block
    } => {
        $crate::__kernel! { [$(#[$meta])*] [$vis] [unsafe] $name [$($arg: $type),*] $body }
    };
    attr() {
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block
    } => {
        $crate::__kernel! { [$(#[$meta])*] [$vis] [] $name [$($arg: $type),*] $body }
    };
}

/// The virtual host device calls a kernel once, and passes on no grid: it comes as three more arguments.
#[cfg(version("1.98"))]
#[doc(hidden)]
#[macro_export]
#[allow_internal_unstable(abi_gpu_kernel, rustc_attrs)]
macro_rules! __kernel {
    ([$(#[$meta:meta])*] [$vis:vis] [$($unsafe:tt)?] $name:ident [$($arg:ident: $type:ty),*] $body:block) => {
        $(#[$meta])*
        #[rustc_offload_kernel]
        #[allow(clippy::missing_safety_doc, clippy::too_many_arguments, unused_unsafe)]
        $vis unsafe extern "gpu-kernel" fn $name($($arg: $type,)* grid_x: u64, grid_y: u64, grid_z: u64) {
            #[inline(always)]
            $($unsafe)? fn thread($($arg: $type),*) $body
            // SAFETY: who launches it promises that it may be called like that. What is read again is copied, or is a
            // `&mut` that the thread before has given back.
            $crate::grid::each_thread([grid_x, grid_y, grid_z], || unsafe {
                thread($(::core::ptr::read(&raw const $arg)),*)
            });
        }
    };
}

/// This compiler itself runs a kernel on the virtual host device for each thread.
#[cfg(not(version("1.98")))]
#[doc(hidden)]
#[macro_export]
#[allow_internal_unstable(abi_gpu_kernel, rustc_attrs)]
macro_rules! __kernel {
    ([$(#[$meta:meta])*] [$vis:vis] [$($unsafe:tt)?] $name:ident [$($arg:ident: $type:ty),*] $body:block) => {
        $(#[$meta])*
        #[rustc_offload_kernel]
        #[allow(clippy::missing_safety_doc, clippy::too_many_arguments)]
        $vis unsafe extern "gpu-kernel" fn $name($($arg: $type),*) $body
    };
}

/// Launches a kernel, and waits for its end: `Err` with the kernel, the device and the reason where it did not run.
///
/// ```ignore
/// offload! {
///     kernel = saxpy,
///     workgroup_dim = [5, 1, 1],
///     thread_dim = [32, 1, 1],
///     dyn_cache = 0,
///     device = 0,
///     args = (2.0, &x[..], &mut y[..]),
/// }
/// ```
///
/// `workgroup_dim` is the number of blocks in each direction, `thread_dim` that of the threads of a block, `dyn_cache`
/// how many bytes of shared memory each block gets (with Rust 1.96: none). All but `kernel` and `args` may be left out: one
/// block, one thread, no memory, the default device. Arguments are looked at where there is a device for them.
///
/// # Safety
///
/// It must be sound that all threads of the grid run the kernel with these arguments, at the same time.
#[macro_export]
macro_rules! offload {
    (
        kernel = $kernel:path,
        $(workgroup_dim = $blocks:expr,)?
        $(thread_dim = $threads:expr,)?
        $(dyn_cache = $cache:expr,)?
        $(device = $device:expr,)?
        args = ($($arg:expr),* $(,)?) $(,)?
    ) => {
        $crate::__launch! {
            $kernel,
            $crate::__or!([1, 1, 1] $(, $blocks)?),
            $crate::__or!([1, 1, 1] $(, $threads)?),
            $crate::__or!(0 $(, $cache)?),
            $crate::__or!(::core::option::Option::None $(, ::core::option::Option::Some(i64::from($device)))?),
            ($($arg,)*)
        }
    };
}

/// The second of two where there is one.
#[doc(hidden)]
#[macro_export]
macro_rules! __or {
    ($default:expr) => {
        $default
    };
    ($default:expr, $given:expr) => {
        $given
    };
}

#[cfg(version("1.98"))]
#[doc(hidden)]
#[macro_export]
#[allow_internal_unstable(core_intrinsics)]
macro_rules! __launch {
    ($kernel:path, $blocks:expr, $threads:expr, $cache:expr, $device:expr, ($($arg:expr,)*)) => {{
        let (blocks, threads, cache): ([u32; 3], [u32; 3], u32) = ($blocks, $threads, $cache);
        match $crate::launch::Launch::new(stringify!($kernel), blocks, threads, $device) {
            ::core::result::Result::Ok(launch) => {
                let [x, y, z] = launch.grid;
                launch.ended(::core::intrinsics::offload(
                    $kernel,
                    blocks,
                    threads,
                    cache,
                    i64::from(launch.device),
                    ($($arg,)* x, y, z),
                ))
            }
            ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
        }
    }};
}

/// This compiler's launch is no `unsafe` function, has no shared memory, and ends the program where the runtime fails.
#[cfg(not(version("1.98")))]
#[doc(hidden)]
#[macro_export]
#[allow_internal_unstable(core_intrinsics)]
macro_rules! __launch {
    ($kernel:path, $blocks:expr, $threads:expr, $cache:expr, $device:expr, ($($arg:expr,)*)) => {{
        let (blocks, threads): ([u32; 3], [u32; 3]) = ($blocks, $threads);
        const { assert!($cache == 0, "with Rust 1.96, `dyn_cache` is 0") };
        match $crate::launch::Launch::new(stringify!($kernel), blocks, threads, $device) {
            ::core::result::Result::Ok(launch) => {
                $crate::launch::is_promised();
                ::core::intrinsics::offload_on::<_, _, ()>(
                    $kernel,
                    launch.device,
                    blocks,
                    threads,
                    ($($arg,)*),
                );
                launch.ended(0)
            }
            ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
        }
    }};
}
