"""What a worker can be asked to do with a subject: one module each, with `run(job, clock) -> record`."""
