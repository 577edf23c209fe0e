"""The file that makes a run durable: `run.sqlite` with its events, model calls and executions.

Knows nouns only. Who uses it: `codegrove.graphs.recording` writes, `codegrove.runs` reads.
"""
