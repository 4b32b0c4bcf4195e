"""Benchmarks of krakenwire: one workload generator, and the programs that measure with it."""
