"""With what units are built: timed logic, pipelines that place their own registers, queues, device primitives."""
