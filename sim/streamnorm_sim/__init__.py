"""Simulation and verification: models, engines, and measurement."""
