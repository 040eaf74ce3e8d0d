//! AMD: registers for the indices, and the dispatch packet for the sizes.

use super::Xyz;
use core::arch::amdgpu;
use core::sync::atomic::{Ordering, fence};

/// The beginning of HSA's `hsa_kernel_dispatch_packet_t`, with which the host started this kernel.
#[repr(C)]
struct Dispatch {
    header: u16,
    setup: u16,
    /// Threads of a block, in each direction.
    workgroup_size: [u16; 3],
    reserved: u16,
    /// Threads (not blocks) of the whole grid, in each direction.
    grid_size: [u32; 3],
}

#[inline]
fn dispatch() -> &'static Dispatch {
    // SAFETY: the packet is there, aligned and unchanged, for as long as the kernel runs.
    unsafe { &*core::intrinsics::gpu::amdgpu_dispatch_ptr().cast::<Dispatch>() }
}

#[inline]
pub fn thread_idx() -> Xyz {
    Xyz {
        x: amdgpu::workitem_id_x(),
        y: amdgpu::workitem_id_y(),
        z: amdgpu::workitem_id_z(),
    }
}

#[inline]
pub fn block_idx() -> Xyz {
    Xyz {
        x: amdgpu::workgroup_id_x(),
        y: amdgpu::workgroup_id_y(),
        z: amdgpu::workgroup_id_z(),
    }
}

#[inline]
pub fn block_dim() -> Xyz {
    let [x, y, z] = dispatch().workgroup_size.map(u32::from);
    Xyz { x, y, z }
}

#[inline]
pub fn grid_dim() -> Xyz {
    let (threads, block) = (dispatch().grid_size, block_dim());
    Xyz {
        x: threads[0].div_ceil(block.x),
        y: threads[1].div_ceil(block.y),
        z: threads[2].div_ceil(block.z),
    }
}

#[inline]
pub fn barrier() {
    fence(Ordering::Release);
    amdgpu::s_barrier();
    fence(Ordering::Acquire);
}

#[inline]
pub fn each_thread(_: [u64; 3], mut thread: impl FnMut()) {
    thread();
}
