"""Container images, and the matrix that tests them, for differentiable and offloaded Rust."""

__version__ = "0.1.0"
