"""Is what was loaded what was saved? Judged on states that are drawn, and shrunk to the smallest that shows a loss."""
