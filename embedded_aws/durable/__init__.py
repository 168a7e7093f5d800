"""What an instance keeps on disk: `state.sqlite` and `objects/` below its data directory.

A request is a transaction: what it changes in moto's models is noted while it runs and is committed before its answer
is sent. So what was acknowledged outlives `kill -9`, and what was not is there whole or not at all.
"""
