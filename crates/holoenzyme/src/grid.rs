//! Where a thread stands in the grid of its launch, and the barrier of its block.
//!
//! A launch `offload(kernel, [gx, gy, gz], [bx, by, bz], (...))` runs a grid of `gx × gy × gz` blocks of
//! `bx × by × bz` threads each. Everything here is about the thread that asks.
//!
//! ```
//! use holoenzyme::grid;
//!
//! // Outside of a launch the grid is one block of one thread.
//! assert_eq!(grid::grid_dim(), grid::Xyz { x: 1, y: 1, z: 1 });
//! assert_eq!(grid::global_id_x(), 0);
//! ```

#[cfg_attr(target_arch = "nvptx64", path = "grid/nvptx.rs")]
#[cfg_attr(target_arch = "amdgpu", path = "grid/amdgpu.rs")]
#[cfg_attr(
    not(any(target_arch = "nvptx64", target_arch = "amdgpu")),
    path = "grid/host.rs"
)]
mod target;

/// One number for each direction of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Xyz {
    /// The first direction, in which neighbouring threads stand next to each other.
    pub x: u32,
    /// The second direction.
    pub y: u32,
    /// The third direction.
    pub z: u32,
}

/// The thread in its block, from 0.
#[inline]
#[must_use]
pub fn thread_idx() -> Xyz {
    target::thread_idx()
}

/// The block in the grid, from 0.
#[inline]
#[must_use]
pub fn block_idx() -> Xyz {
    target::block_idx()
}

/// How many threads a block has.
#[inline]
#[must_use]
pub fn block_dim() -> Xyz {
    target::block_dim()
}

/// How many blocks the grid has.
#[inline]
#[must_use]
pub fn grid_dim() -> Xyz {
    target::grid_dim()
}

/// The thread in the whole grid, in direction x: `block_idx().x * block_dim().x + thread_idx().x`.
#[inline]
#[must_use]
pub fn global_id_x() -> usize {
    global(block_idx().x, block_dim().x, thread_idx().x)
}

/// The thread in the whole grid, in direction y.
#[inline]
#[must_use]
pub fn global_id_y() -> usize {
    global(block_idx().y, block_dim().y, thread_idx().y)
}

/// The thread in the whole grid, in direction z.
#[inline]
#[must_use]
pub fn global_id_z() -> usize {
    global(block_idx().z, block_dim().z, thread_idx().z)
}

/// Runs a kernel: on a GPU for the thread that it is, on the virtual host device, which calls it once, for each thread of
/// the grid in turn. A word has the number of blocks in a direction below, and that of their threads above.
#[doc(hidden)]
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "a kernel that is called is no kernel to Enzyme, and slower"
)]
pub fn each_thread(words: [u64; 3], thread: impl FnMut()) {
    target::each_thread(words, thread);
}

/// Waits until every thread of the block has come here; what they wrote before is seen by all of them after it.
///
/// Every thread of the block must call it, equally often.
///
/// # Panics
///
/// On the virtual host device, where the threads of a block run one after another, in a block of more than one
/// thread: they cannot wait for each other there. The program ends with a message that says so.
#[inline]
pub fn barrier() {
    target::barrier();
}

/// In `usize`, because a grid may have more than 2^32 threads.
#[inline]
fn global(block: u32, block_dim: u32, thread: u32) -> usize {
    block as usize * block_dim as usize + thread as usize
}
