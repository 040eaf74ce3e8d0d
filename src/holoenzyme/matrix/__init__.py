"""The matrix, recipes and images, as data: read and checked. Pure but for reading files."""
