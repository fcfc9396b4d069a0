"""What a worker can be asked to do with a subject. One module per task, each with `run(job, clock) -> record`."""
