"""Compiled routes on apps that are not this service's: the same requests to the same app, once
compiled and once as FastAPI has it."""
