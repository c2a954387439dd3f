"""Benchmarks: quality, touchpoints, batch invariance, speed. Each prints its figures and keeps them in benchmarks/results/."""
