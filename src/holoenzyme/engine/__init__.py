"""Container engines: images in, images out."""
