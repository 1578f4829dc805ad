"""As much of a profile as a number of minutes on one machine allows: `replicate budget`.

plan.py     which runs share their number of steps, and how many steps fit into a share of the time
trial.py    seconds of a step, of a start and of an evaluation, measured
apart.py    each part in a process of its own, so that one that fails or is killed takes no other with it
record.py   what was decided and what failed, and the parameter file with the steps that were trained
spend.py    the parts in their order: images, times, training, evaluation, pack
pack.py     results and weights as a few files of limited size
"""
