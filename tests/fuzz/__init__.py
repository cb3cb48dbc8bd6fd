"""Mutated streams for the parts that read what a service sends: tests, and `make fuzz`."""
