"""Every engine against the contract: vectors from outside, properties, the oracle."""
