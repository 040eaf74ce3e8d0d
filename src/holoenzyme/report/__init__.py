"""Text for people and machines: terminal tables, JSON. Takes data and gives text; prints nothing by itself."""
