"""The replication of the paper with the library `wne`, one direction:

    study < data < experiments < results < claims < report < cli

A module imports from its own room and from those before it (tests/replication/test_architecture.py).
"""
