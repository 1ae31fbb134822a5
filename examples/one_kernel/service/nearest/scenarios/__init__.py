"""What the lab measures, a file for each scenario: requests, and what must come back.

Expected answers come from elsewhere than the engines.
"""
