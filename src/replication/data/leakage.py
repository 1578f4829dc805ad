"""The leakage audit of a profile: are the pixels of a test set inside its training set?"""

from __future__ import annotations

from replication.data.audit import audit
from replication.data.images import load_set
from replication.data.noise import load_test_set
from replication.study.params import Params
from replication.study.paths import IMAGES, ProfilePaths
from wne.files import replacing


def audit_training_set(params: Params, train_set: str, paths: ProfilePaths) -> None:
    """Writes results/<profile>/leakage/<training set>.csv, one row for each test image with its best match."""
    names = params.leakage[train_set]
    train = load_set(paths.root / IMAGES, train_set, params.test_sets[names[0]].channels)
    test_sets = {name: [(image.name, image.clean) for image in load_test_set(paths, name)] for name in names}
    found = audit({train_set: train}, test_sets).assign(train_set=train_set)  # also where nothing was found
    with replacing(paths.leakage / f"{train_set}.csv") as temporary:
        found.to_csv(temporary, index=False, float_format="%.4f")
