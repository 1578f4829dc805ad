"""python -m replication, where `replicate` is not installed."""

from replication.cli import main

main()
