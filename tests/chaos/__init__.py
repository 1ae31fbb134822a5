"""What goes wrong, again and again, and what clients see of it: `make chaos`.

A module here is a room of faults; its FAULTS are rows of the table.
"""
