"""Kills and mutations: what a stage leaves when it dies at any moment, and what is said about damaged input.

`make torture` tries each many times and writes docs/robustness.md; `tests/replication/test_torture.py` tries each a few times.
"""
