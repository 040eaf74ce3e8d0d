"""From pins and the lock to exact versions and checksums."""
