"""Measuring: builds, compilers, gradients."""
