"""The HTTP routes, a file for each. A route that computes has a Job: shared code around kernels."""
