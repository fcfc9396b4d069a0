"""Built-in subjects. Each is imported in a worker only."""
