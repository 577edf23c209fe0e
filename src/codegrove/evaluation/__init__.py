"""Evaluation: what methods solve, at what cost, and whether their difference can be told from chance."""
