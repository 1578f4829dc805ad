"""params.yaml as frozen, typed objects: `sections.py` has its entries, `profile.py` the whole and its reading."""

from replication.study.params.cluster import Cluster, Resources
from replication.study.params.profile import Params, load_params
from replication.study.params.reading import ParameterError
from replication.study.params.sections import (
    ANALYSES,
    Analysis,
    Card,
    Controls,
    Difficulty,
    Errors,
    Example,
    Exposure,
    Filters,
    Group,
    Model,
    Recipe,
    Run,
    Sampler,
    Statistics,
    Task,
    TestSet,
    TimedFamily,
    Timing,
    Weights,
    analysed_runs,
)
from replication.study.params.types import Degradation, Distribution
