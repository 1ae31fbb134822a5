build_profile: str
"""`release`, or `debug` where the bounds checks are compiled in."""
