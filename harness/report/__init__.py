"""Reports: one JSON document is the truth (`models`, made by `build`); everything else is a view of it."""
