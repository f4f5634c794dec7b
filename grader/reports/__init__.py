"""Scorecards for people and machines: the terminal (rich) and JSON. They print; they decide nothing."""
