"""One container job after the other: Batch's API, its queue, and the processes that play containers."""
