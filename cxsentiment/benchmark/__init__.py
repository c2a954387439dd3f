"""Benchmarks of any model on feedback: contenders, data sets, tasks, statistics, behaviour, results."""
