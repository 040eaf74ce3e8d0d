"""What the project builds, as data: `matrix.yaml`, recipes and images, read and checked. Pure but for reading files."""
