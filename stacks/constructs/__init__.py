"""The parts that stacks are made of, one noun each."""
