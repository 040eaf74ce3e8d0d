"""Programs made from seeds, an exact oracle for their derivatives, and a shrinker for failures: nothing runs here."""
