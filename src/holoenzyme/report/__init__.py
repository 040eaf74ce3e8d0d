"""What people and machines read: terminal tables, JSON. Takes data and gives text; prints nothing by itself."""
